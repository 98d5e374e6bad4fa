import CartAssociations
import CommerceSandbox
import TestStore
import TestSupport
import Testing

@testable import CallPacing
@testable import CommerceAPI

/// What is measured here goes wrong if other tests hold up a call for longer than its token lives: `make test` runs this
/// suite after all others, alone.
@Suite("tokens that live for seconds, on a quiet machine", .serialized)
struct TimedTests {
    @Test("a token is renewed before it ends, without a refused call")
    func renewed() async throws {
        try await Stage.with(SandboxOptions(tokenLifetime: .seconds(2))) { stage in
            // The store's own clock ends its tokens, after whole seconds.
            let begin = ContinuousClock.now
            var number = 0
            while ContinuousClock.now - begin < .seconds(2.5) {
                number += 1
                let one = try association("c-\(number)", "cart-\(number)")
                let result = try await stage.client.create(one)
                #expect(result.attempts == 1)
            }
            #expect((2...4).contains(stage.sandbox.statistics().count(.token)))
            #expect(stage.sandbox.statistics().count(.create, 401) == 0)
        }
    }

    @Test("with tokens of two seconds and a store that fails at times nothing is refused, and no run ends")
    func shortTokens() async throws {
        try await Stage.with(SandboxOptions(tokenLifetime: .seconds(2)), limit: 300) { stage in
            stage.sandbox.inject(SandboxFault(.answer(status: 500), count: nil, share: 0.3))
            let made = try await withThrowingTaskGroup(of: Int.self) { group in
                for worker in 0..<8 {
                    group.addTask {
                        var made = 0
                        for number in 0..<120 {
                            let one = try association("c-\(worker)", "cart-\(worker)-\(number)")
                            made += try await stage.client.create(one).outcome.isSuccess ? 1 : 0
                        }
                        return made
                    }
                }
                return try await group.reduce(0, +)
            }
            // Five attempts fail once in 400 times.
            #expect(made > 940)
            #expect(stage.sandbox.statistics().count(.create, 401) == 0)
            #expect(stage.sandbox.statistics().count(.token, 200) >= 2)
        }
    }
}
