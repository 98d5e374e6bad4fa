package import CartAssociations
import DurableFiles

/// Reads CSV files that the program itself wrote, row by row, with more columns than an export has fields.
///
/// Such a file has no fault that a person could mend: one row that is wrong refuses it. Its cells are split by RFC 4180
/// alone, in place, which is what lets millions of rows pass in seconds.
package struct CSVRows: Sendable {
    /// What the file is, for messages: `a ledger export`.
    let kind: String
    /// Columns that must be there, in the order in which their cells are handed out.
    let required: [String]
    /// Columns that may be there, after those; the cells of one that is missing are empty.
    let optional: [String]
    /// Which of the columns are the fields that every export has.
    let fieldNames: [ExportField: String]

    package init(kind: String, required: [String], optional: [String] = [], fieldNames: [ExportField: String] = [:]) {
        self.kind = kind
        self.required = required
        self.optional = optional
        self.fieldNames = fieldNames
    }

    /// What is done with one row: where it begins, and the cells as ranges of the bytes, without the marks of
    /// `FormulaGuard`; valid during the call only.
    package typealias Visit = (_ place: RecordPlace, _ bytes: Span<UInt8>, _ cells: [Range<Int>]) throws -> Void

    /// Reads the file once and compares it with the manifest beside it, if there is one.
    ///
    /// Throws `ExportError` if the file cannot be read or is refused: a column is missing, a row is wrong, it does
    /// not end with a line end, the manifest disagrees. Nothing that was visited before may be believed then.
    ///
    /// - Parameter index: the file's position on the command line, from 0, for the places of its rows.
    package func read(_ file: ExportFile, index: Int = 0, visit: Visit) throws -> ExportFacts {
        let manifest = try file.manifest()
        let options = ReadingOptions(delimiter: ",", fieldNames: fieldNames)
        let source = try TextSource(ExportPart.only(of: file), options: options)
        guard source.format == .csv else { throw refusal(file, "the file is XML, and \(kind) is CSV") }
        var text = CSVText(source)
        let header: CSVHeader
        do {
            header = try text.header(options)
        } catch let error as ExportError where error.fault == .header {
            throw refusal(file, error.problem, line: error.line)
        }
        var rows = Rows(header, try columns(of: header, file), index: index)
        var facts = ExportFacts(shape: text.shape(header))
        while try rows.visitBlock(&text, visit) { try text.refill(line: rows.line) }
        facts.records = rows.count
        try text.finish(&facts, endsAtCarriageReturn: header.framer.endsAtCarriageReturn)
        guard facts.endsWithNewline else {
            throw ExportError(
                .truncated, file: file.name, problem: "there is no final line end, so the file may be cut",
                advice: "write the file again and copy all of it")
        }
        try manifest?.check(facts, of: file)
        return facts
    }

    /// The error that refuses a file because of one of its rows.
    package func refusal(_ file: ExportFile, _ problem: String, line: Int? = nil) -> ExportError {
        ExportError(
            .malformed, file: file.name, line: line, problem: problem,
            advice: "give \(kind) as cartsync wrote it, complete and unchanged")
    }

    private func columns(of header: CSVHeader, _ file: ExportFile) throws -> [Int?] {
        let names = header.columns.names
        let missing = required.filter { !names.contains($0) }
        guard missing.isEmpty else {
            throw refusal(file, "this is not \(kind): it has no column \(missing.joined(separator: ", "))", line: 1)
        }
        return (required + optional).map { names.firstIndex(of: $0) }
    }
}

/// The rows of one text.
private struct Rows {
    private let framer: CSVFramer
    private let columns: CSVRecordCells
    private let wanted: [Int?]
    private let index: Int
    private(set) var line: Int
    private(set) var count = 0
    private var ends: [Int32]
    private var cells: [Range<Int>] = []
    /// The values of a row whose quotes hold quotes.
    private var values: [UInt8] = []

    init(_ header: CSVHeader, _ wanted: [Int?], index: Int) {
        framer = header.framer
        columns = CSVRecordCells(header.columns, delimiter: header.framer.delimiter)
        self.wanted = wanted
        self.index = index
        line = header.nextLine
        ends = [Int32](repeating: 0, count: header.columns.count)
    }

    /// Visits the rows that are whole in the buffer; returns whether more can follow.
    mutating func visitBlock(_ text: inout CSVText, _ visit: CSVRows.Visit) throws -> Bool {
        let framer = framer
        while true {
            var record = CSVFramer.Record()
            var room = ends.mutableSpan
            let step = framer.next(
                in: text.buffer.span, from: text.start, to: text.end, isLast: text.isLast, record: &record,
                fieldEnds: &room)
            switch step {
            case .incomplete: return true
            case .end: return false
            case .unterminated: throw text.endsInsideQuotes(line: line)
            case .blank: break
            case .record:
                count += 1
                if let fault = columns.fault(of: record, text.buffer.span) {
                    throw ExportError(
                        .malformed, file: text.source.name, line: line, problem: fault.sentence,
                        advice: "have cartsync write the file again, and copy all of it")
                }
                try show(record, text.buffer.span, visit)
            }
            line += record.lines
            text.start = record.next
        }
    }

    private mutating func show(_ record: CSVFramer.Record, _ bytes: Span<UInt8>, _ visit: CSVRows.Visit) throws {
        let place = RecordPlace(export: index, record: count, line: line)
        cells.removeAll(keepingCapacity: true)
        guard record.hasEscapes else {
            for column in wanted { cells.append(Self.unmarked(cell(column, record, bytes)?.content ?? 0..<0, bytes)) }
            return try visit(place, bytes, cells)
        }
        values.removeAll(keepingCapacity: true)
        for column in wanted {
            let start = values.count
            cell(column, record, bytes)?.unescape(bytes, into: &values)
            cells.append(Self.unmarked(start..<values.count, values.span))
        }
        try visit(place, values.span, cells)
    }

    private static func unmarked(_ cell: Range<Int>, _ bytes: Span<UInt8>) -> Range<Int> {
        FormulaGuard.isMarked(bytes.extracting(cell)) ? cell.lowerBound + 1..<cell.upperBound : cell
    }

    private func cell(_ column: Int?, _ record: CSVFramer.Record, _ bytes: Span<UInt8>) -> CSVField? {
        guard let column else { return nil }
        let start = column == 0 ? record.start : Int(ends[column - 1]) + 1
        return CSVField(bytes, start..<Int(ends[column]))
    }
}
