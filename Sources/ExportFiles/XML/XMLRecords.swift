import CartAssociations

/// Judges the records of a document.
struct XMLRecords: Sendable {
    /// What was found so far, but for the kinds of owners.
    var found: ExportFacts
    private let decoder: XMLRecordDecoder
    private var kinds = OwnerKindSet()
    private var usable = 0
    /// Elements after the last record: a summary if none follows, else something between the records.
    private var trailing: [DoubtfulPart] = []

    init(_ shape: XMLShape, _ facts: ExportFacts, index: Int) {
        found = facts
        decoder = XMLRecordDecoder(
            judge: RecordJudge(
                owners: shape.owners, kind: shape.kind, words: shape.words, encodesCarts: shape.encodesCarts),
            index: index)
    }

    var facts: ExportFacts {
        var facts = found
        facts.ownerKinds = kinds.set
        return facts
    }

    /// Judges the records that a scan has finished.
    mutating func judge(_ scan: XMLScan) -> RecordBatch {
        let memory = scan.memory.span
        var decoder = decoder
        decoder.scan = scan
        var records: [JudgedRecord] = []
        records.reserveCapacity(scan.finished.count)
        var rejected: [RejectedRecord] = []
        for (position, record) in scan.finished.enumerated() {
            found.records += 1
            var judged = JudgedRecord(
                statement: nil, number: found.records, line: record.line, ordinal: usable,
                origin: .scan(Int32(truncatingIfNeeded: position)))
            do throws(RejectReason) {
                if let fault = record.fault { throw reason(fault, scan) }
                let statement = try decoder.judge.judge(
                    record.values.fields(with: decoder.judge.owners.keys), in: memory)
                judged.statement = statement
                if statement.isTidied { found.notes.add(.tidied, line: record.line) }
                kinds.insert(statement.kind)
                usable += 1
            } catch {
                judged.origin = .rejected(Int32(truncatingIfNeeded: rejected.count))
                found.rejected[error.code, default: 0] += 1
                rejected.append(decoder.rejected(record, judged, error, scan.memory))
            }
            records.append(judged)
        }
        return RecordBatch(
            text: scan.memory, records: records, rejected: rejected, strays: strays(scan), decoder: .xml(decoder))
    }

    /// What is in doubt beside the records; a header before the first record and a summary after the last one are not.
    private mutating func strays(_ scan: XMLScan) -> [DoubtfulPart] {
        var found: [DoubtfulPart] = []
        let recordsBefore = self.found.records - scan.finished.count
        var next = 0
        for stray in scan.strays {
            if stray.position > next {
                next = stray.position
                found += trailing
                trailing = []
            }
            let part = decoder.doubt(of: stray, scan)
            if !stray.mayBeEnvelope {
                found.append(part)
            } else if recordsBefore + stray.position > 0 {
                trailing.append(part)
            }
        }
        if scan.finished.count > next || trailing.reduce(0, { $0 + $1.size }) > XMLScan.recordLimit {
            found += trailing
            trailing = []
        }
        return found
    }

    private func reason(_ fault: XMLScan.Fault, _ scan: XMLScan) -> RejectReason {
        switch fault {
        case .tooLarge:
            RejectReason(.tooLarge, "the record is longer than \(XMLScan.recordLimit) bytes")
        case .contradiction(let field):
            RejectReason(.contradiction, "two different values for the \(field.words)")
        case .mixed(let field):
            RejectReason(.contradiction, "both text and elements in the \(field.words)")
        case .unexpected(let name):
            RejectReason(
                .unexpectedElement,
                "the element \(scan.names.texts[name]) names a cart, where records are \(found.shape.recordPath ?? "others"); "
                    + "mapping.xml.record says which are meant"
            )
        }
    }
}

/// Decodes the records of an XML batch.
struct XMLRecordDecoder: Sendable {
    let judge: RecordJudge
    let index: Int
    /// The scan as it was when the records had ended; nil before the first batch.
    var scan: XMLScan?

