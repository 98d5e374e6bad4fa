import Testing

@testable import CommerceSandbox

@Suite("Associations")
struct AssociationTests {
    @Test("a new association gets 200 and its body, one that is there 204", arguments: SandboxOwnerKind.allCases)
    func creates(kind: SandboxOwnerKind) async throws {
        try await withSandbox(SandboxOptions(carts: [SandboxCart(id: "cart-1")])) { (sandbox, client) async throws in
            let first = try await client.associate(kind, "o-1", "cart-1")
            #expect(first.status == 200)
            #expect(first.body == element(kind, "o-1"))
            let second = try await client.associate(kind, "o-1", "cart-1")
            #expect(second.status == 204)
            #expect(second.body.isEmpty)
            #expect(try await client.associate(kind, "o-2", "cart-1").status == 200)
            #expect(
                sandbox.associations() == [
                    SandboxAssociation(kind: kind, owner: "o-1", cart: "cart-1"),
                    SandboxAssociation(kind: kind, owner: "o-2", cart: "cart-1"),
                ])
            let statistics = sandbox.statistics()
            #expect(statistics.count(.create) == 3)
            #expect(statistics.count(.create, 200) == 2)
            #expect(statistics.writes == 3)
            #expect(statistics.effects == 2)
            #expect(sandbox.calls().map(\.status) == [200, 204, 200])
            #expect(sandbox.calls().map(\.owner) == ["o-1", "o-1", "o-2"])
        }
    }

    @Test("a deleted association is gone, and only that one", arguments: SandboxOwnerKind.allCases)
    func deletes(kind: SandboxOwnerKind) async throws {
        let cart = SandboxCart(id: "cart-1", customers: ["o-1", "o-2"], accounts: ["o-1", "o-2"])
        try await withSandbox(SandboxOptions(carts: [cart])) { (sandbox, client) async throws in
            let reply = try await client.dissociate(kind, "o-1", "cart-1")
            #expect(reply.status == 204)
            #expect(reply.body.isEmpty)
            #expect(!sandbox.associations().contains(SandboxAssociation(kind: kind, owner: "o-1", cart: "cart-1")))
            #expect(sandbox.associations().count == 3)
        }
    }

    @Test(
        "a missing association is deleted as the behaviour says",
        arguments: SandboxBehaviour.MissingAssociation.allCases)
    func missing(answer: SandboxBehaviour.MissingAssociation) async throws {
        var options = SandboxOptions(carts: [SandboxCart(id: "cart-1", customers: ["c-1"])])
        options.behaviour.missingAssociation = answer
        try await withSandbox(options) { (sandbox, client) async throws in
            #expect(try await client.dissociate(.customer, "c-2", "cart-1").status == Int(answer.rawValue))
            #expect(try await client.dissociate(.account, "c-1", "cart-1").status == Int(answer.rawValue))
            #expect(try await client.dissociate(.customer, "c-1", "unknown").status == Int(answer.rawValue))
            #expect(sandbox.statistics().effects == 0)
        }
    }

    @Test("an unknown cart is created with its association")
    func unknownCreates() async throws {
        try await withSandbox { (sandbox, client) async throws in
            #expect(try await client.associate(.customer, "c-1", "new").status == 200)
            #expect(sandbox.statistics().autoCreatedCarts == 1)
            #expect(try await client.list().carts.first?["name"] as? String == "Cart")
        }
    }

    @Test("an unknown cart is refused where the behaviour says so", arguments: ["404", "400"])
    func unknownRefused(status: String) async throws {
        var options = SandboxOptions()
        options.behaviour.unknownCart = try #require(SandboxBehaviour.UnknownCart(rawValue: status))
        try await withSandbox(options) { (sandbox, client) async throws in
            #expect(try await client.associate(.customer, "c-1", "new").status == Int(status))
            #expect(try await client.list().total == 0)
        }
    }

    static let malformed: [(body: String, status: Int, text: String)] = [
        (#"{"data":{"type":"customer","id":"c-1"}}"#, 403, "Invalid json payload"),
        (#"{"data":"#, 403, "Invalid json payload"),
        ("", 403, "Invalid json payload"),
        (#"[{"type":"customer","id":"c-1"}]"#, 403, "Invalid json payload"),
        (#"{"data":[{"type":"customer","id":5}]}"#, 403, "Invalid json payload"),
        (#"{"data":[{"id":"c-1"}]}"#, 400, "The type does not exist or is not listed as customer"),
        (#"{"data":[{"type":"account","id":"c-1"}]}"#, 400, "The type does not exist or is not listed as customer"),
        (#"{"data":[]}"#, 400, "The type does not exist or is not listed as customer"),
        (
            #"{"data":[{"type":"customer","id":"a"},{"type":"customer","id":"b"}]}"#, 403,
            "Cannot associate more than one customer"
        ),
    ]

    @Test("a body that breaks a rule gets the documented sentence as its title", arguments: malformed)
    func malformedTitle(body: String, status: Int, text: String) async throws {
        try await withSandbox { (sandbox, client) async throws in
            for method in ["POST", "DELETE"] {
                let reply = try await client.call(method, "/v2/carts/cart-1/relationships/customers", body)
                #expect(reply.status == status)
                #expect(reply.body == #"{"errors":[{"status":\#(status),"title":"\#(text)"}]}"#)
            }
            #expect(sandbox.statistics().effects == 0)
        }
    }

    @Test("the documented sentence can be the detail", arguments: malformed)
    func malformedDetail(body: String, status: Int, text: String) async throws {
        var options = SandboxOptions()
        options.behaviour.errorText = .detail
        try await withSandbox(options) { (_, client) async throws in
            let reply = try await client.call("POST", "/v2/carts/cart-1/relationships/customers", body)
            let title = status == 403 ? "Forbidden" : "Bad Request"
            #expect(reply.body == #"{"errors":[{"status":\#(status),"title":"\#(title)","detail":"\#(text)"}]}"#)
        }
    }

    @Test("several deletes in one call work where the behaviour allows them")
    func severalDeletes() async throws {
        var options = SandboxOptions(carts: [SandboxCart(id: "cart-1", customers: ["a", "b", "c"])])
        options.behaviour.severalDeletes = .allowed
        try await withSandbox(options) { (sandbox, client) async throws in
            let body = #"{"data":[{"type":"customer","id":"a"},{"type":"customer","id":"c"}]}"#
            #expect(try await client.call("DELETE", "/v2/carts/cart-1/relationships/customers", body).status == 204)
            #expect(sandbox.associations().map(\.owner) == ["b"])
        }
    }

    @Test(
        "a cart with a contact e-mail refuses with 422 and a body that says 400", arguments: SandboxOwnerKind.allCases)
    func contactEmail(kind: SandboxOwnerKind) async throws {
        let cart = SandboxCart(id: "cart-1", contactEmail: "a@example.com")
        try await withSandbox(SandboxOptions(carts: [cart])) { (_, client) async throws in
            let reply = try await client.associate(kind, "o-1", "cart-1")
            #expect(reply.status == 422)
            let error =
                #"{"status":400,"title":"Cannot associate \#(kind.plural) to carts with contact emails","#
                + #""detail":"Unable to associate \#(kind.plural) to carts with contact emails attached."}"#
            #expect(reply.body == #"{"errors":[\#(error)]}"#)
        }
    }

    @Test("a cart id with unsafe characters is refused", arguments: ["a%20b", "a.b", "%C3%A9", "a%2Fb"])
    func unsafe(id: String) async throws {
        try await withSandbox { (sandbox, client) async throws in
            #expect(try await client.associate(.customer, "c-1", id).status == 400)
            #expect(try await client.call("GET", "/v2/carts/\(id)").status == 400)
            #expect(sandbox.statistics().effects == 0)
        }
    }

    @Test("a shopper may change his own associations and no other's", arguments: SandboxOwnerKind.allCases)
    func shopper(kind: SandboxOwnerKind) async throws {
        try await withSandbox { (sandbox, client) async throws in
            let guest = try await client.signedIn("implicit")
            let path = "/v2/carts/cart-1/relationships/\(kind.plural)"
            let own = [kind.tokenHeader: Sandbox.shopperToken(kind, "o-1")]
            let refusal = "\(kind.title) does not have the required permissions to fulfill this request"

            let without = try await guest.call("POST", path, element(kind, "o-1"))
            #expect(without.status == 403)
            #expect(without.body == #"{"errors":[{"status":403,"title":"\#(refusal)"}]}"#)
            let unknown = try await guest.call("POST", path, element(kind, "o-1"), headers: [kind.tokenHeader: "x"])
            #expect(unknown.status == 403)
            let other = try await guest.call("POST", path, element(kind, "o-2"), headers: own)
            #expect(other.status == 403)
            #expect(sandbox.statistics().effects == 0)

            #expect(try await guest.call("POST", path, element(kind, "o-1"), headers: own).status == 200)
            #expect(try await guest.call("DELETE", path, element(kind, "o-1"), headers: own).status == 204)
            #expect(sandbox.associations().isEmpty)
            #expect(sandbox.statistics().mixedCredentials == 0)
        }
    }

    @Test("client credentials together with a shopper's token are counted")
    func mixed() async throws {
        try await withSandbox { (sandbox, client) async throws in
            let headers = ["X-Moltin-Customer-Token": Sandbox.shopperToken(.customer, "c-1")]
            _ = try await client.call("GET", "/v2/carts", headers: headers)
            #expect(sandbox.statistics().mixedCredentials == 1)
        }
    }

    @Test("what the API does not have gets errors as JSON")
    func unknownEndpoints() async throws {
        try await withSandbox { (_, client) async throws in
            let missing = try await client.call("GET", "/v2/customers/c-1/carts")
            #expect(missing.status == 404)
            #expect(try missing.json["errors"] != nil)
            let method = try await client.call("GET", "/v2/carts/cart-1/relationships/customers")
            #expect(method.status == 405)
            #expect(method.headers["allow"] == "DELETE, POST")
            #expect(try method.json["errors"] != nil)
        }
    }

    @Test("a body above the limit is refused with 413")
    func tooLarge() async throws {
        try await withSandbox { (sandbox, client) async throws in
            let owner = String(repeating: "x", count: SandboxResponder.maxBody)
            let reply = try await client.associate(.customer, owner, "cart-1")
            #expect(reply.status == 413)
            #expect(sandbox.statistics().effects == 0)
            #expect(try await client.associate(.customer, "c-1", "cart-1").status == 200)
        }
    }
}
