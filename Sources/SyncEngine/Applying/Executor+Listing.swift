import CartAssociations
import CommerceAPI
import Foundation
import Ledger
import Synchronization

/// What a run asks the store's listing while it is applied.
extension Executor {
    private static let longestWait: Duration = .seconds(10)

    /// Waits until a listing shows what the first changes have made of the store.
    ///
    /// Throws `RunFailure.unconfirmed` where it does not in time, or none of them succeeded.
    func confirm(_ made: [Change]) async throws {
        guard !made.isEmpty else {
            throw RunFailure.unconfirmed("none of the first \(canary) changes (run.canary) succeeded")
        }
        let end = ContinuousClock.now + listingLag
        var wait: Duration = .milliseconds(500)
        while true {
            let listing = try await list(Set(made.map(\.association.owner)))
            let listed = Set(listing.associations)
            let missing = made.filter { change in
                switch change.kind {
                case .create: !listed.contains(change.association)
                // What an incomplete listing does not show may be there all the same.
                case .delete: listed.contains(change.association) || !listing.isComplete
                }
            }
            guard let example = missing.first else { return }
            guard ContinuousClock.now + wait < end else {
                var why =
                    "\(missing.count) of the first \(made.count) changes (run.canary) do not show in the store's "
                    + "listing after \(listingLag.components.seconds) s, for instance the \(example.kind.rawValue) "
                    + "of \(example.association)"
                if case .incomplete(let reason) = listing.completeness { why += "; \(reason)" }
                throw RunFailure.unconfirmed(why)
            }
            try await client.pause(for: wait)
            wait = min(wait * 2, Self.longestWait)
        }
    }

    /// A listing that shows at least what these owners have.
    private func list(_ owners: Set<Owner>) async throws(APIError) -> Listing {
        guard let shoppers else { return try await client.listAssociations() }
        return try await client.listAssociations(ofShoppers: owners.sorted().map { ($0, shoppers[$0]) })
    }

    /// Makes the deletes whose earlier attempt may have had its effect, where a fresh listing still shows them.
    func settleDoubts(_ notes: Notes) async throws {
        let doubtful = notes.state.withLock { $0.doubtful }
        guard !doubtful.isEmpty else { return }
        let listing = try await list(Set(doubtful.values.joined().map(\.change.association.owner)))
        let listed = listing.isComplete ? Set(listing.associations) : nil
        var left: [CartChanges] = []
        var gone: [JournalEntry] = []
        for (cart, entries) in doubtful.sorted(by: { $0.key < $1.key }) {
            let still = entries.filter { listed?.contains($0.change.association) ?? true }
            if !still.isEmpty { left.append(CartChanges(cart: cart, entries: still, hasFailedCreate: false)) }
            for entry in entries where listed?.contains(entry.change.association) == false {
                gone.append(
                    entry.ended(
                        ChangeOutcome(
                            .alreadyGone, attempts: 0,
                            message: "a fresh listing does not show it; an earlier attempt without an answer may have "
                                + "deleted it",
                            at: Date())))
            }
        }
        try ledger.record(gone)
        for _ in gone { progress.count(.alreadyGone) }
        try await work(through: CartQueue(of: left, run: run, ledger: ledger), notes, settlesDoubts: true)
    }
}
