import Testing

@testable import SyncReporting

@Suite struct ProgressTests {
    let start = ContinuousClock.now

    private func counts(_ done: Int, total: Int? = 1000, limit: Double = 20) -> ProgressCounts {
        ProgressCounts(
            done: done, total: total, attempts: done + 5, retries: 3, failed: 1, limit: limit, p50: 41.2, p99: 133)
    }

    @Test("a log gets a line every 15 s, a terminal five a second")
    func intervals() {
        var log = ProgressMeter(phase: "applying", isTerminal: false, now: start)
        #expect(!log.isDue(now: start + .seconds(14.9)))
        #expect(log.isDue(now: start + .seconds(15)))
        _ = log.line(counts(300), now: start + .seconds(15.2))
        #expect(!log.isDue(now: start + .seconds(30)))
        #expect(log.due == start + .seconds(30.2))
        let terminal = ProgressMeter(phase: "applying", isTerminal: true, now: start)
        #expect(terminal.isDue(now: start + .milliseconds(200)))
    }

    @Test("the line for a log says everything in words")
    func logLine() {
        var meter = ProgressMeter(phase: "applying", isTerminal: false, now: start, attempts: 5)
        let line = meter.line(counts(300), now: start + .seconds(15))
        #expect(
            line.log()
                == "applying 300 of 1,000 (30 %), 20 of 20 calls/s, p50 41.2 ms, p99 133 ms, 3 retries, 1 failed, 35 s left"
        )
    }

    @Test("the line for a terminal fits any width, and done of total stays longest", arguments: 1...160)
    func fits(width: Int) {
        var meter = ProgressMeter(phase: "applying", isTerminal: true, now: start)
        let text = meter.line(counts(300), now: start + .seconds(15)).terminal(width: width)
        #expect(TerminalText.width(text) <= width)
        if width >= 22 { #expect(text.hasPrefix("applying")) }
        if width >= 23 { #expect(text.contains("300 of 1,000")) }
    }

    @Test("the time left follows the speed of the last half minute")
    func recentSpeed() {
        var meter = ProgressMeter(phase: "applying", isTerminal: false, now: start)
        var line = meter.line(counts(100), now: start + .seconds(100))
        #expect(line.secondsLeft == 900)
        for step in 1...4 {
            line = meter.line(counts(100 + step * 150), now: start + .seconds(100 + step * 15))
        }
        #expect(line.secondsLeft == 30)
    }

    @Test("nothing is said of a speed or a total that is not known")
    func unknowns() {
        var meter = ProgressMeter(phase: "listing", isTerminal: true, now: start)
        let line = meter.line(
            ProgressCounts(
                done: 7, total: nil, attempts: 7, retries: 0, failed: 0, limit: 20, p50: nil, p99: nil),
            now: start + .milliseconds(200))
        #expect(line.log() == "listing 7, limit 20 calls/s, 0 retries, 0 failed")
    }
}
