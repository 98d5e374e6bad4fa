import CallPacing
import CartAssociations
import CommerceAPI
import Ledger
import Synchronization

/// The newest listing of the whole store, which the runs of deltas that follow each other within a minute use together.
///
/// What runs changed since is in the ledger, and corrects it. It is not used if they changed too much for that, or if the effect
/// of one of their calls is not certain: then the store is asked again.
final class SharedListing: Sendable {
    private struct Kept {
        var listing: Listing
        let begun: ContinuousClock.Instant
        /// The number of the newest run whose changes it has; those of later ones may be missing from it.
        var run: Int64
        /// The carts that these runs changed.
        var changed: Set<CartID> = []
    }

    private static let goodFor: Duration = .seconds(60)
    private static let mostChanges = 10_000

    private let kept = Mutex<Kept?>(nil)

    /// - Parameters:
    ///   - begun: when the first page was asked for.
    ///   - run: the number of the newest run of the ledger at that time.
    func keep(_ listing: Listing, begun: ContinuousClock.Instant, run: Int64) {
        kept.withLock { $0 = Kept(listing: listing, begun: begun, run: run) }
    }

    /// Forgets it, since something is to change the store that its correction does not know.
    func forget() { kept.withLock { $0 = nil } }

    /// Forgets it if it is too old to be used.
    func forgetOld(now: ContinuousClock.Instant) {
        kept.withLock { kept in
            if let old = kept, now - old.begun >= Self.goodFor { kept = nil }
        }
    }

    /// The listing as it would be now, as far as this program knows; nil if the store has to be asked.
    func corrected(by ledger: Ledger, now: ContinuousClock.Instant) throws(LedgerError) -> StoreListing.Found? {
        forgetOld(now: now)
        guard var kept = kept.withLock(\.self) else { return nil }
        let newest = try ledger.newestRunNumber()
        guard let changes = try ledger.entries(after: kept.run, most: Self.mostChanges),
            kept.listing.take(changes)
        else {
            forget()
            return nil
        }
        // Each change is read once, before its run may be removed.
        kept.run = newest
        kept.changed.formUnion(changes.map(\.change.association.cart))
        self.kept.withLock { [kept] in $0 = kept }
        return .init(listing: kept.listing, earlier: .init(age: now - kept.begun, changed: kept.changed))
    }
}

extension Listing {
    /// Takes changes in, of which the last of an association counts; returns whether it is certain what each of them did.
    mutating func take(_ changes: [JournalEntry]) -> Bool {
        var exists: [Association: Bool] = [:]
        for entry in changes {
            guard let outcome = entry.outcome else { return false }
            switch outcome.outcome {
            case .created, .alreadyThere: exists[entry.change.association] = true
            case .deleted, .alreadyGone: exists[entry.change.association] = false
            case .skipped, .withheld: break
            case .rejected, .failed: if outcome.attempts > 0 { return false }
            }
        }
        guard !exists.isEmpty else { return true }
        associations.removeAll { exists[$0] != nil }
        for association in exists.filter(\.value).keys.sorted() {
            associations.append(association)
            cartIDs.insert(association.cart)
        }
        return true
    }
}

/// Lists the store's carts for one run.
struct StoreListing {
    struct Found {
        let listing: Listing
        /// What to heed if an earlier run asked for it; nil for the run's own.
        var earlier: Earlier?
    }

    /// A listing that is not new: others may have changed the store since.
    struct Earlier {
        /// From when the first page was asked for.
        let age: Duration
        /// The carts that runs changed since.
        let changed: Set<CartID>
    }

    let tools: RunTools
    /// Whether an earlier run's listing will do.
    let isShared: Bool

    /// Reads the whole listing, or takes an earlier run's.
    ///
    /// - Parameter mostPages: see `CommerceClient.listAssociations`.
    func list(mostPages: Int? = nil) async throws -> Found {
        let begun = tools.time.now()
        if isShared, let known = try tools.listing.corrected(by: tools.ledger, now: begun) { return known }
        tools.listing.forget()
        let run = try tools.ledger.newestRunNumber()
        let listing = try await tools.client.listAssociations(mostPages: mostPages) { [progress = tools.progress] in
            progress.advance(to: $0, of: $1)
        }
        // One that was given up early says nothing about the store.
        if listing.isComplete || mostPages == nil { tools.listing.keep(listing, begun: begun, run: run) }
        return Found(listing: listing)
    }
}
