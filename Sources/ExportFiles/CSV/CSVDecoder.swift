import CartAssociations

/// Decodes the records of a CSV batch.
struct CSVDecoder: Sendable {
    let cells: CSVRecordCells
    let framer: CSVFramer
    private let index: Int
    private let columns: Int

    init(_ header: CSVHeader, index: Int) {
        cells = CSVRecordCells(
            header.columns, delimiter: header.framer.delimiter, words: header.words, kind: header.kind)
        framer = header.framer
        columns = header.columns.count
        self.index = index
    }

    func place(_ number: Int, _ line: Int) -> RecordPlace { RecordPlace(export: index, record: number, line: line) }

    func decode(_ chosen: [JudgedRecord], of batch: RecordBatch) -> [ReadRecord] {
        var ends = [Int32](repeating: 0, count: columns)
        let bytes = batch.text.span
        return chosen.map { judged in
            if case .rejected(let index) = judged.origin { return .rejected(batch.rejected[Int(index)]) }
            let record = frame(judged, bytes, &ends)
            let place = place(judged.number, judged.line)
            guard let statement = judged.statement,
                let value = cells.value(
                    cells.row(record, ends, bytes), statement, in: bytes, place, raw: cells.raw(record, bytes))
            else { return .rejected(cells.rejected(record, place, Self.unlike, ends, bytes)) }
            return .usable(value)
        }
    }

    private static let unlike = RejectReason(.ambiguous, "an identifier that is judged in two ways")

    /// What is to be known of a record that turns out to be unusable.
    func rejected(_ judged: JudgedRecord, _ reason: RejectReason, _ bytes: Span<UInt8>) -> RejectedRecord {
        var ends = [Int32](repeating: 0, count: columns)
        let record = frame(judged, bytes, &ends)
        return cells.rejected(record, place(judged.number, judged.line), reason, ends, bytes)
    }

    /// What a record leaves in doubt that is used although one of its fields holds whole records.
    func doubt(of record: CSVFramer.Record, _ line: Int, _ bytes: Span<UInt8>) -> DoubtfulPart {
        DoubtfulPart(
            export: index, line: line,
            reason: RejectReason(.swallowedRecords, "a quoted field holds what looks like whole records"),
            text: cells.raw(record, bytes), isUsed: true)
    }

    /// What is in doubt if the first records have more fields than the one on this line and the header.
    func doubt(ofWidthOn line: Int) -> DoubtfulPart {
        DoubtfulPart(
            export: index, line: line,
            reason: RejectReason(
                .strayText, "the records before it have empty fields beyond the header's, and it has not"),
            text: [], hidesIdentifiers: true)
    }

    /// What the header leaves in doubt: a quote may have made records part of a column's name.
    func doubt(of header: CSVHeader) -> DoubtfulPart? {
        guard header.columns.names.contains(where: { $0.contains(where: \.isNewline) }) else { return nil }
        return DoubtfulPart(
            export: index, line: header.nextLine - header.raw.count { $0 == CSVFramer.lineFeed } - 1,
            reason: RejectReason(.swallowedRecords, "the name of a column has a line end, and may hold whole records"),
            text: header.raw)
    }

    /// Finds the fields of a record again.
    private func frame(_ judged: JudgedRecord, _ bytes: Span<UInt8>, _ ends: inout [Int32]) -> CSVFramer.Record {
        var record = CSVFramer.Record()
        var room = ends.mutableSpan
        let range = judged.range.range
        _ = framer.next(
            in: bytes, from: range.lowerBound, to: range.upperBound, isLast: true, record: &record, fieldEnds: &room)
        return record
    }
}
