import Foundation
import TestSupport
import Testing

@testable import CommerceSandbox

@Suite("Faults")
struct FaultTests {
    private static let cart = SandboxOptions(carts: [SandboxCart(id: "cart-1")])

    @Test("a fault strikes the requests it names, by operation, cart and number")
    func matching() async throws {
        try await withSandbox { (sandbox, client) async throws in
            sandbox.inject(
                SandboxFault(.answer(status: 503, body: "<html>"), operation: .create, cart: "b", first: 2, count: 2))
            var statuses: [Int] = []
            for _ in 1...4 {
                #expect(try await client.associate(.customer, "c-1", "a").status < 300)
                #expect(try await client.dissociate(.customer, "c-9", "b").status == 204)
                statuses.append(try await client.associate(.customer, "c-1", "b").status)
            }
            #expect(statuses == [200, 503, 503, 204])
            #expect(sandbox.statistics().count(.create, 503) == 2)
        }
    }

    @Test("an injected answer has its headers and body, and no effect")
    func answer() async throws {
        try await withSandbox(Self.cart) { (sandbox, client) async throws in
            sandbox.inject(SandboxFault(.answer(status: 429, headers: ["Retry-After": "7"], body: "slow down")))
            let reply = try await client.associate(.customer, "c-1", "cart-1")
            #expect(reply.status == 429)
            #expect(reply.headers["retry-after"] == "7")
            #expect(reply.body == "slow down")
            #expect(sandbox.associations().isEmpty)
        }
    }

    @Test("a reset leaves no answer, with or without the effect", arguments: [false, true])
    func reset(after: Bool) async throws {
        try await withSandbox(Self.cart) { (sandbox, client) async throws in
            sandbox.inject(SandboxFault(after ? .resetAfterEffect : .resetBeforeEffect, operation: .create))
            let body = element(.customer, "c-1")
            let request = try client.text("POST", "/v2/carts/cart-1/relationships/customers", body)
            #expect(await exchange(port: try await sandbox.port(), request) == .reset(after: ""))
            #expect(sandbox.associations().count == (after ? 1 : 0))
            #expect(sandbox.statistics().count(.create, 0) == 1)
            #expect(try await client.associate(.customer, "c-1", "cart-1").status == (after ? 204 : 200))
        }
    }

    @Test("a request that ends before its body is whole has no effect")
    func incomplete() async throws {
        try await withSandbox(Self.cart) { (sandbox, client) async throws in
            let body = element(.customer, "c-1")
            let request = try client.text("POST", "/v2/carts/cart-1/relationships/customers", body)
            _ = await exchange(port: try await sandbox.port(), String(request.dropLast()), thenFinish: true)
            try await wait { sandbox.statistics().count(.create) != 0 }
            #expect(sandbox.associations().isEmpty)
        }
    }

    @Test("a stalled request has no effect, and does not hold up the others or the end")
    func stall() async throws {
        try await withSandbox(Self.cart) { (sandbox, client) async throws in
            sandbox.inject(SandboxFault(.stall, operation: .create))
            let stalled = Task { try await client.associate(.customer, "c-1", "cart-1") }
            try await wait { sandbox.statistics().writes != 0 }
            #expect(try await client.associate(.customer, "c-2", "cart-1").status == 200)
            #expect(sandbox.associations().map(\.owner) == ["c-2"])
            stalled.cancel()
            await #expect(throws: (any Error).self) { try await stalled.value }
            try await wait { sandbox.statistics().count(.create, 0) != 0 }
            #expect(sandbox.associations().count == 1)
        }
    }

    @Test("a delayed or trickled answer is the real one")
    func slow() async throws {
        try await withSandbox(Self.cart) { (sandbox, client) async throws in
            sandbox.inject(SandboxFault(.delay(.milliseconds(50)), operation: .create))
            sandbox.inject(SandboxFault(.trickle(.milliseconds(1)), operation: .create, first: 2))
            for owner in ["c-1", "c-2"] {
                let start = ContinuousClock.now
                let reply = try await client.associate(.customer, owner, "cart-1")
                #expect(reply.body == element(.customer, owner))
                #expect(ContinuousClock.now - start >= .milliseconds(40))
            }
        }
    }

