import CZlib

/// Compression in the zlib format (RFC 1950).
enum Deflate {
    static func zlib(_ bytes: [UInt8]) -> [UInt8] {
        // `compressBound` is enough for any input, so that `compress2` has no way to fail but a lack of memory.
        let bound = Int(compressBound(uLong(bytes.count)))
        var target = [UInt8](repeating: 0, count: bound)
        var written = uLong(bound)
        // unsafe: zlib is C; it reads `bytes` and writes `target`, and is told the size of both.
        let status = unsafe compress2(&target, &written, bytes, uLong(bytes.count), Z_DEFAULT_COMPRESSION)
        precondition(status == Z_OK, "zlib could not compress \(bytes.count) bytes: status \(status)")
        return Array(target.prefix(Int(written)))
    }
}
