import CartAssociations
import Foundation
import Testing

@testable import SyncReporting

@Suite struct ProgressTests {
    let start = ContinuousClock.now

    private func counts(_ done: Int, total: Int? = 1000, limit: Double = 20) -> ProgressCounts {
        ProgressCounts(
            done: done, total: total, attempts: done + 5, retries: 3, failed: 1, rate: limit, limit: limit, p50: 41.2,
            p99: 133)
    }

    @Test("a log gets a line every 15 s, later every minute, a terminal five a second")
    func intervals() {
        var log = ProgressMeter(phase: "applying", isTerminal: false, now: start)
        #expect(!log.isDue(now: start + .seconds(14.9)))
        #expect(log.isDue(now: start + .seconds(15)))
        _ = log.line(counts(300), now: start + .seconds(15.2))
        #expect(!log.isDue(now: start + .seconds(30)))
        #expect(log.due == start + .seconds(30.2))
        _ = log.line(counts(300), now: start + .seconds(130))
        #expect(log.due == start + .seconds(160))
        _ = log.line(counts(300), now: start + .seconds(601))
        #expect(log.due == start + .seconds(661))
        let terminal = ProgressMeter(phase: "applying", isTerminal: true, now: start)
        #expect(terminal.isDue(now: start + .milliseconds(200)))
    }

    @Test("the line for a log says everything in words")
    func logLine() {
        var meter = ProgressMeter(phase: "applying", isTerminal: false, now: start, attempts: 5)
        let line = meter.line(counts(300), now: start + .seconds(15))
        #expect(
            line.log()
                == "applying   300 of 1,000 (30 %) after 15 s, 20 of 20 calls/s, p50 41.2 ms, p99 133 ms, 3 retries, 1 failed, 35 s left"
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
                done: 7, total: nil, attempts: 7, retries: 0, failed: 0, rate: 20, limit: 20, p50: nil, p99: nil),
            now: start + .milliseconds(200))
        #expect(line.log() == "listing 7 after 0.2 s, limit 20 calls/s, 0 retries, 0 failed")
    }

    @Test("what slows a run is said: a pause with its rest, a lower rate with its reason")
    func reasons() {
        var meter = ProgressMeter(phase: "applying", isTerminal: false, now: start, attempts: 5)
        var slow = counts(300)
        slow.rate = 10
        slow.reason = "429 too many requests, paused for 2 s, rate halved"
        let halved = meter.line(slow, now: start + .seconds(15))
        #expect(halved.log().contains("20 of 10 calls/s"))
        #expect(halved.log().hasSuffix("left, limit 20: 429 too many requests, paused for 2 s, rate halved"))
        slow.pauseLeft = 1.4
        let paused = meter.line(slow, now: start + .seconds(15))
        #expect(paused.log().contains("paused for 1.4 s more"))
        #expect(paused.terminal(width: 60).contains("paused for 1.4 s more"))
        #expect(paused.terminal(width: 200).contains("429"))
    }

    @Test("a run of half an hour leaves a log that a person can read")
    func longLog() throws {
        // 20 calls a second; after ten minutes the store says 429 every minute for five minutes.
        let recorder = LatencyRecorder(started: start, wallClock: SampleRun.wallClock)
        var meter = ProgressMeter(phase: "applying", isTerminal: false, now: start)
        var lines: [String] = []
        var done = 0
        var tenths = 0
        let total = 34_000
        while done < total {
            tenths += 1
            let now = start + .milliseconds(100 * tenths)
            let isPaused = (6000..<9000).contains(tenths) && tenths % 600 < 50
            if isPaused && tenths % 600 == 0 {
                recorder.record(.rate(10, reason: "429 too many requests, paused for 5 s, rate halved"), now: now)
                recorder.record(.pause(.seconds(5)), now: now)
            }
            if tenths == 9000 { recorder.record(.rate(20, reason: "raised after ten seconds without a 429"), now: now) }
            if !isPaused {
                for _ in 0..<2 where done < total {
                    recorder.record(
                        .attempt(.init(operation: .create, answer: .success, status: 200, service: .milliseconds(40))),
                        now: now)
                    done += 1
                }
            }
            guard meter.isDue(now: now) else { continue }
            let counts = ProgressCounts(
                done: done, total: total, failed: 0, limit: 20, p50: 40, p99: 40, from: recorder, now: now)
            lines.append(meter.line(counts, now: now).log())
        }
        #expect((30...60).contains(lines.count), "\(lines.count) lines")
        #expect(lines.allSatisfy { $0.count <= 200 })
        let places = Set(lines.compactMap { $0.range(of: " of 34,000")?.lowerBound })
        #expect(places.count == 1, "the counts stand below each other")
        let slow = lines.filter { $0.contains("429 too many requests") }
        #expect(slow.count >= 4)
        #expect(slow.contains { $0.contains("paused for") && $0.contains("more") })
        let first = try #require(lines.first)
        #expect(
            first.hasPrefix("applying    300 of 34,000 ( 0 %) after 15 s, 20 of 20 calls/s, p50 40.0 ms"), "\(first)")
        let last = try #require(lines.last)
        #expect(last.contains("min") && !last.contains("429"), "\(last)")
    }
}
