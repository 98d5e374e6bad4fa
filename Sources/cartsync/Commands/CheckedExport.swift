import AssociationDiff
import CartAssociations
import ExportFiles
import Foundation
import SyncEngine
import SyncReporting

/// What `check` says of one export: the JSON result, and the source of the text.
struct CheckedExport: Encodable {
    static let mostRejected = 10

    struct Record: Encodable {
        let line: Int
        let ownerKind: OwnerKind
        let owner: String
        let cart: String
        let action: ChangeKind?

        init(_ record: ExportRecord) {
            line = record.place.line
            ownerKind = record.association.owner.kind
            owner = record.association.owner.id.text
            cart = record.association.cart.text
            action = record.action
        }
    }

    struct Rejected: Encodable {
        let line: Int
        let record: Int
        let reason: String
        let sentence: String

        fileprivate init(_ place: RecordPlace, _ reason: RejectReason) {
            line = place.line
            record = place.record
            self.reason = reason.code.rawValue
            sentence = reason.sentence
        }
    }

    let path: String
    let format: String
    let kind: String
    /// The path of the XML element that is a record, and why it is; nil for CSV.
    let recordElement: String?
    let recordReason: String?
    let mapping: [String: String]
    let records: Int
    /// Records that are not rejected, duplicates counted.
    private(set) var usable: Int
    private(set) var duplicates: Int
    private(set) var rejected: Int
    private(set) var rejectedByReason: [String: Int]
    let owners: Int
    let carts: Int
    let sharedCarts: Int
    let bytes: Int
    let sha256: String
    let endsWithNewline: Bool
    let mayBeCut: Bool
    /// What is odd about it, a sentence each.
    let notes: [String]
    let firstRecords: [Record]
    /// At most `mostRejected`, in the order of the file.
    private(set) var firstRejected: [Rejected]
    /// The manifest and the checksums beside it, which agree: the name of each and what it says.
    var vouchedFor: [String] = []
    /// What only sync checks, a sentence each.
    var notChecked: [String] = []

    init(
        _ path: String, _ facts: ExportFacts, _ totals: RecordCounts.Totals, _ first: [ExportRecord],
        _ rejected: [RejectedRecord]
    ) {
        self.path = path
        format = facts.shape.sentence
        kind = facts.shape.kind.rawValue
        recordElement = facts.shape.recordPath
        recordReason = facts.shape.recordReason
        mapping = Dictionary(uniqueKeysWithValues: facts.shape.mapping.map { ($0.key.rawValue, $0.value) })
        records = facts.records
        usable = facts.usableRecords
        duplicates = totals.repeated
        self.rejected = facts.rejectedRecords
        rejectedByReason = Dictionary(uniqueKeysWithValues: facts.rejected.map { ($0.key.rawValue, $0.value) })
        owners = totals.owners
        carts = totals.carts
        sharedCarts = totals.sharedCarts
        bytes = facts.bytes
        sha256 = facts.sha256
        endsWithNewline = facts.endsWithNewline
        mayBeCut = facts.mayBeCut
        var notes = facts.notes.map(\.sentence)
        if !facts.shape.keyFields.isEmpty {
            notes.append("owners are named by keys; cartsync owners check says which of them the store knows")
        }
        self.notes = notes
        firstRecords = first.map(Record.init)
        firstRejected = rejected.map { Rejected($0.place, $0.reason) }
    }

    /// Moves a usable record to the rejected ones, because another record contradicts it.
    mutating func reject(_ record: ExportRecord, because reason: RejectReason, wasDuplicate: Bool) {
        usable -= 1
        if wasDuplicate { duplicates -= 1 }
        rejected += 1
        rejectedByReason[reason.code.rawValue, default: 0] += 1
        firstRejected.append(Rejected(record.place, reason))
        firstRejected.sort { $0.record < $1.record }
        if firstRejected.count > Self.mostRejected { firstRejected.removeLast() }
    }

    var isDelta: Bool { kind != ExportKind.snapshot.rawValue }

    var text: String {
        var lines = [path]
        let width = max(11, mapping.keys.map(\.count).max() ?? 0)
        func fact(_ name: String, _ text: String) {
            lines.append("  " + name.padding(toLength: width + 2, withPad: " ", startingAt: 0) + text)
        }
        let meaning: [String: String] = [
            "delta": "a delta: only what it names is done", "additions": "additions: what it names is created",
        ]
        fact("format", "\(format), \(meaning[kind] ?? "a full snapshot")")
        if let recordElement { fact("record", "the element \(recordElement), \(recordReason ?? "")") }
        for (field, name) in mapping.sorted(by: { $0.key < $1.key }) { fact(field, "from \"\(name)\"") }
        let repeats = duplicates == 0 ? "" : ", \(Count.text(duplicates)) of them duplicates"
        let total = "\(Count.text(records)): \(Count.text(usable)) usable"
        fact("records", "\(total)\(repeats); \(Count.text(rejected)) rejected")
        fact("owners", Count.text(owners))
        fact("carts", "\(Count.text(carts)), \(Count.text(sharedCarts)) with more than one owner")
        fact("digest", "sha256 \(sha256), \(Count.text(bytes, "byte"))")
        for statement in vouchedFor { fact("vouched for", "\(statement), which agrees") }
        if usable == 0 && !isDelta {
            fact("warning", "no usable record; sync refuses such a snapshot without --allow-empty")
        }
        if mayBeCut {
            fact("warning", "no final line end: it may be cut; sync makes no deletes from it and serve refuses it")
        }
        for sentence in notes { fact("note", sentence) }
        for sentence in notChecked { fact("not checked", sentence) }
        if !firstRecords.isEmpty { lines.append("  first records, as they are understood") }
        for record in firstRecords {
            let action = record.action.map { "\($0.rawValue) " } ?? ""
            lines.append(
                "    line \(record.line): \(action)\(record.ownerKind.rawValue) \(record.owner) cart \(record.cart)")
        }
        for (reason, count) in rejectedByReason.sorted(by: { $0.key < $1.key }) {
            lines.append("  rejected, \(reason): \(Count.text(count))")
        }
        for record in firstRejected { lines.append("    line \(record.line): \(record.sentence)") }
        if rejected > firstRejected.count {
            lines.append("    … and \(Count.text(rejected - firstRejected.count)) more")
        }
        return lines.map(TerminalText.printable).joined(separator: "\n") + "\n"
    }
}