    @Test("garbage and a cut body come after the effect")
    func spoiled() async throws {
        try await withSandbox(Self.cart) { (sandbox, client) async throws in
            sandbox.inject(SandboxFault(.garbage, operation: .create))
            let reply = try await client.associate(.customer, "c-1", "cart-1")
            #expect(reply.status == 200)
            #expect(throws: (any Error).self) { try JSONSerialization.jsonObject(with: Data(reply.body.utf8)) }
            sandbox.inject(SandboxFault(.cut, operation: .create))
            await #expect(throws: (any Error).self) { try await client.associate(.customer, "c-2", "cart-1") }
            #expect(sandbox.associations().count == 2)
        }
    }

    @Test("revoked tokens get 401 until a new one is taken")
    func revoke() async throws {
        try await withSandbox { (sandbox, client) async throws in
            sandbox.inject(SandboxFault(.revokeTokens, operation: .list))
            #expect(try await client.call("GET", "/v2/carts").status == 401)
            #expect(try await client.call("GET", "/v2/carts").status == 401)
            #expect(try await client.signedIn().call("GET", "/v2/carts").status == 200)
        }
    }

    @Test("a fault that strikes a share strikes the same requests for the same seed")
    func share() {
        func struck(seed: UInt64) -> [Bool] {
            var schedule = FaultSchedule(seed: seed)
            schedule.inject(SandboxFault(.stall, count: nil, share: 0.1))
            return (0..<2000).map { _ in schedule.strike(.create, cart: "a") != nil }
        }
        #expect(struck(seed: 7) == struck(seed: 7))
        #expect(struck(seed: 7) != struck(seed: 8))
        #expect((150...250).contains(struck(seed: 7).count { $0 }))
    }

    @Test("a write gets 409 while another to the same cart is under way, where the behaviour says so")
    func overlap() async throws {
        var options = Self.cart
        options.behaviour.overlappingWrites = .conflict
        try await withSandbox(options) { (sandbox, client) async throws in
            sandbox.inject(SandboxFault(.stall, operation: .create, cart: "cart-1"))
            let stalled = Task { try await client.associate(.customer, "c-1", "cart-1") }
            try await wait { sandbox.statistics().writes != 0 }
            let reply = try await client.associate(.customer, "c-2", "cart-1")
            #expect(reply.status == 409)
            #expect(reply.body == #"{"errors":[{"status":409,"title":"Conflict","detail":"Write conflict detected"}]}"#)
            #expect(try await client.associate(.customer, "c-2", "cart-2").status == 200)
            #expect(sandbox.statistics().busiestCart == 2)
            stalled.cancel()
            _ = try? await stalled.value
        }
    }

