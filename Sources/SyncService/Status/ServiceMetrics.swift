import CallPacing
import CartAssociations
import DurableFiles
import Foundation
import Ledger
import Logging
import SyncEngine
import SyncReporting
import Synchronization

/// What `/metrics` tells of all jobs: the runs that have ended, and the run at hand.
final class ServiceMetrics: Sendable {
    private struct State {
        var ended: PrometheusText
        var running: RunTools?
    }

    private let state: Mutex<State>
    private let session: StoreSession

    let stateSize: StateSize

    /// - Parameters:
    ///   - sources: the names of the sources of all jobs.
    ///   - stateLimit: see `StateSize`.
    init(_ session: StoreSession, sources: [String], stateLimit: Int) {
        self.session = session
        stateSize = StateSize(session.ledger.folder, limit: stateLimit, time: session.time)
        var successes: [String: Date?] = [:]
        for source in sources {
            do {
                successes[source] = try session.ledger.lastSuccess(of: source)
            } catch {
                session.log.warning(
                    "the last success is unknown", metadata: ["source": "\(source)", "error": "\(error)"])
                successes[source] = .some(nil)
            }
        }
        state = Mutex(State(ended: PrometheusText(sources: successes)))
    }

    private var time: TimeSource { session.time }

    /// The tools of the run at hand; nil if there is none.
    var running: RunTools? { state.withLock { $0.running } }

    func begin(_ run: RunTools) {
        state.withLock { $0.running = run }
    }

    /// Counts a run that has a report.
    func count(_ report: RunReport) {
        state.withLock { state in
            state.ended.add(report)
            state.running = nil
        }
    }

    /// Counts a run that was resumed, without what was counted before.
    func count(_ report: RunReport, after earlier: RunOutcomes, _ run: RunTools) {
        state.withLock { state in
            state.ended.add(report, after: earlier, calls: calls(of: run))
            state.running = nil
        }
    }

    /// Counts a run that ended without a report.
    func countRun(of source: String, exitStatus: ExitStatus) {
        state.withLock { $0.ended.addRun(of: source, exitStatus: exitStatus) }
    }

    /// Counts the calls of a run that ended without a report: a counter never falls.
    func addRest(of run: RunTools) {
        state.withLock { state in
            guard state.running != nil else { return }
            state.ended.add(calls(of: run))
            state.running = nil
        }
    }

    /// The metrics in Prometheus' text format.
    func text(_ jobs: [JobStatus]) -> String {
        var now = PrometheusText.Now()
        now.limit = Double(session.pacer.rate)
        now.ceiling = Double(session.pacer.limit)
        now.exportsWaiting = jobs.reduce(0) { $0 + $1.inbox.view.count }
        now.approvalsWaiting = jobs.reduce(0) { $0 + $1.inbox.awaiting.count }
        (now.stateFreeBytes, now.ledgerBytes) = sizes()
        (now.stateBytes, now.stateMaxBytes) = (stateSize.bytes(), stateSize.limit)
        return state.withLock { state in
            if let run = state.running {
                let standing = run.progress.now
                now.rate = run.recorder.recentRate(now: time.now())
                let pace = run.recorder.pace(now: time.now())
                if now.limit < now.ceiling || pace.pauseLeft != nil { now.paceReason = pace.reason }
                if standing.phase == .applying { now.changesLeft = (standing.total ?? standing.done) - standing.done }
            }
            return state.ended.text(now: now, running: state.running.map(calls), time: time.wall())
        }
    }

    /// The bytes that are free on the disk of the state folder, and those of the ledger; nil if they cannot be asked.
    private func sizes() -> (free: Int?, ledger: Int?) {
        let folder = session.ledger.folder
        let sizes = Ledger.fileNames.compactMap { (try? FileSystem.status("\(folder)/\($0)"))??.size }
        return (try? FileSystem.freeBytes(at: folder), sizes.isEmpty ? nil : sizes.reduce(0, +))
    }

    private func calls(of run: RunTools) -> LatencyReport {
        LatencyReport(run.recorder.snapshot(), rateLimit: Double(session.pacer.limit), ended: time.wall())
    }
}
