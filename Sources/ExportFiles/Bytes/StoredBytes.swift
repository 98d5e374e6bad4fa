import Crypto
import DurableFiles

/// Bytes of an export from beginning to end: as they are stored, or unpacked.
protocol ByteStream: AnyObject {
    /// Fills a range of the buffer as far as the bytes go; fewer than it has only at their end.
    ///
    /// Throws `ExportError` if what is read cannot be trusted; what came before may not be believed then.
    func read(into buffer: inout [UInt8], range: Range<Int>) throws -> Int
}

/// The bytes of an export as stored, once from beginning to end, with their count and digest.
final class StoredBytes: ByteStream {
    let file: ExportFile
    private(set) var count = 0
    private var digest = SHA256()

    init(_ file: ExportFile) {
        self.file = file
    }

    func read(into buffer: inout [UInt8], range: Range<Int>) throws -> Int {
        var all = buffer.mutableSpan
        var part = all._mutatingExtracting(range)
        let filled = try file.read(into: &part, at: count)
        // Unsafe because the digest takes a pointer, which it uses only during the call.
        unsafe part.span.extracting(0..<filled).withUnsafeBytes { unsafe digest.update(bufferPointer: $0) }
        count += filled
        return filled
    }

    /// The digest in lowercase hexadecimal of everything read.
    func sha256() -> String { Hex.text(digest.finalize()) }
}
