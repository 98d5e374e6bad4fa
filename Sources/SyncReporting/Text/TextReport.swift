import CartAssociations
import Foundation

/// Reports for a terminal, a pipe or a log: verdict first, numbers aligned and with units.
package struct TextReport: Sendable {
    /// The columns of the terminal; no line is wider, down to `narrowest`.
    let width: Int
    let color: Bool

    /// A narrower terminal cannot show anything useful: lines are made for this many columns then.
    static let narrowest = 40

    /// - Parameters:
    ///   - width: the columns of the terminal; 100 suits a pipe.
    ///   - color: false for a pipe, and if `NO_COLOR` is set.
    package init(width: Int, color: Bool) {
        self.width = max(Self.narrowest, width)
        self.color = color
    }

    /// A sentence at the margin, wrapped.
    func sentence(_ text: String, _ style: TextStyle = .plain, indent: Int = 0) -> [String] {
        let margin = String(repeating: " ", count: indent)
        return TerminalText.wrapped(TerminalText.printable(text), to: width - indent).map { line in
            margin + style.apply(line, color: color)
        }
    }

    /// A block of names, each with its text wrapped beside it.
    func facts(_ facts: [(name: String, text: String)]) -> [String] {
        let nameWidth = facts.reduce(0) { max($0, TerminalText.width($1.name)) }
        var lines: [String] = []
        for (name, text) in facts {
            let wrapped = TerminalText.wrapped(TerminalText.printable(text), to: width - nameWidth - 4)
            for (position, line) in wrapped.enumerated() {
                let shown = TerminalText.padded(position == 0 ? name : "", to: nameWidth, right: false)
                lines.append("  " + TextStyle.faint.apply(shown, color: color) + "  " + line)
            }
        }
        return lines
    }

    /// Blocks with an empty line between them and a final newline.
    func page(_ blocks: [[String]]) -> String {
        blocks.filter { !$0.isEmpty }.map { $0.joined(separator: "\n") }.joined(separator: "\n\n") + "\n"
    }
}

// MARK: - What a run did

extension TextReport {
    /// What a run did: verdict, outcomes, latency table, histogram, rate, failures and rejected records.
    ///
    /// - Parameter folder: where the full report is; nil if none was written.
    package func summary(_ report: RunReport, folder: String? = nil) -> String {
        page([
            sentence(report.verdict.words, verdictStyle(report)), summaryFacts(report, folder: folder),
            outcomeTable(report.outcomes), objectives(report), latencyTable(report.latency),
            histogram(report.latency), failures(report),
            rejectedRecords(report), withheld(report.withheld), next(report),
        ])
    }

    private func verdictStyle(_ report: RunReport) -> TextStyle {
        switch report.verdict.exitStatus.tone {
        case .good: .good
        case .warning: .warning
        case .bad: .bad
        }
    }

    private func summaryFacts(_ report: RunReport, folder: String?) -> [String] {
        var lines: [(String, String)] = [
            ("run", "\(report.run), \(report.command) of source \(report.source) to \(report.store)")
        ]
        if let undone = report.undone { lines.append(("undoes", "run \(undone)")) }
        for (position, export) in report.exports.enumerated() {
            lines.append((position == 0 ? "export" : "", Self.exportSentence(export)))
        }
        lines.append(("took", Figures.took(report)))
        if report.latency.attempts > 0 { lines.append(("calls", Figures.calls(report.latency))) }
        if let folder { lines.append(("report", folder)) }
        return facts(lines)
    }

