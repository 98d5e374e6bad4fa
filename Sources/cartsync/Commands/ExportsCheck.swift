import AssociationDiff
import CartAssociations
import ExportFiles

/// Checks the exports of one command, which are read as one.
///
/// A delta that both creates and deletes an association is rejected there, as sync does; that takes a second reading,
/// and only if there is such a record.
struct ExportsCheck: ~Copyable {
    /// Fingerprints beyond this many bytes go to temporary files.
    private static let memoryBudget = 2 << 20
    /// How many of the first usable records are shown.
    private static let recordsShown = 5

    private let reader: ExportReader
    private let oneOwnerPerCart: Bool
    private let spool: String
    private let key: FingerprintKey
    private var wishes: AssociationDiff
    private var files: [ExportFile] = []
    private var found: [CheckedExport] = []
    /// What was found in each export.
    private(set) var facts: [ExportFacts] = []

    init(_ reader: ExportReader, oneOwnerPerCart: Bool, spool: String) {
        self.reader = reader
        self.oneOwnerPerCart = oneOwnerPerCart
        self.spool = spool
        var generator = SystemRandomNumberGenerator()
        key = FingerprintKey(using: &generator)
        wishes = AssociationDiff(memoryBudget: Self.memoryBudget, spillFolder: spool)
    }

    /// Reads one export and its manifest.
    mutating func read(_ path: String) throws {
        let file = try ExportFile.open(path, spoolFolder: spool)
        var counts = RecordCounts(memoryBudget: Self.memoryBudget, spillFolder: spool)
        var first: [ExportRecord] = []
        var rejected: [RejectedRecord] = []
        var reading = try reader.read(file, index: files.count)
        while let batch = try reading.next() {
            try add(batch, to: &counts)
            if first.count < Self.recordsShown {
                let chosen = batch.records.filter { $0.statement != nil }.prefix(Self.recordsShown - first.count)
                for case .usable(let record) in batch.decode(Array(chosen)) { first.append(record) }
            }
            rejected += batch.rejected.prefix(CheckedExport.mostRejected - rejected.count)
        }
        let statements = try file.checkStatements(reading.facts)
        files.append(file)
        facts.append(reading.facts)
        var export = CheckedExport(file.name, reading.facts, try counts.count(), first, rejected)
        export.vouchedFor = statements
        found.append(export)
    }

    private mutating func add(_ batch: RecordBatch, to counts: inout RecordCounts) throws {
        let text = batch.text.span
        for record in batch.records {
            guard let statement = record.statement else { continue }
            let owner = text.extracting(statement.owner.range)
            let cart = text.extracting(statement.cart.range)
            try counts.add(
                cart: key.fingerprint(cart: cart), owner: key.fingerprint(statement.kind, owner: owner),
                isDelete: statement.action == .delete)
            if let action = statement.action {
                try wishes.add(
                    key.fingerprint(statement.kind, owner: owner, cart: cart),
                    to: action == .delete ? .unwanted : .wanted)
            }
        }
    }

    /// What all exports say, records that contradict each other rejected.
    mutating func finish() throws -> [CheckedExport] {
        for index in found.indices { found[index].notChecked = notChecked(found[index]) }
        let difference = try wishes.join()
        guard !difference.contradictory.isEmpty else { return found }
        // The position of an export's first record among those of all deltas.
        var start = 0
        for (index, file) in files.enumerated() where found[index].isDelta {
            var reading = try reader.read(file, index: index)
            while let batch = try reading.next() {
                let chosen = batch.records.filter {
                    $0.statement != nil && difference.contradictory.contains(start + $0.ordinal)
                }
                for (judged, read) in zip(chosen, batch.decode(chosen)) {
                    guard case .usable(let record) = read else { continue }
                    found[index].reject(
                        record, because: .createAndDelete(record.association),
                        wasDuplicate: difference.repeated.contains(start + judged.ordinal))
                }
            }
            start += reading.facts.usableRecords
        }
        return found
    }

    /// What only sync checks, because it needs memory for every record.
    private func notChecked(_ export: CheckedExport) -> [String] {
        var sentences: [String] = []
        if oneOwnerPerCart && export.sharedCarts > 0 {
            sentences.append(
                "sync rejects every record of a cart with more than one owner; they are not counted as rejected here")
        }
        if files.count > 1 { sentences.append("records that repeat one of another export, or share its cart") }
        return sentences
    }
}
