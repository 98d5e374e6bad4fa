import CartAssociations
import Foundation
import Histogram
import TestSupport
import Testing

@testable import SyncReporting

private typealias Operation = CartAssociations.Operation

@Suite struct LatencyRecorderTests {
    let started = ContinuousClock.now
    let recorder: LatencyRecorder

    init() { recorder = LatencyRecorder(started: started, wallClock: SampleRun.wallClock) }

    private func attempt(_ service: Duration, _ answer: AnswerClass = .success) -> CallEvent {
        .attempt(AttemptMeasure(operation: .create, answer: answer, status: 200, service: service))
    }

    private func finished(_ response: Duration, operation: Operation = .create) -> CallEvent {
        .finished(
            CallMeasure(
                operation: operation, answer: .success, response: response, paced: .milliseconds(5),
                backoff: .milliseconds(7), attempts: 1))
    }

    @Test("a duration is found again within a thousandth, in its operation and answer class only")
    func recordsWhereItBelongs() throws {
        recorder.record(attempt(.milliseconds(123)), now: started)
        recorder.record(attempt(.milliseconds(456), .serverError), now: started)
        recorder.record(finished(.milliseconds(789)), now: started)
        let snapshot = recorder.snapshot()
        let create = snapshot.operationTotals(.create)
        #expect(abs(Int(create.tally(.service, .success).value(atPercentile: 50)) - 123_000) <= 123)
        #expect(create.tally(.service, .success).count == 1)
        #expect(create.tally(.service, .serverError).maximum == 456_000)
        #expect(create.tally(.response, .success).maximum == 789_000)
        #expect(create.pacerWait.maximum == 5000)
        #expect(create.backoff.maximum == 7000)
        #expect(snapshot.operationTotals(.delete).isEmpty)
        #expect(snapshot.attempts == 2)
    }

    @Test("durations below zero and above an hour are counted and in no percentile")
    func outOfRange() {
        recorder.record(attempt(.seconds(3601)), now: started)
        recorder.record(attempt(.seconds(-1)), now: started)
        recorder.record(attempt(.seconds(1e15)), now: started)
        recorder.record(attempt(.seconds(3600)), now: started)
        let tally = recorder.snapshot().operationTotals(.create).tally(.service)
        #expect(tally.outOfRange == 3)
        #expect(tally.count == 1)
        #expect(recorder.snapshot().attempts(.create) == 4)
    }

