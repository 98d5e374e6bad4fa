import CallPacing
import CartAssociations
import Foundation
import Ledger
import SyncEngine
import SyncReporting
import SyncService
import Synchronization

/// What `/metrics` tells of all jobs: the runs that have ended, and the recorder of the one that goes on.
final class ServiceMetrics: Sendable {
    private struct State {
        var ended: PrometheusText
        var running: (recorder: LatencyRecorder, progress: RunProgress)?
    }

    private let state: Mutex<State>
    private let session: Session

    /// - Parameter sources: the names of the sources of all jobs.
    init(_ session: Session, sources: [String]) {
        self.session = session
        state = Mutex(State(ended: PrometheusText(sources: sources)))
    }

    /// What measures the run that goes on.
    var running: (recorder: LatencyRecorder, progress: RunProgress)? { state.withLock { $0.running } }

    func begin(_ recorder: LatencyRecorder, _ progress: RunProgress) {
        state.withLock { $0.running = (recorder, progress) }
    }

    /// Counts a run that has a report.
    func count(_ report: RunReport) {
        state.withLock { state in
            state.ended.add(report)
            state.running = nil
        }
    }

    /// Counts a run that was resumed, without what was counted before.
    func count(_ report: RunReport, after earlier: RunOutcomes, _ recorder: LatencyRecorder) {
        state.withLock { state in
            state.ended.add(report, after: earlier, calls: calls(of: recorder))
            state.running = nil
        }
    }

    /// Counts a run that ended without a report.
    func countRun(of source: String, exitStatus: ExitStatus) {
        state.withLock { $0.ended.addRun(of: source, exitStatus: exitStatus) }
    }

    /// Counts the calls of a run that ended without a report: a counter never falls.
    func addRest(_ recorder: LatencyRecorder) {
        state.withLock { state in
            guard state.running != nil else { return }
            state.ended.add(calls(of: recorder))
            state.running = nil
        }
    }

    /// The metrics in Prometheus' text format.
    func text(_ jobs: [JobStatus]) -> String {
        var now = PrometheusText.Now()
        now.limit = Double(session.pacer.rate)
        now.exportsWaiting = jobs.reduce(0) { $0 + $1.inbox.view.ready.count + $1.inbox.view.waiting.count }
        now.approvalsWaiting = jobs.reduce(0) { $0 + $1.inbox.awaiting.count }
        (now.stateFreeBytes, now.ledgerBytes) = StateFolder.sizes(session.ledger.folder)
        return state.withLock { state in
            if let (recorder, progress) = state.running {
                let standing = progress.now
                now.rate = recorder.recentRate(now: .now)
                if standing.phase == .applying { now.changesLeft = (standing.total ?? standing.done) - standing.done }
            }
            let running = state.running.map { calls(of: $0.recorder) }
            return state.ended.text(now: now, running: running, time: Date())
        }
    }

    private func calls(of recorder: LatencyRecorder) -> LatencyReport {
        LatencyReport(recorder.snapshot(), rateLimit: Double(session.settings.rate), ended: Date())
    }
}
