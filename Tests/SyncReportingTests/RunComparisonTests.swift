import CartAssociations
import Testing

@testable import SyncReporting

@Suite struct RunComparisonTests {
    private func report(creates: Int, median: Double) -> RunReport {
        var run = SampleRun()
        run.call(.create, times: creates, rate: 20, median: median)
        return run.report()
    }

    @Test("a run compared with itself became no worse")
    func same() {
        let run = report(creates: 3000, median: 0.04)
        let comparison = RunComparison(before: run, after: run)
        #expect(comparison.regressions(over: 0) == [])
        #expect(comparison.lines.contains { $0.figure == "create response p99" && $0.isTelling })
    }

    @Test("a store that became half as fast again is found at 20 %, not at 60 %")
    func slower() {
        let comparison = RunComparison(
            before: report(creates: 3000, median: 0.04), after: report(creates: 3000, median: 0.06))
        let found = comparison.regressions(over: 0.2)
        #expect(found.contains { $0.hasPrefix("create service p50: ") && $0.hasSuffix("(+50 %)") }, "\(found)")
        #expect(comparison.regressions(over: 0.6) == [])
    }

    @Test("a percentile of too few calls is shown and never fails the comparison")
    func tooFew() throws {
        let comparison = RunComparison(
            before: report(creates: 15, median: 0.04), after: report(creates: 15, median: 4))
        let line = try #require(comparison.lines.first { $0.figure == "create response p99" })
        #expect(line.after > line.before)
        #expect(comparison.regressions(over: 0.2) == [])
    }

    @Test("failures where there were none are worse by more than any share")
    func newFailures() {
        let comparison = RunComparison(
            before: report(creates: 400, median: 0.04), after: report(creates: 600, median: 0.04))
        #expect(comparison.regressions(over: 5).contains { $0.hasPrefix("changes without success: ") })
    }

    @Test("the comparison fits the terminal, verdict first", arguments: [60, 80, 120])
    func text(width: Int) {
        let comparison = RunComparison(
            before: report(creates: 3000, median: 0.04), after: report(creates: 3000, median: 0.08))
        let text = TextReport(width: width, color: false).comparison(comparison)
        #expect(text.contains("became worse by more than 20 %."))
        for line in text.split(separator: "\n") { #expect(TerminalText.width(String(line)) <= width) }
    }
}
