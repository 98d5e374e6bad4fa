package import CartAssociations
package import Foundation

/// A plan as a person or a program is shown it, before the first write; `plan --output json` prints it.
package struct PlanView: Codable, Sendable, Equatable {
    /// The changes of each kind that are shown as a sample.
    package static let sampleSize = 10

    /// The host of the store.
    var store: String
    package var source: String
    /// The run that it takes back; nil for any other plan.
    package var undone: String?
    package var scope: DeletionScope
    package var exports: [RunReport.ExportSummary]
    package var counts: PlanCounts
    /// The first changes of each kind, with their places in the exports.
    package var creates: [Change] = []
    package var deletes: [Change] = []
    /// The first records that are rejected, with their reasons; nil if none is.
    package var rejected: RunReport.RejectedRecords?
    /// What is not done because of doubt; nil if everything is done.
    package var withheld: Withheld?
    /// How the owners of the exports were found; nil if the exports have ids.
    package var owners: OwnerLookups?
    /// Where the current associations were read.
    package var current: CurrentSource
    /// Why there, for instance `the listing is complete: 4,812 carts on 49 pages`.
    package var currentReason: String
    package var estimate: Estimate
    /// The moment that the ledger was read, if another process works on it meanwhile.
    package var moment: Date?
    /// What the guards found, in one sentence.
    package var guardVerdict = ""
    /// Every refusal; empty for a plan that may be applied.
    package var refusals: [Refusal] = []
    /// What a person should know before the plan is applied, in sentences.
    package var warnings: [String] = []
    /// The owners who would lose the most carts, most first; filled if the guard refuses.
    package var hardestHit: [OwnerLoss] = []

    package init(
        store: String, source: String, scope: DeletionScope, exports: [RunReport.ExportSummary], counts: PlanCounts,
        current: CurrentSource, currentReason: String, estimate: Estimate
    ) {
        self.store = store
        self.source = source
        self.scope = scope
        self.exports = exports
        self.counts = counts
        self.current = current
        self.currentReason = currentReason
        self.estimate = estimate
    }

    /// What applying the plan costs.
    package struct Estimate: Codable, Sendable, Equatable {
        /// Calls, without repetitions.
        var calls: Int
        var seconds: Double
        /// Calls a second.
        var rate: Double
        /// Seconds until the run's deadline; nil without one.
        var available: Double?

        /// One call for each change, at the limit.
        package init(calls: Int, rate: Double, available: Double? = nil) {
            self.calls = calls
            self.rate = rate
            self.available = available.map { max(0, $0) }
            seconds = rate > 0 ? Double(calls) / rate : 0
        }

        /// Whether all calls can be made before the deadline, as far as can be told; nil without one.
        var holds: Bool? { available.map { seconds <= $0 } }

        /// The calls that can be made before the deadline.
        var callsInTime: Int { min(calls, available.map { Int($0 * rate) } ?? calls) }
    }

    /// How many of its carts one owner would lose.
    package struct OwnerLoss: Codable, Sendable, Equatable {
        package var owner: Owner
        package var deletes: Int

        package init(owner: Owner, deletes: Int) {
            self.owner = owner
            self.deletes = deletes
        }
    }
}

extension CurrentSource {
    /// What a plan without changes says of what exists; nil if nothing was compared.
    package var wordsIfAllIsThere: String? {
        switch self {
        case .api, .auto: "the store is as the export wants it"
        case .ledger: "all is there by the ledger, and the store was not asked"
        case .none: nil
        }
    }
}
