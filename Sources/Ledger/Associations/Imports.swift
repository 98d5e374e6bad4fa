package import CartAssociations
package import Foundation
import GRDB

/// Associations from elsewhere before they are in the ledger: any number, in about 25 MB of memory.
///
/// It does not touch the ledger, so that everything can be read and judged before anything is written.
package final class ImportDraft {
    let sorter: RecordSorter
    private(set) var sets: [[String]] = []
    private var numbers: [[String]: Int] = [:]
    private var record = ByteRecord()

    init(sorter: RecordSorter) { self.sorter = sorter }

    /// The number that stands for these sources in `add`.
    package func set(of sources: [String]) -> Int {
        if let number = numbers[sources] { return number }
        sets.append(sources)
        numbers[sources] = sets.count - 1
        return sets.count - 1
    }

    /// Adds an association: the UTF-8 of valid ids, how it is known to exist, and the number of its set of sources.
    ///
    /// Throws if the temporary file cannot be written.
    package func add(
        _ kind: OwnerKind, owner: Span<UInt8>, cart: Span<UInt8>, _ fingerprint: Fingerprint,
        confirmation: Ledger.Confirmation?, set: Int, place: RecordPlace?
    ) throws(LedgerError) {
        record.removeAll()
        record.append(text: cart)
        record.append(UInt8(StoredCodes.code(kind)))
        record.append(text: owner)
        record.append(fingerprint)
        record.append(place)
        record.append(UInt8(confirmation?.rawValue ?? 0))
        record.append(small: UInt64(set))
        try sorter.add(record)
    }
}

/// What an import did to the ledger.
package struct ImportCounts: Sendable, Hashable, Codable {
    /// Associations that the ledger did not know.
    package var added = 0
    /// Associations that are asserted by more sources now, or known to exist.
    package var changed = 0
    /// Associations of which nothing new was said; a repeated one counts here, too.
    package var kept = 0

    /// Adds what one transaction did.
    mutating func add(_ rows: RowMerge) {
        added += rows.added
        changed += rows.changed
        kept += rows.count - rows.added - rows.changed
    }
}

extension Ledger {
    /// An empty list of associations from elsewhere, to be filled in any order and handed to `importAll`.
    package func draftImport() -> ImportDraft {
        ImportDraft(sorter: RecordSorter(memoryBudget: 16 << 20, folder: folder))
    }

    /// Adds associations: their sources to those that assert them already, and how they are known to exist if
    /// that was not known. The draft is empty afterwards.
    ///
    /// Written in transactions of many rows: after a crash in between, doing it again completes it.
    package func importAll(_ draft: ImportDraft, run: String, at: Date) throws(LedgerError) -> ImportCounts {
        try merge(draft.sorter, "import associations") { db in
            let sets = try SetUnions(db, added: draft.sets)
            let join = StandingJoin(keepsEqual: true) { known, added in
                PackedStanding(
                    known.ownerKind, known.confirmation ?? added.confirmation,
                    sources: try sets.union(of: known.sources, with: added.sources))
            }
            return try RowMerge(db, run: run, at: at, join: join) { fields, ownerKind in
                let confirmation = Ledger.Confirmation(rawValue: Int(fields.byte()))
                return PackedStanding(ownerKind, confirmation, sources: try sets.set(of: Int(fields.small())))
            }
        }
    }
}
