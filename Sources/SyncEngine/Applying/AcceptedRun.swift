import CallPacing
import CartAssociations
import CommerceAPI
import Foundation
import Ledger
import Logging
package import SyncReporting

/// A run whose plan is in the journal: the changes that are pending there are made, at once or when it is resumed.
struct AcceptedRun {
    let options: RunOptions
    let tools: RunTools
    /// The report, which is right already in all but outcomes, latencies, failures and the verdict.
    let draft: RunReport
    let counts: PlanCounts
    /// What is known about the part before, if the run is resumed.
    var resumption: Resumption?
    /// The exports of the plan, if they are open.
    var openExports: RunExports?

    /// Makes the pending changes and writes the report of the whole run.
    ///
    /// Throws if the ledger or the report cannot be written.
    func apply() async throws(RunFailure) -> EndedRun {
        let (progress, client) = (tools.progress, tools.client)
        let total = draft.plan.changes
        let earlier = resumption?.done ?? 0
        do {
            progress.enter(.applying, total: total, done: earlier)
            let executor = Executor(
                tools: tools, concurrency: options.concurrency, canary: options.canary, listingLag: options.listingLag,
                hasListing: draft.plan.current == .api, resumption: resumption, shoppers: try tokens())
            let watch = ObjectiveWatch(options.objectives, tools.time)
            var failure: RunFailure?
            do {
                try await tools.stage(.apply) {
                    try await tools.within(options.deadline) {
                        try await watched(watch) { try await executor.apply() }
                    }
                }
                // A store that gave out on the last change of all has not failed any other call.
                if let error = client.standingError, ![.stopped, .deadline].contains(error.kind) {
                    failure = .api(error)
                }
            } catch {
                failure = RunFailure(error)
            }
            let report = try tools.stageAtOnce(.report) { try conclude(failure, watch) }
            return EndedRun(report: report, folder: tools.folder, failure: failure)
        } catch {
            let done = progress.now.phase == .applying ? progress.now.done : 0
            guard done > earlier else { throw RunFailure(error) }
            throw .unwritable("\(RunFailure(error)); \(done) of \(total) changes were made before")
        }
    }

    private func tokens() throws -> ShopperTokens? {
        guard tools.client.authentication == .shopper else { return nil }
        return try ShopperTokens.toApply(options, tools, openExports)
    }

    /// Does the work of the run while its objectives are judged.
    private func watched(_ watch: ObjectiveWatch, _ work: () async throws -> Void) async throws {
        let (tools, aborts) = (tools, options.abortsOnCrossing)
        async let _ = watch.look(at: tools.recorder, tools.progress) { objective in
            tools.progress.notice("objective \(objective) is crossed\(aborts ? ", so the run stops" : "")")
            tools.log.notice(
                "an objective is crossed", metadata: ["objective": "\(objective)", "aborts": "\(aborts)"])
            // No further call begins; those in flight end, and the run can be resumed.
            if aborts { tools.client.stop() }
        }
        try await work()
    }

    private func conclude(_ failure: RunFailure?, _ watch: ObjectiveWatch) throws -> RunReport {
        var journal = JournalReading(
            exports: draft.exports.map(\.path), owners: tools.ownerNames(options), resumption: resumption,
            time: tools.time)
        try journal.read(run: tools.run, ledger: tools.ledger, folder: tools.folder)
        let snapshot = journal.snapshot(before: tools.recorder.snapshot())
        var report = draft
        report.outcomes = journal.outcomes
        report.failures = journal.failures
        report.take(.init(snapshot, rateLimit: Double(options.rateLimit), ended: tools.time.wall()))
        report.objectives = watch.results(in: report, isAborted: options.abortsOnCrossing)
        report.verdict = RunReport.Verdict(
            of: report, counts, failure, isStopped: tools.stop.isStopped)
        let hasPending = journal.outcomes.pending > 0
        tools.trace(counts, unsuccessful: journal.outcomes.unsuccessful, pending: journal.outcomes.pending)
        tools.trace(report.verdict.exitStatus)
        if hasPending { report.verdict.next = options.resumeCommand(of: tools.run) }
        try tools.write(report, snapshot)
        // The change of the run itself moves the revision on by one.
        let revision = try tools.ledger.revision() + 1
        try tools.ledger.updateRun(tools.run) { run in
            run.stoppedAt = revision
            run.state = hasPending ? .stopped : .finished
            run.ended = report.ended
            run.exitStatus = report.verdict.exitStatus
            run.unsuccessful = report.outcomes.unsuccessful
            run.reason = failure.map { "\($0)" } ?? report.verdict.words
        }
        return report
    }
}

/// A run that has ended, done or not, with its report written.
package struct EndedRun: Sendable {
    package let report: RunReport
    /// The folder of the report and the run's files.
    package let folder: String
    /// The error that ended the run early; nil if no error did.
    package let failure: RunFailure?
}
