import CartAssociations
import Testing

@testable import SyncReporting

@Suite struct TextReportTests {
    private func widest(_ text: String) -> Int {
        text.split(separator: "\n").map { TerminalText.width(String($0)) }.max() ?? 0
    }

    @Test("no line is wider than the terminal", arguments: [40, 60, 80, 100, 120, 200])
    func fits(width: Int) throws {
        let text = TextReport(width: width, color: false)
        let report = SampleRun.tenMinutes().report(exitStatus: .incomplete)
        #expect(widest(text.plan(try .sample())) <= width)
        #expect(widest(text.summary(report, folder: "/var/lib/cartsync/runs/1")) <= width)
    }

    @Test("the verdict is the first line")
    func verdictFirst() throws {
        let text = TextReport(width: 80, color: false)
        #expect(text.summary(SampleRun().report(words: "Nothing to do.")).hasPrefix("Nothing to do.\n"))
        #expect(text.plan(try .sample()).hasPrefix("Plan: 1,204 creates, 2 deletes. Nothing is written yet.\n"))
    }

    @Test("colour adds escape codes and changes nothing else")
    func colour() throws {
        let plain = TextReport(width: 80, color: false).summary(SampleRun.tenMinutes().report())
        let colored = TextReport(width: 80, color: true).summary(SampleRun.tenMinutes().report())
        #expect(!plain.contains("\u{1B}"))
        #expect(colored.contains("\u{1B}[32m"))
        #expect(colored.replacing(/\u{1B}\[[0-9]+m/, with: "") == plain)
    }

    @Test("a refused plan names the rule, the numbers and the flag that allows it")
    func refusal() throws {
        var plan = try PlanView.sample()
        plan.guardVerdict = "The plan looks like an accident."
        var figures = PlanFigures()
        figures.deletes = 612
        figures.inScope = 18_006
        figures.usable = 1
        plan.refusals = Guard().judge(figures)
        let text = TextReport(width: 80, color: false).plan(plan)
        #expect(text.hasPrefix("Plan refused: "))
        #expect(text.contains("deletes: 612 deletes, more than 500"))
        #expect(text.contains("--max-deletes 612"))
    }

    @Test("a plan without changes says so")
    func nothingToDo() throws {
        var plan = try PlanView.sample()
        plan.counts.creates = 0
        plan.counts.deletes = 0
        plan.creates = []
        plan.deletes = []
        (plan.counts.unmanaged, plan.counts.protected) = (0, 0)
        func first(_ current: CurrentSource) -> String? {
            plan.current = current
            return TextReport(width: 80, color: false).plan(plan).split(separator: "\n").first.map(String.init)
        }
        #expect(first(.api) == "Plan: nothing to do, the store is as the export wants it.")
        #expect(first(.ledger) == "Plan: nothing to do, all is there by the ledger, and the store was not asked.")
        #expect(first(.none) == "Plan: nothing to do.")
        plan.counts.unmanaged = 1
        #expect(first(.api) == "Plan: nothing to do.")
    }

    @Test(
        "a result for a terminal keeps lines and our colours, and nothing else that a terminal obeys",
        arguments: [
            ("a\tb\nc\r\n", "a\tb\nc\r\n"), ("\u{1B}[31mred\u{1B}[0m", "\u{1B}[31mred\u{1B}[0m"),
            ("\u{1B}[2J\u{1B}]0;x\u{07}", "\u{FFFD}[2J\u{FFFD}]0;x\u{FFFD}"), ("a\rb", "a\u{FFFD}b"),
            ("\u{9B}31m\u{202E}x\u{7F}", "\u{FFFD}31m\u{FFFD}x\u{FFFD}"), ("", ""), ("e\u{301}\r\n", "e\u{301}\r\n"),
        ])
    func safe(text: String, shown: String) {
        #expect(Array(TerminalText.safe(text).unicodeScalars) == Array(shown.unicodeScalars))
    }

    @Test("text from files cannot move the cursor or reorder a line")
    func controlCharacters() throws {
        var report = SampleRun.tenMinutes().report(exitStatus: .incomplete)
        report.exports[0].path = "a\u{1B}[2Jb\rc\u{202E}d.csv"
        report.failures[0].reason = "x\u{7}\u{9B}y"
        let text = TextReport(width: 80, color: false).summary(report)
        #expect(text.unicodeScalars.allSatisfy { $0 == "\n" || $0.properties.generalCategory != .control })
        #expect(!text.unicodeScalars.contains("\u{202E}"))
        #expect(text.contains("a\u{FFFD}[2Jb\u{FFFD}c\u{FFFD}d.csv"))
    }

    @Test(
        "numbers have three significant digits and a unit",
        arguments: [
            (0.0, "0.00 ms"), (0.4167, "0.42 ms"), (1, "1.00 ms"), (42.13, "42.1 ms"), (421.3, "421 ms"),
            (999.6, "1.00 s"), (4213, "4.21 s"), (61_000, "61.0 s"), (150_000, "2.50 min"), (3_600_000, "60.0 min"),
        ])
    func latencies(milliseconds: Double, text: String) {
        #expect(Figures.latency(milliseconds) == text)
    }

    @Test(
        "spans of time are short",
        arguments: [
            (0.04, "0.0 s"), (4.2, "4.2 s"), (12.3, "12 s"), (125, "2 min 05 s"), (11_520, "3 h 12 min"),
            (187_200, "2 d 4 h"), (59.7, "1 min 00 s"),
        ])
    func spans(seconds: Double, text: String) {
        #expect(Figures.span(seconds: seconds) == text)
    }

    @Test("a share is never rounded to nothing or to all")
    func shares() {
        #expect(Figures.share(1, of: 1_000_000) == "<0.1 %")
        #expect(Figures.share(999_999, of: 1_000_000) == ">99.9 %")
        #expect(Figures.share(5, of: 5) == "100 %")
        #expect(Figures.share(0, of: 5) == "0 %")
        #expect(Figures.share(34, of: 1000) == "3.4 %")
    }

    @Test("a bar is never longer than its columns nor empty for something")
    func bars() {
        #expect(TextReport.bar(1, columns: 10).count == 10)
        #expect(TextReport.bar(0.000_1, columns: 10) == "▏")
        #expect(TextReport.bar(0, columns: 10) == "")
    }
}
