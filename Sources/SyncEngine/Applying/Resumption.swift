import CartAssociations
import Foundation
import Ledger

/// What is known about the part of a run before it was interrupted, and what may have changed since.
struct Resumption: Sendable {
    let run: RunRecord
    let ledger: Ledger
    /// When it is resumed: outcomes before are of the earlier part.
    let resumed: Date
    /// Changes with an outcome at that time.
    let done: Int
    /// Whether nothing has happened to the ledger since the run was stopped.
    let isLedgerUnchanged: Bool

    /// Why a pending change is no longer to be made; nil if it still is.
    ///
    /// Other sources, and deltas of the same one, may have been synced in between, and the plan did not know them.
    func judge(_ entry: JournalEntry) throws -> String? {
        if isLedgerUnchanged || run.undone != nil { return nil }
        let stored = try ledger.association(entry.change.association)
        switch entry.change.kind {
        case .create:
            if stored?.sources.contains(run.source) == true { return nil }
            return "not created, because source \(run.source) has let go of it since the run was stopped"
        case .delete:
            guard let stored else { return nil }
            if let other = stored.sources.first(where: { $0 != run.source }) {
                return "not deleted, because source \(other) asserts it"
            }
            guard let later = stored.runNumber, later > entry.runNumber, stored.sources.contains(run.source) else {
                return nil
            }
            return "not deleted, because \(stored.run.map { "run \($0)" } ?? "a later run") asserted it again"
        }
    }
}
