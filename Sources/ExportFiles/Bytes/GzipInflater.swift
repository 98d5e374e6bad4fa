import CZlib

/// Takes the gzip wrapping off a stream of bytes, strictly: a cut, damaged or exploding stream is refused.
///
/// Unsafe storage: zlib's stream may not move and its input is read over several calls, so both are allocated in
/// `init`, freed in `deinit`, and never leave this class.
@safe final class GzipInflater {
    /// Above this size, more than `expansionLimit` to one is no export but an attack (deflate can reach 1,032).
    static let expansionFloor = 64 << 20
    static let expansionLimit = 1000

    private var stored: StoredBytes
    private let stream: UnsafeMutablePointer<z_stream>
    private let input: UnsafeMutablePointer<UInt8>
    private var block = [UInt8](repeating: 0, count: 1 << 17)
    private var inputIsOver = false
    private var produced = 0
    private var memberIsOver = false
    /// The members that have ended.
    private var members = 0

    init(_ stored: StoredBytes) throws {
        self.stored = stored
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        unsafe input = .allocate(capacity: block.count)
        // 15 is the largest window, 16 more asks for gzip and nothing else (zlib.h, inflateInit2).
        let status = unsafe inflateInit2_(stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard status == Z_OK else {
            throw ExportError(
                .gzip, file: stored.file.name, problem: "zlib does not start (status \(status))",
                advice: "install zlib again")
        }
    }

    deinit {
        _ = unsafe inflateEnd(stream)
        unsafe stream.deallocate()
        unsafe input.deallocate()
    }

    /// What has been read of the file as stored.
    var source: StoredBytes { stored }

    /// Fills a range of the buffer as far as the stream goes; fewer bytes than it has only at the stream's end.
    func read(into buffer: inout [UInt8], range: Range<Int>) throws -> Int {
        // zlib writes between next_out and avail_out, which are set to this range for this call only.
        try unsafe buffer.withUnsafeMutableBufferPointer { bytes in
            guard let base = bytes.baseAddress else { return 0 }
            unsafe stream.pointee.next_out = base + range.lowerBound
            unsafe stream.pointee.avail_out = UInt32(range.count)
            while unsafe stream.pointee.avail_out > 0 {
                guard try step() else { break }
            }
            let room = unsafe stream.pointee.avail_out
            return range.count - Int(room)
        }
    }

    /// Inflates as much as input and room allow; false at the end of the file.
    private func step() throws -> Bool {
        if unsafe stream.pointee.avail_in == 0 && !inputIsOver { try refill() }
        if memberIsOver {
            guard try nextMember() else { return false }
        }
        // zlib stays within the bounds that `refill` and `read` have set.
        let before = unsafe stream.pointee.avail_out
        let beganBehindAnother = unsafe members > 0 && stream.pointee.total_out == 0
        let status = unsafe inflate(stream, Z_NO_FLUSH)
        let after = unsafe stream.pointee.avail_out
        produced += Int(before - after)
        try checkExpansion()
        let inputIsSpent = unsafe inputIsOver && stream.pointee.avail_in == 0
        switch status {
        case Z_STREAM_END:
            memberIsOver = true
            members += 1
        case Z_OK where !inputIsSpent || after == 0:
            break
        case Z_OK, Z_BUF_ERROR:
            throw refusal("the gzip stream ends in the middle", "write the file again and copy all of it")
        case Z_DATA_ERROR where beganBehindAnother && after == before:
            throw bytesBehind()
        default:
            throw refusal("the gzip stream is damaged", "compress or copy the export again")
        }
        return true
    }

    private func refill() throws {
        let count = try stored.read(into: &block, range: 0..<block.count)
        inputIsOver = count < block.count
        // `input` has room for the block, and zlib reads no further than avail_in.
        for index in 0..<count { unsafe input[index] = block[index] }
        unsafe stream.pointee.next_in = input
        unsafe stream.pointee.avail_in = UInt32(count)
    }

    /// Goes on with the next member of a file that was compressed in parts; false at the end of the file.
    private func nextMember() throws -> Bool {
        while true {
            if unsafe stream.pointee.avail_in == 0 {
                if inputIsOver { return false }
                try refill()
                continue
            }
            // Tapes and block devices pad with zeros, which gzip itself passes over.
            guard let next = unsafe stream.pointee.next_in, unsafe next.pointee == 0 else { break }
            unsafe stream.pointee.next_in = next + 1
            unsafe stream.pointee.avail_in -= 1
        }
        if let first = unsafe stream.pointee.next_in, unsafe first.pointee != 0x1F { throw bytesBehind() }
        _ = unsafe inflateReset(stream)
        memberIsOver = false
        return true
    }

    private func checkExpansion() throws {
        guard produced > Self.expansionFloor else { return }
        let waiting = unsafe stream.pointee.avail_in
        let consumed = stored.count - Int(waiting)
        guard produced / Self.expansionLimit > consumed else { return }
        throw ExportError(
            .bomb, file: stored.file.name,
            problem: "it expands to more than \(Self.expansionLimit) times its size, which no export does",
            advice: "find out who made this file before decompressing it anywhere")
    }

    private func bytesBehind() -> ExportError {
        refusal(
            "the gzip stream is whole, and bytes that are none stand behind it",
            "find out what added them, then compress or copy the export again")
    }

    private func refusal(_ problem: String, _ advice: String) -> ExportError {
        ExportError(.gzip, file: stored.file.name, problem: problem, advice: advice)
    }
}