    func decode(_ chosen: [JudgedRecord], of batch: RecordBatch) -> [ReadRecord] {
        // Values of usable records, which the library decodes in batches.
        var values: [XMLLibrary.Values] = []
        for judged in chosen {
            guard let record = finished(judged) else { continue }
            var all: XMLLibrary.Values = [:]
            for field in ExportField.allCases where !record.values[field].isEmpty {
                all[field] = Array(batch.text[record.values[field].range])
            }
            values.append(all)
        }
        let rows = XMLLibrary().decode(values)
        var position = 0
        return chosen.map { judged in
            if case .rejected(let index) = judged.origin { return .rejected(batch.rejected[Int(index)]) }
            guard let record = finished(judged), let statement = judged.statement else {
                preconditionFailure("a record is decoded from a batch that it is not in")
            }
            defer { position += 1 }
            let place = RecordPlace(export: index, record: judged.number, line: judged.line)
            if let row = rows[position], let value = value(row, statement, in: batch.text, place, raw(record)) {
                return .usable(value)
            }
            let reason = RejectReason(.ambiguous, "text that the XML library reads differently")
            return .rejected(rejected(record, judged, reason, batch.text))
        }
    }

    /// What is to be known of a record that turns out to be unusable.
    func rejected(_ judged: JudgedRecord, _ reason: RejectReason, of batch: RecordBatch) -> RejectedRecord {
        guard let record = finished(judged) else {
            preconditionFailure("a record is rejected in a batch that it is not in")
        }
        return rejected(record, judged, reason, batch.text)
    }

    /// What is to be known of a record that cannot be used.
    func rejected(
        _ record: XMLScan.Finished, _ judged: JudgedRecord, _ reason: RejectReason, _ memory: [UInt8]
    ) -> RejectedRecord {
        let isTooLarge = reason.code == .tooLarge
        let raw = isTooLarge ? [] : raw(record)
        // The surroundings give values too, and not all of them may have been kept.
        var text = XMLMarkup.words(in: raw)
        for field in ExportField.allCases {
            text.append(0x20)
            text += memory[record.values[field].range]
        }
        return RejectedRecord(
            place: RecordPlace(export: index, record: judged.number, line: judged.line), reason: reason, raw: raw,
            text: text,
            hidesIdentifiers: isTooLarge)
    }

    /// What an element or a text beside the records leaves in doubt.
    func doubt(of stray: XMLScan.Stray, _ scan: XMLScan) -> DoubtfulPart {
        guard let name = stray.name else {
            return DoubtfulPart(
                export: index, line: stray.line, reason: RejectReason(.strayText, "text that is in no record"),
                text: stray.text)
        }
        let raw = scan.window.slice(stray.range.lowerBound, stray.range.upperBound)
        return DoubtfulPart(
            export: index, line: stray.line,
            reason: RejectReason(
                .strayElement,
                "the element \(scan.names.texts[name]) is no record; mapping.xml.record says which elements are records"
            ),
            text: XMLMarkup.words(in: raw), size: stray.range.count,
            hidesIdentifiers: stray.range.count > raw.count)
    }

    private func finished(_ judged: JudgedRecord) -> XMLScan.Finished? {
        guard case .scan(let position) = judged.origin else { return nil }
        return scan?.finished[Int(position)]
    }

    private func value(
        _ row: [ExportField: String], _ statement: Statement, in memory: [UInt8], _ place: RecordPlace, _ raw: [UInt8]
    ) -> ExportRecord? {
        func identifier(_ range: ByteRange) -> String { String(decoding: memory[range.range], as: UTF8.self) }
        guard let owner = OwnerID(identifier(statement.owner)), let cart = CartID(identifier(statement.cart)) else {
            return nil
        }
        return ExportRecord(
            association: Association(statement.kind, owner, cart), action: statement.action,
            cartName: row[.cartName], cartDescription: row[.cartDescription],
            shopperToken: row[statement.kind == .customer ? .customerToken : .accountToken], place: place, raw: raw)
    }

    /// The record with the elements around it, the root left out.
    private func raw(_ record: XMLScan.Finished) -> [UInt8] {
        guard let scan else { return [] }
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
