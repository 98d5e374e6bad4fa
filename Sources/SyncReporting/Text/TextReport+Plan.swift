import CartAssociations

extension TextReport {
    /// The plan: what would be done, a sample of each kind with its lines, and what the guards say.
    package func plan(_ plan: PlanView) -> String {
        page([
            planHeadline(plan), planFacts(plan), planCounts(plan.counts),
            sample(plan.creates, of: plan.counts.creates, plan), sample(plan.deletes, of: plan.counts.deletes, plan),
            planRefusals(plan),
        ])
    }

    private func planHeadline(_ plan: PlanView) -> [String] {
        let changes = "\(Figures.count(plan.counts.creates, "create")), \(Figures.count(plan.counts.deletes, "delete"))"
        if !plan.refusals.isEmpty {
            return sentence("Plan refused: \(changes). Nothing was written.", .bad)
        }
        if plan.counts.changes == 0 {
            let left = plan.counts.unmanaged + plan.counts.protected + plan.counts.withheld
            let rest = left == 0 ? " The store is as the export wants it." : ""
            return sentence("Plan: nothing to do.\(rest)", .good)
        }
        return sentence("Plan: \(changes). Nothing is written yet.", .bold)
    }

    private func planFacts(_ plan: PlanView) -> [String] {
        var lines: [(String, String)] = [("store", plan.store)]
        for (position, export) in plan.exports.enumerated() {
            lines.append((position == 0 ? "export" : "", Self.exportSentence(export)))
        }
        lines.append(("source", "\(plan.source), deletes: \(plan.scope.rawValue)"))
        lines.append(("current", "\(plan.current.rawValue): \(plan.currentReason)"))
        if plan.estimate.calls > 0 { lines.append(("calls", Self.estimateSentence(plan.estimate))) }
        if plan.refusals.isEmpty { lines.append(("guard", plan.guardVerdict)) }
        return facts(lines)
    }

    /// What applying the plan costs, in one sentence.
    static func estimateSentence(_ estimate: PlanView.Estimate) -> String {
        guard estimate.calls > 0 else { return "none" }
        let sentence =
            "\(Figures.count(estimate.calls)), about \(Figures.span(seconds: estimate.seconds)) at "
            + "\(Figures.rate(estimate.rate)) a second"
        guard let available = estimate.available, let holds = estimate.holds else { return sentence }
        if holds { return sentence + "; the deadline in \(Figures.span(seconds: available)) will hold" }
        return sentence + "; the deadline in \(Figures.span(seconds: available)) will not hold: "
            + "\(Figures.count(estimate.callsInTime)) of them can be made until then"
    }

    /// One export in one sentence.
    static func exportSentence(_ export: RunReport.ExportSummary) -> String {
        var text = "\(export.path) (\(export.format)): \(Figures.count(export.records, "record"))"
        if export.duplicates > 0 { text += ", \(Figures.count(export.duplicates, "duplicate"))" }
        if let elsewhere = export.elsewhere { text += ", \(Figures.count(elsewhere)) of other shards" }
        if export.rejectedCount > 0 { text += ", \(Figures.count(export.rejectedCount)) rejected" }
        return text
    }

    private func planCounts(_ counts: PlanCounts) -> [String] {
        var table = TextTable([
            .init(title: "", right: false), .init(title: ""), .init(title: "", right: false),
        ])
        func row(_ name: String, _ number: Int, _ meaning: String, _ style: TextStyle = .plain, always: Bool = false) {
            guard always || number > 0 else { return }
            table.rows.append([
                .init(name, number > 0 ? style : .plain), .init(Figures.count(number), number > 0 ? style : .plain),
                .init(meaning, .faint),
            ])
        }
        for line in counts.lines { row(line.name, line.count, line.meaning, line.style, always: line.isAlwaysShown) }
        return table.lines(width: width, color: color)
    }

    private func sample(_ changes: [Change], of total: Int, _ plan: PlanView) -> [String] {
        guard !changes.isEmpty else { return [] }
        var table = TextTable([
            .init(title: "", right: false), .init(title: "", right: false, dispensable: 1),
            .init(title: "", right: false), .init(title: "", right: false), .init(title: "", right: false),
        ])
        let shown = changes.prefix(PlanView.sampleSize)
        for change in shown {
            let style: TextStyle = change.kind == .create ? .good : .bad
            table.rows.append([
                .init(change.kind == .create ? "+" : "-", style), .init(change.association.owner.kind.rawValue, style),
                .init(change.association.owner.id.text, style), .init(change.association.cart.text, style),
                .init(Self.place(change.place, plan), .faint),
            ])
        }
        var lines = table.lines(width: width, color: color)
        if total > shown.count, let kind = changes.first?.kind {
            lines += sentence("… and \(Figures.count(total - shown.count)) more \(kind.rawValue)s", .faint, indent: 2)
        }
        return lines
    }

    /// Where a change comes from, as short as its exports allow.
    static func place(_ place: RecordPlace?, _ plan: PlanView) -> String {
        guard let place else { return "" }
        guard plan.exports.count > 1, plan.exports.indices.contains(place.export) else { return "line \(place.line)" }
        // The whole path stands above, and would cost the columns that matter here.
        let path = plan.exports[place.export].path
        return "\(path.split(separator: "/").last.map(String.init) ?? path):\(place.line)"
    }

    private func planRefusals(_ plan: PlanView) -> [String] {
        guard !plan.refusals.isEmpty else { return [] }
        var lines = sentence(plan.guardVerdict, .bad)
        for refusal in plan.refusals {
            lines += sentence("\(refusal.rule.rawValue): \(refusal.sentence)", indent: 2)
            lines += sentence("allowed by \(refusal.permission)", .bold, indent: 4)
        }
        if !plan.hardestHit.isEmpty { lines += sentence("the owners hit hardest", indent: 2) }
        for loss in plan.hardestHit {
            lines += sentence("\(loss.owner) would lose \(Figures.count(loss.deletes, "cart"))", indent: 4)
        }
        return lines
    }
}

extension PlanCounts {
    /// One count as it is shown.
    struct Line {
        let name: String
        let count: Int
        let meaning: String
        var style: TextStyle = .plain
        var isAlwaysShown = false
    }

    /// The counts in the order in which they are shown.
    var lines: [Line] {
        [
            Line(name: "create", count: creates, meaning: "wanted, not there", style: .good, isAlwaysShown: true),
            Line(name: "delete", count: deletes, meaning: "there, no longer wanted", style: .bad, isAlwaysShown: true),
            Line(name: "new carts", count: newCarts ?? 0, meaning: "created first where they are not there"),
            Line(name: "keep", count: kept, meaning: "wanted and there", isAlwaysShown: true),
            Line(name: "duplicate", count: duplicates, meaning: "records that repeat an earlier one"),
            Line(name: "rejected", count: rejected, meaning: "records that cannot be used", style: .warning),
            Line(name: "unmanaged", count: unmanaged, meaning: "there, not wanted, outside the scope of deletes"),
            Line(name: "protected", count: protected, meaning: "not deleted: another source asserts them"),
            Line(
                name: "withheld", count: withheld, meaning: "not deleted: the export leaves them in doubt",
                style: .warning),
        ]
    }
}