    func outcomeTable(_ outcomes: RunOutcomes) -> [String] {
        guard outcomes.total > 0 else { return [] }
        var columns: [TextTable.Column] = [
            .init(title: "changes", right: false), .init(title: "planned", dispensable: 4),
        ]
        typealias Title = (name: String, number: (ChangeTally) -> Int, style: TextStyle, dispensable: Int)
        let titles: [Title] = [
            ("made", { $0.created + $0.deleted }, .good, 0),
            ("already so", { $0.alreadyThere + $0.alreadyGone }, .plain, 5),
            ("rejected", { $0.rejected }, .bad, 1), ("failed", { $0.failed }, .bad, 0),
            ("skipped", { $0.skipped }, .warning, 3), ("pending", { $0.pending }, .warning, 2),
        ]
        // Columns of zeros are noise, except the two that every reader looks for.
        let shown = titles.filter { title in
            title.dispensable == 0 || ChangeKind.allCases.contains { title.number(outcomes[$0]) > 0 }
        }
        columns += shown.map { .init(title: $0.name, dispensable: $0.dispensable) }
        var table = TextTable(columns)
        for kind in ChangeKind.allCases where outcomes[kind].total > 0 {
            let tally = outcomes[kind]
            table.rows.append(
                [.init(kind.rawValue), .init(Count.text(tally.total))]
                    + shown.map { title in
                        let number = title.number(tally)
                        return .init(Count.text(number), number > 0 ? title.style : .faint)
                    })
        }
        return table.lines(width: width, color: color)
    }

    private func objectives(_ report: RunReport) -> [String] {
        guard !report.objectives.isEmpty else { return [] }
        var table = TextTable([
            .init(title: "objective", right: false), .init(title: "measured"), .init(title: "", right: false),
        ])
        for result in report.objectives {
            table.rows.append([
                .init(result.objective), .init(result.measuredText, result.isCrossed ? .bad : .plain),
                .init(
                    result.isCrossed ? "crossed" : result.measured == nil ? "" : "kept",
                    result.isCrossed ? .bad : .good),
            ])
        }
        return table.lines(width: width, color: color)
    }

    private func latencyTable(_ latency: LatencyReport) -> [String] {
        guard !latency.operations.isEmpty else { return [] }
        var table = TextTable([
            .init(title: "latency", right: false), .init(title: "", right: false),
            .init(title: "count", dispensable: 2),
            .init(title: "p50"), .init(title: "p90", dispensable: 3), .init(title: "p99"),
            .init(title: "p99.9", dispensable: 4), .init(title: "max", dispensable: 1),
        ])
        for operation in latency.operations {
            for (clock, figures) in [("service", operation.service), ("response", operation.response)] {
                let at = figures.percentiles
                let values = [at.p50, at.p90, at.p99, at.p999, at.max]
                table.rows.append(
                    [
                        .init(clock == "service" ? operation.operation.rawValue : ""), .init(clock, .faint),
                        .init(Count.text(figures.count)),
                    ] + values.map { .init(figures.count == 0 ? "-" : Figures.latency($0)) })
            }
        }
        return table.lines(width: width, color: color) + answerLines(latency)
    }

    /// The answers other than success, which the table does not show.
    private func answerLines(_ latency: LatencyReport) -> [String] {
        latency.operations.flatMap { operation -> [String] in
            let troubled = AnswerClass.allCases.filter { $0 != .success && operation.attempts($0) > 0 }
            var notes = troubled.map { "\(Count.text(operation.attempts($0))) \($0.rawValue)" }
            let outOfRange = operation.service.outOfRange + operation.response.outOfRange
            if outOfRange > 0 { notes.append("\(Count.text(outOfRange)) longer than an hour, in no percentile") }
            guard !notes.isEmpty else { return [] }
            let text =
                "\(operation.operation.rawValue): \(Count.text(operation.attempts, "attempt")), "
                + notes.joined(separator: ", ")
            return sentence(text, .warning, indent: 2)
        }
    }

    private func failures(_ report: RunReport) -> [String] {
        let shownGroups = 5
        let shownExamples = 3
        var lines: [String] = []
        for group in report.failures.prefix(shownGroups) {
            lines += sentence("\(Count.text(group.count)) × \(group.reason)", .bad)
            for example in group.examples.prefix(shownExamples) {
                var text = "\(example.kind.rawValue) cart \(example.cart)"
                if let line = example.line { text += ", \(example.export.map { "\($0) " } ?? "")line \(line)" }
                if let status = example.status { text += ", status \(status)" }
                lines += sentence("\(text): \(example.message)", indent: 2)
            }
            if group.count > shownExamples {
                lines += sentence("… all in results.csv", .faint, indent: 2)
            }
        }
        if report.failures.count > shownGroups {
            lines += sentence("… and \(report.failures.count - shownGroups) more reasons in report.html", .faint)
        }
        return lines
    }

