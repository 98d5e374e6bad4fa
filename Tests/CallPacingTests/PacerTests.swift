import Synchronization
import TestSupport
import Testing

@testable import CallPacing

/// What was seen, from any task.
final class Collected<Element: Sendable>: Sendable {
    private let elements = Mutex<[Element]>([])

    var all: [Element] { elements.withLock { $0 } }

    func add(_ element: Element) {
        elements.withLock { $0.append(element) }
    }
}

@Suite("the pacer")
struct PacerTests {
    @Test("callers go in the order in which they came")
    func fair() async throws {
        let pacer = Pacer(limit: 200, time: .system)
        let granted = Collected<(number: Int, at: ContinuousClock.Instant)>()
        let first = try await pacer.admit()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<30 {
                group.addTask {
                    let admission = try await pacer.admit()
                    granted.add((number, admission.granted))
                    pacer.complete(admission, sentAt: .now, answered: .now)
                }
                try await wait { pacer.waiting + granted.all.count > number }
            }
            try await group.waitForAll()
        }
        pacer.complete(first, sentAt: .now, answered: .now)
        #expect(granted.all.sorted { $0.at < $1.at }.map(\.number) == Array(0..<30))
    }

    @Test("a cancelled caller leaves, wherever it stands, and the others go on")
    func cancelled() async throws {
        let pacer = Pacer(limit: 1, time: .system)
        pacer.hold(reason: "test")
        let callers = (0..<5).map { _ in Task { try await pacer.admit() } }
        try await wait { pacer.waiting == 5 }
        for caller in [callers[2], callers[0], callers[4], callers[1], callers[3]] {
            caller.cancel()
            await #expect(throws: CancellationError.self) { try await caller.value }
        }
        #expect(pacer.waiting == 0)
        let early = Task {
            #expect(await eventually { Task.isCancelled })
            return try await pacer.admit()
        }
        early.cancel()
        await #expect(throws: CancellationError.self) { try await early.value }
    }

    @Test("too many with a time to wait pauses all, lowers the rate, and says why")
    func tooMany() async throws {
        let changes = Collected<RateChange>()
        let clock = HandTurnedClock()
        let now = clock.time.now
        let pacer = Pacer(limit: 100, time: clock.time) { change in changes.add(change) }
        let admission = try await pacer.admit()
        pacer.complete(admission, sentAt: now(), answered: now(), .tooMany(retryAfter: .milliseconds(300)))
        let begin = now()
        let next = try await clock.passing { try await pacer.admit() }
        #expect((.milliseconds(300)...(.milliseconds(350))).contains(next.granted - begin))
        pacer.complete(next, sentAt: now(), answered: now())
        #expect(pacer.rate < 75)
        #expect(pacer.limit == 100)
        #expect(changes.all.map(\.reason) == ["429 too many requests, paused for 0.3 s"])
        #expect(changes.all.first?.pause == .milliseconds(300))
    }

    @Test("a pause that the server asks for is bounded, and without one the others go on")
    func bounded() async throws {
        let changes = Collected<String>()
        let pacer = Pacer(limit: 1000, isAdaptive: false, time: .system) { change in changes.add(change.reason) }
        for wait in [nil, Duration.seconds(-5), .zero, .seconds(1_000_000)] {
            let admission = try await pacer.admit()
            pacer.complete(admission, sentAt: .now, answered: .now, .tooMany(retryAfter: wait))
        }
        #expect(changes.all == ["429 too many requests, paused for 300 s"])
        #expect(pacer.rate == 1000)
    }

    @Test("an admission that is given back is no call, and a probe that is given back is made by another caller")
    func givenBack() async throws {
        let clock = HandTurnedClock()
        let pacer = Pacer(limit: 100, time: clock.time)
        for _ in 0..<18 {
            let admission = try await clock.passing { try await pacer.admit() }
            pacer.complete(admission, sentAt: clock.time.now(), answered: clock.time.now(), .failed(status: 503))
        }
        #expect(pacer.probingSince != nil)
        let probe = try await clock.passing { try await pacer.admit() }
        pacer.giveBack(probe)
        let begin = clock.time.now()
        let next = try await clock.passing { try await pacer.admit() }
        #expect(next.granted - begin < .milliseconds(100))
        pacer.complete(next, sentAt: clock.time.now(), answered: clock.time.now())
        #expect(pacer.probingSince == nil)
    }

    @Test("another process's permission that came late is given back, and another one is asked for")
    func lateTurn() async throws {
        let clock = HandTurnedClock()
        let now = clock.time.now
        let ended = Collected<(number: Int, wasMade: Bool)>()
        let asked = Collected<Int>()
        let shared = SharedPace { _ in
            let number = asked.all.count
            asked.add(number)
            let granted = now()
            if number < 2 { clock.advance(SharedPace.longestLeave) }
            return SharedPace.Turn(number: number, granted: granted)
        } complete: { number, call in
            ended.add((number, call != nil))
        }
        let pacer = Pacer(limit: 100, time: clock.time, shared: shared)
        let admission = try await clock.passing { try await pacer.admit() }
        #expect(admission.shared == 2)
        pacer.complete(admission, sentAt: now(), answered: now())
        #expect(ended.all.map(\.number) == [0, 1, 2])
        #expect(ended.all.map(\.wasMade) == [false, false, true])
    }

    @Test("a call that another process did not let go takes no turn of its own")
    func noSharedTurn() async throws {
        let clock = HandTurnedClock()
        let asked = Collected<Int>()
        let shared = SharedPace { _ in
            asked.add(0)
            if asked.all.count == 1 { throw CancellationError() }
            return nil
        } complete: { _, _ in
        }
        let pacer = Pacer(limit: 100, time: clock.time, shared: shared)
        await #expect(throws: CancellationError.self) { try await pacer.admit() }
        let begin = clock.time.now()
        let next = try await clock.passing { try await pacer.admit() }
        #expect(next.granted - begin < .milliseconds(100))
    }

    @Test("a call of a process that is gone counts for a second from then")
    func abandoned() async throws {
        let clock = HandTurnedClock()
        let now = clock.time.now
        let pacer = Pacer(limit: 1, time: clock.time)
        let lent = try await pacer.lend()
        clock.advance(.milliseconds(1300))
        pacer.abandon(lent)
        let begin = now()
        let next = try await clock.passing { try await pacer.admit() }
        #expect(next.granted - begin >= .seconds(1))
        #expect(pacer.probingSince == nil)
    }

    @Test("the limit changes while callers wait")
    func limit() async throws {
        let clock = HandTurnedClock()
        let now = clock.time.now
        let pacer = Pacer(limit: 1, time: clock.time)
        let first = try await pacer.admit()
        pacer.complete(first, sentAt: now(), answered: now())
        let begin = now()
        pacer.setLimit(1000, reason: "settings")
        try await clock.passing {
            for _ in 0..<10 {
                let next = try await pacer.admit()
                pacer.complete(next, sentAt: now(), answered: now())
            }
        }
        // At one call a second they would take ten seconds.
        #expect(now() - begin < .seconds(1))
        #expect(pacer.rate == 1000)
    }

    @Test(
        "a limit that is lowered for a while holds whatever the limit is set to, and what was learned of the store stays"
    )
    func lowered() async throws {
        let changes = Collected<RateChange>()
        let clock = HandTurnedClock()
        let now = clock.time.now
        let pacer = Pacer(limit: 100, time: clock.time) { change in changes.add(change) }
        func calls(_ count: Int) async throws -> Duration {
            let begin = now()
            try await clock.passing {
                for _ in 0..<count {
                    let next = try await pacer.admit()
                    pacer.complete(next, sentAt: now(), answered: now())
                }
            }
            return now() - begin
        }
        pacer.lower(to: 5, reason: "one run")
        #expect(pacer.limit == 5 && pacer.ceiling == 100 && pacer.rate == 5)
        #expect(try await calls(11) >= .seconds(2))
        pacer.setLimit(200, reason: "settings")
        #expect(pacer.limit == 5 && pacer.ceiling == 200)
        #expect(try await calls(11) >= .seconds(2))
        pacer.lower(to: 300, reason: "a run that asks for more")
        #expect(pacer.limit == 200)
        #expect(try await calls(11) < .seconds(1))
        // The store says how much it bears; a run at a lower rate in between does not make that forgotten.
        for _ in 0..<40 {
            let next = try await clock.passing { try await pacer.admit() }
            pacer.complete(next, sentAt: now(), answered: now(), .tooMany(retryAfter: nil))
        }
        let learned = pacer.rate
        #expect(learned < 200)
        pacer.lower(to: 2, reason: "one run")
        pacer.lower(to: nil, reason: "over")
        #expect(pacer.rate <= learned + 1)
        #expect(changes.all.last?.reason == "over")
        pacer.hold(reason: "quiet hours")
        pacer.lower(to: 5, reason: "one run")
        let waiter = Task { try await pacer.admit() }
        try await wait { pacer.waiting == 1 }
        clock.advance(.seconds(60))
        #expect(pacer.waiting == 1, "quiet hours hold")
        waiter.cancel()
        _ = try? await waiter.value
    }

    @Test("an unhealthy store is probed, and a healthy answer ends it")
    func probing() async throws {
        let changes = Collected<RateChange>()
        let clock = HandTurnedClock()
        let now = clock.time.now
        let pacer = Pacer(limit: 100, time: clock.time) { change in changes.add(change) }
        let underway = try await pacer.admit()
        for _ in 0..<18 {
            let admission = try await clock.passing { try await pacer.admit() }
            pacer.complete(admission, sentAt: now(), answered: now(), .unanswered)
        }
        let waiter = Task { try await pacer.admit() }
        try await wait { pacer.waiting == 1 }
        let begin = now()
        pacer.complete(underway, sentAt: now(), answered: now())
        let next = try await clock.passing { try await waiter.value }
        // The first probe would be due after five seconds.
        #expect(next.granted - begin < .seconds(1))
        #expect(
            changes.all == [
                RateChange(
                    rate: 0, reason: "the store fails nearly every call, so single calls probe it", isTrouble: true),
                RateChange(rate: 100, reason: "the store answers again"),
            ])
    }

    @Test("repetitions of what failed before tell no outage")
    func repetitions() async throws {
        let clock = HandTurnedClock()
        let pacer = Pacer(limit: 100, time: clock.time)
        for _ in 0..<100 {
            let admission = try await clock.passing { try await pacer.admit() }
            pacer.complete(
                admission, sentAt: clock.time.now(), answered: clock.time.now(), .failed(status: 500), isFresh: false)
        }
        #expect(pacer.probingSince == nil && pacer.rate == 100)
    }
}

