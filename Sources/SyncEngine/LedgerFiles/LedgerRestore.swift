package import CallPacing
import CartAssociations
package import CommerceAPI
package import Ledger

/// Puts a backup of a ledger in the place of the folder's own.
///
/// What happened since the backup is unknown: nothing counts as existing until a listing shows it, and unfinished runs are void.
///
/// If the old ledger can be read, the sources assert what they assert by it, and the exports that were applied since stay known.
/// Otherwise, or if it may be incomplete, a source may have let go of associations that somebody has made again: what it asserts
/// is marked as old, so that its next snapshot lets go of what it does not name, and deletes nothing of it. It may also have
/// asserted others, so that deletes of other sources are withheld until it has named them, or a person allows them. The old ledger
/// is unchanged until `finish`.
package final class LedgerRestore {
    private let replacement: LedgerReplacement
    private let time: TimeSource
    private let run: String
    private let kept: KeptMemory
    private let since: AssertionsSince?
    private var listed: Int?

    /// Locks the state folder and begins.
    ///
    /// Throws if another process holds the folder, or the file is no sound backup of a ledger of this store.
    ///
    /// - Parameters:
    ///   - store: the store that it has to belong to; nil takes the backup's own word for it.
    ///   - source: the source of the run that stands for this in the ledger.
    package init(
        folder: String, backup: String, store: StoreIdentity?, source: String, time: TimeSource
    ) throws(RunFailure) {
        let now = time.wall()
        self.time = time
        let replacement: LedgerReplacement
        do {
            replacement = try LedgerReplacement(folder: folder, restoring: backup, store: store, now: now)
        } catch {
            throw RunFailure(error)
        }
        self.replacement = replacement
        var generator = SystemRandomNumberGenerator()
        run = RunRecord.makeID(at: now, using: &generator)
        do {
            kept = try replacement.keepMemory(inPlaceOf: run)
            since = kept.problem == nil ? try replacement.takeAssertions() : nil
            let ledger = replacement.ledger
            if since == nil { try ledger.markAssertionsOld() }
            try ledger.beginRun(
                RunRecord(id: run, command: "ledger restore", source: source, scope: .none, started: now))
            try ledger.doubtEverything(from: run)
        } catch {
            replacement.abandon()
            throw RunFailure(error)
        }
    }

    /// Takes what the store lists for what exists.
    ///
    /// Throws if the listing is not provably complete, and then takes nothing.
    package func addListing(_ client: CommerceClient) async throws(RunFailure) {
        do {
            let listing = try await client.listAssociations(progress: { _, _ in })
            if case .incomplete(let reason) = listing.completeness { throw RunFailure.incompleteListing(reason) }
            let ledger = replacement.ledger
            let draft = ledger.draftAssociations()
            for association in listing.associations {
                try draft.add(association, ledger.fingerprintKey.fingerprint(association))
            }
            try ledger.confirm(draft, as: .listed, run: run, at: time.wall())
            listed = listing.associations.count
        } catch {
            throw RunFailure(error)
        }
    }

    /// Puts the restored ledger in its place.
    package func finish() throws(RunFailure) -> Restored {
        do {
            let ledger = replacement.ledger
            let ended = time.wall()
            try ledger.updateRun(run) { run in
                run.state = .finished
                run.ended = ended
                run.exitStatus = .done
            }
            let (store, associations) = (ledger.store.baseURL, try ledger.associationCount())
            return Restored(
                run: run, store: store, associations: associations, listed: listed, kept: kept, letGo: since?.letGo,
                asserted: since?.taken, oldFiles: try replacement.finish())
        } catch {
            throw RunFailure(error)
        }
    }

    /// Gives up; the old ledger is unchanged.
    package func abandon() { replacement.abandon() }
}

/// What a restoration has made.
package struct Restored: Sendable, Codable {
    package let run: String
    package let store: String
    package let associations: Int
    /// How many associations the store listed; nil if it was not asked, or could not say.
    package let listed: Int?
    /// What is known of the exports that were applied since the backup.
    package let kept: KeptMemory
    /// How many associations sources have let go of since the backup, so that these are no longer theirs; nil if the old ledger
    /// cannot say, so that what they assert is marked as old.
    package let letGo: Int?
    /// How many associations sources have asserted since the backup; nil if the old ledger cannot say.
    package let asserted: Int?
    /// The folder with the files of the old ledger; nil if there was no ledger.
    package let oldFiles: String?
}