    private func rejectedRecords(_ report: RunReport) -> [String] {
        let total = report.exports.reduce(0) { $0 + $1.rejectedCount }
        guard total > 0 else { return [] }
        let file = report.rejected.file.map { ", kept in \($0)" } ?? ""
        return rejectedRecords(report.rejected, of: total, words: "\(Count.text(total, "record")) rejected\(file)")
    }

    private func rejectedRecords(_ rejected: RunReport.RejectedRecords, of total: Int, words: String) -> [String] {
        var lines = sentence(words, .warning)
        let shown = rejected.examples.prefix(3)
        for record in shown {
            lines += sentence("\(record.export) line \(record.line): \(record.reason)", indent: 2)
        }
        if total > shown.count {
            lines += sentence("… and \(Count.text(total - shown.count)) more", .faint, indent: 2)
        }
        return lines
    }

    /// What is not done because of doubt, with the first reasons.
    private func withheld(_ withheld: Withheld?) -> [String] {
        guard let withheld else { return [] }
        var lines = withheld.sentences.flatMap {
            sentence($0.prefix(1).uppercased() + $0.dropFirst() + ".", .warning)
        }
        let shown = withheld.examples.prefix(Self.withheldShown)
        for change in shown {
            let verb = change.kind == .create ? "not created" : "not deleted"
            lines += sentence("\(change.association), \(verb): \(change.withheld ?? "")", indent: 2)
        }
        let left = withheld.deletes + withheld.creates - shown.count
        if left > 0 { lines += sentence("… and \(Count.text(left)) more", .faint, indent: 2) }
        return lines
    }

    private static let withheldShown = 5

    private func next(_ report: RunReport) -> [String] {
        report.verdict.next.map { sentence("Next: \($0)", .bold) } ?? []
    }
}

// MARK: - Response times as bars

extension TextReport {
    /// The response times of the writes as bars; of the listing if nothing was written.
    func histogram(_ latency: LatencyReport) -> [String] {
        let writes = latency.operations.filter { $0.operation == .create || $0.operation == .delete }
        let shown = writes.isEmpty ? latency.operations.filter { $0.operation == .list } : writes
        var blocks: [[String]] = []
        for operation in shown where operation.response.count > 0 {
            blocks.append(bars(operation))
        }
        return Array(blocks.joined(separator: [""]))
    }

    private func bars(_ operation: OperationLatency) -> [String] {
        let buckets = operation.response.buckets
        guard let first = buckets.firstIndex(where: { $0.count > 0 }),
            let last = buckets.lastIndex(where: { $0.count > 0 }),
            let largest = buckets.map(\.count).max()
        else { return [] }
        var rows: [(bound: String, count: Int)] = []
        for bucket in buckets[first...last] {
            rows.append((bucket.upTo.map { "up to \(Figures.bound($0))" } ?? "longer", bucket.count))
        }
        let total = operation.response.count
        let boundWidth = rows.reduce(0) { max($0, $1.bound.count) }
        let countWidth = Count.text(largest).count
        let barWidth = max(4, min(50, width - boundWidth - countWidth - 14))
        var lines = sentence("\(operation.operation.rawValue), response time", .faint, indent: 2)
        for (bound, count) in rows {
            let bar = Self.bar(Double(count) / Double(largest), columns: barWidth)
            let line =
                "  \(TerminalText.padded(bound, to: boundWidth, right: true))  "
                + "\(TerminalText.padded(Count.text(count), to: countWidth, right: true))  "
                + "\(TerminalText.padded(count == 0 ? "" : Figures.share(count, of: total), to: 7, right: true))"
            lines.append(count == 0 ? line.trimmedRight : line + " " + bar)
        }
        return lines
    }

    /// A bar in eighths of a column; a share above 0 has one eighth at least.
    static func bar(_ share: Double, columns: Int) -> String {
        let eighths = max(share > 0 ? 1 : 0, Int((share * Double(columns) * 8).rounded()))
        let partial = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8]
        return String(repeating: "█", count: eighths / 8) + partial
    }
}

