import CallPacing
import CartAssociations
import CommerceSandbox
import Logging
import TestStore
import Testing

@testable import CommerceAPI

@Suite("tokens")
struct TokenTests {
    @Test("64 callers whose token was revoked make one token call, and all succeed")
    func singleFlight() async throws {
        try await Stage.with(SandboxOptions(latency: .steady(.milliseconds(20))), change: { $0.concurrency = 64 }) {
            stage in
            try await stage.client.authenticate()
            stage.sandbox.inject(SandboxFault(.revokeTokens, operation: .create))
            let outcomes = try await withThrowingTaskGroup(of: Outcome.self) { group in
                for number in 0..<64 {
                    group.addTask {
                        try await stage.client.create(try association("c-\(number)", "cart-\(number)")).outcome
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(outcomes == Array(repeating: .created, count: 64))
            #expect(stage.sandbox.statistics().count(.token, 200) == 2)
            #expect(stage.sandbox.statistics().count(.create, 401) > 0)
        }
    }

    @Test("64 callers that need a first token make one token call")
    func firstToken() async throws {
        try await Stage.with(change: { $0.concurrency = 64 }) { stage in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<64 {
                    group.addTask {
                        _ = try await stage.client.create(try association("c-\(number)", "cart-\(number)"))
                    }
                }
                try await group.waitForAll()
            }
            #expect(stage.sandbox.statistics().count(.token) == 1)
        }
    }

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

    @Test("wrong credentials stop everything, with one call and a message that says what to check")
    func wrongCredentials() async throws {
        try await Stage.with(clientSecret: "wrong-secret-9a") { stage in
            let first = await #expect(throws: APIError.self) { try await stage.client.authenticate() }
            #expect(first?.kind == .credentialsRefused)
            #expect(first?.message.contains("EPCC_CLIENT_ID") == true)
            #expect(first?.message.contains("wrong-secret-9a") == false)
            let one = try association("c-1", "cart-1")
            let second = await #expect(throws: APIError.self) { try await stage.client.create(one) }
            #expect(second == first)
            #expect(stage.sandbox.statistics().total == 1)
        }
    }

    @Test("a token that is refused as soon as it was issued stops everything")
    func refusedAgain() async throws {
        try await Stage.with { stage in
            stage.sandbox.inject(SandboxFault(.answer(status: 401), operation: .create, count: nil))
            let one = try association("c-1", "cart-1")
            let error = await #expect(throws: APIError.self) { try await stage.client.create(one) }
            #expect(error?.kind == .credentialsRefused)
            #expect(stage.sandbox.statistics().count(.create) == 2)
            let later = await #expect(throws: APIError.self) { try await stage.client.create(one) }
            #expect(later == error)
            #expect(stage.sandbox.statistics().count(.token) == 2)
        }
    }

    @Test("a token call that fails for a while is made again")
    func tokenFault() async throws {
        try await Stage.with { stage in
            stage.sandbox.inject(SandboxFault(.answer(status: 503, body: "<html>"), operation: .token, count: 2))
            try await stage.client.authenticate()
            #expect(stage.sandbox.statistics().count(.token) == 3)
        }
    }

    @Test("nothing listening at the base URL is said so")
    func nothingListening() async throws {
        var options = APIOptions(
            baseURL: try BaseURL("http://127.0.0.1:9"), credentials: Credentials(clientID: "a", clientSecret: "b"))
        options.connectTimeout = .seconds(2)
        let client = CommerceClient(
            options: options, pacer: Pacer(limit: 1000, time: .system), retry: TestStore.promptRetry,
            logger: CapturedLog().logger)
        let error = await #expect(throws: APIError.self) { try await client.authenticate() }
        #expect(error?.kind == .unavailable)
        #expect(error?.message.contains("refused") == true)
        #expect(error?.message.contains("Check the base URL") == true)
        try await client.shutdown()
    }
}

@Suite("secrets")
struct SecretTests {
    @Test("no description or dump shows a secret")
    func descriptions() throws {
        let credentials = Credentials(clientID: "id", clientSecret: "s3cret-marker")
        let shopper = try #require(ShopperToken(.customer, "s3cret-marker"))
        let options = APIOptions(baseURL: try BaseURL("https://host.example"), credentials: credentials)
        var text =
            "\(credentials) \(options) \(shopper) \(String(reflecting: credentials)) \(String(reflecting: shopper))"
        dump(credentials, to: &text)
        dump(options, to: &text)
        dump(shopper, to: &text)
        #expect(!text.contains("s3cret-marker"))
    }

    @Test("a store that sends the secret or the token back does not get them into messages or logs")
    func echo() async throws {
        try await Stage.with { stage in
            let body = #"{"errors":[{"title":"bad secret \#(TestStore.secret) indeed"}]}"#
            stage.sandbox.inject(SandboxFault(.answer(status: 500, body: body), operation: .token, count: 2))
            stage.sandbox.inject(SandboxFault(.answer(status: 500, body: body), operation: .create, count: nil))
            let result = try await stage.client.create(try association("c-1", "cart-1"))
            #expect(result.message?.contains("bad secret (hidden) indeed") == true)
            #expect(!stage.log.text.isEmpty)
            #expect(!stage.log.text.contains(TestStore.secret))
            #expect(!stage.log.text.contains("Bearer"))
            #expect(!stage.log.text.contains("c-1"))
        }
    }

    @Test("an answer that repeats a token which was renewed meanwhile does not get it into a message")
    func echoOfRenewedToken() async throws {
        try await Stage.with { stage in
            for text in ["first-token", "second-token"] {
                stage.client.keep(try #require(IssuedToken(Array(#"{"access_token":"\#(text)"}"#.utf8))))
            }
            let body = #"{"errors":[{"title":"no first-token, no second-token"}]}"#
            stage.sandbox.inject(SandboxFault(.answer(status: 400, body: body), operation: .create))
            let result = try await stage.client.create(try association("c-1", "cart-1"))
            #expect(result.message?.contains("no (hidden), no (hidden)") == true, "\(result.message ?? "")")
        }
    }
}
