package import CartAssociations
package import Foundation

/// One planned change in a run's journal, with its outcome where it has one.
///
/// Only a ledger makes entries: nothing but a planned change can have an outcome.
package struct JournalEntry: Sendable, Hashable, Identifiable {
    /// Unique in the ledger; ids of a run follow each other in the order of the journal.
    package let id: Int64
    package let run: String
    package let change: Change
    package let fingerprint: Fingerprint
    package let outcome: ChangeOutcome?

    /// The same entry with an outcome, for `Ledger.record`.
    package func ended(_ outcome: ChangeOutcome) -> JournalEntry {
        JournalEntry(id: id, run: run, change: change, fingerprint: fingerprint, outcome: outcome)
    }
}

/// How one planned change ended.
package struct ChangeOutcome: Sendable, Hashable {
    package let outcome: Outcome
    /// The last answer's HTTP status; nil where none came.
    package let status: Int?
    /// Calls made; 0 for a change that was skipped.
    package let attempts: Int
    /// The last attempt, from the request being sent to the response being read; kept in microseconds.
    package let service: Duration?
    /// From when the pacer had the first attempt due to the final answer; kept in microseconds.
    package let response: Duration?
    package let message: String?
    package let at: Date

    package init(
        _ outcome: Outcome, status: Int? = nil, attempts: Int, service: Duration? = nil,
        response: Duration? = nil, message: String? = nil, at: Date
    ) {
        self.outcome = outcome
        self.status = status
        self.attempts = attempts
        self.service = service
        self.response = response
        self.message = message
        self.at = at
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

    package init() {}

    /// Planned changes that have no outcome yet.
    package var pending: Int {
        let done = outcomes.values.reduce(0) { $0 + $1.values.reduce(0, +) }
        return planned.values.reduce(0, +) - done
    }
}
