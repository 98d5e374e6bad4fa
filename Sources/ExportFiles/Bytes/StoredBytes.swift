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
    private let digest = RunningDigest()

    init(_ file: ExportFile) {
        self.file = file
    }

    func read(into buffer: inout [UInt8], range: Range<Int>) throws -> Int {
        let filled = try fill(&buffer, range)
        digest.add(buffer[range.lowerBound..<range.lowerBound + filled])
        count += filled
        return filled
    }

    private func fill(_ buffer: inout [UInt8], _ range: Range<Int>) throws -> Int {
        var all = buffer.mutableSpan
        var part = all._mutatingExtracting(range)
        return try file.read(into: &part, at: count)
    }

    /// The digest in lowercase hexadecimal of everything read.
    func sha256() -> String { digest.text() }
}
