import CartAssociations
import Foundation
import TestSupport
import Testing

@testable import SyncReporting

@Suite("The windows of a run that goes on")
struct LiveWindowTests {
    private let started = ContinuousClock.now

    private func call(
        _ recorder: LatencyRecorder, at moment: Duration, _ response: Duration = .milliseconds(40),
        _ answer: AnswerClass = .success
    ) {
        recorder.record(
            .attempt(.init(operation: .create, answer: answer, status: 200, service: response)), now: started + moment)
        recorder.record(
            .finished(
                .init(
                    operation: .create, answer: answer, response: response, paced: .zero, backoff: .zero, attempts: 1)),
            now: started + moment)
    }

    @Test("each second has its own rate and response time, not those of the run so far")
    func seconds() throws {
        let recorder = LatencyRecorder(started: started, wallClock: Date())
        recorder.record(.rate(20, reason: "rate.limit"), now: started)
        for number in 0..<20 { call(recorder, at: .milliseconds(50 * number), .milliseconds(10)) }
        for number in 0..<5 { call(recorder, at: .milliseconds(1000 + 200 * number), .milliseconds(900), .rateLimited) }
        recorder.record(.rate(5, reason: "answers 429"), now: started + .milliseconds(1900))
        for number in 0..<5 { call(recorder, at: .milliseconds(3000 + 200 * number), .milliseconds(20)) }
        call(recorder, at: .seconds(4))
        #expect(recorder.snapshot().windows(of: [.create], limit: 20).map(\.seconds) == [0, 1, 3], "it has just begun")
        call(recorder, at: .milliseconds(4800))
        let windows = recorder.snapshot().windows(of: [.create], limit: 20)
        #expect(windows.map(\.seconds) == [0, 1, 3, 4], "a second without calls is a gap")
        #expect(windows.prefix(3).map(\.rate) == [20, 5, 5])
        #expect(windows.map(\.rateLimited) == [0, 5, 0, 0])
        #expect(windows.map(\.limit) == [20, 20, 5, 5])
        let p50 = windows.map { ($0.p50 ?? 0).rounded() }
        #expect(
            p50.prefix(3) == [10, 900, 20] || zip(p50, [10.0, 900, 20]).allSatisfy { abs($0 - $1) <= 2 }, "\(p50)")
        #expect(recorder.snapshot().windows(of: [.delete], limit: 20).allSatisfy { $0.p50 == nil })
    }

    @Test("a run of days has no more windows than a chart can show, and none of its calls is missing")
    func days() {
        let recorder = LatencyRecorder(started: started, wallClock: Date())
        let count = 5000
        for number in 0..<count { call(recorder, at: .seconds(40 * number)) }
        let windows = recorder.snapshot().windows(of: [.create], limit: 20)
        #expect((1...LiveWindow.most + 1).contains(windows.count), "\(windows.count)")
        let calls = windows.dropLast().reduce(0) { $0 + $1.rate * $1.length }
        #expect(abs(calls - Double(count)) < Double(count) / 50)
        #expect(zip(windows, windows.dropFirst()).allSatisfy { $0.seconds + $0.length <= $1.seconds + 0.001 })
    }

    @Test("a run that has made no call has no window")
    func empty() {
        #expect(
            LatencyRecorder(started: started, wallClock: Date()).snapshot().windows(of: [.create], limit: 1).isEmpty)
    }
}
