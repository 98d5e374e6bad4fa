import TestSupport
import Testing

@testable import CallPacing

@Suite("turns")
struct TurnTests {
    @Test("one caller at a time has the turn, and the others get it in the order in which they came")
    func order() async throws {
        let turn = Turn()
        let seen = Collected<String>()
        try await turn.take()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<20 {
                group.addTask {
                    try await turn {
                        seen.add("begin \(number)")
                        for _ in 0..<5 { await Task.yield() }
                        seen.add("end \(number)")
                    }
                }
                // The one that has the turn, and those that wait.
                try await wait { turn.count == number + 2 }
            }
            turn.pass()
            try await group.waitForAll()
        }
        #expect(seen.all == (0..<20).flatMap { ["begin \($0)", "end \($0)"] })
        #expect(turn.count == 0)
    }

    @Test("a caller that is cancelled leaves the line, and the turn goes to the next")
    func cancelled() async throws {
        let turn = Turn()
        try await turn.take()
        let first = Task { try await turn.take() }
        try await wait { turn.count == 2 }
        let second = Task { try await turn.take() }
        try await wait { turn.count == 3 }
        first.cancel()
        await #expect(throws: CancellationError.self) { try await first.value }
        #expect(turn.count == 2)
        turn.pass()
        try await second.value
        #expect(turn.count == 1)
        turn.pass()
        #expect(turn.count == 0)
    }

    @Test("work that throws passes the turn on")
    func throwing() async throws {
        struct Broken: Error {}
        let turn = Turn()
        await #expect(throws: Broken.self) { try await turn { throw Broken() } }
        #expect(try await turn { 7 } == 7)
    }
}
