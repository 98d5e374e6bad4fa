/// The text of a CSV file in a buffer, in which whole records are framed in place.
struct CSVText {
    /// How much is read at once; a longer record makes the buffer grow.
    static let blockSize = 1 << 16
    static let recordLimit = 1 << 20

    let source: TextSource
    private(set) var buffer: [UInt8]
    /// The part of the buffer that text is read into, with the eight bytes more that the framer asks for. Behind it lie
    /// values that were kept.
    private var room: Int
    /// The text that has not been dealt with lies from `start` to `end` of the buffer.
    var start = 0
    private(set) var end = 0
    private(set) var isLast = false
    private var lastByte: UInt8 = 0
    private var total = 0

    init(_ source: TextSource, blockSize: Int = Self.blockSize) {
        self.source = source
        room = blockSize + 8
        buffer = [UInt8](repeating: 0, count: room)
    }

    /// Reads the header.
    mutating func header(_ options: ReadingOptions) throws -> CSVHeader {
        while true {
            try refill(line: 1)
            if let header = try CSVHeader(
                text: buffer, count: end, isLast: isLast, file: source.name, options: options)
            {
                start = header.end
                return header
            }
        }
    }

    func shape(_ header: CSVHeader) -> ExportShape {
        ExportShape(
            format: .csv, encoding: source.encoding, packing: source.part.packing,
            hasByteOrderMark: source.hasByteOrderMark, delimiter: header.delimiter, columns: header.columns.names,
            mapping: header.columns.mapping, recordPath: nil, header: header.raw,
            lineEnd: header.lineEnd, kind: header.kind, keyFields: header.columns.owners.keyFields,
            sheet: source.part.sheet?.sentence)
    }

    /// Moves what is left to the beginning of the buffer, and reads more behind it.
    ///
    /// - Parameter line: the line on which the record begins that is not whole yet.
    mutating func refill(line: Int) throws {
        buffer.removeLast(buffer.count - room)
        if start > 0 {
            // Byte by byte, because it is a part of one record and a slice would have the whole buffer copied.
            end -= start
            for offset in 0..<end { buffer[offset] = buffer[start + offset] }
            start = 0
        }
        if end + 8 >= room {
            guard end < Self.recordLimit else {
                throw ExportError(
                    .tooLarge, file: source.name, line: line,
                    problem: "the record that begins here is longer than \(Self.recordLimit) bytes, as it would be "
                        + "where a quote is never closed",
                    advice: "close the quotes of this line")
            }
            buffer.append(contentsOf: repeatElement(0, count: room - 8))
            room = buffer.count
        }
        let wanted = end..<room - 8
        let count = try source.read(into: &buffer, range: wanted)
        isLast = count < wanted.count
        end += count
        total += count
        if count > 0 { lastByte = buffer[end - 1] }
    }

    /// Puts values into the same memory, until the next `refill`.
    mutating func keep(_ values: [UInt8]) {
        if !values.isEmpty { buffer += values }
    }

    /// Completes the facts at the end of the file, and throws if it is not the file that was opened.
    func finish(_ facts: inout ExportFacts, endsAtCarriageReturn: Bool) throws {
        facts.endsWithNewline =
            lastByte == CSVFramer.lineFeed || lastByte == CSVFramer.carriageReturn && endsAtCarriageReturn
        facts.textBytes = total
        try source.finish(&facts)
    }

    func endsInsideQuotes(line: Int) -> ExportError {
        ExportError(
            .truncated, file: source.name, line: line,
            problem: "the file ends inside quotes that open in the record of this line",
            advice: "write the file again and copy all of it, or close the quotes")
    }
}
