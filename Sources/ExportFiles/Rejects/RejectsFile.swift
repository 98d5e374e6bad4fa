import CartAssociations
import DurableFiles

/// Writes the rejected records of one export as a file of the same format, which can be mended and imported.
///
/// CSV: the export's own header and records behind two columns, `rejected_because` and `rejected_line`; cells that a
/// spreadsheet would calculate are marked, see `FormulaGuard`. XML: the export's own root element, with a comment
/// before each record; a record over 1 MiB is only mentioned. A record stands there as in the export, byte for byte
/// but for those marks: the file has the export's encoding and line ends.
///
/// The file has an end, so that no export fills the disk with it: the last thing in it then says how many records more there are,
/// and on which lines.
package final class RejectsFile {
    /// How much of the rejected records is kept.
    package struct Limit: Sendable {
        let records: Int
        let bytes: Int

        package init(records: Int = 100_000, bytes: Int = 100_000_000) {
            self.records = records
            self.bytes = bytes
        }
    }

    /// The file's name for a format.
    package static func name(for format: ExportFormat) -> String { "rejects.\(format.rawValue)" }
    /// How many records were written.
    private(set) var count = 0

    private static let bufferSize = 1 << 16

    private let path: String
    private let shape: ExportShape
    private let file: OpenFile
    private let encoder: TextEncoder
    /// What is not written yet, in UTF-8.
    private var buffer: [UInt8] = []
    private let limit: Limit
    private var written = 0
    /// Records that the limit kept out, and the lines of the first and the last one.
    private var leftOut: (count: Int, first: Int, last: Int)?

    /// Creates the file for the rejected records of an export of this shape, or empties one that is there.
    ///
    /// Throws an unwritable `ExportError`; so do the other calls.
    package init(at path: String, shape: ExportShape, limit: Limit = Limit()) throws {
        self.path = path
        self.limit = limit
        self.shape = shape
        encoder = TextEncoder(to: shape.encoding)
        file = try Self.writing(path) { () throws(FileError) in try OpenFile(path, for: .replacing) }
        // Without a mark UTF-16 would be told from a beginning that is plain.
        if shape.hasByteOrderMark || encoder.width > 1 { buffer += [0xEF, 0xBB, 0xBF] }
        switch shape.format {
        case .csv:
            let row = CSVRejectRow(shape)
            buffer += row.header() + row.lineEnd
        case .xml:
            let declaration = "<?xml version=\"1.0\" encoding=\"\(shape.encoding.declared)\"?>\n"
            buffer += Array(declaration.utf8) + shape.header + Array("\n".utf8)
        }
    }

    /// Writes one record, with its reason and line, or counts it if the file is full.
    package func append(_ record: RejectedRecord) throws {
        let line = record.place.line
        let size = written + (buffer.count + record.raw.count) * encoder.width
        guard leftOut == nil, count < limit.records, size <= limit.bytes else {
            let before = leftOut ?? (0, line, line)
            leftOut = (before.count + 1, min(before.first, line), max(before.last, line))
            return
        }
        switch shape.format {
        case .csv:
            let row = CSVRejectRow(shape)
            buffer += row.cells(record) + row.lineEnd(after: record.raw)
        case .xml:
            buffer += Self.comment(record) + record.raw + Array("\n".utf8)
        }
        count += 1
        if buffer.count >= Self.bufferSize { try flush() }
    }

    /// Writes what is left and brings it to the disk; comes last, and once.
    package func finish() throws {
        if let leftOut {
            let words =
                "and \(leftOut.count) more, which are not here: see lines \(leftOut.first) to \(leftOut.last) of the export"
            switch shape.format {
            case .csv:
                let row = CSVRejectRow(shape)
                buffer += row.note(words, line: leftOut.first) + row.lineEnd
            case .xml: buffer += Array("<!-- rejected: \(words) -->\n".utf8)
            }
        }
        if shape.format == .xml {
            let name = shape.header.dropFirst().prefix { !XMLSpace.contains($0) && $0 != UInt8(ascii: ">") }
            buffer += Array("</".utf8) + name + Array(">\n".utf8)
        }
        try flush()
        try Self.writing(path) { () throws(FileError) in try file.sync() }
    }

    private func flush() throws {
        let bytes = encoder.encode(buffer)
        try Self.writing(path) { () throws(FileError) in try file.write(bytes) }
        written += bytes.count
        buffer.removeAll(keepingCapacity: true)
    }

    private static func writing<Value>(_ path: String, _ call: () throws(FileError) -> Value) throws -> Value {
        do throws(FileError) {
            return try call()
        } catch {
            throw ExportError(
                .writeFailed, file: path, problem: "rejected records cannot be written there: \(error.reason)",
                advice: "make room or give permission, and run again")
        }
    }

    private static func comment(_ record: RejectedRecord) -> [UInt8] {
        // Two dashes would end the comment; between a dash and the comment's end stands a space.
        var sentence = ""
        for character in record.reason.sentence {
            if character == "-" && sentence.last == "-" { sentence += " " }
            sentence.append(character.asciiValue.map { $0 < 0x20 } ?? false ? " " : character)
        }
        return Array("<!-- rejected: line \(record.place.line): \(sentence) -->\n".utf8)
    }
}