// MARK: - A plan

extension TextReport {
    /// The plan: what would be done, a sample of each kind with its lines, and what the guards say.
    package func plan(_ plan: PlanView) -> String {
        page([
            planHeadline(plan), planFacts(plan), planCounts(plan.counts),
            sample(plan.creates, of: plan.counts.creates, plan), sample(plan.deletes, of: plan.counts.deletes, plan),
            planRejected(plan), withheld(plan.withheld), planRefusals(plan),
        ])
    }

    /// The first rejected records, before a permission is offered for them.
    private func planRejected(_ plan: PlanView) -> [String] {
        guard let rejected = plan.rejected, plan.counts.rejected > 0 else { return [] }
        let total = plan.counts.rejected
        return rejectedRecords(rejected, of: total, words: "\(Count.text(total, "record")) rejected")
    }

    private func planHeadline(_ plan: PlanView) -> [String] {
        let changes = "\(Count.text(plan.counts.creates, "create")), \(Count.text(plan.counts.deletes, "delete"))"
        if !plan.refusals.isEmpty {
            return sentence("Plan refused: \(changes). Nothing was written.", .bad)
        }
        if plan.counts.changes == 0 {
            let left = plan.counts.unmanaged + plan.counts.protected + plan.counts.withheld
            let rest = left == 0 ? plan.current.wordsIfAllIsThere.map { ", \($0)" } ?? "" : ""
            return sentence("Plan: nothing to do\(rest).", .good)
        }
        return sentence("Plan: \(changes). Nothing is written yet.", .bold)
    }

    private func planFacts(_ plan: PlanView) -> [String] {
        var lines: [(String, String)] = [("store", plan.store)]
        for (position, export) in plan.exports.enumerated() {
            lines.append((position == 0 ? "export" : "", Self.exportSentence(export)))
        }
        if let undone = plan.undone { lines.append(("undoes", "run \(undone)")) }
        lines.append(("source", "\(plan.source), deletes: \(plan.scope.rawValue)"))
        if let owners = plan.owners { lines.append(("owners", owners.sentence)) }
        lines.append(("current", "\(plan.current.rawValue): \(plan.currentReason)"))
        if let moment = plan.moment {
            let words =
                "as of \(moment.formatted(.iso8601)); what the running service does after it is not in this plan"
            lines.append(("ledger", words))
        }
        if plan.estimate.calls > 0 { lines.append(("calls", Self.estimateSentence(plan.estimate))) }
        if plan.refusals.isEmpty { lines.append(("guard", plan.guardVerdict)) }
        lines += plan.warnings.map { ("warning", $0) }
        return facts(lines)
    }

    /// What applying the plan costs, in one sentence.
    static func estimateSentence(_ estimate: PlanView.Estimate) -> String {
        guard estimate.calls > 0 else { return "none" }
        let sentence =
            "\(Count.text(estimate.calls)), about \(Figures.span(seconds: estimate.seconds)) at "
            + "\(Figures.rate(estimate.rate)) a second"
        guard let available = estimate.available, let holds = estimate.holds else { return sentence }
        if holds { return sentence + "; the deadline in \(Figures.span(seconds: available)) will hold" }
        return sentence + "; the deadline in \(Figures.span(seconds: available)) will not hold: "
            + "\(Count.text(estimate.callsInTime)) of them can be made until then"
    }

    /// One export in one sentence.
    static func exportSentence(_ export: RunReport.ExportSummary) -> String {
        var text = "\(export.path) (\(export.format)): \(Count.text(export.records, "record"))"
        if export.duplicates > 0 { text += ", \(Count.text(export.duplicates, "duplicate"))" }
        if let elsewhere = export.elsewhere { text += ", \(Count.text(elsewhere)) of other shards" }
        if export.rejectedCount > 0 { text += ", \(Count.text(export.rejectedCount)) rejected" }
        return text
    }

