import TestSupport
import Testing

@testable import CallPacing

private let second: Int64 = 1_000_000_000
private let millisecond: Int64 = 1_000_000

/// Gives closures over one calculator to a simulation.
private final class Subject {
    var calculator: PaceCalculator
    private let leavesWithin: Int64

    init(limit: Int, leavesWithin: Int64 = 0) {
        calculator = PaceCalculator(limit: limit, now: 0)
        self.leavesWithin = leavesWithin
    }

    var pace: SimulatedServer.Pace {
        SimulatedServer.Pace(
            admit: {
                self.calculator.admit(now: $0, asked: $1, isBacklogged: true, leavesWithin: self.leavesWithin)
            },
            complete: {
                self.calculator.complete($0, sentAt: $1, answeredAt: $2, isAnswered: $3, isHealthy: true)
            })
    }
}

/// What the calculator is better than: calls exactly on an even grid, late ones caught up at once.
private final class PlainGrid {
    private let period: Int64
    private var place: Int64 = 0

    init(limit: Int) {
        period = second / Int64(limit)
    }

    var pace: SimulatedServer.Pace {
        SimulatedServer.Pace(
            admit: { now, _ in
                let slot = self.place * self.period
                guard slot <= now else { return .wait(until: slot) }
                self.place += 1
                return .granted(PaceCalculator.Grant(number: Int(self.place - 1), due: slot, granted: now))
            },
            complete: { _, _, _, _ in })
    }
}

/// Wakes that are mostly a little late and at times very late, as on a busy machine.
private let hiccups: @Sendable (inout SeededGenerator) -> Int64 = { random in
    if random.oneIn(2000) { return random.within(5 * millisecond...60 * millisecond) }
    if random.oneIn(50) { return random.within(millisecond...5 * millisecond) }
    return random.within(20_000...150_000)
}

@Suite("the pace calculator")
struct PaceCalculatorTests {
    @Test(
        "at steady answers no second holds more than the limit, and 99.9 % of it is used",
        arguments: [1, 2, 3, 20, 100, 1000, 5000])
    func steady(limit: Int) async {
        let seed = UInt64(limit)
        let subject = Subject(limit: limit)
        var server = SimulatedServer()
        server.callers = max(8, limit / 16)
        let span = second * Int64(limit >= 1000 ? 20 : 300)
        let calls = await server.run(subject.pace, for: span, seed: seed)
        #expect(calls.busiestSecond() <= limit)
        let share = calls.share(of: limit, from: 0, to: span - second)
        #expect(share >= 0.999)
    }

    @Test("what late wake-ups of up to 75 ms missed is caught up", arguments: [20, 1000])
    func lateWakeUps(limit: Int) async {
        let seed = UInt64(limit)
        let subject = Subject(limit: limit)
        var server = SimulatedServer()
        server.callers = max(8, limit / 8)
        server.wakesLate = { random in
            random.oneIn(15 * limit)
                ? random.within(60 * millisecond...75 * millisecond) : random.within(20_000...150_000)
        }
        let calls = await server.run(subject.pace, for: 60 * second, seed: seed)
        #expect(calls.busiestSecond() <= limit)
        #expect(calls.share(of: limit, from: 0, to: 59 * second) >= 0.999)
    }

    @Test("the time that every call takes to leave costs no rate")
    func leaving() async {
        let subject = Subject(limit: 20)
        var server = SimulatedServer()
        server.leavesLate = { $0.within(millisecond...1_100_000) }
        let calls = await server.run(subject.pace, for: 300 * second, seed: 1)
        #expect(calls.busiestSecond() <= 20)
        #expect(calls.share(of: 20, from: 0, to: 299 * second) >= 0.999)
    }

    @Test("connections that fail at once cost no rate: how soon that was known is no answer's way")
    func failures() async {
        let subject = Subject(limit: 100)
        var server = SimulatedServer()
        server.fails = { $0.oneIn(500) }
        let calls = await server.run(subject.pace, for: 120 * second, seed: 1)
        #expect(calls.busiestSecond() <= 100)
        #expect(calls.share(of: 100, from: 0, to: 119 * second) >= 0.999)
    }

    @Test(
        "late wake-ups, slow ways and answers that vary never put more than the limit into a second",
        arguments: UInt64(1)...200)
    func anyConditions(seed: UInt64) async {
        var random = SeededGenerator(seed: seed)
        let limit = [1, 2, 5, 20, 50, 100].randomElement(using: &random) ?? 20
        let subject = Subject(limit: limit)
        var server = SimulatedServer()
        server.callers = Int.random(in: 1...64, using: &random)
        server.wakesLate = hiccups
        let leastLeaving: Int64 = [1_000, 20_000, 200_000].randomElement(using: &random) ?? 0
        server.leavesLate = {
            $0.oneIn(300) ? $0.within(leastLeaving...5 * millisecond) : $0.within(leastLeaving...2 * leastLeaving)
        }
        server.travelsThere = { $0.oneIn(200) ? $0.within(60_000...3 * millisecond) : $0.within(60_000...150_000) }
        let slowest = Int64.random(in: 1...400, using: &random) * millisecond
        server.serves = { random, _ in random.within(millisecond...max(slowest, 2 * millisecond)) }
        server.fails = { $0.oneIn(300) }
        let calls = await server.run(subject.pace, for: 60 * second, seed: seed)
        #expect(calls.busiestSecond() <= limit, "limit \(limit)")
    }

