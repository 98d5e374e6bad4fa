import AssociationDiff
import CartAssociations
import CommerceAPI

/// What exists now, as far as the run knows, and how it knows.
struct Current {
    /// Where it was learnt: `api`, `ledger` or `none`.
    let source: CurrentSource
    /// Why there, in a sentence.
    let reason: String
    /// What the store's listing showed; empty where it was not used.
    let listed: [Association]
    /// Whether the listing showed everything; an incomplete one may keep creates away and causes no delete.
    let isComplete: Bool

    /// Whether the ledger says what exists.
    var isLedger: Bool { source != .api }

    /// Asks the store, the ledger or nobody.
    ///
    /// Throws `APIError` where the store was asked and no call to it makes sense.
    static func find(
        _ wish: CurrentSource, client: CommerceClient, progress: RunProgress
    ) async throws -> Current {
        switch wish {
        case .ledger:
            return Current(source: .ledger, reason: "as asked", listed: [], isComplete: true)
        case .none:
            return Current(
                source: .none, reason: "as asked, everything is asserted again", listed: [], isComplete: true)
        case .api, .auto:
            progress.enter(.listing)
            let listing = try await client.listAssociations { read, total in progress.advance(to: read, of: total) }
            switch (listing.completeness, wish) {
            case (.complete, _):
                return Current(
                    source: .api, reason: "the listing is complete, \(listing.carts) carts",
                    listed: listing.associations, isComplete: true)
            case (.incomplete(let reason), .auto):
                return Current(
                    source: .ledger, reason: "the listing is not complete: \(reason)", listed: [], isComplete: true)
            case (.incomplete(let reason), _):
                return Current(
                    source: .api, reason: "the listing is not complete and causes no delete: \(reason)",
                    listed: listing.associations, isComplete: false)
            }
        }
    }
}
