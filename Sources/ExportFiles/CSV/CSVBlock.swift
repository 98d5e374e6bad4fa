import CartAssociations

/// The records of one block after the other: framed, judged, decoded, handed out.
struct CSVBlock {
    private let header: CSVHeader
    private let index: Int
    private let cells: CSVRecordCells
    private let library: CSVLibrary

    /// The line where the record begins that is looked at.
    private(set) var line: Int
    private(set) var facts: ExportFacts
    private var kinds = OwnerKindSet()

    private var fieldEnds: [Int32]
    private var waiting: [Waiting] = []
    /// The values of the records that need the library.
    private var batch: CSVLibrary.Batch
    private var libraryIsNeeded: Bool { batch.count > 0 }

    /// A record that waits for the end of the block.
    private enum Waiting {
        /// A plain record behind one that needs the library.
        case plain(CSVFramer.Record, RecordPlace)
        /// A record whose fields only the library can tell.
        case library(CSVFramer.Record, RecordPlace)
        /// A record that is wanted as a value, and its cells.
        case chosen(CSVFramer.Record, RecordPlace, Statement, row: [String])
        case rejected(RejectedRecord)
    }

    init(header: CSVHeader, index: Int, facts: ExportFacts) {
        self.header = header
        self.index = index
        self.facts = facts
        line = header.nextLine
        cells = CSVRecordCells(header.columns)
        library = CSVLibrary(delimiter: header.delimiter)
        batch = cells.batch()
        fieldEnds = [Int32](repeating: 0, count: header.columns.count)
    }

    /// Frames the whole records of a block, and asks about those that can be asked about at once.
    ///
    /// Moves `start` behind the last whole record and says why it stopped.
    mutating func frame(
        _ bytes: Span<UInt8>, from start: inout Int, to end: Int, isLast: Bool, picking picks: ((Int) throws -> Bool)?,
        selecting select: ExportReader.Selection
    ) throws -> CSVFramer.Step {
        let framer = header.framer
        let columns = header.columns.count
        var record = CSVFramer.Record()
        while true {
            var room = fieldEnds.mutableSpan
            let step = framer.next(
                in: bytes, from: start, to: end, isLast: isLast, record: &record, fieldEnds: &room)
            guard step == .record || step == .blank else { return step }
            if step == .blank {
                facts.blankLines += 1
            } else {
                facts.records += 1
                let place = RecordPlace(export: index, record: facts.records, line: line)
                if let picks, try !picks(facts.records) {
                    // Known from the first reading, and nothing follows from it.
                } else if record.isPlain && record.fieldCount == columns {
                    if libraryIsNeeded {
                        waiting.append(.plain(record, place))
                    } else {
                        try ask(record, place, bytes, select)
                    }
                } else if let reason = cells.fault(of: record, bytes) {
                    waiting.append(.rejected(cells.rejected(record, place, reason, fieldEnds, bytes)))
                } else {
                    cells.append(record, fieldEnds, bytes, to: &batch)
                    waiting.append(.library(record, place))
                }
            }
            line += record.lines
            start = record.next
        }
    }

    /// Deals with everything that waits, in the order of the file.
    mutating func settle(
        _ bytes: Span<UInt8>, selecting select: ExportReader.Selection, visit: (ReadRecord) throws -> Void
    ) throws {
        if libraryIsNeeded {
            try askTheRest(bytes, select)
            batch.removeAll()
        }
        for item in waiting {
            switch item {
            case .chosen(let record, let place, let statement, let row):
                if let value = cells.value(row, statement, place, raw: cells.raw(record, bytes)) {
                    try visit(.usable(value))
                } else {
                    frameAgain(record, bytes)
                    try reject(cells.rejected(record, place, CSVRecordCells.ambiguous, fieldEnds, bytes), visit)
                }
            case .rejected(let record): try reject(record, visit)
            case .plain, .library: preconditionFailure("a record was left without an answer")
            }
        }
        waiting.removeAll(keepingCapacity: true)
    }

    /// The facts when all records have been settled.
    func finishedFacts() -> ExportFacts {
        var facts = facts
        facts.ownerKinds = kinds.set
        return facts
    }

    private mutating func reject(_ record: RejectedRecord, _ visit: (ReadRecord) throws -> Void) throws {
        facts.rejected[record.reason.code, default: 0] += 1
        try visit(.rejected(record))
    }

    /// Asks about one plain record, in place.
    private mutating func ask(
        _ record: CSVFramer.Record, _ place: RecordPlace, _ bytes: Span<UInt8>, _ select: ExportReader.Selection
    ) throws {
        switch cells.judge.judge(cells.fields(record, fieldEnds, bytes), in: bytes) {
        case .usable(let statement):
            kinds.insert(statement.kind)
            if try select(
                statement.kind, statement.action, bytes.extracting(statement.owner.range),
                bytes.extracting(statement.cart.range))
            {
                waiting.append(.chosen(record, place, statement, row: cells.row(record, fieldEnds, bytes)))
            }
        case .rejected(let reason):
            waiting.append(.rejected(cells.rejected(record, place, reason, fieldEnds, bytes)))
        }
    }

    /// Has the library decode what needs it, then asks about every record that waited for that.
    private mutating func askTheRest(_ bytes: Span<UInt8>, _ select: ExportReader.Selection) throws {
        let rows = library.decode(batch)
        let items = waiting
        waiting.removeAll(keepingCapacity: true)
        var position = 0
        for item in items {
            switch item {
            case .plain(let record, let place):
                frameAgain(record, bytes)
                try ask(record, place, bytes, select)
            case .library(let record, let place):
                try ask(record, place, row: rows[position], position, of: batch, bytes, select)
                position += 1
            case .chosen, .rejected: waiting.append(item)
            }
        }
    }

    /// Asks about one record that the library has decoded.
    private mutating func ask(
        _ record: CSVFramer.Record, _ place: RecordPlace, row: [String]?, _ position: Int, of batch: CSVLibrary.Batch,
        _ bytes: Span<UInt8>, _ select: ExportReader.Selection
    ) throws {
        guard let row else {
            frameAgain(record, bytes)
            waiting.append(.rejected(cells.rejected(record, place, CSVRecordCells.ambiguous, fieldEnds, bytes)))
            return
        }
        let values = batch.bytes.span
        switch cells.judge.judge(cells.fields(position, of: batch), in: values) {
        case .usable(let statement):
            kinds.insert(statement.kind)
            if try select(
                statement.kind, statement.action, values.extracting(statement.owner.range),
                values.extracting(statement.cart.range))
            {
                waiting.append(.chosen(record, place, statement, row: row))
            }
        case .rejected(let reason):
            frameAgain(record, bytes)
            waiting.append(.rejected(cells.rejected(record, place, reason, fieldEnds, bytes)))
        }
    }

    /// Finds the fields again of a record that was framed before.
    private mutating func frameAgain(_ record: CSVFramer.Record, _ bytes: Span<UInt8>) {
        let framer = header.framer
        var again = CSVFramer.Record()
        var room = fieldEnds.mutableSpan
        _ = framer.next(
            in: bytes, from: record.start, to: record.end, isLast: true, record: &again, fieldEnds: &room)
    }
}

/// The kinds of owners seen, cheap enough to ask for every record.
struct OwnerKindSet {
    private var hasCustomers = false
    private var hasAccounts = false

    mutating func insert(_ kind: OwnerKind) {
        switch kind {
        case .customer: hasCustomers = true
        case .account: hasAccounts = true
        }
    }

    var set: Set<OwnerKind> {
        Set((hasCustomers ? [.customer] : []) + (hasAccounts ? [.account] : []))
    }
}
