import CartAssociations
import SyncReporting

extension RunReport.Verdict {
    /// How an applied run ended: the exit status and a sentence, from what is known at its end.
    ///
    /// - Parameters:
    ///   - plan: what was planned.
    ///   - failure: the error that ended the run early.
    ///   - isStopped: whether the run was asked to stop.
    init(of report: RunReport, _ plan: PlanCounts, _ failure: RunFailure?, isStopped: Bool) {
        let crossed = report.objectives.filter(\.isCrossed)
        let words = Self.words(report.outcomes, plan, report.plan.current, crossed)
        let status = Self.exitStatus(report.outcomes, plan, failure, isStopped: isStopped, hasCrossed: !crossed.isEmpty)
        self.init(words: words.prefix(1).uppercased() + words.dropFirst() + ".", exitStatus: status)
    }

    private static func exitStatus(
        _ outcomes: RunOutcomes, _ plan: PlanCounts, _ failure: RunFailure?, isStopped: Bool, hasCrossed: Bool
    ) -> ExitStatus {
        if let failure { return failure.exitStatus }
        if outcomes.pending > 0 && isStopped { return .stoppedEarly }
        if hasCrossed { return .objectiveCrossed }
        if outcomes.pending > 0 { return .bug }
        return outcomes.unsuccessful > 0 || plan.rejected > 0 || plan.hasWithheld ? .incomplete : .done
    }

    private static func words(
        _ outcomes: RunOutcomes, _ plan: PlanCounts, _ current: CurrentSource, _ crossed: [RunReport.ObjectiveResult]
    ) -> String {
        var parts: [String] = []
        let total = Count.text(outcomes.total, "change")
        if outcomes.pending > 0 {
            parts.append("\(Count.text(outcomes.done)) of \(total) done, \(Count.text(outcomes.pending)) pending")
        } else if outcomes.total == 0 {
            let left = plan.unmanaged + plan.protected
            parts.append("nothing to do")
            if left == 0, !plan.hasWithheld, let words = current.wordsIfAllIsThere { parts.append(words) }
        } else if outcomes.unsuccessful == 0 {
            parts.append("\(total) made")
        } else {
            parts.append("\(Count.text(outcomes.done - outcomes.unsuccessful)) of \(total) made")
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
            parts.append("\(Count.text(plan.withheld, "delete")) withheld")
        }
        if let skipped = plan.caseChanged {
            parts.append("\(Count.text(skipped, "create")) skipped because what exists differs only in case")
        }
        if plan.rejected > 0 { parts.append("\(Count.text(plan.rejected, "record")) of the export rejected") }
        parts += crossed.map { "objective \($0.sentence)" }
        return parts.joined(separator: ", ")
    }
}
