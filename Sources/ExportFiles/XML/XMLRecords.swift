import CartAssociations

/// The records of a document: judged, asked about, decoded in batches, handed out in their order.
struct XMLRecords {
    /// How many records, and how many bytes of them, are decoded at once at most.
    static let batchCount = 200
    static let batchSize = 1 << 18

    private let judge: RecordJudge
    private let index: Int
    private let library = XMLLibrary()
    private var facts: ExportFacts
    private var kinds = OwnerKindSet()
    private var waiting: [Waiting] = []
    private var waitingSize = 0

    private enum Waiting {
        case chosen(XMLLibrary.Values, Statement, RecordPlace, raw: [UInt8])
        case rejected(RejectedRecord)
    }

    init(_ shape: XMLShape, index: Int, facts: ExportFacts) {
        judge = RecordJudge(owners: shape.owners, hasAction: shape.hasAction)
        self.index = index
        self.facts = facts
    }

    /// Takes the records that a scan has finished.
    mutating func take(
        _ scan: XMLScan, selecting select: ExportReader.Selection, visit: (ReadRecord) throws -> Void
    ) throws {
        let memory = scan.memory.span
        for record in scan.finished {
            facts.records += 1
            let place = RecordPlace(export: index, record: facts.records, line: record.line)
            if let fault = record.fault {
                reject(record, place, reason(fault, scan), scan)
            } else {
                switch judge.judge(record.values.fields, in: memory) {
                case .rejected(let reason):
                    reject(record, place, reason, scan)
                case .usable(let statement):
                    kinds.insert(statement.kind)
                    let isWanted = try select(
                        statement.kind, statement.action, memory.extracting(statement.owner.range),
                        memory.extracting(statement.cart.range))
                    if isWanted { choose(record, place, statement, scan) }
                }
            }
            if waiting.count >= Self.batchCount || waitingSize >= Self.batchSize { try settle(visit) }
        }
    }

    private func reason(_ fault: XMLScan.Fault, _ scan: XMLScan) -> RejectReason {
        switch fault {
        case .tooLarge:
            RejectReason(.tooLarge, "the record is longer than \(XMLScan.recordLimit) bytes")
        case .contradiction(let field):
            RejectReason(.contradiction, "two different values for the \(field.words)")
        case .unexpected(let name):
            RejectReason(
                .unexpectedElement,
                "the element \(scan.names.texts[name]) names a cart, where records are \(facts.shape.recordPath ?? "others")"
            )
        }
    }

    /// Decodes and hands out everything that waits.
    mutating func settle(_ visit: (ReadRecord) throws -> Void) throws {
        guard !waiting.isEmpty else { return }
        var batch: [XMLLibrary.Values] = []
        for case .chosen(let values, _, _, _) in waiting { batch.append(values) }
        var rows = library.decode(batch).makeIterator()
        for item in waiting {
            switch item {
            case .rejected(let record):
                try hand(record, visit)
            case .chosen(let values, let statement, let place, let raw):
                if let row = rows.next() ?? nil, let record = value(row, statement, place, raw) {
                    try visit(.usable(record))
                } else {
                    let text = values.mapValues { String(decoding: $0, as: UTF8.self) }
                    try hand(
                        RejectedRecord(
                            place: place,
                            reason: RejectReason(.ambiguous, "text that the XML library reads differently"),
                            raw: raw, cart: text[.cart], owner: text[.customer] ?? text[.account] ?? text[.owner]),
                        visit)
                }
            }
        }
        waiting.removeAll(keepingCapacity: true)
        waitingSize = 0
    }

    /// The facts when all records have been settled.
    func finishedFacts() -> ExportFacts {
        var facts = facts
        facts.ownerKinds = kinds.set
        return facts
    }

    private mutating func choose(
        _ record: XMLScan.Finished, _ place: RecordPlace, _ statement: Statement, _ scan: XMLScan
    ) {
        var values: XMLLibrary.Values = [:]
        for field in ExportField.allCases where !record.values[field].isEmpty {
            values[field] = Array(scan.memory[record.values[field].range])
        }
        let raw = raw(record, scan)
        waitingSize += raw.count
        waiting.append(.chosen(values, statement, place, raw: raw))
    }

    private mutating func reject(
        _ record: XMLScan.Finished, _ place: RecordPlace, _ reason: RejectReason, _ scan: XMLScan
    ) {
        func text(_ range: ByteRange) -> String? {
            range.isEmpty ? nil : String(decoding: scan.memory[range.range], as: UTF8.self)
        }
        let fields = record.values.fields
        let raw = reason.code == .tooLarge ? [] : raw(record, scan)
        waitingSize += raw.count
        waiting.append(
            .rejected(
                RejectedRecord(
                    place: place, reason: reason, raw: raw, cart: text(fields.cart),
                    owner: text(fields.customer) ?? text(fields.account) ?? text(fields.owner))))
    }

    private mutating func hand(_ record: RejectedRecord, _ visit: (ReadRecord) throws -> Void) throws {
        facts.rejected[record.reason.code, default: 0] += 1
        try visit(.rejected(record))
    }

    private func value(
        _ row: [ExportField: String], _ statement: Statement, _ place: RecordPlace, _ raw: [UInt8]
    ) -> ExportRecord? {
        let owner: String? =
            switch judge.owners {
            case .one(let field, _): row[field]
            case .either: row[statement.kind == .customer ? .customer : .account]
            case .typed: row[.owner]
            }
        guard let owner = owner.flatMap(OwnerID.init), let cart = row[.cart].flatMap(CartID.init) else { return nil }
        return ExportRecord(
            association: Association(statement.kind, owner, cart), action: statement.action,
            cartName: row[.cartName], cartDescription: row[.cartDescription],
            shopperToken: row[statement.kind == .customer ? .customerToken : .accountToken], place: place, raw: raw)
    }

    /// The record with the elements around it, the root left out.
    private func raw(_ record: XMLScan.Finished, _ scan: XMLScan) -> [UInt8] {
        let around = scan.surroundings.kept(record.surroundings).dropFirst()
        var raw = Array(around.joined())
        raw += scan.window.slice(record.start, record.end)
        for opening in around.reversed() {
            let name = opening.dropFirst().prefix { !XMLSpace.contains($0) && $0 != UInt8(ascii: ">") }
            raw += Array("</".utf8) + name + [UInt8(ascii: ">")]
        }
        return raw
    }
}
