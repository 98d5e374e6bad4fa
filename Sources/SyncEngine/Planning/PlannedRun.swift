import CallPacing
package import CartAssociations
import ExportFiles
import Foundation
import Ledger
package import SyncReporting

/// A run whose plan is complete and judged by the guard; nothing was written to the store.
///
/// It ends in one way: it is applied, refused, saved or discarded.
package struct PlannedRun: ~Copyable {
    package let tools: RunTools
    private let options: RunOptions
    private var plan: RunPlan

    init(_ plan: RunPlan, _ options: RunOptions, _ tools: RunTools) {
        self.plan = plan
        self.options = options
        self.tools = tools
    }

    /// The plan and the guard's judgement, with owners hidden if reports hide them.
    package var view: PlanView { plan.view.shown(with: tools.ownerNames(options)) }

    /// Makes the changes of the plan; the report says how the run ended, also if it ended early.
    ///
    /// Throws if the ledger or the report cannot be written.
    package consuming func apply() async throws(RunFailure) -> EndedRun {
        let draft = draft()
        do {
            try tools.requireRoom(plan.room)
            try tools.stageAtOnce(.journal) { try accept(draft) }
        } catch {
            // Nothing was written to the store. If the ledger cannot be written now, it forgets the plan when it can.
            tools.removeFolder()
            try? tools.ledger.endInterruptedRuns()
            let failure = RunFailure(error)
            tools.trace(failure.exitStatus)
            throw failure
        }
        let accepted = AcceptedRun(
            options: options, tools: tools, draft: draft, counts: plan.view.counts, openExports: plan.openExports)
        return try await accepted.apply()
    }

    /// Writes down that the plan is refused.
    ///
    /// Throws if the ledger or the report cannot be written.
    ///
    /// - Parameters:
    ///   - words: why, in a sentence.
    ///   - next: the command to type next.
    ///   - listsDeletes: whether the run's folder gets a list of all deletes, for the person who decides.
    package consuming func refuse(
        words: String, next: String, listsDeletes: Bool = false
    ) throws(RunFailure) -> EndedRun {
        tools.trace(.refused)
        var report = draft()
        report.verdict = .init(words: words, exitStatus: .refused, next: next)
        do {
            try record(isAccepted: false)
            try tools.ledger.updateRun(tools.run) { run in
                run.state = .refused
                run.ended = tools.time.wall()
                run.exitStatus = report.verdict.exitStatus
                run.reason = words
            }
            try tools.write(report, tools.recorder.snapshot())
            if listsDeletes { try listDeletes() }
        } catch {
            // As in `apply`: the rejects of a run that could not be written down are of no use.
            tools.removeFolder()
            try? tools.ledger.endInterruptedRuns()
            throw RunFailure(error)
        }
        return EndedRun(report: report, folder: tools.folder, failure: nil)
    }

    private func listDeletes() throws {
        let names = tools.ownerNames(options)
        var list = try DeletesListWriter(folder: tools.folder)
        try plan.changes.takeAll { change, _ in
            guard change.kind == .delete, change.withheld == nil else { return }
            try list.add(change.association, owner: names.text(change.association.owner))
        }
        try list.finish()
    }

    /// Shows every change of the plan in the order of its work, and saves the plan if a path is given.
    ///
    /// The ledger and the state folder are as before. Throws if a file cannot be written, and whatever the visitor
    /// throws.
    package consuming func save(
        to path: String?, visit: (Change) throws -> Void = { _ in }
    ) throws(RunFailure) {
        defer { tools.removeFolder() }
        do {
            if let path {
                try write(to: path, visit: visit)
            } else {
                try plan.changes.takeAll { change, _ in try visit(change) }
            }
        } catch {
            throw RunFailure(error)
        }
    }

    /// Forgets the plan; the ledger and the state folder are as before.
    package consuming func discard() { tools.removeFolder() }

    /// Writes the associations that exist, are not wanted and are outside the scope as an export of their own.
    ///
    /// Only if the run's options ask for them, and once. Throws if the file cannot be written.
    package mutating func saveUnmanaged(to path: String) throws(RunFailure) {
        do {
            var file = try AssociationsFile(path: path)
            try plan.unmanaged?.takeAll { association, _ in try file.add(association) }
            try file.finish()
            plan.unmanaged = nil
        } catch {
            throw RunFailure(error)
        }
    }

    // MARK: - The ledger and the report

    /// Step journal of Tests/Model/protocol.pml: the process may end between any two of these lines.
    private func accept(_ draft: RunReport) throws {
        let (ledger, source, notes) = (tools.ledger, options.source, plan.notes)
        try record(isAccepted: true)
        let now = tools.time.wall()
        try ledger.unconfirm(notes.vanished)
        try ledger.confirm(notes.confirmed, as: .listed, run: tools.run, at: now)
        try ledger.assert(notes.assertions, at: now)
        try ledger.retract(notes.retractions, source: source)
        if !notes.renewed.isEmpty { try ledger.renewAssertions(notes.renewed) }
        // What the source wants now is in this run; an earlier one must not come back to what it wanted then.
        if !plan.isDelta { try ledger.supersedeRuns(of: source, by: tools.run) }
        if let undone = plan.undone { try ledger.updateRun(undone) { [run = tools.run] in $0.supersededBy = run } }
        // A run that ends without another word has this report, and is resumed with what it says of the plan.
        try tools.write(draft)
        try ledger.updateRun(tools.run) { $0.state = .applying }
    }

    /// Begins the run in the ledger; an accepted one with its journal.
    private func record(isAccepted: Bool) throws {
        var record = RunRecord(
            id: tools.run, command: options.command, source: options.source, scope: options.scope,
            started: tools.started)
        record.exports = plan.exports
        record.current = plan.view.current
        record.currentReason = plan.view.currentReason
        record.counts = plan.view.counts
        record.savedPlan = plan.savedPlan
        record.figures = plan.figures
        record.approvedDeletes = options.planGuard.approvedDeletes
        record.undone = plan.undone
        try tools.ledger.beginRun(record)
        if isAccepted { try tools.ledger.appendPlan(plan.changes, at: tools.time.wall()) }
        try tools.ledger.recordExports(
            plan.exports, source: options.source, run: tools.run, isSnapshot: !plan.isDelta, isAccepted: isAccepted)
    }

    /// The report of a plan of which nothing is done.
    private func draft() -> RunReport {
        let counts = plan.view.counts
        var report = RunReport(
            run: tools.run, command: options.command, store: tools.ledger.store.baseURL, source: options.source,
            verdict: .init(
                words: "The run was ended in the middle.", exitStatus: .stoppedEarly,
                next: options.resumeCommand(of: tools.run)),
            started: tools.started,
            plan: .init(counts, current: plan.view.current, reason: plan.view.currentReason),
            measured: tools.measured(options))
        report.undone = plan.undone
        report.plan.warnings = plan.view.warnings
        report.exports = plan.view.exports
        report.outcomes = RunOutcomes(planned: counts)
        report.rejected = plan.rejected
        report.withheld = view.withheld
        report.settings = options.used
        return report
    }

    // MARK: - The file of a saved plan

    private func write(to path: String, visit: (Change) throws -> Void) throws {
        let ledger = tools.ledger
        let now = tools.time.wall()
        let header = SavedPlan(
            cartsyncPlan: SavedPlan.currentFormat, id: tools.run, made: now,
            expires: now.addingTimeInterval(SavedPlan.lifetime), store: ledger.store, ledger: ledger.id,
            revision: try ledger.revision(), view: plan.view, figures: plan.figures,
            exports: plan.exports.map { export in
                var export = export
                if export.path != ExportFile.standardInput {
                    export.path = URL(filePath: export.path).standardizedFileURL.path
                }
                return export
            },
            isDelta: plan.isDelta, rejected: plan.rejected, approvedDeletes: options.planGuard.approvedDeletes,
            allowEmpty: options.planGuard.allowEmpty, settings: options.used)
        let file = try SavedPlanWriter(path, header, ledgerKey: ledger.fingerprintKey.bytes)
        try plan.changes.takeAll { change, _ in
            try visit(change)
            try file.add(change)
        }
        let notes = plan.notes
        try notes.vanished.takeAll { association, _ in try file.add(SavedPlanLine(.vanished, association)) }
        try notes.confirmed.takeAll { association, _ in try file.add(SavedPlanLine(.seen, association)) }
        try notes.assertions.takeAll { association, _, place, confirmation in
            try file.add(SavedPlanLine(.assert, association, place: place, confirmation: confirmation))
        }
        try notes.retractions.takeAll { association, _ in try file.add(SavedPlanLine(.retract, association)) }
        try file.finish()
    }
}

extension RunOutcomes {
    /// Nothing of a plan was done.
    fileprivate init(planned counts: PlanCounts) {
        self.init()
        create.pending = counts.creates
        delete.pending = counts.deletes
    }
}
