import CallPacing
import CartAssociations
import CommerceAPI
import SyncEngine
import SyncReporting

/// A run from its plan to its report: shown, judged, approved by a person, applied.
struct ApprovedRun {
    enum Approval {
        case given
        /// On a terminal a person is asked; elsewhere the run stops before its first write.
        case asked
        /// The run ends with its plan.
        case never(PlanOnly)
    }

    let command: TypedCommand
    let output: OutputFormat
    let approval: Approval
    /// Whether the ledger remembers a refusal. A saved plan would be stale afterwards, and the command that allows it
    /// would fail.
    var recordsRefusal = true
    /// The command that does what is left when the run has ended early; nil if it is the one that was typed.
    var commandAfterwards: String?

    /// Plans, and goes on as far as it is allowed to.
    func run(
        _ planner: RunPlanner, _ session: Session, plan: (RunPlanner) async throws -> PlannedRun
    ) async throws -> Ending {
        let tools = planner.tools
        let planned: PlannedRun
        do {
            planned = try await Progress.shown(tools, session, planner) { try await plan($0) }
        } catch {
            if recordsFailure, let failure = error as? RunFailure { planner.record(failure) }
            throw error
        }
        for warning in planned.view.warnings { Terminal.message("cartsync: warning: \(warning)") }
        if let permission = planned.view.withheld?.permission {
            Terminal.message("cartsync: the withheld deletes are made by: \(command.again(adding: permission))")
        }
        if case .never(let only) = approval { return try PlanEnding(command: command, only: only).finish(planned) }
        let plan = planned.view
        show(plan, isLast: !plan.refusals.isEmpty)
        if !plan.refusals.isEmpty {
            let ending = Ending(refusals: plan, command: command)
            guard recordsRefusal else {
                planned.discard()
                return ending
            }
            let ended = try planned.refuse(words: ending.summary, next: ending.next ?? "")
            return session.writeMetrics(.report(ended.report)) ?? ending
        }
        if plan.counts.changes > 0 && session.settings.readOnly {
            planned.discard()
            return .readOnly
        }
        if plan.counts.changes > 0, await !isApproved(tools.recorder) {
            planned.discard()
            if output == .json { show(plan, isLast: true) }
            if session.stop.isStopped {
                return Ending(status: .stoppedEarly, summary: "nothing was written", next: command.again())
            }
            return Ending(
                status: .refused,
                summary: Terminal.canAsk ? "the plan was not approved" : "there is nobody to approve the plan",
                next: command.again(adding: "--yes"))
        }
        Handed.current?.isApplying(tools.run)
        let ended = try await Progress.shown(tools, session, planned) { try await $0.apply() }
        output.show(ended.report) { $0.summary(ended.report, folder: ended.folder) }
        return session.writeMetrics(.report(ended.report))
            ?? Ending(ended, again: commandAfterwards ?? TypedCommand.asTyped)
    }

    /// Whether the ledger remembers a run that fails before its plan is complete: not one that only plans, nor one of a plan
    /// that was saved, which is made anew.
    private var recordsFailure: Bool {
        if case .never = approval { return false }
        return recordsRefusal
    }

    private func isApproved(_ recorder: LatencyRecorder) async -> Bool {
        if case .given = approval { return true }
        guard Terminal.canAsk else { return false }
        let asked = ContinuousClock.now
        defer { recorder.recordApprovalWait(from: asked, to: .now) }
        return await Terminal.confirm("Apply this plan?")
    }

    /// - Parameter isLast: whether nothing more will be shown.
    private func show(_ plan: PlanView, isLast: Bool) {
        switch output {
        case .text:
            Terminal.output(TextReport.forTerminal.plan(plan))
        case .json:
            // A run that goes on to apply has one result: its report.
            if isLast { Terminal.output(JSONOutput.of(plan)) }
        }
    }
}

extension Ending {
    /// Only reading is allowed, and something would have to be written.
    static let readOnly = Ending(
        status: .refused, summary: "only reading is allowed (api.read-only)",
        next: "set api.read-only to false to write")
}
