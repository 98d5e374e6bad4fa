import Crypto

/// The bytes of an export as stored, once from beginning to end, with their count and digest.
struct StoredBytes {
    let file: ExportFile
    private(set) var count = 0
    private var digest = SHA256()

    init(_ file: ExportFile) {
        self.file = file
    }

    /// Fills a range of the buffer as far as the file goes; fewer bytes than it has only at the end of the file.
    mutating func read(into buffer: inout [UInt8], range: Range<Int>) throws -> Int {
        // The pointers are the array's own memory, cut to the range, and do not leave the closure.
        try unsafe buffer.withUnsafeMutableBytes { bytes in
            let target = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[range])
            var filled = 0
            while filled < target.count {
                let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: target[filled...])
                let more = try unsafe file.read(into: rest, at: count)
                if more == 0 { break }
                unsafe digest.update(bufferPointer: UnsafeRawBufferPointer(rebasing: rest[..<more]))
                count += more
                filled += more
            }
            return filled
        }
    }

    /// The digest in lowercase hexadecimal of everything read.
    func sha256() -> String { SHA256Text.of(digest) }
}
