package import CartAssociations
import CommerceAPI
package import Foundation
package import Ledger
import Logging
package import SyncReporting

/// One run, start to end: read, compare, plan, guard, apply, report.
///
/// `plan` or `load` comes first; then one of `apply`, `refuse`, `spendPlan` and `discard`. To be used by one task.
package final class SyncRun {
    package let tools: RunTools
    /// What a person should know before the plan is applied.
    package internal(set) var warnings: [String] = []
    /// The error that ended the run before its end, where there was one.
    package internal(set) var failure: RunFailure?

    let options: RunOptions
    /// The id of the saved plan that is applied, where it is one.
    var savedPlan: String?
    let owners: OwnerNames
    let watch: ObjectiveWatch
    private var planned: RunPlan?
    /// The exports of the plan, where the shoppers' tokens in them are needed once more.
    var openExports: RunExports?

    package init(_ options: RunOptions, _ tools: RunTools) {
        self.options = options
        self.tools = tools
        owners = options.hidesOwners ? .hidden(secret: tools.ledger.fingerprintKey) : .shown
        watch = ObjectiveWatch(options.objectives, started: .now)
    }

    package var id: String { tools.run }
    package var folder: String { tools.folder }
    package var progress: RunProgress { tools.progress }
    var ledger: Ledger { tools.ledger }
    var client: CommerceClient { tools.client }
    var recorder: LatencyRecorder { tools.recorder }
    var stop: StopRequest { tools.stop }
    var log: Logger { tools.log }
    var started: Date { tools.started }

    /// Reads the exports, finds out what exists, and computes every change; writes nothing to the store.
    ///
    /// - Parameter keepingRejects: whether rejected records are written into the run's folder.
    package func plan(keepingRejects: Bool) async throws(RunFailure) -> PlanView {
        try await planning { try await planExports(keepingRejects: keepingRejects) }
    }

    /// Computes the inverse of what a run really changed; writes nothing to the store.
    package func plan(undoing run: RunRecord) async throws(RunFailure) -> PlanView {
        try await planning { try await planUndo(of: run) }
    }

    /// Takes a saved plan in place of making one; the run's options must be those of the plan.
    ///
    /// Throws `RunFailure.plan` where it is stale, used, altered, or for another store.
    package func plan(saved path: String, now: Date = Date()) async throws(RunFailure) -> PlanView {
        try await planning { try readSaved(path, now: now) }
    }

    private func planning(_ make: () async throws -> RunPlan) async throws(RunFailure) -> PlanView {
        do {
            let plan = try await withDeadline { try await make() }
            if stop.isRequested { throw RunFailure.stopped }
            planned = plan
            return plan.view.shown(with: owners)
        } catch {
            removeFolderIfEmpty()
            // A call that was not made because of the request to stop is no failure of the store.
            if stop.isRequested { throw .stopped }
            throw RunFailure(error)
        }
    }

    var unmanaged: AssociationDraft? { planned?.unmanaged }

    /// Hands the plan over; this run has none then.
    func takePlan() -> RunPlan? {
        defer { planned = nil }
        return planned
    }

    // MARK: - The end of a run

    /// Makes the changes of the plan; the report says how it ended, also where it ended early.
    ///
    /// Throws where the ledger or the report cannot be written.
    package func apply() async throws(RunFailure) -> RunReport {
        guard let planned else { throw .bug("a run is applied before it is planned") }
        do {
            try accept(planned)
        } catch {
            throw RunFailure(error)
        }
        return try await applyJournal(draft(planned), plan: planned.view.counts)
    }

    /// Writes down that the plan is refused; nothing was written to the store.
    ///
    /// Returns the report that says so; nil where nothing is planned.
    @discardableResult
    package func refuse(status: ExitStatus, words: String, next: String) throws(RunFailure) -> RunReport? {
        guard let planned else { return nil }
        do {
            try ledger.beginRun(record(planned))
            try ledger.recordExports(
                planned.exports, source: options.source, run: id, isSnapshot: !planned.isDelta,
                isAccepted: false)
            _ = try ledger.updateRun(id) { run in
                run.state = .refused
                run.ended = Date()
                run.exitStatus = Int(status.rawValue)
                run.reason = words
            }
            var report = draft(planned)
            report.verdict = .init(words: words, exitStatus: status, next: next)
            try write(report, recorder.snapshot())
            return report
        } catch {
            throw RunFailure(error)
        }
    }

    /// Forgets the plan; the ledger and the state folder are as before.
    package func discard() {
        planned = nil
        try? FileManager.default.removeItem(atPath: folder)
    }

    private func accept(_ planned: RunPlan) throws {
        try ledger.beginRun(record(planned))
        try ledger.appendPlan(planned.changes)
        try ledger.recordExports(
            planned.exports, source: options.source, run: id, isSnapshot: !planned.isDelta, isAccepted: true)
        let now = Date()
        try ledger.unconfirm(planned.notes.vanished)
        try ledger.confirm(planned.notes.confirmed, as: .listed, run: id, at: now)
        try ledger.assert(planned.notes.assertions, at: now)
        try ledger.retract(planned.notes.retractions, source: options.source)
        // What the source wants now is in this run; an earlier one must not come back to what it wanted then.
        if !planned.isDelta { try ledger.supersedeRuns(of: options.source, by: id) }
        if let undone = planned.undone { try ledger.updateRun(undone) { $0.supersededBy = id } }
        // A run that ends without another word has this report, and is resumed with what it says of the plan.
        try write(draft(planned))
        try ledger.updateRun(id) { $0.state = .applying }
    }

    private func record(_ planned: RunPlan) -> RunRecord {
        var record = RunRecord(
            id: id, command: options.command, source: options.source, scope: options.scope, started: started)
        record.exports = planned.exports
        record.current = planned.view.current
        record.currentReason = planned.view.currentReason
        record.counts = planned.view.counts
        record.savedPlan = savedPlan
        record.figures = planned.figures
        record.approvedDeletes = options.planGuard.approvedDeletes
        record.undone = planned.undone
        return record
    }

    /// The report of a plan of which nothing is done.
    private func draft(_ planned: RunPlan) -> RunReport {
        let counts = planned.view.counts
        var report = RunReport(
            run: id, command: options.command, store: ledger.store.baseURL, source: options.source,
            verdict: .init(
                words: "The run was ended in the middle.", exitStatus: .stoppedEarly,
                next: options.resumeCommand(id)),
            started: started,
            plan: .init(
                creates: counts.creates, deletes: counts.deletes, kept: counts.kept, unmanaged: counts.unmanaged,
                current: planned.view.current, currentReason: planned.view.currentReason),
            measured: .init(recorder.snapshot(), rateLimit: Double(options.rateLimit), ended: Date()))
        report.exports = planned.view.exports
        report.outcomes = RunOutcomes(planned: counts)
        report.rejected = planned.rejected
        report.settings = options.used
        return report
    }

    private func removeFolderIfEmpty() {
        let names = try? FileManager.default.contentsOfDirectory(atPath: folder)
        if names == [] { try? FileManager.default.removeItem(atPath: folder) }
    }
}
