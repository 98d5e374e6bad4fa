import CartAssociations

/// One reading of one CSV export.
///
/// Blocks of whole records are framed in place. A plain record is asked about at once, with its fields sliced in
/// place; where a record needs the library, it and those after it wait for the end of the block, so that everything
/// stays in the order of the file.
struct CSVReading {
    /// The block that is read at once; a longer record makes it grow.
    static let blockSize = 1 << 18
    static let recordLimit = 1 << 20

    let source: TextSource
    private let options: ReadingOptions
    private let index: Int
    private let blockSize: Int

    private(set) var buffer: [UInt8]
    /// The text that has not been dealt with lies from `start` to `end` of the buffer.
    var start = 0
    private(set) var end = 0
    private(set) var isLast = false
    private var lastByte: UInt8 = 0

    init(_ source: TextSource, options: ReadingOptions, index: Int, blockSize: Int = Self.blockSize) {
        self.source = source
        self.options = options
        self.index = index
        self.blockSize = blockSize
        buffer = [UInt8](repeating: 0, count: blockSize + 8)
    }

    /// Reads the header.
    mutating func header() throws -> CSVHeader {
        while true {
            try refill(line: 1)
            if let header = try CSVHeader(
                text: buffer, count: end, isLast: isLast, file: source.file.name, options: options)
            {
                start = header.end
                return header
            }
        }
    }

    func shape(_ header: CSVHeader) -> ExportShape {
        ExportShape(
            format: .csv, encoding: source.encoding, isCompressed: source.isCompressed,
            hasByteOrderMark: source.hasByteOrderMark, delimiter: header.delimiter, columns: header.columns.names,
            mapping: header.columns.mapping, recordPath: nil, header: header.raw,
            usesCarriageReturns: header.usesCarriageReturns, isDelta: header.columns.hasAction)
    }

    /// Reads everything, header and records.
    mutating func read(
        picking picks: ((Int) throws -> Bool)? = nil, selecting select: ExportReader.Selection,
        visit: (ReadRecord) throws -> Void
    ) throws -> ExportFacts {
        let header = try header()
        var facts = ExportFacts(shape: shape(header))
        facts.blankLines = header.blankLines
        var block = CSVBlock(header: header, index: index, facts: facts)
        while true {
            var position = start
            let step = try block.frame(
                buffer.span, from: &position, to: end, isLast: isLast, picking: picks, selecting: select)
            start = position
            try block.settle(buffer.span, selecting: select, visit: visit)
            switch step {
            case .end:
                facts = block.finishedFacts()
                try finish(&facts)
                return facts
            case .unterminated: throw endsInsideQuotes(line: block.line)
            default:
                try refill(line: block.line)
            }
        }
    }

    /// Completes the facts at the end of the file, and throws where it is not the file that was opened.
    func finish(_ facts: inout ExportFacts) throws {
        facts.endsWithNewline = lastByte == CSVFramer.lineFeed || lastByte == CSVFramer.carriageReturn
        facts.bytes = source.stored.count
        facts.sha256 = source.stored.sha256()
        try source.file.checkUnchanged(bytesRead: facts.bytes, sha256: facts.sha256)
    }

    func endsInsideQuotes(line: Int) -> ExportError {
        ExportError(
            .truncated, file: source.file.name, line: line,
            problem: "the file ends inside quotes that open in the record of this line",
            advice: "have the file written and copied completely, or close the quotes")
    }

    /// Moves what is left to the beginning of the buffer, and reads more behind it.
    mutating func refill(line: Int) throws {
        if start > 0 {
            // Byte by byte, for it is a part of one record: a slice would have the whole buffer copied.
            end -= start
            for offset in 0..<end { buffer[offset] = buffer[start + offset] }
            start = 0
        }
        if end + 8 >= buffer.count {
            guard end < Self.recordLimit else {
                throw ExportError(
                    .tooLarge, file: source.file.name, line: line,
                    problem: "the record that begins here is longer than \(Self.recordLimit) bytes, as it would be "
                        + "where a quote is never closed",
                    advice: "close the quotes of this line")
            }
            buffer.append(contentsOf: repeatElement(0, count: buffer.count - 8))
        }
        let wanted = end..<buffer.count - 8
        let count = try source.read(into: &buffer, range: wanted)
        isLast = count < wanted.count
        end += count
        if count > 0 { lastByte = buffer[end - 1] }
    }
}
