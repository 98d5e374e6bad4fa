import CallPacing
import CartAssociations
import CommerceSandbox
import TestSupport
import Testing

@testable import CommerceAPI

@Suite("faults of the server")
struct FaultTests {
    @Test(
        "what may pass is tried again until it succeeds",
        arguments: [
            SandboxFaultAction.answer(status: 408), .answer(status: 409),
            .answer(status: 500, headers: ["Content-Type": "text/html"], body: "<html><h1>Oops</h1></html>"),
            .answer(status: 502, body: "<html>"), .answer(status: 503), .answer(status: 504), .resetBeforeEffect,
        ])
    func passing(action: SandboxFaultAction) async throws {
        try await Stage.with { stage in
            stage.sandbox.inject(SandboxFault(action, operation: .create, count: 3))
            let result = try await stage.client.create(try association("c-1", "cart-1"))
            #expect(result.outcome == .created)
            #expect(result.attempts == 4)
            #expect(stage.sandbox.associations().count == 1)
        }
    }

    @Test("a create whose answer was lost is repeated, and says that it may have been the first attempt's")
    func lostAnswer() async throws {
        try await Stage.with { stage in
            stage.sandbox.inject(SandboxFault(.resetAfterEffect, operation: .create))
            let result = try await stage.client.create(try association("c-1", "cart-1"))
            #expect(result.outcome == .alreadyThere)
            #expect(result.attempts == 2)
            #expect(result.message?.contains("earlier attempt") == true)
        }
    }

    @Test("after five attempts a call has failed, with the last answer's words")
    func giveUp() async throws {
        try await Stage.with { stage in
            let body = #"{"errors":[{"status":500,"title":"Internal Server Error","request_id":"r-77"}]}"#
            stage.sandbox.inject(SandboxFault(.answer(status: 500, body: body), operation: .delete, count: nil))
            let result = try await stage.client.delete(try association("c-1", "cart-1"))
            #expect(result.outcome == .failed)
            #expect(result.answer == .serverError)
            #expect(result.attempts == 5)
            #expect(result.message?.contains("request id r-77") == true)
            #expect(stage.sandbox.statistics().count(.delete) == 5)
        }
    }