    @Test(
        "calls that another process makes put no more than the limit into a second, however late they leave there",
        arguments: UInt64(1)...60)
    func lent(seed: UInt64) async {
        var random = SeededGenerator(seed: seed)
        let limit = [1, 2, 5, 20, 50].randomElement(using: &random) ?? 20
        let latest = SharedPace.longestLeave.nanoseconds
        let subject = Subject(limit: limit, leavesWithin: latest)
        var server = SimulatedServer()
        server.callers = Int.random(in: 1...64, using: &random)
        server.wakesLate = hiccups
        let late = Int.random(in: 1...20, using: &random)
        server.leavesLate = { $0.oneIn(late) ? $0.within(20_000...latest) : $0.within(20_000...200_000) }
        let slowest = Int64.random(in: 1...3_000, using: &random) * millisecond
        server.serves = { random, _ in random.within(millisecond...max(slowest, 2 * millisecond)) }
        let calls = await server.run(subject.pace, for: 60 * second, seed: seed)
        #expect(calls.busiestSecond() <= limit, "limit \(limit)")
    }

    @Test(
        "a rare request that is held up for long on its way puts no more than the limit into a second",
        arguments: UInt64(1)...6)
    func rareHoldUps(seed: UInt64) async {
        let subject = Subject(limit: 200)
        var server = SimulatedServer()
        server.callers = 32
        server.wakesLate = hiccups
        server.travelsThere = { random in
            random.oneIn(5000) ? random.within(5 * millisecond...29 * millisecond) : random.within(60_000...150_000)
        }
        let calls = await server.run(subject.pace, for: 60 * second, seed: seed)
        #expect(calls.busiestSecond() <= 200)
        #expect(calls.share(of: 200, from: 0, to: 59 * second) >= 0.99)
    }

    @Test(
        "that the first requests were late on their way is seen by those that follow",
        arguments: UInt64(1)...20)
    func lateBeginning(seed: UInt64) async {
        let subject = Subject(limit: 20)
        var server = SimulatedServer()
        var requests = 0
        server.travelsThere = { random in
            requests += 1
            return requests <= 3 ? random.within(2 * millisecond...7 * millisecond) : random.within(60_000...90_000)
        }
        let calls = await server.run(subject.pace, for: 4 * second, seed: seed)
        #expect(calls.busiestSecond() <= 20)
    }

    @Test("answers that vary log-normally leave at least 99 % of the limit", arguments: [20, 100, 1000])
    func lognormal(limit: Int) async {
        let seed = UInt64(limit)
        let subject = Subject(limit: limit)
        var server = SimulatedServer()
        server.callers = max(16, limit / 5)
        server.serves = { random, _ in
            // The sum of twelve uniform draws is close to a normal one.
            let normal = (0..<12).reduce(-6.0) { sum, _ in sum + Double.random(in: 0..<1, using: &random) }
            var factor = 1.0
            // exp(0.5 * normal), by its series, to do without a mathematics library.
            let exponent = 0.5 * normal / 16
            factor = 1 + exponent + exponent * exponent / 2 + exponent * exponent * exponent / 6
            for _ in 0..<4 { factor *= factor }
            return Int64(40e6 * factor)
        }
        let span = 40 * second
        let calls = await server.run(subject.pace, for: span, seed: seed)
        #expect(calls.busiestSecond() <= limit)
        #expect(calls.share(of: limit, from: 0, to: span - second) >= 0.99)
    }

    @Test("a plain grid fails the same property, so the property has teeth")
    func mutant() async {
        let server = SimulatedServer()
        let calls = await server.run(PlainGrid(limit: 100).pace, for: 100 * second, seed: 1)
        #expect(calls.busiestSecond() > 100)
    }

    @Test(
        "after a pause calls begin again at the even pace",
        arguments: UInt64(1)...6)
    func pause(seed: UInt64) async {
        let subject = Subject(limit: 100)
        var server = SimulatedServer()
        server.wakesLate = hiccups
        server.interventions = [(10 * second, { subject.calculator.pause(until: $0 + 3 * second) })]
        let calls = await server.run(subject.pace, for: 40 * second, seed: seed)
        #expect(calls.busiestSecond() <= 100)
        #expect(calls.allSatisfy { $0.sent < 10 * second + millisecond || $0.sent >= 13 * second })
        #expect(calls.share(of: 100, from: 14 * second, to: 39 * second) >= 0.98)
    }

