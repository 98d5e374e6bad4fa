import CartAssociations
import Ledger
import SyncReporting

/// How an applied run ended: the exit status and the words, from what is known at its end.
struct Verdict {
    let outcomes: RunOutcomes
    let plan: PlanCounts
    let failure: RunFailure?
    let isStopped: Bool

    /// A sentence of its own.
    var inReport: RunReport.Verdict {
        .init(words: words.prefix(1).uppercased() + words.dropFirst() + ".", exitStatus: Int(exitStatus.rawValue))
    }

    private var exitStatus: ExitStatus {
        if let failure { return failure.exitStatus }
        if outcomes.pending > 0 { return isStopped ? .stoppedEarly : .bug }
        return outcomes.unsuccessful > 0 || plan.rejected > 0 ? .incomplete : .done
    }

    private var words: String {
        var parts: [String] = []
        if outcomes.pending > 0 {
            parts.append("\(outcomes.done) of \(outcomes.total) changes done, \(outcomes.pending) pending")
        } else if outcomes.total == 0 {
            let left = plan.unmanaged + plan.protected + plan.withheld
            parts.append(left == 0 ? "nothing to do, the store is as the export wants it" : "nothing to do")
        } else if outcomes.unsuccessful == 0 {
            parts.append(outcomes.total == 1 ? "the only change is made" : "all \(outcomes.total) changes are made")
        } else {
            parts.append("\(outcomes.done - outcomes.unsuccessful) of \(outcomes.total) changes are made")
        }
        for (count, word) in [
            (outcomes[.rejected], "refused by the store"), (outcomes[.failed], "failed"),
            (outcomes[.skipped], "skipped"),
        ] where count > 0 {
            parts.append("\(count) \(word)")
        }
        for (count, words) in [
            (plan.protected, "not deleted because another source asserts them"),
            (plan.withheld, "not deleted because the export leaves them in doubt"),
        ] where count > 0 {
            parts.append("\(count) \(words)")
        }
        if plan.rejected > 0 {
            parts.append("\(plan.rejected) record\(plan.rejected == 1 ? "" : "s") of the export rejected")
        }
        return parts.joined(separator: ", ")
    }
}