    @Test("other refusals are final", arguments: [400, 404, 405, 410, 422])
    func final(status: Int) async throws {
        try await Stage.with { stage in
            stage.sandbox.inject(
                SandboxFault(
                    .answer(status: status, body: #"{"errors":[{"title":"No"}]}"#), operation: .create, count: nil))
            let result = try await stage.client.create(try association("c-1", "cart-1"))
            #expect(result.outcome == .rejected)
            #expect(result.status == status)
            #expect(result.attempts == 1)
        }
    }

    @Test("429 uses up no attempt and lowers the rate")
    func tooMany() async throws {
        try await Stage.with { stage in
            let answer = SandboxFaultAction.answer(status: 429, headers: ["Retry-After": "0"], body: "<html>")
            stage.sandbox.inject(SandboxFault(answer, operation: .create, count: 8))
            let result = try await stage.client.create(try association("c-1", "cart-1"))
            #expect(result.outcome == .created)
            #expect(result.attempts == 9)
            #expect(stage.events.rateReasons.contains { $0.contains("429") })
            #expect(stage.client.pacer.rate < 2000)
        }
    }

    @Test(
        "the pause after 429 is as long as asked for",
        arguments: [
            (["Retry-After": "1"], 1.0), (["Retry-After": "3"], 3.0), ([:], 0.0), (["Retry-After": "rather soon"], 0.0),
        ])
    func pauses(headers: [String: String], seconds: Double) async throws {
        let time = TimeSource.fast(10)
        try await Stage.with(time: time) { stage in
            stage.sandbox.inject(SandboxFault(.answer(status: 429, headers: headers), operation: .create))
            try await stage.client.authenticate()
            let begin = time.now()
            let result = try await stage.client.create(try association("c-1", "cart-1"))
            #expect(result.outcome == .created)
            let took = time.now() - begin
            #expect(took >= .seconds(seconds))
            #expect(took < .seconds(seconds + 30))
            #expect(stage.events.pauses == (seconds > 0 ? 1 : 0))
        }
    }

    @Test("the pause after 429 lasts until the date that was given")
    func pauseUntilDate() async throws {
        var options = SandboxOptions(rateLimit: 1)
        options.behaviour.retryAfter = .date(seconds: 2)
        // The store's dates have whole seconds, so two seconds from now are between one and two.
        try await Stage.with(options) { stage in
            try await stage.client.authenticate()
            let result = try await stage.client.create(try association("c-1", "cart-1"))
            #expect(result.outcome == .created)
            #expect(result.attempts == 2)
            #expect(try #require(result.response) >= .seconds(1))
        }
    }

    @Test("a body that trickles ends at its deadline, and the call is made again")
    func trickle() async throws {
        try await Stage.with(change: { $0.callDeadline = .seconds(2) }) { stage in
            try await stage.client.authenticate()
            stage.sandbox.inject(SandboxFault(.trickle(.milliseconds(500)), operation: .create))
            let begin = ContinuousClock.now
            let result = try await stage.client.create(try association("c-1", "cart-1"))
            // The body alone would take 35 seconds.
            #expect(ContinuousClock.now - begin < .seconds(30))
            #expect(result.outcome == .alreadyThere)
            #expect(result.attempts == 2)
            let creates = stage.events.attempts.filter { $0.operation == .create }
            #expect(creates.map(\.answer) == [.connection, .success])
        }
    }

    @Test("a page that trickles is asked for again")
    func tricklingPage() async throws {
        try await Stage.with(change: { $0.callDeadline = .seconds(2) }) { stage in
            stage.sandbox.inject(SandboxFault(.trickle(.milliseconds(100)), operation: .list))
            let listing = try await stage.client.listAssociations()
            #expect(listing.isComplete)
            #expect(stage.events.attempts.filter { $0.operation == .list }.map(\.answer) == [.connection, .success])
        }
    }

    @Test("a server that never answers costs the deadline, and the call is made again")
    func stall() async throws {
        try await Stage.with(change: { $0.callDeadline = .seconds(2) }) { stage in
            try await stage.client.authenticate()
            stage.sandbox.inject(SandboxFault(.stall, operation: .create))
            let result = try await stage.client.create(try association("c-1", "cart-1"))
            #expect(result.outcome == .created)
            #expect(result.attempts == 2)
            let first = try #require(stage.events.attempts.first { $0.operation == .create })
            #expect(first.answer == .connection)
            #expect(first.service >= .seconds(2))
        }
    }

    @Test(
        "a write's answer that is garbage or cut off does not count, and the write is made again",
        arguments: [SandboxFaultAction.garbage, .cut])
    func garbledWrite(action: SandboxFaultAction) async throws {
        try await Stage.with { stage in
            stage.sandbox.inject(SandboxFault(action, operation: .create))
            let result = try await stage.client.create(try association("c-1", "cart-1"))
            #expect(result.outcome == .alreadyThere)
            #expect(result.attempts == 2)
            #expect(result.message?.contains("earlier attempt") == true)
            #expect(stage.sandbox.associations().count == 1)
        }
    }

    @Test(
        "a page or a token that is garbage or cut off is asked for again",
        arguments: [SandboxFaultAction.garbage, .cut])
    func garbledPage(action: SandboxFaultAction) async throws {
        try await Stage.with { stage in
            stage.sandbox.inject(SandboxFault(action, operation: .token))
            stage.sandbox.inject(SandboxFault(action, operation: .list))
            let listing = try await stage.client.listAssociations()
            #expect(listing.isComplete)
            #expect(stage.sandbox.statistics().count(.token) == 2)
            #expect(stage.sandbox.statistics().count(.list) == 2)
        }
    }

    @Test("a redirect is not followed")
    func redirect() async throws {
        try await Stage.with { stage in
            let target = "\(stage.client.options.baseURL)/v2/elsewhere"
            let answer = SandboxFaultAction.answer(status: 307, headers: ["Location": target])
            stage.sandbox.inject(SandboxFault(answer, operation: .create, count: nil))
            let result = try await stage.client.create(try association("c-1", "cart-1"))
            #expect(result.outcome == .rejected)
            #expect(result.status == 307)
            #expect(stage.sandbox.statistics().count(.other) == 0)
            stage.sandbox.inject(SandboxFault(answer, operation: .list, count: nil))
            let error = await #expect(throws: APIError.self) { try await stage.client.listAssociations() }
            #expect(error?.kind == .refused)
            #expect(error?.message.contains("/v2/elsewhere") == true)
        }
    }

    @Test("connections are used again")
    func reuse() async throws {
        try await Stage.with(change: { $0.concurrency = 1 }) { stage in
            stage.sandbox.inject(SandboxFault(.garbage, operation: .create, first: 3))
            for number in 1...20 {
                let one = try association("c-\(number)", "cart-\(number)")
                let created = try await stage.client.create(one)
                #expect(created.outcome == (number == 3 ? .alreadyThere : .created))
                let deleted = try await stage.client.delete(one)
                #expect(deleted.outcome == .deleted)
            }
            #expect(stage.events.attempts.map(\.answer).filter { $0 != .success } == [.unknown])
        }
    }
}
