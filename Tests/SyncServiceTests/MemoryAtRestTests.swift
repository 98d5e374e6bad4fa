import CallPacing
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

@testable import SyncService

@Suite("Memory of a service at rest", .timeLimit(.minutes(10)))
struct MemoryAtRestTests {
    @Test(
        "it is given back when the service is ready, once after the start and once after runs, and not while one goes on"
    )
    func givenBack() async throws {
        let clock = HandTurnedClock()
        let turn = Turn()
        let isReady = Mutex(false)
        let times = Mutex(0)
        let rest = MemoryAtRest(turn: turn, time: clock.time, isReady: { isReady.withLock { $0 } }) {
            times.withLock { $0 += 1 }
        }
        func looks(_ count: Int, every interval: Duration = MemoryAtRest.interval) async {
            for _ in 0..<count {
                await clock.waitForSleeper()
                clock.advance(interval)
            }
            await clock.waitForSleeper()
        }
        let group = ServiceGroup(services: [rest], logger: .silent)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            await looks(2, every: MemoryAtRest.firstLook)
            #expect(times.withLock { $0 } == 0, "it has not begun")
            isReady.withLock { $0 = true }
            await looks(1, every: MemoryAtRest.firstLook)
            #expect(times.withLock { $0 } == 1)
            await looks(3)
            #expect(times.withLock { $0 } == 2)
            try await turn.take()
            await looks(2)
            #expect(times.withLock { $0 } == 2, "a run goes on")
            turn.pass()
            await looks(3)
            #expect(times.withLock { $0 } == 3)
            // Runs that begin and end between two looks.
            for _ in 0..<3 { try await turn {} }
            await looks(3)
            #expect(times.withLock { $0 } == 4)
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }
}