/// The cells of a rejected record in a CSV rejects file.
struct CSVRejectRow {
    private let shape: ExportShape
    private let framer: CSVFramer
    private let delimiter: UInt8

    init(_ shape: ExportShape) {
        self.shape = shape
        delimiter = shape.delimiter?.asciiValue ?? UInt8(ascii: ",")
        // A record has no line end of its own, and a carriage return in it must not look like one.
        framer = CSVFramer(delimiter: delimiter, endsAtCarriageReturn: false)
    }

    var lineEnd: [UInt8] { Array(shape.lineEnd.rawValue.utf8) }

    /// The line end behind a record: a carriage return that ended no line must not become a part of it.
    func lineEnd(after record: [UInt8]) -> [UInt8] {
        let isOpen = shape.lineEnd == .lineFeed && record.last == CSVFramer.carriageReturn
        return isOpen ? [CSVFramer.carriageReturn, CSVFramer.lineFeed] : lineEnd
    }

    func header() -> [UInt8] {
        // A rejects file that is rejected again keeps the names that it has.
        let names = isRejectsFile ? Array(shape.columns.prefix(2)) : CSVColumns.rejectColumns(for: shape.columns)
        return leading(names) + own(shape.header)
    }

    func cells(_ record: RejectedRecord) -> [UInt8] {
        // Byte by byte: to a string a quote with a mark behind it is another character.
        let sentence = record.reason.sentence.utf8.flatMap { $0 == CSVFramer.quote ? [$0, $0] : [$0] }
        return leading(["\"\(String(decoding: sentence, as: UTF8.self))\"", String(record.place.line)])
            + marked(own(record.raw))
    }

    /// A row that is no record: a sentence, a line and empty cells.
    func note(_ sentence: String, line: Int) -> [UInt8] {
        let own = max(1, shape.columns.count - (isRejectsFile ? 2 : 0))
        return leading(["\"\(sentence)\"", String(line)]) + [UInt8](repeating: delimiter, count: own - 1)
    }

    private func leading(_ cells: [String]) -> [UInt8] {
        cells.flatMap { Array($0.utf8) + [delimiter] }
    }

    /// A record without the two columns that an earlier rejects file has put before it.
    private func own(_ raw: [UInt8]) -> [UInt8] {
        guard isRejectsFile else { return raw }
        let ends = frame(raw)?.ends ?? []
        return ends.count >= 2 ? Array(raw.dropFirst(Int(ends[1]) + 1)) : raw
    }

    /// A record whose cells no spreadsheet will calculate.
    private func marked(_ raw: [UInt8]) -> [UInt8] {
        guard let frame = frame(raw), frame.record.fault == nil else { return markedEverywhere(raw) }
        var result: [UInt8] = []
        var start = 0
        for end in frame.ends.map(Int.init) {
            let cell = CSVField(raw.span, start..<end)
            if needsMark(raw.span.extracting(cell.content)) {
                result +=
                    raw[start..<cell.content.lowerBound] + [FormulaGuard.mark] + raw[cell.content.lowerBound..<end]
            } else {
                result += raw[start..<end]
            }
            if end < raw.count { result.append(delimiter) }
            start = end + 1
        }
        return result
    }

    private func needsMark(_ cell: Span<UInt8>) -> Bool {
        // A cell of a rejects file that was marked once is not marked again.
        FormulaGuard.needsMark(cell) && !(isRejectsFile && FormulaGuard.isMarked(cell))
    }

    private var isRejectsFile: Bool { CSVColumns.areOfRejects(shape.columns) }

    /// A record whose quotes are wrong, marked wherever some program may see a cell begin.
    private func markedEverywhere(_ raw: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var beginsCell = true
        for (offset, byte) in raw.enumerated() {
            if beginsCell && FormulaGuard.isTrigger(raw.span, at: offset) { result.append(FormulaGuard.mark) }
            result.append(byte)
            let isBreak = byte == delimiter || byte == CSVFramer.lineFeed || byte == CSVFramer.carriageReturn
            beginsCell = isBreak || beginsCell && byte == CSVFramer.quote
        }
        return result
    }

    private func frame(_ raw: [UInt8]) -> (record: CSVFramer.Record, ends: [Int32])? {
        let padded = raw + [UInt8](repeating: 0, count: 8)
        var record = CSVFramer.Record()
        var ends = [Int32](repeating: 0, count: max(shape.columns.count, raw.count { $0 == delimiter } + 1))
        var room = ends.mutableSpan
        let step = framer.next(
            in: padded.span, from: 0, to: raw.count, isLast: true, record: &record, fieldEnds: &room)
        guard step == .record, record.next == raw.count else { return nil }
        return (record, Array(ends.prefix(record.fieldCount)))
    }
}
