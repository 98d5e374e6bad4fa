import CallPacing
package import CartAssociations
import Foundation
import Ledger
package import SyncReporting

/// A run that was stopped or killed, with what is left of it judged by the guard: it is resumed or left alone.
package struct StoppedRun: ~Copyable {
    package let tools: RunTools
    /// Changes with an outcome.
    package let done: Int
    /// Creates and deletes that are left to do.
    package let creates: Int
    package let deletes: Int
    /// Empty if the run may go on.
    package let refusals: [Refusal]
    private let options: RunOptions
    private let record: RunRecord

    package var pending: Int { creates + deletes }

    /// - Parameters:
    ///   - options: command, exports, source and scope become those of the run.
    ///   - tools: those of the run.
    ///
    /// Throws `RunFailure.notResumable` if the run is over or a later one has taken its place.
    init(_ record: RunRecord, _ options: RunOptions, _ tools: RunTools) throws(RunFailure) {
        if let later = record.supersededBy {
            throw .notResumable(
                "run \(record.id) cannot be resumed: run \(later) of the same source knows what is wanted now")
        }
        guard record.isResumable else {
            throw .notResumable("run \(record.id) cannot be resumed: it is \(record.state.rawValue)")
        }
        let counts: JournalCounts
        do {
            counts = try tools.ledger.counts(of: record.id)
        } catch {
            throw RunFailure(error)
        }
        func pending(_ kind: ChangeKind) -> Int {
            counts.planned[kind, default: 0] - counts.outcomes[kind, default: [:]].values.reduce(0, +)
        }
        self.tools = tools
        self.record = record
        self.options = options.resuming(record)
        creates = pending(.create)
        deletes = pending(.delete)
        done = counts.planned.values.reduce(0, +) - counts.pending
        let figures = record.figures ?? PlanFigures()
        refusals = self.options.planGuard.judge(figures.left(deletes: deletes))
    }

    /// The report of the part before; nil if it cannot be read.
    package var earlierReport: RunReport? {
        guard let report = (try? ReportFolder(path: tools.folder).report()).flatMap(\.self), report.run == record.id
        else { return nil }
        return report
    }

    /// Makes the changes that are left; the report is that of the whole run. Step resume of Tests/Model/protocol.pml.
    ///
    /// Throws if the ledger or the report cannot be written.
    package consuming func resume() async throws(RunFailure) -> EndedRun {
        tools.trace(options)
        let draft = earlierReport ?? draft()
        let resumption: Resumption
        do {
            let revision = try tools.ledger.revision()
            resumption = Resumption(
                run: record, ledger: tools.ledger, resumed: tools.time.wall(), done: done,
                isLedgerUnchanged: revision == record.stoppedAt)
            try tools.ledger.updateRun(record.id) { run in
                run.state = .applying
                run.ended = nil
                run.exitStatus = nil
                run.reason = nil
            }
            try tools.write(draft)
        } catch {
            throw RunFailure(error)
        }
        let accepted = AcceptedRun(
            options: options, tools: tools, draft: draft, counts: record.counts, resumption: resumption)
        return try await accepted.apply()
    }

    /// What the ledger knows of the run, if its report is gone.
    private func draft() -> RunReport {
        let exports = record.exports.map { export in
            RunReport.ExportSummary(
                path: export.path, format: "", records: export.records, accepted: export.records, duplicates: 0,
                rejected: [:], sha256: export.digest)
        }
        var report = RunReport(
            run: record.id, command: record.command, store: tools.ledger.store.baseURL, source: record.source,
            verdict: .init(words: "", exitStatus: .done), started: record.started,
            plan: .init(record.counts, current: record.current ?? .none, reason: record.currentReason ?? ""),
            measured: tools.measured(options))
        report.undone = record.undone
        report.exports = exports
        report.settings = options.used
        return report
    }
}

extension RunOptions {
    fileprivate func resuming(_ record: RunRecord) -> RunOptions {
        var options = self
        options.command = record.command
        options.exports = record.exports.map(\.path)
        options.settings.source = record.source
        options.settings.scope = record.scope
        options.settings.planGuard.approvedDeletes = options.planGuard.approvedDeletes ?? record.approvedDeletes
        return options
    }
}
