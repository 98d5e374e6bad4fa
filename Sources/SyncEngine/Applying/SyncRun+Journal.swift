import CartAssociations
import CommerceAPI
import Foundation
import Ledger
import Logging
import SyncReporting

/// Working through the journal of an accepted run, at once or when it is resumed.
extension SyncRun {
    /// Makes the pending changes of the journal and writes the report of the whole run.
    ///
    /// - Parameters:
    ///   - draft: the report, of which everything but outcomes, latencies and the verdict is right already.
    ///   - resumption: what is known about the part before, where the run is resumed.
    func applyJournal(
        _ draft: RunReport, plan: PlanCounts, resumption: Resumption? = nil
    ) async throws(RunFailure) -> RunReport {
        let total = draft.plan.changes
        let earlier = resumption?.done ?? 0
        do {
            progress.enter(.applying, total: total, done: earlier)
            let executor = Executor(
                run: id, ledger: ledger, client: client, concurrency: options.concurrency, stop: stop,
                progress: progress, canary: options.canary, listingLag: options.listingLag,
                hasListing: draft.plan.current == .api,
                resumption: resumption, shoppers: try tokensToApply())
            do {
                try await withDeadline { try await watched { try await executor.apply() } }
                // A store that gave out on the last change of all has told nobody else.
                if let error = client.standingError, ![.stopped, .deadline].contains(error.kind) {
                    failure = .api(error)
                }
            } catch {
                failure = RunFailure(error)
            }
            return try conclude(draft, plan, resumption)
        } catch {
            let done = progress.now.phase == .applying ? progress.now.done : 0
            guard done > earlier else { throw RunFailure(error) }
            throw .unwritable("\(RunFailure(error)); \(done) of \(total) changes were made before")
        }
    }

    /// Does the work of the run while its objectives are judged.
    private func watched(_ work: () async throws -> Void) async throws {
        let (watch, recorder, progress, client, log) = (watch, recorder, progress, client, log)
        let aborts = options.abortsOnCrossing
        async let _ = watch.look(at: recorder, progress) { objective in
            progress.notice("objective \(objective) is crossed\(aborts ? ", so the run stops" : "")")
            log.notice("an objective is crossed", metadata: ["objective": "\(objective)", "aborts": "\(aborts)"])
            // No call begins any more; those in flight end, and the run can be resumed.
            if aborts { client.stop() }
        }
        try await work()
    }

    private func conclude(
        _ draft: RunReport, _ plan: PlanCounts, _ resumption: Resumption?
    ) throws -> RunReport {
        var journal = JournalReading(
            exports: draft.exports.map(\.path), owners: owners, resumption: resumption)
        try journal.read(run: id, ledger: ledger, folder: folder)
        let snapshot = journal.snapshot(before: recorder.snapshot())
        var report = draft
        report.outcomes = journal.outcomes
        report.failures = journal.failures
        report.take(.init(snapshot, rateLimit: Double(options.rateLimit), ended: Date()))
        report.objectives = watch.results(in: report, isAborted: options.abortsOnCrossing)
        report.verdict =
            Verdict(
                outcomes: journal.outcomes, plan: plan, failure: failure, isStopped: stop.isRequested,
                crossed: report.objectives.filter(\.isCrossed)
            ).inReport
        if journal.outcomes.pending > 0 { report.verdict.next = options.resumeCommand(id) }
        try write(report, snapshot)
        // The change of the run itself moves it on by one.
        let revision = try ledger.revision() + 1
        try ledger.updateRun(id) { run in
            run.stoppedAt = revision
            run.state = journal.outcomes.pending > 0 ? .stopped : .finished
            run.ended = report.ended
            run.exitStatus = Int(report.verdict.exitStatus.rawValue)
            run.reason = failure.map { "\($0)" } ?? report.verdict.words
        }
        return report
    }

    func write(_ report: RunReport, _ snapshot: LatencySnapshot) throws {
        try makeFolder()
        try ReportFolder(path: folder).write(report, snapshot)
    }

    /// Writes report.json alone.
    func write(_ report: RunReport) throws {
        try makeFolder()
        try ReportFolder(path: folder).write(report)
    }

    private func makeFolder() throws {
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }
}
