import CartAssociations
import Ledger
import SyncReporting

/// How an applied run ended: the exit status and the words, from what is known at its end.
struct Verdict {
    let outcomes: RunOutcomes
    let plan: PlanCounts
    let failure: RunFailure?
    let isStopped: Bool
    /// The objectives that the run crossed.
    let crossed: [RunReport.ObjectiveResult]

    /// A sentence of its own.
    var inReport: RunReport.Verdict {
        .init(words: words.prefix(1).uppercased() + words.dropFirst() + ".", exitStatus: exitStatus)
    }

    private var exitStatus: ExitStatus {
        if let failure { return failure.exitStatus }
        if outcomes.pending > 0 && isStopped { return .stoppedEarly }
        if !crossed.isEmpty { return .objectiveCrossed }
        if outcomes.pending > 0 { return .bug }
        return outcomes.unsuccessful > 0 || plan.rejected > 0 ? .incomplete : .done
    }

    private var words: String {
        var parts: [String] = []
        let total = Count.text(outcomes.total, "change")
        if outcomes.pending > 0 {
            parts.append("\(Count.text(outcomes.done)) of \(total) done, \(Count.text(outcomes.pending)) pending")
        } else if outcomes.total == 0 {
            let left = plan.unmanaged + plan.protected + plan.withheld
            parts.append(left == 0 ? "nothing to do, the store is as the export wants it" : "nothing to do")
        } else if outcomes.unsuccessful == 0 {
            parts.append(outcomes.total == 1 ? "the only change is made" : "all \(total) are made")
        } else {
            let made = Count.text(outcomes.done - outcomes.unsuccessful)
            parts.append(outcomes.total == 1 ? "the only change is not made" : "\(made) of \(total) are made")
        }
        for (count, word) in [
            (outcomes[.rejected], "refused by the store"), (outcomes[.failed], "failed"),
            (outcomes[.skipped], "skipped"),
        ] where count > 0 {
            parts.append("\(Count.text(count)) \(word)")
        }
        if plan.protected > 0 {
            let who = plan.protected == 1 ? "it" : "them"
            parts.append("\(Count.text(plan.protected)) not deleted because another source asserts \(who)")
        }
        if plan.withheld > 0 {
            let who = plan.withheld == 1 ? "it" : "them"
            parts.append("\(Count.text(plan.withheld)) not deleted because the export leaves \(who) in doubt")
        }
        if plan.rejected > 0 { parts.append("\(Count.text(plan.rejected, "record")) of the export rejected") }
        parts += crossed.map { "objective \($0.sentence)" }
        return parts.joined(separator: ", ")
    }
}
