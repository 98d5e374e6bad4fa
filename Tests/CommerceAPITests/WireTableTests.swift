import CartAssociations
import CommerceSandbox
import Testing

@testable import CommerceAPI

/// The table of answers once more, from a real server through a real call.
@Suite("what becomes of a change, answer by answer")
struct WireTableTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let kind: ChangeKind
        let action: SandboxFaultAction
        let outcome: Outcome
        let attempts: Int

        init(_ kind: ChangeKind, _ action: SandboxFaultAction, _ outcome: Outcome, attempts: Int) {
            self.kind = kind
            self.action = action
            self.outcome = outcome
            self.attempts = attempts
        }

        var testDescription: String { "\(kind.rawValue): \(action)" }
    }

    /// The fault strikes once; a repetition finds a healthy store.
    static let rows: [Row] = ChangeKind.allCases.flatMap { kind in
        let made: Outcome = kind == .create ? .created : .deleted
        let repeated = [408, 409, 500, 501, 502, 503, 504, 505, 507, 520, 521, 524, 529, 599]
            .map { Row(kind, .answer(status: $0), made, attempts: 2) }
        let final = [301, 400, 405, 410, 413, 422].map { Row(kind, .answer(status: $0), .rejected, attempts: 1) }
        return repeated + final + form(kind, made) + [
            Row(kind, .answer(status: 429, headers: ["Retry-After": "0"]), made, attempts: 2),
            Row(kind, .answer(status: 401), made, attempts: 2),
            Row(kind, .answer(status: 403), .rejected, attempts: 1),
            Row(kind, .answer(status: 204), kind == .create ? .alreadyThere : .deleted, attempts: 1),
            Row(kind, .resetBeforeEffect, made, attempts: 2),
            Row(kind, .resetAfterEffect, kind == .create ? .alreadyThere : .deleted, attempts: 2),
            Row(kind, .garbage, kind == .create ? .alreadyThere : .deleted, attempts: 2),
            // Half a body tells nothing; that of a delete is empty.
            Row(kind, .cut, kind == .create ? .alreadyThere : .deleted, attempts: kind == .create ? 2 : 1),
            Row(kind, .delay(.milliseconds(50)), made, attempts: 1),
        ]
    }

    /// What is the store's own, and what is not.
    private static func form(_ kind: ChangeKind, _ made: Outcome) -> [Row] {
        let owner = #"{"data":[{"type":"customer","id":"{owner}","x":1}],"meta":{}}"#
        let believed = [owner, #"{"data":[{"type":"customer","id":"c-0"},{"id":"{owner}","type":"customer"}]}"#]
            .map { Row(kind, .answer(status: 200, body: $0), made, attempts: 1) }
        let unknown = [
            "", "null", "{}", "[]", "<!doctype html><title>Sign in</title>", #"{"data":[]}"#, #"{"data":null}"#,
            #"{"data":{"type":"customer","id":"{owner}"}}"#, #"{"data":[{"type":"customer","id":"c-2"}]}"#,
            #"{"data":[{"type":"account","id":"{owner}"}]}"#, #"{"data":[{"id":"{owner}"}]}"#,
            #"{"errors":[{"status":400,"title":"no"}]}"#,
            #"{"data":[{"type":"customer","id":"{owner}"}],"errors":[{"title":"no"}]}"#,
        ].map { SandboxFaultAction.answer(status: 200, body: $0) }
        let otherStatuses = [201, 202, 203, 205, 206, 226].map { SandboxFaultAction.answer(status: $0, body: owner) }
        let lateness = ["", "null", "<html>"].map {
            SandboxFaultAction.answer(status: 200, body: $0, afterEffect: true)
        }
        return believed + (unknown + otherStatuses).map { Row(kind, $0, made, attempts: 2) }
            + lateness.map { Row(kind, $0, kind == .create ? .alreadyThere : .deleted, attempts: 2) }
            + missing(kind, made)
    }

    /// 404: of the store, and of what stands before it.
    private static func missing(_ kind: ChangeKind, _ made: Outcome) -> [Row] {
        let store = [
            #"{"errors":[{"status":404,"title":"Not Found","detail":"Cart not found"}]}"#,
            #"{"errors":[{"status":"404","title":"Customer is not associated with the cart"}]}"#,
            #"{"errors":{"title":"association does not exist"}}"#,
            #"{"errors":[{"detail":"No such account."}]}"#,
        ]
        let gateway = [
            "", "<html>404 cart Not Found</html>", #"{"message":"no Route matched with those values"}"#,
            #"{"status":404,"error":"Not Found","path":"/v2/carts/cart-1/relationships/customers"}"#,
            #"{"title":"Not Found","status":404,"detail":"no cart route"}"#,
        ]
        let isCreate = kind == .create
        // It is the vendor's form, and says no to a create; for a delete it would have to name what is gone.
        let nameless = [
            #"{"errors":[{"status":404,"title":"Not Found"}]}"#,
            #"{"errors":[{"title":"Not Found","detail":"Cannot DELETE /v2/carts/cart-1/relationships/customers"}]}"#,
        ]
        return store.map { Row(kind, .answer(status: 404, body: $0), isCreate ? .rejected : .alreadyGone, attempts: 1) }
            + nameless.map {
                Row(kind, .answer(status: 404, body: $0), isCreate ? .rejected : made, attempts: isCreate ? 1 : 2)
            }
            + gateway.map { Row(kind, .answer(status: 404, body: $0), made, attempts: 2) }
            + gateway.map {
                Row(
                    kind, .answer(status: 404, body: $0, afterEffect: true), isCreate ? .alreadyThere : .deleted,
                    attempts: 2)
            }
    }

    @Test("an answer that stays unknown is a failure that has the first words of the body")
    func staysUnknown() async throws {
        try await Stage.with { stage in
            let body = "<html>\u{7}\n<title>Sign in</title>" + String(repeating: "é", count: 400)
            stage.sandbox.inject(SandboxFault(.answer(status: 200, body: body), operation: .create, count: nil))
            let result = try await stage.client.create(try association("c-1", "cart-1"))
            #expect(result.outcome == .failed)
            #expect(result.answer == .unknown)
            #expect(result.attempts == 5)
            let message = try #require(result.message)
            #expect(
                message.contains("it is a web page (HTML) with the title \"Sign in\"; it begins: <html> <title>Sig"))
            #expect(message.count { $0 == "é" } < 200 && message.contains("ééé… (HTTP 200)"), "\(message)")
            #expect(stage.sandbox.associations().isEmpty)
        }
    }

    @Test(
        "a cart counts as created when the answer names it, and is asked for again when it does not",
        arguments: [
            (201, #"{"data":{"id":"new-1","type":"cart"},"meta":{}}"#, 1), (200, #"{"data":{"id":"new-1"}}"#, 1),
            (201, "", 2), (201, "<html>", 2), (201, #"{"data":{"id":"new-2"}}"#, 2), (201, #"{"data":[]}"#, 2),
            (201, #"{"data":{"id":"new-1"},"errors":[{"title":"no"}]}"#, 2), (204, "", 2), (202, "", 2),
            (404, "<html>", 2), (404, #"{"message":"no Route matched with those values"}"#, 2), (520, "", 2),
        ])
    func newCart(status: Int, body: String, attempts: Int) async throws {
        try await Stage.with { stage in
            stage.sandbox.inject(SandboxFault(.answer(status: status, body: body), operation: .createCart))
            let result = try await stage.client.createCart(id: try #require(CartID("new-1")), name: "A")
            #expect(result.outcome == .created, "\(result)")
            #expect(result.attempts == attempts)
            #expect(stage.sandbox.carts() == (attempts == 1 ? [] : ["new-1"]))
        }
    }

    @Test("the store's own 404 to a new cart is final, and one that was made without saying so is there")
    func newCartRefused() async throws {
        try await Stage.with { stage in
            let id = try #require(CartID("new-1"))
            stage.sandbox.inject(
                SandboxFault(
                    .answer(status: 404, body: #"{"errors":[{"title":"Not Found"}]}"#), operation: .createCart))
            let refused = try await stage.client.createCart(id: id, name: "A")
            #expect((refused.outcome, refused.attempts) == (.rejected, 1))
            stage.sandbox.inject(
                SandboxFault(.answer(status: 201, body: "<html>", afterEffect: true), operation: .createCart))
            let there = try await stage.client.createCart(id: id, name: "A")
            #expect(stage.sandbox.carts() == ["new-1"])
            // Whether the cart is there is left to the change that needs it.
            #expect([400, 409].contains(there.status) && there.attempts == 2, "\(there)")
        }
    }

    @Test(
        "a web page in the place of a token or a listing is named with its title, where it came from and what to do",
        arguments: [
            (SandboxOperation.token, "<!DOCTYPE html>\n<title lang=en>Sign\n in</title>", "with the title \"Sign in\""),
            (.list, " <HTML><head><TITLE>Proxy</TITLE>", "with the title \"Proxy\""), (.list, "<html>", "(HTML) came"),
            (.token, #"{"token":"x"}"#, #"it begins: {"token":"x"}"#), (.list, #"{"data":7}"#, #"begins: {"data":7}"#),
        ])
    func pages(operation: SandboxOperation, body: String, words: String) async throws {
        try await Stage.with { stage in
            stage.sandbox.inject(SandboxFault(.answer(status: 200, body: body), operation: operation, count: nil))
            let error = try await #require(throws: APIError.self) { try await stage.client.listAssociations() }
            #expect(error.exitStatus == .unavailable)
            let path = operation == .token ? "/oauth/access_token" : "/v2/carts"
            for part in [words, "\(stage.client.options.baseURL.text)\(path) failed", "api.base-url", "proxy"] {
                #expect(error.message.contains(part), "\(error.message)")
            }
            #expect(error.message.contains("web page (HTML)") == body.contains("<"), "\(error.message)")
        }
    }

    @Test("an empty 200 that is followed by 204 names the setting that believes it, and is made with that setting")
    func empty() async throws {
        let fault = SandboxFault(.answer(status: 200, body: "null", afterEffect: true), operation: .create, count: nil)
        for believes in [false, true] {
            try await Stage.with { options in
                options.emptyAnswer = believes ? .believe : .doubt
            } body: { stage in
                var once = fault
                once.count = 1
                stage.sandbox.inject(once)
                let result = try await stage.client.create(try association("c-1", "cart-1"))
                #expect(result.outcome == (believes ? .created : .alreadyThere))
                #expect(result.attempts == (believes ? 1 : 2))
                #expect(result.message?.contains("set api.empty-200 to believe") == (believes ? nil : true))
            }
        }
    }

    @Test("twenty changes that something else answers stop the run, and a believed answer in between does not")
    func notTheStore() async throws {
        try await Stage.with { stage in
            stage.sandbox.inject(
                SandboxFault(.answer(status: 200, body: "<html>Sign in"), operation: .create, count: nil))
            stage.sandbox.inject(
                SandboxFault(
                    .answer(status: 404, body: #"{"errors":[{"title":"Cart not found"}]}"#), operation: .delete,
                    count: nil)
            )
            func create(_ number: Int) async throws -> APIError? {
                do throws(APIError) {
                    _ = try await stage.client.create(try! association("c-1", "cart-\(number)"))
                    return nil
                } catch {
                    return error
                }
            }
            for number in 1...19 { #expect(try await create(number) == nil) }
            // The store's own word, and as many again.
            _ = try await stage.client.delete(try association("c-1", "cart-1"))
            for number in 1...19 { #expect(try await create(number) == nil) }
            let error = try #require(try await create(20))
            #expect(error.exitStatus == .unavailable)
            for words in ["this is not the store", "<html>Sign in", "HTTP 200", "proxy", "api.base-url"] {
                #expect(error.message.contains(words), "\(error.message)")
            }
        }
    }

    @Test("each row of the table", arguments: rows)
    func table(row: Row) async throws {
        try await Stage.with { stage in
            let one = try association("c-1", "cart-1")
            if row.kind == .delete { _ = try await stage.client.create(one) }
            stage.sandbox.inject(SandboxFault(row.action, operation: row.kind == .create ? .create : .delete))
            let result =
                row.kind == .create ? try await stage.client.create(one) : try await stage.client.delete(one)
            #expect(result.outcome == row.outcome, "\(result)")
            #expect(result.attempts == row.attempts, "\(result)")
            #expect(result.outcome.isSuccess || result.message?.isEmpty == false)
        }
    }

    @Test(
        "a delete that may have been made is left unknown where that is wished, one that was not is repeated",
        arguments: [
            (SandboxFaultAction.resetAfterEffect, true), (.resetBeforeEffect, true), (.answer(status: 502), true),
            (.answer(status: 524), true), (.answer(status: 200, body: "<html>"), true), (.answer(status: 202), true),
            (.answer(status: 404, body: "<html>"), true),
            (.answer(status: 503), false), (.answer(status: 409), false),
        ])
    func unknown(action: SandboxFaultAction, isUncertain: Bool) async throws {
        try await Stage.with { stage in
            let one = try association("c-1", "cart-1")
            _ = try await stage.client.create(one)
            stage.sandbox.inject(SandboxFault(action, operation: .delete))
            let result = try await stage.client.delete(one, repeatingUnknown: false)
            #expect(result.isUncertain == isUncertain)
            #expect(result.attempts == (isUncertain ? 1 : 2))
            #expect(stage.sandbox.statistics().count(.delete) == result.attempts)
        }
    }
}
