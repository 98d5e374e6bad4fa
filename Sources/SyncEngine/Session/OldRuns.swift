import DurableFiles
import Foundation
package import Ledger
import Logging
import Synchronization

/// Removes the runs that are no longer kept: what the ledger knows of them, their journals and their folders. Exports without
/// end make runs without end.
///
/// It is done in steps of some milliseconds between runs. A run is forgotten first, in one transaction, so that nobody meets a
/// part of it; after a crash the next step goes on with what is left.
package final class OldRuns: Sendable {
    private struct State {
        var retention: RunRetention
        /// Where the next look begins; empty for the oldest run.
        var place = ""
        /// Before this nothing is looked for.
        var rest: Date?
    }

    /// How long nothing is looked for after all was removed, if no run ends.
    private static let restTime: TimeInterval = 3600

    private let state: Mutex<State>

    package init(_ retention: RunRetention) { state = Mutex(State(retention: retention)) }

    package var retention: RunRetention { state.withLock { $0.retention } }

    /// Counts the deletes of a source for another time.
    package func setWindow(_ window: Duration, of source: String) {
        state.withLock { $0.retention.windows[source] = window }
    }

    /// Looks again: a run has ended.
    func wake() { state.withLock { $0.rest = nil } }

    /// Removes a part; to be called while no run is under way. Returns whether there may be more.
    func removeSome(from ledger: Ledger, now: Date, log: Logger) throws(LedgerError) -> Bool {
        let (retention, place, rest) = state.withLock { ($0.retention, $0.place, $0.rest) }
        // A clock that was set back must not keep it from its work.
        if let rest, now < rest, rest.timeIntervalSince(now) <= Self.restTime { return false }
        do throws(LedgerError) {
            let removed = try ledger.removedRuns()
            if !removed.isEmpty {
                for run in removed { Self.removeFolder(of: run, in: ledger, log) }
                try ledger.removeJournals(of: removed)
                return true
            }
            let waiting = Set(WaitingRuns(ledger).all().map(\.id))
            let next = try ledger.forgetRuns(by: retention, waiting: waiting, now: now, after: place)
            let left = try ledger.removedRuns()
            let isOver = next == nil && left.isEmpty
            state.withLock { state in
                state.place = next ?? ""
                state.rest = isOver ? now + Self.restTime : nil
            }
            return !isOver
        } catch {
            state.withLock { $0.rest = now + Self.restTime }
            throw error
        }
    }

    private static func removeFolder(of run: String, in ledger: Ledger, _ log: Logger) {
        do {
            try FileSystem.remove(RunTools.folder(of: run, in: ledger))
        } catch {
            log.warning("a report that is no longer kept cannot be removed", metadata: ["error": "\(error)"])
        }
    }
}
