import CartAssociations
import CommerceSandbox
import Logging
import TestStore
import TestSupport
import Testing

@testable import CallPacing
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

    @Test("fresh tokens that are refused again and again stop everything, after ten refusals in a row")
    func refusedAgain() async throws {
        try await Stage.with { stage in
            stage.sandbox.inject(SandboxFault(.answer(status: 401), operation: .create, count: nil))
            var failed: [ChangeOutcome] = []
            var errors: [APIError] = []
            for number in 1...4 {
                do throws(APIError) {
                    failed.append(try await stage.client.create(try! association("c-\(number)", "cart-\(number)")))
                } catch {
                    errors.append(error)
                }
            }
            // No record is to blame.
            #expect(failed.map(\.outcome) == [.failed, .failed] && failed.map(\.attempts) == [5, 5], "\(failed)")
            #expect(errors.map(\.kind) == [.credentialsRefused, .credentialsRefused])
            // Four of each call's tokens were fresh; two of the third's.
            #expect(stage.sandbox.statistics().count(.create) == 13)
        }
    }

    @Test("one call whose fresh tokens are refused is repeated with patience, and stops nothing while others succeed")
    func refusedOnce() async throws {
        try await Stage.with { stage in
            stage.sandbox.inject(SandboxFault(.answer(status: 401), operation: .create, cart: "cart-1", count: 3))
            let result = try await stage.client.create(try association("c-1", "cart-1"))
            #expect((result.outcome, result.attempts) == (.created, 4))
            stage.sandbox.inject(SandboxFault(.answer(status: 401), operation: .create, cart: "cart-2", count: nil))
            for number in 1...5 {
                let poisoned = try await stage.client.create(try association("c-2", "cart-2"))
                #expect((poisoned.outcome, poisoned.attempts) == (.failed, 5))
                #expect(try await stage.client.create(try association("c-\(number)", "cart-3")).outcome == .created)
            }
            #expect(stage.client.standingError == nil)
        }
    }

    @Test("no call leaves with a token that ended while it waited")
    func heldBack() async throws {
        let time = TimeSource.fast(100)
        try await Stage.with(SandboxOptions(tokenLifetime: .seconds(100)), time: time) { stage in
            try await stage.client.authenticate()
            stage.client.pacer.hold(reason: "quiet hours")
            try await withThrowingTaskGroup(of: ChangeOutcome.self) { group in
                for number in 1...8 {
                    group.addTask {
                        try await stage.client.create(try association("c-\(number)", "cart-\(number)"))
                    }
                }
                #expect(await eventually { stage.client.pacer.waiting == 8 })
                // By the client's clock its token is over; the store's own has not ended yet.
                try await time.sleep(for: .seconds(200))
                stage.client.pacer.setLimit(2000, reason: "morning")
                for try await result in group { #expect((result.outcome, result.attempts) == (.created, 1)) }
            }
            #expect(stage.sandbox.statistics().count(.token, 200) == 2)
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
                stage.client.tokens.adopt(TokenKeeper.Issued(text: text, life: .zero))
            }
            let body = #"{"errors":[{"title":"no first-token, no second-token"}]}"#
            stage.sandbox.inject(SandboxFault(.answer(status: 400, body: body), operation: .create))
            let result = try await stage.client.create(try association("c-1", "cart-1"))
            #expect(result.message?.contains("no (hidden), no (hidden)") == true, "\(result.message ?? "")")
        }
    }
}
