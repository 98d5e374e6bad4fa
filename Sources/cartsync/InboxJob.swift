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
    private let inbox: Inbox
    private let metrics: ServiceMetrics
    private let worstStatus = Mutex<ExitStatus?>(nil)

    /// - Parameter session: with the settings of the job.
    init(_ session: Session, inbox: Inbox, metrics: ServiceMetrics) {
        self.session = session
        self.inbox = inbox
        self.metrics = metrics
    }

    /// The first status of a run that was not done.
    var worst: ExitStatus? { worstStatus.withLock { $0 } }

    /// What the export at a path is. It is read whole, since a broken one makes no earlier one void.
    func classify(_ path: String) -> ExportClass {
        let reader = ExportReader(options: session.settings.readingOptions)
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
        if export.isResumed, let verdict = await resume(export, began) { return verdict }
        let run = session.run(
            command: "serve", exports: [export.path],
            missingFinalNewline: session.settings.requireFinalNewline ? .refused : .makesNoDeletes)
        began(run.id)
        let recorder = session.recorder
        metrics.begin(recorder, run.progress)
        let verdict: ExportVerdict
        do {
            verdict = try await planAndApply(run, export)
        } catch {
            verdict = self.verdict(error)
        }
        metrics.addRest(recorder)
        await session.endRun()
        return verdict
    }

    /// Goes on with the stopped run of an export that was taken before; nil where it must be planned anew.
    private func resume(_ export: ClaimedExport, _ began: (String) -> Void) async -> ExportVerdict? {
        let verdict: ExportVerdict?
        do {
            guard let record = try stoppedRun(of: export) else { return nil }
            let run = session.run(resuming: record)
            let remainder = try run.remainder(of: record)
            guard remainder.refusals.isEmpty else { return nil }
            began(run.id)
            let recorder = session.recorder
            metrics.begin(recorder, run.progress)
            defer { metrics.addRest(recorder) }
            session.log.notice(
                "a run is resumed", metadata: ["run": "\(record.id)", "pending": "\(remainder.pending)"])
            let earlier = try? ReportFolder(path: run.folder).report()
            let report = try await run.resume(record, remainder)
            metrics.count(report, after: earlier?.outcomes ?? RunOutcomes(), recorder)
            verdict = conclude(report, run, export)
        } catch {
            verdict = self.verdict(RunFailure(sorting: error))
        }
        await session.endRun()
        return verdict
    }

    /// The run that was stopped while it applied this very export.
    private func stoppedRun(of export: ClaimedExport) throws -> RunRecord? {
        let record = try session.ledger.runs(in: [.stopped]).last { run in
            run.isResumable && run.command == "serve" && run.exports.map(\.path) == [export.path]
        }
        guard let record else { return nil }
        let file = try ExportFile.open(export.path, spoolFolder: session.ledger.folder, followingLinks: false)
        return try file.sha256() == record.exports.first?.digest ? record : nil
    }

    private func planAndApply(_ run: SyncRun, _ export: ClaimedExport) async throws(RunFailure) -> ExportVerdict {
        let plan = try await run.plan(keepingRejects: true)
        for warning in run.warnings { session.log.warning("\(warning)") }
        guard plan.refusals.isEmpty else { return try refuse(plan, run, export) }
        let report = try await run.apply()
        metrics.count(report)
        return conclude(report, run, export)
    }

    private func conclude(_ report: RunReport, _ run: SyncRun, _ export: ClaimedExport) -> ExportVerdict {
        session.log.info(
            "a run ended",
            metadata: [
                "run": "\(run.id)", "export": "\(export.name)", "status": "\(report.verdict.exitStatus)",
                "verdict": "\(report.verdict.words)",
            ])
        let status = ExitStatus(rawValue: Int32(report.verdict.exitStatus)) ?? .bug
        note(status)
        guard report.outcomes.pending > 0 else { return .done(report: run.folder) }
        return .interrupted(reason: run.failure.map { "\($0)" } ?? report.verdict.words)
    }

    private func refuse(
        _ plan: PlanView, _ run: SyncRun, _ export: ClaimedExport
    ) throws(RunFailure) -> ExportVerdict {
        let sentences = plan.refusals.map(\.sentence).joined(separator: "; ")
        let permissions = Set(plan.refusals.map(\.permission)).sorted().joined(separator: " ")
        let words = ["--state", session.ledger.folder, "--source", session.settings.source ?? "default"]
        let path = inbox.path(.waiting) + "/" + export.name
        let next =
            "stop the service, run cartsync sync \(words.map(ShellWord.quoted).joined(separator: " ")) \(permissions) "
            + "\(ShellWord.quoted(path)), and start it again"
        let report = try run.refuse(status: Int(ExitStatus.refused.rawValue), words: sentences, next: next)
        if let report { metrics.count(report) }
        note(.refused)
        return .waiting(reason: "\(sentences); \(next)", report: run.folder)
    }

    private func verdict(_ failure: RunFailure) -> ExportVerdict {
        note(failure.exitStatus)
        metrics.countRun(of: session.settings.source ?? "default", exitStatus: Int(failure.exitStatus.rawValue))
        switch failure.exitStatus {
        case .exportRefused, .exportUnreadable: return .failed(reason: "\(failure)", report: nil)
        // Nothing is wrong with the export: its turn comes again.
        default: return .interrupted(reason: "\(failure)")
        }
    }

    private func note(_ status: ExitStatus) {
        guard status != .done else { return }
        // For a service that ran once, an export that failed is a part of what it did that is not done.
        let own: ExitStatus = [.exportRefused, .exportUnreadable].contains(status) ? .incomplete : status
        worstStatus.withLock { $0 = $0 ?? own }
    }
}
