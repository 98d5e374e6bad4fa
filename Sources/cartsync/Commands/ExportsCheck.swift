import AssociationDiff
import CartAssociations
import ExportFiles

/// Checks the exports of one command, which are read as one.
///
/// A delta that both creates and deletes an association is rejected there, as sync does; that takes a second reading,
/// and only where there is such a record.
struct ExportsCheck: ~Copyable {
    /// Fingerprints of deltas beyond this many bytes go to a temporary file.
    private static let memoryBudget = 4 << 20

    private let reader: ExportReader
    private let oneOwnerPerCart: Bool
    private let spool: String
    private let key: FingerprintKey?
    private var wishes: AssociationDiff
    private var files: [ExportFile] = []
    private var checks: [(check: ExportCheck, rejected: [CheckedExport.Rejected])] = []

    init(_ reader: ExportReader, oneOwnerPerCart: Bool, spool: String) {
        self.reader = reader
        self.oneOwnerPerCart = oneOwnerPerCart
        self.spool = spool
        key = FingerprintKey((0..<FingerprintKey.byteCount).map { _ in UInt8.random(in: .min ... .max) })
        wishes = AssociationDiff(memoryBudget: Self.memoryBudget, spillFolder: spool)
    }

    /// Reads one export and its manifest.
    mutating func read(_ path: String) throws {
        let file = try ExportFile.open(path, spoolFolder: spool)
        var rejected: [CheckedExport.Rejected] = []
        let (reader, key) = (reader, key)
        let check = try reader.check(file, index: files.count) { kind, action, owner, cart in
            guard let action, let key else { return }
            try wishes.add(
                key.fingerprint(kind, owner: owner, cart: cart), to: action == .delete ? .unwanted : .wanted)
        } rejected: { record in
            if rejected.count < CheckedExport.mostRejected { rejected.append(.init(record.place, record.reason)) }
        }
        try ExportManifest.beside(path)?.check(check.facts, of: file)
        files.append(file)
        checks.append((check, rejected))
    }

    /// What all exports say, records that contradict each other rejected.
    mutating func finish() throws -> [CheckedExport] {
        var found = zip(files, checks).map { file, check in
            CheckedExport(file.name, check.check, check.rejected, notChecked: notChecked(check.check))
        }
        let difference = try wishes.join()
        guard !difference.contradictory.isEmpty else { return found }
        var position = 0
        for (index, file) in files.enumerated() where found[index].isDelta {
            // Visits come in the order of the selections, and maybe some records later.
            var selected: [Int] = []
            _ = try reader.read(file, index: index) { _, _, _, _ in
                defer { position += 1 }
                let isSelected = difference.contradictory.contains(position)
                if isSelected { selected.append(position) }
                return isSelected
            } visit: { record in
                guard case .usable(let record) = record else { return }
                found[index].reject(
                    record, because: .createAndDelete(record.association),
                    wasDuplicate: difference.repeated.contains(selected.removeFirst()))
            }
        }
        return found
    }

    /// What sync looks at besides and a check does not, for it would need memory for every record.
    private func notChecked(_ check: ExportCheck) -> [String] {
        var sentences: [String] = []
        if oneOwnerPerCart && check.sharedCarts.value > 0 {
            sentences.append(
                "sync rejects every record of a cart with more than one owner; they are not counted as rejected here")
        }
        if files.count > 1 { sentences.append("records that repeat one of another export, or share its cart") }
        return sentences
    }
}
