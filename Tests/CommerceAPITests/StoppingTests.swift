import CartAssociations
import CommerceSandbox
import TestSupport
import Testing

@testable import CallPacing
@testable import CommerceAPI

@Suite("stopping")
struct StoppingTests {
    @Test("a call that was sent finishes, waiting ones end at once, and nothing more is sent")
    func stop() async throws {
        let clock = HandTurnedClock()
        // The one call that goes is on its way for 150 ms of the machine's time.
        let options = SandboxOptions(latency: .steady(.milliseconds(150)))
        try await Stage.with(options, limit: 1, time: clock.time) { stage in
            try await stage.client.authenticate()
            let results = await withTaskGroup(of: Result<ChangeOutcome, APIError>.self) { group in
                for number in 1...8 {
                    group.addTask {
                        do throws(APIError) {
                            guard let one = try? association("c-\(number)", "cart-\(number)") else {
                                return .failure(.stopped)
                            }
                            return .success(try await stage.client.create(one))
                        } catch {
                            return .failure(error)
                        }
                    }
                }
                // One call a second: the first of the eight goes, and time stands still for the others.
                #expect(await eventually { stage.client.pacer.waiting == 8 })
                #expect(
                    await eventually {
                        if stage.client.pacer.waiting == 8 { clock.advance(.milliseconds(10)) }
                        return stage.sandbox.statistics().total >= 2
                    })
                stage.client.stop()
                // The pacer looks for the stop between short sleeps, which only this test ends.
                #expect(
                    await eventually {
                        clock.advance(.milliseconds(50))
                        return stage.client.pacer.waiting == 0
                    })
                let results = await group.reduce(into: []) { $0.append($1) }
                // The first waited for the end of a second; the other seven did not.
                #expect(clock.now < .seconds(5))
                return results
            }
            let finished = results.compactMap { try? $0.get() }
            #expect(finished.map(\.outcome) == [.created])
            #expect(results.count { if case .failure(let error) = $0 { error.kind == .stopped } else { false } } == 7)
            #expect(stage.sandbox.statistics().count(.create) == 1)
        }
    }

    @Test("an outage that outlasts what one change may be tried for ends all calls, with changes still to come")
    func outage() async throws {
        var short = RetryPolicy()
        short.attempts = 1000
        short.waits = Backoff(first: .milliseconds(1), longest: .milliseconds(2))
        short.total = .seconds(4)
        try await Stage.with(limit: 1000, retry: short, time: .fast(20)) { stage in
            stage.sandbox.inject(SandboxFault(.answer(status: 503), operation: .create, count: nil))
            var failed: [APIError] = []
            for number in 1...20 where failed.isEmpty {
                let one = try association("c-\(number)", "cart-1")
                do throws(APIError) {
                    _ = try await stage.client.create(one)
                } catch {
                    failed.append(error)
                }
            }
            #expect(failed.map(\.kind) == [.unavailable])
            #expect(failed.first?.description.contains("has not answered well for 4 s") == true, "\(failed)")
            #expect(stage.client.standingError?.kind == .unavailable)
        }
    }

    @Test("a wait before a repetition ends at once, and the change is as if not tried")
    func stopInBackoff() async throws {
        var slow = RetryPolicy()
        slow.waits = Backoff(first: .seconds(3000), longest: .seconds(3000))
        slow.total = .seconds(3000)
        try await Stage.with(retry: slow) { stage in
            stage.sandbox.inject(SandboxFault(.answer(status: 500), operation: .create, count: nil))
            let one = try association("c-1", "cart-1")
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    let error = await #expect(throws: APIError.self) { try await stage.client.create(one) }
                    #expect(error?.kind == .stopped)
                }
                try await wait { stage.events.attempts.count >= 2 }
                stage.client.stop()
                try await group.waitForAll()
            }
        }
    }

    @Test("forbidden five times in a row without a success stops everything")
    func forbidden() async throws {
        try await Stage.with { stage in
            let body = #"{"errors":[{"status":403,"title":"Forbidden"}]}"#
            stage.sandbox.inject(SandboxFault(.answer(status: 403, body: body), operation: .create, count: nil))
            // The token call is a success of the credentials, not of the key's rights.
            for number in 1...5 {
                let result = try await stage.client.create(try association("c-\(number)", "cart-\(number)"))
                #expect(result.outcome == .rejected)
            }
            let one = try association("c-6", "cart-6")
            let error = await #expect(throws: APIError.self) { try await stage.client.create(one) }
            #expect(error?.kind == .forbidden)
            #expect(error?.message.contains("may manage carts") == true)
            #expect(stage.sandbox.statistics().count(.create) == 5)
        }
    }

    @Test("twenty failures in a row stop everything")
    func failures() async throws {
        var once = RetryPolicy()
        once.attempts = 1
        try await Stage.with(retry: once, time: .fast(20)) { stage in
            stage.sandbox.inject(SandboxFault(.answer(status: 503), operation: .create, count: nil))
            for number in 1...20 {
                let result = try await stage.client.create(try association("c-\(number)", "cart-\(number)"))
                #expect(result.outcome == .failed)
            }
            let one = try association("c-21", "cart-21")
            let error = await #expect(throws: APIError.self) { try await stage.client.create(one) }
            #expect(error?.kind == .unavailable)
            #expect(error?.message.contains("20 calls in a row") == true)
        }
    }

    @Test("records that the store refuses one by one stop nothing")
    func refusals() async throws {
        try await Stage.with { stage in
            stage.sandbox.inject(SandboxFault(.answer(status: 422), operation: .create, count: nil))
            for number in 1...60 {
                let result = try await stage.client.create(try association("c-\(number)", "cart-\(number)"))
                #expect(result.outcome == .rejected)
            }
        }
    }
}
