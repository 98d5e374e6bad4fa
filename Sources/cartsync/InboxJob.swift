import CartAssociations
import ExportFiles
import Foundation
import Ledger
import Logging
import SyncEngine
import SyncReporting
import SyncService
import Synchronization

/// What `serve` does with each export of its inbox.
final class InboxJob: Sendable {
    private let session: Session
    private let approvals: JobApprovals
    private let metrics: ServiceMetrics
    private let worstStatus = Mutex<ExitStatus?>(nil)

    /// - Parameter session: with the settings of the job.
    init(_ session: Session, inbox: Inbox, metrics: ServiceMetrics) {
        self.session = session
        self.metrics = metrics
        approvals = JobApprovals(
            runs: WaitingRuns(stateFolder: session.ledger.folder), job: session.settings.source,
            inbox: inbox, log: session.log)
    }

    /// Takes exports whose runs were approved back to work.
    func review() { approvals.review() }

    /// The first status of a run that was not done.
    var worst: ExitStatus? { worstStatus.withLock { $0 } }

    /// What the export at a path is. It is read whole, since a broken one makes no earlier one void.
    func classify(_ path: String) -> ExportClass {
        let reader = ExportReader(options: session.settings.reading)
        guard let file = try? ExportFile.open(path, spoolFolder: session.ledger.folder, followingLinks: false),
            let facts = try? reader.read(file, selecting: { _, _, _, _ in false }, visit: { _ in }),
            facts.endsWithNewline || !session.settings.requireFinalNewline, facts.usableRecords > 0
        else { return .unknown }
        let shape = facts.shape
        if shape.isDelta { return .delta }
        let fields: [ExportField] = [.customer, .account, .owner]
        return .snapshot(kind: fields.filter { shape.mapping[$0] != nil }.map(\.rawValue).joined(separator: "+"))
    }

    /// Syncs one export within the guards, or goes on with the run that it had.
    func run(_ export: ClaimedExport, began: @Sendable (String) -> Void) async -> ExportVerdict {
        let waited = approvals.waiting(for: export)
        if export.isResumed, let verdict = await resume(export, waited?.run, began) { return verdict }
        let run = session.run(
            command: "serve", exports: [export.path],
            missingFinalNewline: session.settings.requireFinalNewline ? .refused : .makesNoDeletes,
            approvedDeletes: waited?.approval?.deletes)
        began(run.id)
        let recorder = run.tools.recorder
        metrics.begin(recorder, run.progress)
        let verdict: ExportVerdict
        do {
            verdict = try await ProgramLog.$run.withValue(run.id) { () async throws(RunFailure) in
                try await planAndApply(run, export, waited?.run)
            }
        } catch {
            verdict = judge(RunFailure(sorting: error), run, export, waited?.run)
        }
        metrics.addRest(recorder)
        await session.store.endRun()
        return verdict
    }

    /// Goes on with the stopped run of an export that was taken before; nil where it must be planned anew.
    private func resume(
        _ export: ClaimedExport, _ waited: WaitingRun?, _ began: (String) -> Void
    ) async -> ExportVerdict? {
        let verdict: ExportVerdict?
        var id = "none"
        do {
            guard let record = try stoppedRun(of: export) else { return nil }
            id = record.id
            let run = session.run(resuming: record)
            let remainder = try run.remainder(of: record)
            guard remainder.refusals.isEmpty else { return nil }
            if let waited { try approvals.forget(waited) }
            began(run.id)
            let recorder = run.tools.recorder
            metrics.begin(recorder, run.progress)
            defer { metrics.addRest(recorder) }
            session.log.notice(
                "a run is resumed", metadata: ["run": "\(record.id)", "pending": "\(remainder.pending)"])
            let earlier = try? ReportFolder(path: run.folder).report()
            let report = try await ProgramLog.$run.withValue(run.id) { try await run.resume(record, remainder) }
            metrics.count(report, after: earlier?.outcomes ?? RunOutcomes(), recorder)
            verdict = try conclude(report, run, export)
        } catch {
            verdict = self.verdict(RunFailure(sorting: error), id, export, waited)
        }
        await session.store.endRun()
        return verdict
    }

    /// The run that was stopped while it applied this very export, under whatever name it had then.
    private func stoppedRun(of export: ClaimedExport) throws -> RunRecord? {
        let stopped = try session.ledger.runs(in: [.stopped]).filter { run in
            run.isResumable && run.command == "serve" && run.source == session.settings.source
        }
        guard !stopped.isEmpty else { return nil }
        let file = try ExportFile.open(export.path, spoolFolder: session.ledger.folder, followingLinks: false)
        let digest = try file.sha256()
        return stopped.last { $0.exports.map(\.digest) == [digest] }
    }

