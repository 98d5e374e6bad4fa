import CartAssociations
import SyncEngine
import SyncReporting

/// Shows what a run is doing: one line that updates on a terminal, a log line now and then elsewhere.
enum Progress {
    /// Takes a run from one stage to the next while its progress is shown.
    static func shown<Stage: ~Copyable, Next: ~Copyable>(
        _ tools: RunTools, _ session: Session, _ stage: consuming Stage,
        _ work: (consuming Stage) async throws -> Next
    ) async rethrows -> Next {
        let progress = tools.progress
        let recorder = tools.recorder
        let limit = Double(session.settings.rate)
        // The child task ends with this scope.
        async let _ = show(progress, recorder, limit: limit, isTerminal: Terminal.errorIsTerminal)
        return try await work(stage)
    }

    private static func show(
        _ progress: RunProgress, _ recorder: LatencyRecorder, limit: Double, isTerminal: Bool
    ) async {
        let clock = ContinuousClock()
        var phase: RunProgress.Phase?
        var meter = ProgressMeter(phase: "", isTerminal: isTerminal, now: clock.now)
        while !Task.isCancelled {
            let now = progress.now
            tell(progress)
            if now.phase != phase {
                phase = now.phase
                meter = ProgressMeter(
                    phase: now.phase.rawValue, isTerminal: isTerminal, now: clock.now, done: now.done,
                    attempts: recorder.counts.attempts)
            }
            if meter.isDue(now: clock.now) {
                let snapshot = recorder.snapshot()
                let counts = ProgressCounts(
                    done: now.done, total: now.total, failed: now.failed, limit: limit,
                    p50: snapshot.milliseconds(atPercentile: 50, of: now.phase.operations, .response),
                    p99: snapshot.milliseconds(atPercentile: 99, of: now.phase.operations, .response),
                    from: recorder, now: clock.now)
                let line = meter.line(counts, now: clock.now)
                if isTerminal {
                    Terminal.progress(line.terminal(width: Terminal.width - 1))
                } else {
                    Terminal.message("cartsync: \(line.log())")
                }
            }
            try? await clock.sleep(until: min(meter.due, clock.now + .milliseconds(200)), tolerance: .milliseconds(20))
        }
        if isTerminal { Terminal.progress("") }
        tell(progress)
    }

    private static func tell(_ progress: RunProgress) {
        for news in progress.takeNews() { Terminal.message("cartsync: \(news)") }
        for notice in progress.takeNotices() { Terminal.message("cartsync: warning: \(notice)") }
    }
}
