import CartAssociations

/// Reports as Markdown, for a ticket or a merge request.
package enum MarkdownReport {
    /// The plan: what would be done, a sample of each kind, and what the guards say.
    package static func plan(_ plan: PlanView) -> String {
        let changes = "\(Count.text(plan.counts.creates, "create")), \(Count.text(plan.counts.deletes, "delete"))"
        var lines = [plan.refusals.isEmpty ? "## Plan: \(changes)" : "## Plan refused: \(changes)", ""]
        lines += ["| | |", "|---|---|", row("store", escaped(plan.store))]
        for export in plan.exports {
            lines.append(row("export", escaped(TextReport.exportSentence(export))))
        }
        lines.append(row("source", "\(escaped(plan.source)), deletes: \(plan.scope.rawValue)"))
        if let owners = plan.owners { lines.append(row("owners", escaped(owners.sentence))) }
        lines.append(row("current", "\(plan.current.rawValue): \(escaped(plan.currentReason))"))
        lines.append(row("calls", TextReport.estimateSentence(plan.estimate)))
        lines.append(row("guard", plan.guardVerdict))
        lines += plan.warnings.map { row("warning", escaped($0)) }
        lines += ["", "| associations | | |", "|---|---:|---|"]
        for line in plan.counts.rows where line.count > 0 || line.isAlwaysShown {
            lines.append("| \(line.name) | \(Count.text(line.count)) | \(line.meaning) |")
        }
        lines += refusals(plan)
        lines += sample("Creates", plan.creates, of: plan.counts.creates, plan)
        lines += sample("Deletes", plan.deletes, of: plan.counts.deletes, plan)
        lines += withheld(plan)
        return lines.joined(separator: "\n") + "\n"
    }

    private static func withheld(_ plan: PlanView) -> [String] {
        guard let withheld = plan.withheld else { return [] }
        var lines = ["", "### Withheld", ""]
        lines += withheld.sentences.map { "- \(escaped($0))" }
        for change in withheld.examples {
            lines.append("- \(escaped("\(change.association)")): \(escaped(change.withheld ?? ""))")
        }
        return lines
    }

    private static func sample(_ title: String, _ changes: [Change], of total: Int, _ plan: PlanView) -> [String] {
        guard !changes.isEmpty else { return [] }
        var lines = ["", "### \(title)", "", "| owner | | cart | record |", "|---|---|---|---|"]
        for change in changes {
            let association = change.association
            lines.append(
                "| \(association.owner.kind.rawValue) | \(escaped(association.owner.id.text)) "
                    + "| \(escaped(association.cart.text)) | \(escaped(TextReport.place(change.place, plan))) |")
        }
        if total > changes.count { lines += ["", "… and \(Count.text(total - changes.count)) more"] }
        return lines
    }

    private static func refusals(_ plan: PlanView) -> [String] {
        guard !plan.refusals.isEmpty else { return [] }
        var lines = [""]
        for refusal in plan.refusals {
            lines.append(
                "- **\(refusal.rule.rawValue)**: \(escaped(refusal.sentence)); allowed by `\(refusal.permission)`")
        }
        for loss in plan.hardestHit {
            lines.append("- \(escaped("\(loss.owner)")) would lose \(Count.text(loss.deletes, "cart"))")
        }
        return lines
    }

    private static func row(_ name: String, _ text: String) -> String { "| \(name) | \(text) |" }

    /// Text that Markdown shows as it is, in one line.
    static func escaped(_ text: String) -> String {
        TerminalText.printable(text).reduce(into: "") { escaped, character in
            if "\\`*_[]<>|#~&".contains(character) { escaped.append("\\") }
            escaped.append(character)
        }
    }
}
