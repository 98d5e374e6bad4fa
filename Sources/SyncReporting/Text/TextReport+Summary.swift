import CartAssociations

extension TextReport {
    /// What a run did: verdict, outcomes, latency table, histogram, rate, failures and rejected records.
    ///
    /// - Parameter folder: where the full report is; nil where none was written.
    package func summary(_ report: RunReport, folder: String? = nil) -> String {
        page([
            sentence(report.verdict.words, verdictStyle(report)), summaryFacts(report, folder: folder),
            outcomeTable(report.outcomes), objectives(report), latencyTable(report.latency),
            histogram(report.latency), failures(report),
            rejectedRecords(report), next(report),
        ])
    }

    private func verdictStyle(_ report: RunReport) -> TextStyle {
        switch report.verdict.exitStatus {
        case 0, 2: .good
        case 1, 3, 8, 75: .warning
        default: .bad
        }
    }

    private func summaryFacts(_ report: RunReport, folder: String?) -> [String] {
        var lines: [(String, String)] = [
            ("run", "\(report.run), \(report.command) of source \(report.source) to \(report.store)")
        ]
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
        // Columns without a number are noise, except the two that everybody looks for.
        let shown = titles.filter { title in
            title.dispensable == 0 || ChangeKind.allCases.contains { title.number(outcomes[$0]) > 0 }
        }
        columns += shown.map { .init(title: $0.name, dispensable: $0.dispensable) }
        var table = TextTable(columns)
        for kind in ChangeKind.allCases where outcomes[kind].total > 0 {
            let tally = outcomes[kind]
            table.rows.append(
                [.init(kind.rawValue), .init(Figures.count(tally.total))]
                    + shown.map { title in
                        let number = title.number(tally)
                        return .init(Figures.count(number), number > 0 ? title.style : .faint)
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
                        .init(Figures.count(figures.count)),
                    ] + values.map { .init(figures.count == 0 ? "-" : Figures.latency($0)) })
            }
        }
        return table.lines(width: width, color: color) + answerLines(latency)
    }

    /// The answers other than success, which the table does not show.
    private func answerLines(_ latency: LatencyReport) -> [String] {
        latency.operations.flatMap { operation -> [String] in
            let troubled = AnswerClass.allCases.filter { $0 != .success && operation.attempts($0) > 0 }
            var notes = troubled.map { "\(Figures.count(operation.attempts($0))) \($0.rawValue)" }
            let outOfRange = operation.service.outOfRange + operation.response.outOfRange
            if outOfRange > 0 { notes.append("\(Figures.count(outOfRange)) longer than an hour, in no percentile") }
            guard !notes.isEmpty else { return [] }
            let text =
                "\(operation.operation.rawValue): \(Figures.count(operation.attempts, "attempt")), "
                + notes.joined(separator: ", ")
            return sentence(text, .warning, indent: 2)
        }
    }

    private func failures(_ report: RunReport) -> [String] {
        let shownGroups = 5
        let shownExamples = 3
        var lines: [String] = []
        for group in report.failures.prefix(shownGroups) {
            lines += sentence("\(Figures.count(group.count)) × \(group.reason)", .bad)
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
        let file = report.rejected.file.map { ", all in \($0)" } ?? ""
        var lines = sentence("\(Figures.count(total, "record")) rejected\(file)", .warning)
        let shown = report.rejected.examples.prefix(3)
        for record in shown {
            lines += sentence("\(record.export) line \(record.line): \(record.reason)", indent: 2)
        }
        if total > shown.count {
            lines += sentence("… and \(Figures.count(total - shown.count)) more", .faint, indent: 2)
        }
        return lines
    }

    private func next(_ report: RunReport) -> [String] {
        report.verdict.next.map { sentence("Next: \($0)", .bold) } ?? []
    }
}

extension LatencyReport {
    package var attempts: Int { operations.reduce(0) { $0 + $1.attempts } }
    package var retries: Int { operations.reduce(0) { $0 + $1.retries } }
}