    @Test(
        "the intervals add up to the totals, cell by cell",
        arguments: [(UInt64(1), 9.0), (2, 90), (3, 900), (4, 9000)])
    func intervalsMerge(seed: UInt64, seconds: Double) throws {
        var random = SeededGenerator(seed: seed)
        var now: Duration = .zero
        for _ in 0..<5000 {
            now += .seconds(Double.random(in: 0...(seconds / 2500), using: &random))
            let service = Duration.microseconds(Int64.random(in: 0...3_000_000, using: &random))
            recorder.record(attempt(service), now: started + now)
            recorder.record(finished(service * 2), now: started + now)
        }
        let snapshot = recorder.snapshot()
        for clock in LatencyClock.allCases {
            var sum = SparseHistogram()
            for interval in snapshot.intervals { sum.add(interval.histogram(.create, clock)) }
            let total = snapshot.operationTotals(.create).tally(clock).histogram
            let cells = total.recordedValues().map { recorded in
                (cell: LatencyRange.cell(of: recorded.value), count: Int(recorded.count))
            }
            #expect(sum == SparseHistogram(cells: cells, maximum: total.maxRecorded), "seed \(seed), \(clock)")
            for percentile in [0.1, 50, 90, 99, 99.99, 100] {
                #expect(
                    sum.value(atPercentile: percentile) == total.valueAtPercentile(percentile),
                    "seed \(seed), percentile \(percentile)")
            }
        }
        #expect(snapshot.intervals.reduce(0) { $0 + $1.attempts } == 5000)
        let pairs = zip(snapshot.intervals, snapshot.intervals.dropFirst())
        #expect(pairs.allSatisfy { $0.end <= $1.start }, "intervals overlap, seed \(seed)")
    }

    @Test("a run of four days keeps its histograms within 8 MB and every call")
    func memoryIsBounded() {
        var random = SeededGenerator(seed: 5)
        // Every ten seconds of four days, kept by itself, would take more.
        for interval in 0..<34_560 {
            for call in 0..<3 {
                let service = Duration.microseconds(Int64.random(in: 1000...9_000_000, using: &random))
                let now = started + .seconds(Double(interval * 10 + call))
                recorder.record(attempt(service), now: now)
                recorder.record(finished(service), now: now)
            }
        }
        #expect(recorder.bytes <= LatencyRecording.mostBytes)
        let snapshot = recorder.snapshot()
        #expect(snapshot.intervals.reduce(0) { $0 + $1.attempts } == 103_680)
        #expect(snapshot.intervals.count > 500)
    }

    /// Every class of answer that an operation can get: only what became of an association can be unknown.
    private func answers(to operation: CartAssociations.Operation) -> [AnswerClass] {
        AnswerClass.allCases.filter { $0 != .unknown || operation == .create || operation == .delete }
    }

    @Test("every operation and answer at once stays within 8 MB")
    func worstCaseMemory() {
        for operation in Operation.allCases {
            for answer in answers(to: operation) {
                let duration = Duration.seconds(120)
                recorder.record(
                    .attempt(.init(operation: operation, answer: answer, status: nil, service: duration)), now: started)
                recorder.record(
                    .finished(
                        .init(
                            operation: operation, answer: answer, response: duration, paced: duration,
                            backoff: duration, attempts: 1)), now: started)
            }
        }
        #expect(recorder.bytes <= LatencyRecording.mostBytes)
    }

    @Test("every operation and answer with durations up to an hour, for days, stays within 8 MB")
    func worstCaseMemoryOverTime() {
        var random = SeededGenerator(seed: 6)
        for number in 0..<40_000 {
            recorder.record(
                attempt(.microseconds(Int64.random(in: 1000...9_000_000, using: &random))),
                now: started + .seconds(2 * number))
        }
        for hour in 0..<48 {
            for operation in Operation.allCases {
                for answer in answers(to: operation) {
                    let duration = Duration.microseconds(Int64.random(in: 1...3_600_000_000, using: &random))
                    let now = started + .seconds(80_000 + 3600 * hour)
                    recorder.record(
                        .attempt(.init(operation: operation, answer: answer, status: nil, service: duration)), now: now)
                    recorder.record(
                        .finished(
                            .init(
                                operation: operation, answer: answer, response: duration, paced: duration,
                                backoff: duration, attempts: 1)), now: now)
                }
            }
        }
        #expect(recorder.bytes <= LatencyRecording.mostBytes, "\(recorder.bytes)")
        #expect(recorder.snapshot().intervals.reduce(0) { $0 + $1.attempts } == 40_000 + 48 * 37)
    }

    @Test("a server that stalls for two seconds shows in response time in proportion, where service time hides it")
    func stallShowsInResponseTime() throws {
        // One caller, 100 calls a second for 20 s, 1 ms each. From second 10 the server answers nothing for 2 s:
        // one request waits it out, and 200 that were due meanwhile start late.
        let period = 0.010
        let stall = 10.0..<12.0
        var free = 0.0
        for number in 0..<2000 {
            let due = Double(number) * period
            let sent = max(due, free)
            let answered = stall.contains(sent) ? stall.upperBound + 0.001 : sent + 0.001
            free = answered
            recorder.record(attempt(.seconds(answered - sent)), now: started + .seconds(answered))
            recorder.record(finished(.seconds(answered - due)), now: started + .seconds(answered))
        }
        let report = LatencyReport(
            recorder.snapshot(), rateLimit: 100, ended: SampleRun.wallClock.addingTimeInterval(20))
        let create = try #require(report[.create])
        // Service time: one call in 2,000 was slow, which even the 99th percentile does not see.
        #expect(create.service.percentiles.p99 < 2)
        #expect(create.service.percentiles.max > 1900)
        // Response time: about 220 of 2,000 calls came late, evenly between 0 and 2 s.
        #expect(create.response.percentiles.p90 > 100)
        #expect((1700...1900).contains(create.response.percentiles.p99))
        #expect((1050...1150).contains(create.response.percentiles.p95))
        #expect(create.response.percentiles.p75 < 2)
    }

    @Test("the parts of a run that was resumed add up to what one recorder would have recorded")
    func adding() throws {
        let other = LatencyRecorder(started: started, wallClock: SampleRun.wallClock)
        let both = LatencyRecorder(started: started, wallClock: SampleRun.wallClock)
        for number in 1...2000 {
            let event = attempt(.microseconds(number * number))
            (number.isMultiple(of: 3) ? recorder : other).record(event, now: started)
            both.record(event, now: started)
        }
        let whole = recorder.snapshot().followed(by: other.snapshot())
        let expected = both.snapshot().operationTotals(.create).tally(.service)
        let tally = whole.operationTotals(.create).tally(.service)
        #expect(tally.histogram == expected.histogram)
        #expect(tally.sum == expected.sum)
    }

    @Test("no recording is lost between tasks")
    func concurrency() async {
        await withTaskGroup { group in
            for _ in 0..<8 {
                group.addTask {
                    for number in 0..<2000 {
                        recorder.record(attempt(.microseconds(number)), now: started + .milliseconds(number))
                    }
                }
            }
        }
        let snapshot = recorder.snapshot()
        #expect(snapshot.attempts(.create, .success) == 16_000)
        #expect(snapshot.intervals.reduce(0) { $0 + $1.histogram(.create, .service).total } == 16_000)
    }

    @Test("a rate of zero is a pause until the next rate")
    func pauses() {
        recorder.record(.rate(20, reason: "limit"), now: started)
        recorder.record(.rate(0, reason: "429"), now: started + .seconds(5))
        recorder.record(.rate(10, reason: "halved"), now: started + .seconds(7.5))
        let rate = recorder.snapshot().rate
        #expect(rate.pauseCount == 1)
        #expect(rate.paused == .seconds(2.5))
        #expect(rate.steps.map(\.rate) == [20, 0, 10])
    }

    @Test("a rate that swings for days has at most a thousand steps, the last one among them")
    func manySteps() {
        for second in 0..<20_000 {
            recorder.record(.rate(Double(20 + second % 7), reason: "it swings"), now: started + .seconds(second))
        }
        recorder.record(.rate(7, reason: "at last"), now: started + .seconds(20_000))
        let rate = recorder.snapshot().rate
        #expect(rate.changes == 20_001)
        #expect((400...1000).contains(rate.steps.count))
        #expect(rate.steps.last?.rate == 7)
        let times = rate.steps.map(\.moment)
        #expect(zip(times, times.dropFirst()).allSatisfy { $0 < $1 })
    }

    @Test("our numbering of the cells is the histogram's")
    func cells() {
        let histogram = LatencyHistogram(highestTrackableValue: LatencyRange.highest)
        var random = SeededGenerator(seed: 9)
        for magnitude in 0..<32 {
            for _ in 0..<100 {
                let value = UInt64.random(in: 0...(1 << UInt64(magnitude)), using: &random)
                let lowest = LatencyRange.lowest(inCell: LatencyRange.cell(of: value))
                #expect(lowest == histogram.lowestEquivalentForValue(value))
            }
        }
    }

    @Test("each class of answer keeps its own intervals, which add up to its total")
    func classesInIntervals() {
        var random = SeededGenerator(seed: 11)
        for number in 0..<3000 {
            let answer = AnswerClass.allCases[Int.random(in: 0..<AnswerClass.allCases.count, using: &random)]
            let service = Duration.microseconds(Int64.random(in: 0...2_000_000, using: &random))
            recorder.record(attempt(service, answer), now: started + .milliseconds(number * 20))
        }
        let snapshot = recorder.snapshot()
        for answer in AnswerClass.allCases {
            var sum = SparseHistogram()
            for interval in snapshot.intervals { sum.add(interval.histogram(.create, .service, answer)) }
            let total = snapshot.operationTotals(.create).tally(.service, answer)
            #expect(sum.total == total.count)
            #expect(sum.value(atPercentile: 99) == total.value(atPercentile: 99))
        }
    }

    @Test("a pause is kept with its place, and one that outlasts the run is cut off at its end")
    func pauseSpans() throws {
        recorder.record(.rate(10, reason: "429, halved"), now: started + .seconds(3))
        recorder.record(.pause(.seconds(2)), now: started + .seconds(3))
        // A second 429 during the pause lengthens it.
        recorder.record(.rate(10, reason: "429"), now: started + .seconds(4))
        recorder.record(.pause(.seconds(2)), now: started + .seconds(4))
        #expect(recorder.pace(now: started + .seconds(5)).pauseLeft == .seconds(1))
        #expect(recorder.pace(now: started + .seconds(7)).pauseLeft == nil)
        recorder.record(.pause(.seconds(300)), now: started + .seconds(20))
        let report = RateReport(
            recorder.snapshot(), limit: 20, ended: SampleRun.wallClock.addingTimeInterval(25))
        #expect(report.held.map(\.seconds) == [3, 20])
        #expect(report.held.map(\.length) == [3, 5])
        #expect(report.held.first?.reason == "429, halved")
        #expect(report.pauses == 2)
        #expect(report.pausedSeconds == 8)
        #expect(report.changes == 1, "the rate was set once; the second 429 left it as it was")
    }

    @Test("the time in which a person is asked counts in no rate and no plot")
    func approvalWait() throws {
        // Twenty calls a second for two seconds, an hour of thought, and two seconds more.
        for number in 0..<80 {
            let thought = number < 40 ? 0.0 : 3600
            let now = started + .seconds(0.025 + Double(number) * 0.05 + thought)
            recorder.record(attempt(.milliseconds(25)), now: now)
            recorder.record(finished(.milliseconds(25)), now: now)
        }
        recorder.recordApprovalWait(from: started + .seconds(2), to: started + .seconds(3602))
        let ended = SampleRun.wallClock.addingTimeInterval(3604)
        let report = LatencyReport(recorder.snapshot(), rateLimit: 20, ended: ended)
        #expect(abs(report.rate.achieved - 20) < 0.2, "\(report.rate.achieved)")
        #expect(report.timeline.reduce(0) { $0 + $1.attempts } == 80)
        let end = try #require(report.timeline.last)
        #expect(end.seconds + end.length < 4.5, "\(end)")
        #expect(HistogramLog.text(recorder.snapshot()).contains("Tag=create,3602"), "the log has the time as it was")
    }

    @Test("the calls of the last half minute make the rate of late")
    func recentRate() {
        for number in 0..<1200 {
            recorder.record(attempt(.milliseconds(5)), now: started + .milliseconds(50 * number))
        }
        #expect(abs(recorder.recentRate(now: started + .seconds(60)) - 20) < 1)
        #expect(recorder.recentRate(now: started + .seconds(200)) == 0)
    }
}