    private func planAndApply(
        _ run: SyncRun, _ export: ClaimedExport, _ waited: WaitingRun?
    ) async throws(RunFailure) -> ExportVerdict {
        let plan = try await run.plan(keepingRejects: true)
        for warning in run.warnings {
            session.log.warning("a warning before the plan", metadata: ["warning": "\(warning)"])
        }
        guard plan.refusals.isEmpty else { return try refuse(plan, run, export, waited) }
        // Before the first write: an approval is used once, however this run ends.
        if let waited { try approvals.forget(waited) }
        let report = try await run.apply()
        metrics.count(report)
        return try conclude(report, run, export)
    }

    private func conclude(
        _ report: RunReport, _ run: SyncRun, _ export: ClaimedExport
    ) throws(RunFailure) -> ExportVerdict {
        end(run, export, report)
        let status = report.verdict.exitStatus
        note(status)
        guard report.outcomes.pending > 0 else { return .done(report: run.folder) }
        if session.store.runIsStopped { return try waitForPerson(run, export, nil) }
        return .interrupted(reason: run.failure.map { "\($0)" } ?? report.verdict.words)
    }

    /// The one line of the log that tells how a run ended, and its metrics.
    private func end(_ run: SyncRun, _ export: ClaimedExport, _ report: RunReport) {
        let outcomes = report.outcomes
        session.log.info(
            "a run ended",
            metadata: [
                "run": "\(run.id)", "export": "\(export.name)", "status": "\(report.verdict.exitStatus.rawValue)",
                "verdict": "\(report.verdict.words)", "created": "\(outcomes.create.created)",
                "deleted": "\(outcomes.delete.deleted)", "unsuccessful": "\(outcomes.unsuccessful)",
                "pending": "\(outcomes.pending)", "kept": "\(report.plan.kept)",
                "seconds": "\((report.seconds * 10).rounded() / 10)",
            ])
        writeMetrics(.report(report))
    }

    private func writeMetrics(_ run: MetricsFile.LastRun) {
        guard let unwritten = session.writeMetrics(run, again: "") else { return }
        session.log.error("report.metrics-file is not written", metadata: ["error": "\(unwritten.details)"])
    }

    /// A run that somebody stopped goes on when somebody says so.
    private func waitForPerson(
        _ run: SyncRun, _ export: ClaimedExport, _ waited: WaitingRun?
    ) throws(RunFailure) -> ExportVerdict {
        try approvals.wait(export, run: run, cause: .stopped, plan: nil, inPlaceOf: waited)
        return .waiting(
            reason:
                "a person stopped the run; \(WaitingRun.command(run.id, state: session.ledger.folder)) lets it go on",
            report: run.folder)
    }

    private func refuse(
        _ plan: PlanView, _ run: SyncRun, _ export: ClaimedExport, _ waited: WaitingRun?
    ) throws(RunFailure) -> ExportVerdict {
        let sentences = plan.refusals.map(\.sentence).joined(separator: "; ")
        let lasting = plan.refusals.filter { !WaitingRun.liftedByNumber.contains($0.rule) }
        let next =
            lasting.isEmpty ? WaitingRun.command(run.id, state: session.ledger.folder) : WaitingRun.advice(lasting)
        let report = try run.refuse(status: .refused, words: sentences, next: next)
        if let report {
            metrics.count(report)
            end(run, export, report)
        }
        try approvals.wait(export, run: run, cause: .refused, plan: plan, inPlaceOf: waited)
        note(.refused)
        return .waiting(reason: "\(sentences); \(lasting.isEmpty ? "to allow it: " : "")\(next)", report: run.folder)
    }

    private func verdict(
        _ failure: RunFailure, _ run: String, _ export: ClaimedExport, _ waited: WaitingRun?
    ) -> ExportVerdict {
        let source = session.settings.source
        let status = failure.exitStatus
        session.log.info(
            "a run ended",
            metadata: [
                "run": "\(run)", "export": "\(export.name)", "status": "\(status.rawValue)", "verdict": "\(failure)",
            ])
        metrics.countRun(of: source, exitStatus: status)
        writeMetrics(.failure(source: source, exitStatus: status, ended: Date()))
        note(status)
        switch status {
        case .exportRefused, .exportUnreadable:
            if let waited { try? approvals.forget(waited) }
            return .failed(reason: "\(failure)", report: nil)
        // Nothing is wrong with the export: its turn comes again.
        default: return .interrupted(reason: "\(failure)")
        }
    }

    /// What becomes of an export whose run failed, or was stopped by a person before its plan was complete.
    private func judge(
        _ failure: RunFailure, _ run: SyncRun, _ export: ClaimedExport, _ waited: WaitingRun?
    ) -> ExportVerdict {
        if case .stopped = failure, session.store.runIsStopped, let verdict = try? waitForPerson(run, export, waited) {
            return verdict
        }
        return verdict(failure, run.id, export, waited)
    }

    private func note(_ status: ExitStatus) {
        guard status != .done else { return }
        // For a service that ran once, an export that failed is a part of what it did that is not done.
        let own: ExitStatus = [.exportRefused, .exportUnreadable].contains(status) ? .incomplete : status
        worstStatus.withLock { $0 = $0 ?? own }
    }
}
