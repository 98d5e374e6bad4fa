import Foundation

/// The folder of one run, read as a foreign program would.
struct ReportFiles {
    let folder: String

    func text(_ name: String) throws -> String { try String(contentsOfFile: folder + "/" + name, encoding: .utf8) }

    /// Whether there is one: a run that was killed, or never applied, has none.
    var hasReport: Bool { FileManager.default.fileExists(atPath: folder + "/report.html") }

    func report() throws -> Report { try JSONDecoder().decode(Report.self, from: Data(text("report.json").utf8)) }

    /// The lines of results.csv, without its header, by column; fields of the tests have no commas in them.
    func results() throws -> [[String: String]] {
        guard FileManager.default.fileExists(atPath: folder + "/results.csv") else { return [] }
        let lines = try text("results.csv").split(separator: "\r\n").map {
            $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
        return lines.dropFirst().map { Dictionary(zip(lines[0], $0)) { first, _ in first } }
    }

    /// Everything in which the report contradicts itself or the files beside it.
    func contradictions() throws -> [String] {
        guard hasReport else { return [] }
        let report = try report()
        var found = report.contradictions
        let results = try results().filter { $0["outcome"] != "withheld" }
        let withheld = report.withheld.map { $0.deletes + $0.creates } ?? 0
        if try self.results().count - results.count != withheld {
            found.append("results.csv does not list what is withheld")
        }
        if results.count != report.done { found.append("results.csv has \(results.count) lines of \(report.done)") }
        for (kind, tally) in [("create", report.outcomes.create), ("delete", report.outcomes.delete)] {
            let counts: [String: Int] = [
                "created": tally.created, "already there": tally.alreadyThere, "deleted": tally.deleted,
                "already gone": tally.alreadyGone, "rejected": tally.rejected, "failed": tally.failed,
                "skipped": tally.skipped,
            ]
            for (outcome, count) in counts {
                let lines = results.count { $0["kind"] == kind && $0["outcome"] == outcome }
                if lines != count { found.append("results.csv has \(lines) \(kind)s \(outcome), report.json \(count)") }
            }
        }
        let page = try text("report.html")
        if !page.contains(report.run) { found.append("report.html is of another run") }
        for operation in report.latency.operations where operation.calls > 0 {
            let log = try text("latency.hlog")
            if !log.contains("Tag=\(operation.operation),") { found.append("\(operation.operation) is not in the log") }
            let distribution = try text("latency-\(operation.operation).hgrm")
            let total = "Total count    = \(String(repeating: " ", count: 12))\(operation.response.percentiles.count)]"
            if !distribution.replacing(" ", with: "").contains(total.replacing(" ", with: "")) {
                found.append("the distribution of \(operation.operation) has another count")
            }
        }
        return found
    }
}
