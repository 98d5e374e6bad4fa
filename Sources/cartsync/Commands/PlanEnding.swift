import CartAssociations
import SyncEngine
import SyncReporting

/// What becomes of a plan that is not applied.
struct PlanOnly {
    let format: PlanFormat
    /// Where it is saved.
    let out: String?
    /// Where the associations outside the scope are listed.
    let unmanaged: String?
    /// Whether the exit status tells that there are changes.
    let hasDetailedStatus: Bool
}

/// The end of a run that is only planned: the plan is shown, saved if that is asked for, and nothing is written to
/// the store.
struct PlanEnding {
    let command: TypedCommand
    let only: PlanOnly

    func finish(_ planned: consuming PlannedRun) throws -> Ending {
        let plan = planned.view
        switch only.format {
        case .text: Terminal.output(TextReport.forTerminal.plan(plan))
        case .json: Terminal.output(JSONOutput.of(plan))
        case .markdown: Terminal.output(MarkdownReport.plan(plan))
        case .csv: break
        }
        if let path = only.unmanaged {
            try planned.saveUnmanaged(to: path)
            Terminal.message("cartsync: \(plan.counts.unmanaged) unmanaged associations are listed in \(path)")
        }
        // A plan that the guard refuses is not saved: applying it would only be refused again.
        let out = plan.refusals.isEmpty ? only.out : nil
        if only.format == .csv || out != nil { try spend(planned, savingTo: out) } else { planned.discard() }
        guard plan.refusals.isEmpty else { return Ending(refusals: plan, command: command) }
        let changes = plan.counts.changes
        let withheld = plan.counts.withheld > 0 ? ", \(Count.text(plan.counts.withheld, "delete")) withheld" : ""
        guard changes > 0 else { return Ending(status: .done, summary: "nothing to do" + withheld) }
        return Ending(
            status: only.hasDetailedStatus ? .changesFound : .done,
            summary: "creates: \(plan.counts.creates), deletes: \(plan.counts.deletes)\(withheld), nothing was written",
            next: out.map { command.another("apply", [$0]) } ?? command.again(as: "sync"))
    }

    /// Writes every change if that is asked for.
    private func spend(_ planned: consuming PlannedRun, savingTo path: String?) throws {
        guard only.format == .csv else { return try planned.save(to: path) }
        var lines = PlanLines(exports: planned.view.exports.map(\.path))
        try planned.save(to: path) { change in
            lines.add(change)
            if lines.count > 1 << 16 { Terminal.output(lines.take()) }
        }
        Terminal.output(lines.take())
    }
}

extension Ending {
    /// The end of a command whose plan a guard refuses: every rule with its numbers, who is hit hardest, and the
    /// command that allows exactly this plan, once a person has seen it and said yes.
    init(refusals plan: PlanView, command: TypedCommand) {
        let permissions = plan.refusals.reduce(into: [String]()) { permissions, refusal in
            if !permissions.contains(refusal.permission) { permissions.append(refusal.permission) }
        }
        let lines = plan.refusals.map { "cartsync: the \($0.rule.rawValue) guard refuses: \($0.sentence)" }
        let owners = plan.hardestHit.map { "cartsync:   \($0.owner) would lose \($0.deletes)" }
        self.init(
            status: .refused, details: (lines + owners).joined(separator: "\n"),
            summary: plan.refusals.count == 1
                ? plan.refusals[0].sentence : "\(plan.refusals.count) guards refuse the plan",
            next: command.again(adding: permissions.joined(separator: " "), without: ["--yes"]))
    }
}