    @Test("a fault can be injected over HTTP, and what the sandbox saw can be read")
    func control() async throws {
        try await withSandbox(Self.cart) { (sandbox, client) async throws in
            let fault = #"{"action":"answer","status":500,"operation":"create","count":1}"#
            #expect(try await client.call("POST", "/sandbox/faults", fault).status == 204)
            #expect(try await client.associate(.customer, "c,\"1", "cart-1").status == 500)
            #expect(try await client.associate(.customer, "c-1", "cart-1").status == 200)
            let late = #"{"action":"answer","status":502,"body":"<html>","operation":"create","count":1,"effect":true}"#
            #expect(try await client.call("POST", "/sandbox/faults", late).status == 204)
            let reply = try await client.associate(.customer, "c-2", "cart-1")
            #expect((reply.status, reply.body) == (502, "<html>"))
            #expect(try await client.associate(.customer, "c-2", "cart-1").status == 204)
            let wrong = try await client.call("POST", "/sandbox/faults", #"{"action":"explode"}"#)
            #expect(wrong.status == 400)
            #expect(wrong.body.contains("is one of"))
            let read = try await client.call("GET", "/sandbox/stats")
            #expect(
                try JSONDecoder().decode(SandboxStatistics.self, from: Data(read.body.utf8)) == sandbox.statistics())
            #expect(
                try await client.call("GET", "/sandbox/associations").body
                    == "cart_id,owner_type,owner_id\ncart-1,customer,c-1\ncart-1,customer,c-2\n")
        }
    }

    @Test("faults can be taken away over HTTP")
    func clear() async throws {
        try await withSandbox(Self.cart) { (sandbox, client) async throws in
            sandbox.inject(SandboxFault(.answer(status: 500), operation: .create, count: nil))
            #expect(try await client.associate(.customer, "c-1", "cart-1").status == 500)
            #expect(try await client.call("DELETE", "/sandbox/faults").status == 204)
            #expect(try await client.associate(.customer, "c-1", "cart-1").status == 200)
        }
    }

    @Test("behaviours change over HTTP while it runs, all that were named or none")
    func behaviours() async throws {
        try await withSandbox { (sandbox, client) async throws in
            #expect(try await client.associate(.customer, "c-1", "unknown-1").status == 200)
            let changes = #"{"unknown-cart":"404","unknown-owner":"400","listing-lag":"1.5","retry-after":"date:3"}"#
            let changed = try await client.call("PUT", "/sandbox/behaviour", changes)
            #expect(changed.status == 200)
            let shown = try JSONDecoder().decode([String: String].self, from: Data(changed.body.utf8))
            #expect(shown["unknown-cart"] == "404")
            #expect(shown["listing-lag"] == "1.5")
            #expect(shown["retry-after"] == "date:3")
            #expect(shown.count == SandboxBehaviour.names.count)
            #expect(try await client.associate(.customer, "c-1", "unknown-2").status == 400)
            for wrong in [#"{"unknown-cart":"maybe"}"#, #"{"no-such":"1"}"#, "[]", #"{"listing-lag":"x"}"#] {
                let refused = try await client.call("PUT", "/sandbox/behaviour", wrong)
                #expect(refused.status == 400, "\(wrong)")
            }
            let half = #"{"existing-cart":"409","unknown-cart":"maybe"}"#
            _ = try await client.call("PUT", "/sandbox/behaviour", half)
            #expect(try await client.call("GET", "/sandbox/behaviour").body.contains(#""existing-cart" : "400""#))
        }
    }

    @Test("every behaviour is read as it is written")
    func behaviourText() throws {
        let values = [
            "missing-association": "404", "unknown-cart": "400", "unknown-owner": "404", "existing-cart": "409",
            "beyond-offset-limit": "served", "empty-relationship": "absent", "error-text": "detail",
            "overlapping-writes": "409", "several-deletes": "allowed", "listing": "short", "retry-after": "7",
            "listing-lag": "2.0", "associations-touch-cart": "false", "email-case": "significant",
            "account-reference-lists": "false", "duplicate-emails": "true",
        ]
        var behaviour = SandboxBehaviour()
        for (name, value) in values { try behaviour.set(name, to: value) }
        #expect(behaviour.byName == values)
        #expect(SandboxBehaviour().byName.allSatisfy { values[$0.key] != $0.value })
    }

    @Test("customers and accounts are listed and found by their ids, for client credentials alone")
    func owners() async throws {
        var options = Self.cart
        options.owners.customers = [.init(id: "c-9"), .init(id: "c-8")]
        options.owners.accounts = [.init(id: "a-1")]
        try await withSandbox(options) { (sandbox, client) async throws in
            let all = try await client.call("GET", "/v2/customers")
            #expect(all.status == 200)
            let ids = try (all.json["data"] as? [[String: Any]])?.compactMap { $0["id"] as? String }
            #expect(Set(ids ?? []).isSuperset(of: ["c-8", "c-9"]))
            let one = try await client.call("GET", "/v2/accounts?filter=eq(id,a-1)")
            #expect(one.body.contains(#""total":1"#))
            let none = try await client.call("GET", "/v2/accounts?filter=in(id,a-2,a-3)")
            #expect(none.body.contains(#""total":0"#))
            #expect(try await client.call("GET", "/v2/accounts?filter=like(id,a)").status == 400)
            #expect(try await client.call("GET", "/v2/customers?page%5Blimit%5D=0").status == 400)
            #expect(sandbox.statistics().malformed == 2)
        }
    }
}
