import TestSupport
import Testing

@testable import CommerceSandbox

@Suite("Carts and settings")
struct CartTests {
    @Test("reading an unknown cart creates it")
    func readCreates() async throws {
        try await withSandbox(clock: HandTurnedClock()) { (sandbox, client) async throws in
            let reply = try await client.call("GET", "/v2/carts/fresh")
            #expect(reply.status == 200)
            #expect(reply.body.contains(#""created_at":"2026-02-21T15:07:25Z""#))
            #expect(reply.body.contains(#""expires_at":"2026-02-28T15:07:25Z""#))
            #expect(sandbox.statistics().autoCreatedCarts == 1)
            #expect(try await client.ids() == ["fresh"])
        }
    }

    @Test("a cart is created with the id, name and description that were asked for")
    func creates() async throws {
        try await withSandbox { (_, client) async throws in
            let body = #"{"data":{"id":"mine","name":"Bob's cart","description":"For Holidays"}}"#
            let reply = try await client.call("POST", "/v2/carts", body)
            #expect(reply.status == 201)
            let cart = try #require(try reply.json["data"] as? [String: Any])
            #expect(cart["id"] as? String == "mine")
            #expect(cart["name"] as? String == "Bob's cart")
            #expect(cart["description"] as? String == "For Holidays")
            let unnamed = try await client.call("POST", "/v2/carts", #"{"data":{"name":"x"}}"#)
            let id = (try unnamed.json["data"] as? [String: Any])?["id"] as? String
            #expect(id?.count == 36)
        }
    }

    @Test("a cart that a shopper creates is his")
    func shopperCreates() async throws {
        try await withSandbox { (sandbox, client) async throws in
            let guest = try await client.signedIn("implicit")
            let headers = ["X-Moltin-Customer-Token": Sandbox.shopperToken(.customer, "c-1")]
            let reply = try await guest.call("POST", "/v2/carts", #"{"data":{"id":"m","name":"x"}}"#, headers: headers)
            #expect(reply.status == 201)
            #expect(sandbox.associations() == [SandboxAssociation(kind: .customer, owner: "c-1", cart: "m")])
        }
    }

    @Test(
        "the id of a cart that exists is answered as the behaviour says",
        arguments: SandboxBehaviour.ExistingCart.allCases)
    func existing(answer: SandboxBehaviour.ExistingCart) async throws {
        var options = SandboxOptions(carts: [SandboxCart(id: "a", name: "Old")])
        options.behaviour.existingCart = answer
        try await withSandbox(options) { (sandbox, client) async throws in
            let reply = try await client.call("POST", "/v2/carts", #"{"data":{"id":"a","name":"New"}}"#)
            #expect(reply.status == Int(answer.rawValue))
            #expect(sandbox.statistics().effects == 0)
        }
    }

    @Test(
        "a cart that breaks a rule is refused with 400",
        arguments: [
            (#"{"data":{}}"#, "Blank name"),
            (#"{"data":{"name":" "}}"#, "Blank name"),
            (#"{"data":{"name":"\#(String(repeating: "n", count: 256))"}}"#, "Name with > 255 characters"),
            (#"{"data":{"name":"a\u0007"}}"#, "Odd characters"),
            (#"{"data":{"name":"x","id":"a b"}}"#, "Odd characters"),
            (#"{"data":{"name":5}}"#, "invalid_type"),
            (#"{"data":{"name":"x","discount_settings":{"use_rule_promotions":"yes"}}}"#, "invalid_type"),
            (#"{"data":{"name":"x","contact":{"email":"nobody"}}}"#, "invalid_email"),
            (#"{"data":{"name":"x","snapshot_date":"tomorrow"}}"#, "Invalid Snapshot Date"),
            (#"{"data":{"name":"x","snapshot_date":"2026-02-29T10:00:00Z"}}"#, "Invalid Snapshot Date"),
            (#"{"data":{"name":"x","custom_attributes":{"a":{"type":"integer","value":"1"}}}}"#, "invalid_type"),
            (#"{"data":{"name":"x","custom_attributes":{"a":{"type":"date","value":"1"}}}}"#, "enum"),
            ("{}", "required"), ("[]", "invalid_type"), ("{", "Bad Request"),
        ])
    func refused(body: String, title: String) async throws {
        try await withSandbox { (sandbox, client) async throws in
            let reply = try await client.call("POST", "/v2/carts", body)
            #expect(reply.status == 400)
            let error = try #require((try reply.json["errors"] as? [[String: Any]])?.first)
            #expect(error["title"] as? String == title)
            #expect(error["status"] as? Int == 400)
            #expect(sandbox.statistics().effects == 0)
        }
    }

    @Test("a wrong type is told in the vendor's words")
    func wrongType() async throws {
        try await withSandbox { (_, client) async throws in
            let reply = try await client.call("POST", "/v2/carts", #"{"data":{"name":5}}"#)
            let error =
                #"{"status":400,"source":"data.name","title":"invalid_type","#
                + #""detail":"Invalid type. Expected: string, given: integer"}"#
            #expect(reply.body == #"{"errors":[\#(error)]}"#)
        }
    }

    @Test("an update changes what it names, and is refused with a bare error")
    func updates() async throws {
        let cart = SandboxCart(id: "a", name: "Old", description: "kept", customers: ["c-1"])
        try await withSandbox(SandboxOptions(carts: [cart])) { (_, client) async throws in
            let reply = try await client.call("PUT", "/v2/carts/a", #"{"data":{"name":"New"}}"#)
            #expect(reply.status == 200)
            let updated = try #require(try reply.json["data"] as? [String: Any])
            #expect(updated["name"] as? String == "New")
            #expect(updated["description"] as? String == "kept")

            let wrong = try await client.call("PUT", "/v2/carts/a", #"{"data":{"name":5}}"#)
            #expect(wrong.status == 422)
            #expect(try wrong.json["title"] as? String == "invalid_type")
            let email = try await client.call("PUT", "/v2/carts/a", #"{"data":{"contact":{"email":"a@example.com"}}}"#)
            #expect(email.status == 422)
        }
    }

    @Test("a cart with an owner cannot be deleted, one without can")
    func deletes() async throws {
        try await withSandbox(SandboxOptions(carts: [SandboxCart(id: "a", customers: ["c-1"])])) {
            (_, client) async throws in
            let refused = try await client.call("DELETE", "/v2/carts/a")
            #expect(refused.status == 400)
            let error = try #require((try refused.json["errors"] as? [[String: Any]])?.first)
            #expect(error["title"] as? String == "Last cart")
            _ = try await client.dissociate(.customer, "c-1", "a")
            #expect(try await client.call("DELETE", "/v2/carts/a").status == 204)
            #expect(try await client.ids().isEmpty)
        }
    }

    @Test("settings are kept, and 366 days get the documented body")
    func settings() async throws {
        try await withSandbox { (_, client) async throws in
            let wrong = try await client.call(
                "PUT", "/v2/settings/cart", #"{"data":{"type":"settings","cart_expiry_days":366}}"#)
            #expect(wrong.status == 400)
            let error =
                #"{"status":400,"source":"data.cart_expiry_days","title":"number_lte","#
                + #""detail":"Must be less than or equal to 365","meta":{"value":366}}"#
            #expect(wrong.body == #"{"errors":[\#(error)]}"#)

            let body = #"{"data":{"type":"settings","cart_expiry_days":30}}"#
            #expect(try await client.call("PUT", "/v2/settings/cart", body).status == 200)
            #expect(try await client.call("GET", "/v2/settings/cart").body.contains(#""cart_expiry_days":30"#))
        }
    }

    @Test("a seed file is read, and told apart from what is none")
    func seed() throws {
        let carts = try Sandbox.seed(
            from: .init(#"{"carts":[{"id":"a","customers":["c"]},{"id":"b","contact_email":"x@y"}]}"#.utf8))
        #expect(carts == [SandboxCart(id: "a", customers: ["c"]), SandboxCart(id: "b", contactEmail: "x@y")])
        for wrong in [
            "{", #"{"carts":[{"name":"x"}]}"#, #"{"carts":[{"id":"a b"}]}"#, #"{"carts":[{"id":"a"},{"id":"a"}]}"#,
        ] {
            #expect(throws: SandboxError.self) { try Sandbox.seed(from: .init(wrong.utf8)) }
        }
    }
}
