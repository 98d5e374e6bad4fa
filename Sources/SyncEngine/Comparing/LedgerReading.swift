import Dispatch
import Ledger
import Synchronization

/// A reading of the ledger on a thread of its own, while the run reads its exports.
///
/// Other work on the ledger goes on between two pieces of it, and must not change associations meanwhile.
final class LedgerReading<Found: ~Copyable & Sendable>: Sendable {
    private var queue: DispatchQueue { LedgerReadings.queue }
    private let isStopped = Atomic(false)
    private let state = Mutex(State())

    private struct State: ~Copyable, Sendable {
        var found: Found?
        var error: (any Error)?
    }

    /// Begins at once.
    ///
    /// - Parameter read: is to call its argument for each row, which throws once nobody needs what it finds.
    init(_ read: @escaping @Sendable (_ goesOn: () throws -> Void) throws -> Found) {
        queue.async { [self] in
            state.withLock { state in
                do {
                    state.found = try read {
                        if isStopped.load(ordering: .relaxed) { throw CancellationError() }
                    }
                } catch {
                    state.error = error
                }
            }
        }
    }

    /// What was found, to be taken once; waits for the end.
    ///
    /// Throws what made the reading fail.
    func take() throws -> Found? {
        queue.sync {}
        return try state.withLock { state in
            if let error = state.error { throw error }
            return state.found.take()
        }
    }

    /// Ends it, as nobody needs what it finds.
    func stop() {
        isStopped.store(true, ordering: .relaxed)
        queue.sync {}
    }
}

/// The thread on which ledgers are read: runs go one after the other, so that one does for all.
package enum LedgerReadings {
    fileprivate static let queue = DispatchQueue(label: "cartsync.ledger-reading")

    /// Waits until none of those that have begun reads any longer: only then may a ledger be closed whose run has not ended.
    package static func wait() { queue.sync {} }
}