    private func planCounts(_ counts: PlanCounts) -> [String] {
        var table = TextTable([
            .init(title: "", right: false), .init(title: ""), .init(title: "", right: false),
        ])
        func row(_ name: String, _ number: Int, _ meaning: String, _ style: TextStyle = .plain, always: Bool = false) {
            guard always || number > 0 else { return }
            table.rows.append([
                .init(name, number > 0 ? style : .plain), .init(Count.text(number), number > 0 ? style : .plain),
                .init(meaning, .faint),
            ])
        }
        for line in counts.rows { row(line.name, line.count, line.meaning, line.style, always: line.isAlwaysShown) }
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
            lines += sentence(
                "… and \(Count.text(total - shown.count)) more \(kind.rawValue)s; plan --output csv shows all", .faint,
                indent: 2)
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
            lines += sentence("\(loss.owner) would lose \(Count.text(loss.deletes, "cart"))", indent: 4)
        }
        return lines
    }
}

extension PlanCounts {
    /// One count as it is shown.
    struct Row {
        let name: String
        let count: Int
        let meaning: String
        var style: TextStyle = .plain
        var isAlwaysShown = false
    }

    /// The counts in the order in which they are shown.
    var rows: [Row] {
        [
            Row(name: "create", count: creates, meaning: "wanted, not there", style: .good, isAlwaysShown: true),
            Row(name: "delete", count: deletes, meaning: "there, no longer wanted", style: .bad, isAlwaysShown: true),
            Row(name: "new carts", count: newCarts ?? 0, meaning: "created first where they are not there"),
            Row(name: "keep", count: kept, meaning: "wanted and there", isAlwaysShown: true),
            Row(name: "duplicate", count: duplicates, meaning: "records that repeat an earlier one"),
            Row(name: "rejected", count: rejected, meaning: "records that cannot be used", style: .warning),
            Row(name: "unmanaged", count: unmanaged, meaning: "there, not wanted, outside the scope of deletes"),
            Row(name: "protected", count: protected, meaning: "not deleted: another source asserts them"),
            Row(
                name: "withheld", count: withheld, meaning: "not deleted: what could not be read may name them",
                style: .warning),
            Row(
                name: "skipped", count: caseChanged ?? 0, meaning: "not created: what exists differs only in case",
                style: .warning),
        ]
    }
}

// MARK: - What the ledger knows of runs

extension TextReport {
    /// A table alone; a sentence in its place if it has no rows.
    package func list(_ table: TextTable, orElse sentence: String) -> String {
        page([table.rows.isEmpty ? [sentence] : table.lines(width: width, color: color)])
    }

    /// One run: its facts, and how many of its changes ended how.
    package func run(_ facts: [(name: String, text: String)], _ outcomes: RunOutcomes) -> String {
        page([self.facts(facts), outcomeTable(outcomes)])
    }
}

// MARK: - Two runs side by side

extension TextReport {
    /// Two runs side by side; what became worse by more than a share is marked.
    package func comparison(_ comparison: RunComparison, failOver share: Double = 0.2) -> String {
        var table = TextTable([
            .init(title: "", right: false), .init(title: "before"), .init(title: "after"), .init(title: "change"),
            .init(title: "", right: false),
        ])
        for line in comparison.lines {
            let isWorse = (line.worsening ?? 0) > share
            let isBetter = (line.worsening ?? 0) < -share
            let style: TextStyle = isWorse ? .bad : isBetter ? .good : .plain
            table.rows.append([
                .init(line.figure), .init(line.text(line.before)), .init(line.text(line.after), style),
                .init(line.changeText, style),
                .init(isWorse ? "worse" : isBetter ? "better" : line.isUnjudged ? "not judged" : "", style),
            ])
        }
        let regressions = comparison.regressions(over: share).count
        let limit = percent(share)
        let verdict =
            regressions == 0
            ? sentence("No figure became worse by more than \(limit).", .good)
            : sentence("\(Count.text(regressions, "figure")) became worse by more than \(limit).", .bad)
        return page([
            verdict, facts([("before", comparison.before), ("after", comparison.after)]),
            table.lines(width: width, color: color),
        ])
    }
}

// MARK: - The history of a cart or an owner

