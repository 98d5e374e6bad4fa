import CZlib

/// Takes the gzip wrapping off a stream of bytes, strictly: a cut, damaged or exploding stream is refused.
///
/// Unsafe storage: zlib's stream may not move and its input is read over several calls, so both are allocated in
/// `init`, freed in `deinit`, and never leave this class.
@safe final class GzipInflater: ByteStream {
    private let packed: any ByteStream
    /// What the stream is, for messages.
    private let name: String
    private let stream: UnsafeMutablePointer<z_stream>
    private let input: UnsafeMutablePointer<UInt8>
    private var block = [UInt8](repeating: 0, count: 1 << 17)
    private var inputIsOver = false
    private var consumed = 0
    private var limit = ExpansionLimit()
    private var memberIsOver = false
    /// The members that have ended.
    private var members = 0

    init(_ packed: any ByteStream, name: String) throws {
        self.packed = packed
        self.name = name
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        unsafe input = .allocate(capacity: block.count)
        // 15 is the largest window, 16 more asks for gzip and nothing else (zlib.h, inflateInit2).
        let status = unsafe inflateInit2_(stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard status == Z_OK else {
            throw ExportError(
                .gzip, file: name, problem: "zlib does not start (status \(status))",
                advice: "install zlib again")
        }
    }

    deinit {
        _ = unsafe inflateEnd(stream)
        unsafe stream.deallocate()
        unsafe input.deallocate()
    }

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
        let waiting = unsafe stream.pointee.avail_in
        try limit.add(Int(before - after), from: consumed - Int(waiting), of: name)
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
        let count = try packed.read(into: &block, range: 0..<block.count)
        consumed += count
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

    private func bytesBehind() -> ExportError {
        refusal(
            "the gzip stream is whole, and bytes that are none stand behind it",
            "find out what added them, then compress or copy the export again")
    }

    private func refusal(_ problem: String, _ advice: String) -> ExportError {
        ExportError(.gzip, file: name, problem: problem, advice: advice)
    }
}
