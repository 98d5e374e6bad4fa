package import CartAssociations
package import Foundation

/// One planned change in a run's journal, with its outcome once it has one.
///
/// Only a ledger makes entries: nothing but a planned change can have an outcome.
package struct JournalEntry: Sendable, Hashable, Identifiable {
    /// Unique in the ledger; ids of a run follow each other in the order of the journal.
    package let id: Int64
    package let run: String
    package let change: Change
    package let fingerprint: Fingerprint
    package let outcome: ChangeOutcome?
    /// When it got its outcome; the journal keeps milliseconds.
    package let endedAt: Date?

    /// The number of its run; see `StoredAssociation.runNumber`.
    package var runNumber: Int64 { id >> 32 }

    /// The same entry with an outcome, for `Ledger.record`.
    package func ended(_ outcome: ChangeOutcome, at: Date) -> JournalEntry {
        JournalEntry(id: id, run: run, change: change, fingerprint: fingerprint, outcome: outcome, endedAt: at)
    }
}

/// The pending changes of one cart, in the order in which they must be made: creates before deletes.
package struct CartChanges: Sendable, Hashable {
    package let cart: CartID
    package let entries: [JournalEntry]
    /// Whether a create of this cart was tried before, in this run, and did not succeed: deletes are skipped then.
    package let hasFailedCreate: Bool

    package init(cart: CartID, entries: [JournalEntry], hasFailedCreate: Bool) {
        self.cart = cart
        self.entries = entries
        self.hasFailedCreate = hasFailedCreate
    }
}

/// The journal of one run in numbers.
package struct JournalCounts: Sendable, Hashable {
    package var planned: [ChangeKind: Int] = [:]
    package var outcomes: [ChangeKind: [Outcome: Int]] = [:]

    /// Planned changes that have no outcome yet.
    package var pending: Int {
        let done = outcomes.values.reduce(0) { $0 + $1.values.reduce(0, +) }
        return planned.values.reduce(0, +) - done
    }
}