extension TextReport {
    /// Everything known about one cart or owner: the associations, then every planned change, oldest first.
    package func explanation(_ explanation: Explanation) -> String {
        page(
            [explanationHeadline(explanation)]
                + explanation.associations.map(knownAssociation)
                + [plannedChanges(explanation.changes)]
                + (explanation.removedUntil.map { [removedRuns(until: $0)] } ?? []))
    }

    private func explanationHeadline(_ explanation: Explanation) -> [String] {
        let subject = explanation.subject.prefix(1).uppercased() + explanation.subject.dropFirst()
        guard !explanation.isUnknown else {
            return sentence(
                "Nothing is known of \(explanation.subject): the ledger has no association of it, and no run planned a "
                    + "change of it.", .warning)
        }
        let known = Count.text(explanation.associations.count, "association")
        let planned = Count.text(explanation.changes.count, "planned change")
        return sentence("\(subject) at \(explanation.store): \(known), \(planned).", .bold)
    }

    private func knownAssociation(_ known: Explanation.Known) -> [String] {
        let exists =
            switch known.confirmed {
            case "created": "yes, cartsync created it"
            case "already there": "yes, it was there already when cartsync asked"
            case "listed": "yes, it was seen in a listing"
            case let other?: other
            case nil: "not known to exist"
            }
        let asserted = known.sources.isEmpty ? "no source" : known.sources.joined(separator: ", ")
        return sentence("\(known.association)")
            + facts([
                ("exists", exists), ("asserted by", asserted), ("since", Self.time(known.since)),
                ("from", known.origin.map(origin) ?? (known.runRemoved == true ? Self.removedRun : "no run")),
            ])
    }

    private static let removedRun = "a run that is no longer kept"

    private func removedRuns(until run: String) -> [String] {
        sentence(
            "Changes of runs that are no longer kept (state.keep) are not shown; the newest of them was \(run).", .faint
        )
    }

    private func origin(_ origin: Explanation.Origin) -> String {
        let run = "run \(origin.run)" + (origin.command.map { " (\($0))" } ?? "")
        guard let line = origin.line, let record = origin.record else { return run }
        return "\(run), record \(record) on line \(line) of \(origin.export ?? "its export")"
    }

    /// The changes as a table; below each stand its association, its origin and the store's message.
    private func plannedChanges(_ changes: [Explanation.PlannedChange]) -> [String] {
        guard !changes.isEmpty else { return [] }
        var table = TextTable([
            .init(title: "when (UTC)", right: false), .init(title: "change", right: false),
            .init(title: "outcome", right: false), .init(title: "HTTP"), .init(title: "calls", dispensable: 2),
            .init(title: "service", dispensable: 1), .init(title: "response", dispensable: 3),
        ])
        for change in changes {
            table.rows.append([
                .init(Self.time(change.at, zone: "")), .init(change.kind.rawValue),
                .init(change.outcome?.rawValue ?? change.pending.map { "none, \($0)" } ?? "none", Self.style(change)),
                .init(change.status.map(String.init) ?? ""), .init(Count.text(change.attempts)),
                .init(change.service.map(Figures.latency) ?? ""), .init(change.response.map(Figures.latency) ?? ""),
            ])
        }
        let lines = table.lines(width: width, color: color)
        var shown = Array(lines.prefix(1))
        for (line, change) in zip(lines.dropFirst(), changes) {
            shown.append(line)
            shown += sentence("\(change.association)", indent: 4)
            shown += sentence(origin(change.origin), .faint, indent: 4)
            if let message = change.message { shown += sentence(message, .faint, indent: 4) }
        }
        return shown
    }

    private static func style(_ change: Explanation.PlannedChange) -> TextStyle {
        switch change.outcome {
        case .created, .alreadyThere, .deleted, .alreadyGone: .good
        case .rejected, .failed: .bad
        case .skipped, .withheld, nil: .warning
        }
    }

    private static func time(_ date: Date, zone: String = " UTC") -> String {
        var style = Date.ISO8601FormatStyle()
        style.timeZone = .gmt
        let text = date.formatted(style.year().month().day().time(includingFractionalSeconds: false))
        return text.replacing("T", with: " ").replacing("Z", with: "") + zone
    }
}
