import CartAssociations
import Mustache

import struct Foundation.Date

/// `report.html`: one page without scripts that needs no network, from the numbers of a report alone.
///
/// Its template is the file `report.html` beside this one, in Mustache, with `report.css`; both are embedded in the
/// program. The policy in the template's head forbids everything that the page does not have.
package enum ReportPage {
    /// The page. Throws only if the template is invalid, which a test would find.
    ///
    /// - Parameter links: what the page leads to if it is served, beside the report's own folder; empty for a file.
    package static func html(_ report: RunReport, links: [Link] = []) throws -> String {
        try template.get().render(content(report, links))
    }

    /// Parsed once: a service writes a page for each run.
    private static let template = Result {
        MustacheContentTypes.register(Markup(), named: Markup.contentType)
        return try MustacheTemplate(
            string: "{{% CONTENT_TYPE:\(Markup.contentType)}}" + text(PackageResources.report_html))
    }

    /// A link of a page that is served.
    package struct Link: Sendable, Equatable {
        let words: String
        /// A path on the same server.
        let path: String

        package init(_ words: String, path: String) {
            self.words = words
            self.path = path
        }
    }

    /// How the run ended; a refused one says so first.
    private static func heading(_ verdict: RunReport.Verdict) -> String {
        verdict.exitStatus == .refused ? "Refused: \(verdict.words)" : verdict.words
    }

    private static func content(_ report: RunReport, _ links: [Link]) -> [String: Any] {
        var content: [String: Any] = [
            "title": "cartsync \(report.run)", "verdict": heading(report.verdict),
            "links": links.map { ["words": $0.words, "path": $0.path] },
            "tone": report.verdict.exitStatus.tone.rawValue, "facts": facts(report),
            "style": text(PackageResources.report_css),
            "exports": exports(report), "changes": changes(report), "plan": plan(report.plan),
            "objectives": objectives(report), "latency": latency(report.latency), "plots": plots(report),
            "failures": failures(report),
            "settings": settings(report), "schema": report.schemaVersion,
        ]
        if let rejected = rejected(report) { content["rejected"] = rejected }
        if let withheld = report.withheld {
            content["withheld"] = [
                "sentences": withheld.sentences,
                "examples": withheld.examples.map {
                    ["association": "\($0.association)", "reason": $0.withheld ?? ""]
                },
            ]
        }
        if !links.isEmpty { content["hasLinks"] = true }
        if !report.objectives.isEmpty { content["hasObjectives"] = true }
        if let next = report.verdict.next { content["next"] = next }
        return content
    }

    private static func text(_ file: [UInt8]) -> String { String(decoding: file, as: UTF8.self) }

    private static func facts(_ report: RunReport) -> [[String: Any]] {
        [
            ("Run", "\(report.run), command \(report.command), exit status \(report.verdict.exitStatus.rawValue)"),
            ("Undoes", report.undone.map { "run \($0)" } ?? ""), ("Store", report.store), ("Source", report.source),
            ("Started", Date.ISO8601FormatStyle().format(report.started)),
            ("Took", Figures.took(report)), ("Calls", Figures.calls(report.latency)),
        ].filter { !$0.1.isEmpty }.map { ["name": $0.0, "value": $0.1] }
    }

    private static func exports(_ report: RunReport) -> [[String: Any]] {
        report.exports.map { export in
            [
                "path": export.path, "format": export.format, "records": Count.text(export.records),
                "accepted": Count.text(export.accepted), "duplicates": Count.text(export.duplicates),
                "rejected": Count.text(export.rejectedCount), "sha256": export.sha256 ?? "not read to its end",
            ]
        }
    }

    private static func changes(_ report: RunReport) -> [[String: Any]] {
        ChangeKind.allCases.map { kind in
            let tally = report.outcomes[kind]
            return [
                "kind": kind.rawValue, "planned": Count.text(tally.total),
                "made": Count.text(tally.created + tally.deleted),
                "already": Count.text(tally.alreadyThere + tally.alreadyGone),
                "rejected": Count.text(tally.rejected), "failed": Count.text(tally.failed),
                "skipped": Count.text(tally.skipped), "pending": Count.text(tally.pending),
            ]
        }
    }

    private static func plan(_ plan: RunReport.PlanSummary) -> [String: Any] {
        [
            "kept": Count.text(plan.kept), "unmanaged": Count.text(plan.unmanaged),
            "current": plan.current.rawValue, "reason": plan.currentReason, "warnings": plan.warnings,
        ]
    }

    private static func objectives(_ report: RunReport) -> [[String: Any]] {
        report.objectives.map { result in
            [
                "objective": result.objective, "measured": result.measuredText,
                "result": result.isCrossed ? "crossed" : result.measured == nil ? "-" : "kept",
                "tone": result.isCrossed ? "bad" : "good",
                "when": result.crossedAfter.map { "\(Figures.span(seconds: $0)) into the run" } ?? "-",
            ]
        }
    }

    private static func latency(_ latency: LatencyReport) -> [[String: Any]] {
        latency.operations.flatMap { operation in
            [("service", operation.service), ("response", operation.response)].map { clock, figures in
                let at = figures.percentiles
                let values = [at.p50, at.p75, at.p90, at.p95, at.p99, at.p999, at.p9999, at.max]
                return [
                    "operation": operation.operation.rawValue, "clock": clock, "count": Count.text(figures.count),
                    "values": values.map { figures.count == 0 ? "-" : Figures.latency($0) },
                ]
            }
        }
    }

    private static func plots(_ report: RunReport) -> [[String: Any]] {
        let plots = ReportPlots(latency: report.latency, seconds: report.seconds)
        return [plots.percentiles, plots.overTime, plots.rate].compactMap { $0 }.map { plot in
            [
                "id": plot.id, "title": plot.title, "description": plot.description, "wide": plot.svg(.wide),
                "narrow": plot.svg(.narrow),
                "legend": plot.series.map { series in
                    [
                        "name": series.name,
                        "class": "c\(series.color)\(series.isDashed ? " dashed" : "")",
                    ]
                },
                "marks": !plot.marks.isEmpty,
            ]
        }
    }

    private static func failures(_ report: RunReport) -> [[String: Any]] {
        report.failures.map { group in
            [
                "reason": group.reason, "count": Count.text(group.count),
                "examples": group.examples.map { example in
                    [
                        "kind": example.kind.rawValue, "cart": example.cart, "export": example.export ?? "-",
                        "line": example.line.map { Count.text($0) } ?? "-",
                        "status": example.status.map(String.init) ?? "-",
                        "message": example.message,
                    ]
                },
            ]
        }
    }

    private static func rejected(_ report: RunReport) -> [String: Any]? {
        let total = report.exports.reduce(0) { $0 + $1.rejectedCount }
        guard total > 0 else { return nil }
        var content: [String: Any] = [
            "count": Count.text(total, "record"),
            "examples": report.rejected.examples.map { record in
                ["export": record.export, "line": Count.text(record.line), "reason": record.reason]
            },
        ]
        if let file = report.rejected.file { content["file"] = file }
        return content
    }

    private static func settings(_ report: RunReport) -> [[String: Any]] {
        report.settings.map { ["name": $0.name, "value": $0.value, "origin": $0.origin] }
    }
}