    @Test(
        "changes of the limit hold from the first second on, down and up",
        arguments: UInt64(1)...8)
    func limitChanges(seed: UInt64) async {
        var random = SeededGenerator(seed: seed)
        let limits = (0..<6).map { _ in [1, 3, 10, 40, 100, 250].randomElement(using: &random) ?? 10 }
        let subject = Subject(limit: limits[0])
        var server = SimulatedServer()
        server.callers = 32
        server.wakesLate = hiccups
        server.interventions = limits.enumerated().dropFirst().map { index, limit in
            (Int64(index) * 20 * second, { subject.calculator.setLimit(limit, now: $0) })
        }
        let calls = await server.run(subject.pace, for: 120 * second, seed: seed)
        for (index, limit) in limits.enumerated() {
            let begin = Int64(index) * 20 * second
            // A call granted just before a change still arrives after it, so look a little later.
            let busiest = calls.busiestSecond(from: begin + 10 * millisecond, to: begin + 20 * second)
            #expect(busiest <= limit, "limits \(limits), at \(index)")
            let share = calls.share(of: limit, from: begin + 2 * second, to: begin + 20 * second)
            #expect(share >= (limit < 10 ? 0.9 : 0.97), "limits \(limits), at \(index)")
        }
    }

    @Test("a caller that asks after a quiet time goes at once, and no burst follows")
    func quietTime() {
        var calculator = PaceCalculator(limit: 10, now: 0)
        #expect(calculator.admit(now: 0, asked: 0, isBacklogged: false).due == 0)
        let later = 60 * second
        #expect(calculator.admit(now: later, asked: later, isBacklogged: false).due == later)
        guard case .wait(let until) = calculator.admit(now: later, asked: later, isBacklogged: false) else {
            Issue.record("a second call went at the same instant")
            return
        }
        #expect((99 * millisecond...101 * millisecond).contains(until - later))
    }

    @Test("while probing one call goes at a time until one is healthy")
    func probing() {
        var calculator = PaceCalculator(limit: 100, now: 0)
        calculator.beginProbing(now: 0)
        #expect(calculator.admit(now: second, asked: 0, isBacklogged: false) == .wait(until: 5 * second))
        guard case .granted(let probe) = calculator.admit(now: 5 * second, asked: 0, isBacklogged: false) else {
            Issue.record("the probe did not go")
            return
        }
        guard case .wait = calculator.admit(now: 6 * second, asked: 0, isBacklogged: false) else {
            Issue.record("a second probe went beside the first")
            return
        }
        calculator.complete(probe, sentAt: 5 * second, answeredAt: 6 * second, isHealthy: false)
        #expect(calculator.admit(now: 7 * second, asked: 0, isBacklogged: false) == .wait(until: 11 * second))
        guard case .granted(let next) = calculator.admit(now: 11 * second, asked: 0, isBacklogged: false) else {
            Issue.record("the second probe did not go")
            return
        }
        calculator.complete(next, sentAt: 11 * second, answeredAt: 12 * second, isHealthy: true)
        #expect(calculator.probingSince == nil)
        #expect(calculator.admit(now: 13 * second, asked: 0, isBacklogged: false).due != nil)
    }
}

@Suite("what a call's response time is counted from")
struct DueTests {
    @Test("a stall of two seconds shows in as many calls as were due while it lasted")
    func stall() async {
        let subject = Subject(limit: 100)
        var server = SimulatedServer()
        server.serves = { _, arrived in
            (10 * second..<12 * second).contains(arrived) ? 12 * second - arrived + 5 * millisecond : 5 * millisecond
        }
        let calls = await server.run(subject.pace, for: 60 * second, seed: 1)
        let slowToServe = calls.count { $0.answered - $0.sent > 100 * millisecond }
        let slowToRespond = calls.count { $0.answered - $0.due > 100 * millisecond }
        #expect(slowToServe <= 8)
        // 1.9 of the two seconds, at 100 a second, have more than 100 ms left to wait.
        #expect((180...200).contains(slowToRespond))
        let slowest = calls.map { $0.answered - $0.due }.max() ?? 0
        #expect((1900 * millisecond...2100 * millisecond).contains(slowest))
    }

    @Test("waiting for the place on the grid is not counted")
    func waiting() async {
        let subject = Subject(limit: 20)
        let calls = await SimulatedServer().run(subject.pace, for: 60 * second, seed: 1)
        #expect(calls.allSatisfy { $0.answered - $0.due < 42 * millisecond })
    }

    @Test("too few callers for the rate show as a delay that stays bounded")
    func shortage() async {
        let subject = Subject(limit: 100)
        var server = SimulatedServer()
        server.serves = { _, _ in 150 * millisecond }
        let calls = await server.run(subject.pace, for: 60 * second, seed: 1)
        #expect(calls.allSatisfy { $0.answered - $0.due < 320 * millisecond })
    }

    @Test("work that came up just now is never due before it was asked for")
    func fresh() {
        var calculator = PaceCalculator(limit: 100, now: 0)
        guard case .granted(let first) = calculator.admit(now: 0, asked: 0, isBacklogged: false) else {
            Issue.record("the first call did not go")
            return
        }
        calculator.complete(first, sentAt: 0, answeredAt: second, isHealthy: true)
        #expect(calculator.admit(now: second, asked: second, isBacklogged: false).due == second)
    }
}

extension PaceCalculator.Decision {
    fileprivate var due: Int64? {
        if case .granted(let grant) = self { grant.due } else { nil }
    }
}
