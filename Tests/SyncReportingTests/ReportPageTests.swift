import CartAssociations
import Foundation
import Testing

@testable import SyncReporting

@Suite struct ReportPageTests {
    @Test("the page has its verdict first, every section, and every plot for screens and phones")
    func mainElements() throws {
        let report = SampleRun.tenMinutes().report(exitStatus: .incomplete, words: "21 changes were rejected.")
        let page = try ReportPage.html(report)
        #expect(page.hasPrefix("<!doctype html>\n<html lang=\"en\">"))
        let verdict = try #require(page.range(of: "<h1>21 changes were rejected.</h1>"))
        for id in ["changes", "exports", "latency", "failures", "rejected", "settings"] {
            let heading = try #require(page.range(of: "<h2 id=\"\(id)\">"), "no section \(id)")
            #expect(verdict.lowerBound < heading.lowerBound)
        }
        for plot in ["percentiles", "overtime", "rate"] {
            #expect(page.contains("<figure id=\"plot-\(plot)\">"))
            for size in ["wide", "narrow"] {
                #expect(page.contains("aria-labelledby=\"\(plot)-\(size)-title \(plot)-\(size)-desc\""))
                #expect(page.contains("<title id=\"\(plot)-\(size)-title\">"))
                #expect(page.contains("<desc id=\"\(plot)-\(size)-desc\">"))
            }
        }
        #expect(page.contains("cartsync import rejects.csv"))
        #expect(page.contains(String(repeating: "5e", count: 32)))
    }

    @Test("a page that is served leads to its neighbours, a file to nothing; a refused run says so first")
    func links() throws {
        let report = SampleRun.tenMinutes().report(exitStatus: .refused, words: "412 deletes, more than 20 %")
        let page = try ReportPage.html(
            report, links: [.init("all runs", path: "/"), .init("<b>", path: "/runs/\"x/report.html")])
        #expect(page.contains("<h1>Refused: 412 deletes, more than 20 %</h1>"))
        #expect(page.contains("<a href=\"/\">all runs</a>"))
        #expect(!page.contains("<b>") && !page.contains("\"/runs/\"x"))
        #expect(try !ReportPage.html(report).contains("<nav"))
    }

    @Test("ids stand only once on the page")
    func uniqueIDs() throws {
        let page = try ReportPage.html(SampleRun.tenMinutes().report())
        let ids = page.matches(of: /\sid="([^"]+)"/).map { String($0.output.1) }
        #expect(ids.count > 15)
        #expect(Set(ids).count == ids.count)
    }

    @Test("nothing is loaded and nothing runs")
    func selfContained() throws {
        let page = try ReportPage.html(SampleRun.tenMinutes().report())
        #expect(page.contains("Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline';"))
        for forbidden in ["<script", "src=", "href=", "url(", "@import", "<link", "<iframe", "onload"] {
            #expect(!page.contains(forbidden), "the page has \(forbidden)")
        }
        #expect(page.contains("prefers-color-scheme:dark"))
        #expect(page.contains("@media print"))
    }

    @Test(
        "nothing from a file or the store becomes markup",
        arguments: [
            "<img src=x>", "\"><b>", "</style><b>", "'\u{301}<b>", "\"\u{301} x=\"<b>", "{{{style}}}", "&lt;b>",
        ])
    func escaping(hostile: String) throws {
        var report = SampleRun.tenMinutes().report(exitStatus: .incomplete, words: hostile)
        report.verdict.next = hostile
        report.run = hostile
        report.store = hostile
        report.exports[0].path = hostile
        report.exports[0].sha256 = hostile
        report.failures[0].reason = hostile
        report.rejected = RunReport.RejectedRecords(file: hostile)
        report.rejected.add(.init(export: hostile, line: 1, reason: hostile))
        report.settings = [.init(name: hostile, value: hostile, origin: hostile)]
        report.plan.currentReason = hostile
        let page = try ReportPage.html(report)
        // A text in the template's own language has nothing to escape: it stays a text.
        if Markup.escaped(hostile) != hostile {
            #expect(!page.unicodeScalars.containsSequence(hostile.unicodeScalars), "\(hostile) came through")
        }
        #expect(page.contains(Markup.escaped(hostile)))
        let tags = page.matches(of: /<([a-z][a-z0-9]*)/).map { String($0.output.1) }
        #expect(!tags.contains("b") && !tags.contains("img"))
    }

    @Test("a run that made no call has a page, without plots")
    func emptyRun() throws {
        let page = try ReportPage.html(SampleRun().report(words: "Nothing to do."))
        #expect(page.contains("<h1>Nothing to do.</h1>"))
        #expect(!page.contains("<figure"))
    }

    @Test("a scale keeps its values in order and inside")
    func scales() {
        for scale in [
            PlotScale.latency([0.5, 40, 2100]), .percentiles(count: 9000), .rate(highest: 23),
            .time(seconds: 640, ticks: 8),
        ] {
            let positions = scale.ticks.map { scale.position($0.value) }
            #expect(positions == positions.sorted())
            #expect(positions.allSatisfy { (0...1).contains($0) })
            #expect(positions.count >= 2)
            #expect(scale.position(-1) == 0)
            #expect(scale.position(.infinity) == 1)
        }
        let nines = PlotScale.percentiles(count: 100_000)
        let steps = [90.0, 99, 99.9, 99.99].map(nines.position)
        let gaps = zip(steps, steps.dropFirst()).map { $1 - $0 }
        #expect(gaps.allSatisfy { abs($0 - gaps[0]) < 1e-9 }, "each nine takes the same room")
    }
}

extension String.UnicodeScalarView {
    /// By scalar: a string search goes by grapheme and overlooks a quote that carries a combining mark.
    fileprivate func containsSequence(_ other: String.UnicodeScalarView) -> Bool {
        let all = Array(self)
        let wanted = Array(other)
        guard let first = wanted.first, all.count >= wanted.count else { return wanted.isEmpty }
        return all.indices.dropLast(wanted.count - 1).contains { start in
            all[start] == first && all[start..<start + wanted.count].elementsEqual(wanted)
        }
    }
}
