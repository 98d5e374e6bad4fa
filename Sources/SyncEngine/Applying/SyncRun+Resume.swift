package import CartAssociations
import Foundation
package import Ledger
package import SyncReporting

extension SyncRun {
    /// What is left to do of a stopped run, and what the guard says to it.
    package struct Remainder: Sendable, Equatable {
        package var done: Int
        package var creates: Int
        package var deletes: Int
        /// Empty where the run may go on.
        package var refusals: [Refusal]

        package var pending: Int { creates + deletes }
    }

    /// Looks at what is left of a run that was stopped or killed.
    ///
    /// Throws `RunFailure.notResumable` where the run is over or a later one has taken its place.
    package func remainder(of run: RunRecord) throws(RunFailure) -> Remainder {
        if let later = run.supersededBy {
            throw .notResumable(
                "run \(run.id) cannot be resumed: run \(later) of the same source knows what is wanted now")
        }
        guard run.isResumable else {
            throw .notResumable("run \(run.id) cannot be resumed: it is \(run.state.rawValue)")
        }
        do {
            let counts = try ledger.counts(of: run.id)
            func pending(_ kind: ChangeKind) -> Int {
                counts.planned[kind, default: 0] - counts.outcomes[kind, default: [:]].values.reduce(0, +)
            }
            let planned = counts.planned.values.reduce(0, +)
            var remainder = Remainder(
                done: planned - counts.pending, creates: pending(.create), deletes: pending(.delete), refusals: [])
            var figures = run.figures ?? PlanFigures()
            figures.deletes = remainder.deletes
            figures.ownersLosing = min(figures.ownersLosing, remainder.deletes)
            var planGuard = options.planGuard
            planGuard.approvedDeletes = planGuard.approvedDeletes ?? run.approvedDeletes
            // What was read and rejected then was judged then; a stopped run is not read again.
            remainder.refusals = planGuard.judge(figures).filter { [.deletes, .owners].contains($0.rule) }
            return remainder
        } catch {
            throw RunFailure(error)
        }
    }

    /// Makes the changes that a stopped run has left; the report is that of the whole run.
    ///
    /// Throws where the ledger or the report cannot be written.
    package func resume(_ run: RunRecord, _ remainder: Remainder) async throws(RunFailure) -> RunReport {
        let draft = self.draft(of: run)
        var resumption = Resumption(run: run, ledger: ledger, resumed: Date(), done: remainder.done)
        do {
            resumption.isAlone = try ledger.revision() == run.stoppedAt
            try ledger.updateRun(id) { run in
                run.state = .applying
                run.ended = nil
                run.exitStatus = nil
                run.reason = nil
            }
            try write(draft)
        } catch {
            throw RunFailure(error)
        }
        return try await applyJournal(draft, plan: run.counts, resumption: resumption)
    }

    /// The report that was written when the run began, or what the ledger knows where that is gone.
    private func draft(of run: RunRecord) -> RunReport {
        if let report = (try? ReportFolder(path: folder).report()).flatMap(\.self), report.run == id { return report }
        let exports = run.exports.map { export in
            RunReport.ExportSummary(
                path: export.path, format: "", records: export.records, accepted: export.records, duplicates: 0,
                rejected: [:],
                sha256: export.digest)
        }
        var report = RunReport(
            run: id, command: run.command, store: ledger.store.baseURL, source: run.source,
            verdict: .init(words: "", exitStatus: .done), started: run.started,
            plan: .init(
                creates: run.counts.creates, deletes: run.counts.deletes, kept: run.counts.kept,
                unmanaged: run.counts.unmanaged, current: run.current ?? .none,
                currentReason: run.currentReason ?? ""),
            measured: .init(recorder.snapshot(), rateLimit: Double(options.rateLimit), ended: run.started))
        report.exports = exports
        report.settings = options.used
        return report
    }
}
