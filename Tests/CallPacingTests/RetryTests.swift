import TestSupport
import Testing

@testable import CallPacing

@Suite("repetitions")
struct RetryTests {
    @Test("a fault is tried five times, each wait anywhere from nothing to twice as long as before")
    func faults() {
        let policy = RetryPolicy()
        for (used, longest) in [(1, 0.5), (2, 1.0), (3, 2.0), (4, 4.0)] {
            var random = SeededGenerator(seed: UInt64(used))
            var waits: [Duration] = []
            for _ in 0..<2000 {
                guard
                    case .again(let wait) = policy.decide(
                        .fault(), attemptsUsed: used, elapsed: .zero, using: &random)
                else {
                    Issue.record("given up after \(used) attempts")
                    return
                }
                waits.append(wait)
            }
            #expect(waits.allSatisfy { $0 >= .zero && $0 <= .seconds(longest) })
            let mean = waits.reduce(.zero, +) / waits.count
            #expect(mean > .seconds(longest * 0.46) && mean < .seconds(longest * 0.54), "after \(used) attempts")
        }
        var random = SeededGenerator(seed: 9)
        #expect(policy.decide(.fault(), attemptsUsed: 5, elapsed: .zero, using: &random) == .giveUp)
    }

    @Test("no wait is longer than 30 s, however many attempts there were")
    func longest() {
        var random = SeededGenerator(seed: 1)
        let policy = RetryPolicy()
        for used in [7, 8, 31, 64, 1000] {
            for _ in 0..<200 {
                #expect(policy.backoff(after: used, using: &random) <= .seconds(30))
            }
        }
    }

    @Test("too many uses up no attempt; the pause of all does the waiting, or the refused call waits ever longer")
    func tooMany() {
        var random = SeededGenerator(seed: 1)
        let policy = RetryPolicy()
        let paused = policy.decide(
            .tooMany(refusals: 9, isPaused: true), attemptsUsed: 9, elapsed: .zero, using: &random)
        #expect(paused == .again(after: .zero))
        for (refusals, longest) in [(1, 250), (2, 500), (3, 1000), (9, 5000)] {
            var most = Duration.zero
            for _ in 0..<300 {
                let decision = policy.decide(
                    .tooMany(refusals: refusals, isPaused: false), attemptsUsed: 0, elapsed: .zero, using: &random)
                guard case .again(let wait) = decision else {
                    Issue.record("given up")
                    return
                }
                most = max(most, wait)
            }
            #expect((.milliseconds(longest * 9 / 10)...(.milliseconds(longest))).contains(most))
        }
    }

    @Test("after 120 s nothing is repeated, and no wait goes beyond them")
    func total() {
        var random = SeededGenerator(seed: 1)
        let policy = RetryPolicy()
        #expect(
            policy.decide(
                .tooMany(refusals: 1, isPaused: false), attemptsUsed: 0, elapsed: .seconds(120), using: &random)
                == .giveUp)
        #expect(policy.decide(.fault(), attemptsUsed: 1, elapsed: .seconds(120), using: &random) == .giveUp)
        for _ in 0..<200 {
            let decision = policy.decide(.fault(), attemptsUsed: 4, elapsed: .seconds(119), using: &random)
            guard case .again(let wait) = decision else {
                Issue.record("given up too early")
                return
            }
            #expect(wait <= .seconds(1))
        }
    }

    @Test("a wait that the server asks for is the least, up to 30 s")
    func asked() {
        var random = SeededGenerator(seed: 1)
        let policy = RetryPolicy()
        #expect(
            policy.decide(.fault(wait: .seconds(7)), attemptsUsed: 1, elapsed: .zero, using: &random)
                == .again(after: .seconds(7)))
        #expect(
            policy.decide(.fault(wait: .seconds(3600)), attemptsUsed: 1, elapsed: .zero, using: &random)
                == .again(after: .seconds(30)))
    }

    @Test("repetitions are a tenth of all calls, and twenty in any case")
    func budget() {
        var budget = RetryBudget()
        for _ in 0..<20 {
            budget.callSent()
            let isAllowed = budget.takeRepetition()
            #expect(isAllowed)
        }
        budget.callSent()
        let isAllowed = budget.takeRepetition()
        #expect(!isAllowed)
        for _ in 0..<1000 { budget.callSent() }
        var taken = 0
        while budget.takeRepetition() { taken += 1 }
        // What was not allowed is not counted.
        #expect(taken + 20 == 102)
    }
}

@Suite("what stops a run")
struct StopRuleTests {
    @Test("refused credentials do at once")
    func credentials() {
        var rule = StopRule()
        #expect(rule.record(.success) == nil)
        #expect(rule.record(.credentialsRefused) == .credentialsRefused)
    }

    @Test("fresh tokens that ten calls in a row were refused with do, and a success in between forgives")
    func tokens() {
        var rule = StopRule()
        #expect(rule.record(.success) == nil)
        func isOver(_ call: Int) -> Bool { rule.recordRefusedToken("\(call)") }
        for _ in 0..<50 { #expect(!isOver(1)) }
        for call in 2...9 { #expect(!isOver(call)) }
        #expect(rule.record(.success) == nil)
        for call in 1...9 { #expect(!isOver(call)) }
        #expect(isOver(10))
    }

    @Test("where no call has succeeded yet, ten refusals in a row do, of one call too")
    func firstTokens() {
        var rule = StopRule()
        for _ in 1...9 {
            let isOver = rule.recordRefusedToken("one")
            #expect(!isOver)
        }
        let isOver = rule.recordRefusedToken("one")
        #expect(isOver)
    }

    @Test("five forbidden calls do where none succeeded")
    func forbidden() {
        var rule = StopRule()
        for _ in 1...4 { #expect(rule.record(.forbidden) == nil) }
        #expect(rule.record(.forbidden) == .forbidden(inARow: 5))
        var working = StopRule()
        #expect(working.record(.success) == nil)
        for _ in 1...19 { #expect(working.record(.forbidden) == nil) }
        #expect(working.record(.forbidden) == .failures(inARow: 20))
    }

    @Test("twenty failures in a row do, and a success or a refused record in between forgives")
    func row() {
        for forgiving in [StopRule.CallEnd.success, .refused] {
            var rule = StopRule()
            for _ in 1...19 { #expect(rule.record(.failed) == nil) }
            #expect(rule.record(forgiving) == nil)
            for _ in 1...19 { #expect(rule.record(.failed) == nil) }
            #expect(rule.record(.failed) == .failures(inARow: 20))
        }
    }

    @Test("half of the last fifty do")
    func half() {
        var rule = StopRule()
        for number in 1...49 { #expect(rule.record(number.isMultiple(of: 2) ? .failed : .success) == nil) }
        #expect(rule.record(.failed) == .mostFailed(25, among: 50))
        var better = StopRule()
        for number in 1...500 {
            #expect(better.record(number % 50 < 24 && number % 2 == 0 ? .failed : .success) == nil)
        }
    }

    @Test("twenty changes in a row do that got an answer which is not the store's, and one change never")
    func unknown() {
        var rule = StopRule()
        for _ in 1...100 { #expect(rule.recordUnknown("one") == nil) }
        for number in 1...18 { #expect(rule.recordUnknown("\(number)") == nil) }
        rule.recordBelieved()
        for number in 1...19 { #expect(rule.recordUnknown("\(number)") == nil) }
        #expect(rule.recordUnknown("20") == 20)
    }

    @Test("refused records never do")
    func refused() {
        var rule = StopRule()
        for _ in 1...1000 { #expect(rule.record(.refused) == nil) }
    }
}