@Suite("the stop signal")
struct StopSignalTests {
    @Test("it ends waits that run and waits that begin later")
    func ends() async throws {
        let signal = StopSignal()
        let begun = Collected<Int>()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    await #expect(throws: CancellationError.self) {
                        try await signal.cancelling {
                            begun.add(1)
                            try await Task.sleep(for: .seconds(3600))
                        }
                    }
                }
            }
            #expect(await eventually { begun.all.count == 8 })
            signal.stop()
        }
        #expect(signal.isStopped)
        await #expect(throws: CancellationError.self) { try await signal.cancelling { 1 } }
    }

    @Test("a wait that is over gives its value, and its error")
    func passes() async throws {
        struct Broken: Error {}
        let signal = StopSignal()
        #expect(try await signal.cancelling { 7 } == 7)
        await #expect(throws: Broken.self) { try await signal.cancelling { throw Broken() } }
    }

    @Test("cancelling the task ends the wait")
    func cancelled() async throws {
        let signal = StopSignal()
        let task = Task { try await signal.cancelling { try await Task.sleep(for: .seconds(3600)) } }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test("it stops those within it, at once and from now on, and none around it")
    func tree() async throws {
        let process = StopSignal()
        let run = StopSignal(within: process)
        let other = StopSignal(within: process)
        let client = StopSignal(within: run)
        run.stop()
        #expect(client.isStopped && StopSignal(within: run).isStopped)
        #expect(!process.isStopped && !other.isStopped)
        process.stop()
        #expect(other.isStopped)
    }
}
