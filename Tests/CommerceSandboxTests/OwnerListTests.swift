import TestSupport
import Testing

@testable import CommerceSandbox

@Suite("The lists of owners")
struct OwnerListTests {
    private static var options: SandboxOptions {
        var options = SandboxOptions(carts: [SandboxCart(id: "k", customers: ["c-0"])])
        options.owners.customers = [
            .init(id: "c-2", email: "Bob@x.example", externalRef: "7"),
            .init(id: "c-1", email: "ann@x.example", externalRef: "7"),
            .init(id: "c-3", email: "a+b@x.example"),
        ]
        options.owners.accounts = [
            .init(id: "a-1", externalRef: "R 1", registrationID: "HRB 1"), .init(id: "a-2", externalRef: "R2"),
        ]
        options.owners.members = [.init(id: "m-1", email: "eve@x.example", accounts: ["a-1", "a-2"])]
        return options
    }

    private func ids(_ client: SandboxClient, _ path: String, _ filter: String, _ more: String = "&sort=id")
        async throws
        -> [String]?
    {
        let reply = try await client.call("GET", "\(path)?filter=\(ListingTests.encoded(filter))\(more)")
        guard reply.status == 200 else { return nil }
        return try (reply.json["data"] as? [[String: Any]])?.compactMap { $0["id"] as? String }
    }

    @Test(
        "filters pick by each field with the operations of its list, and no others",
        arguments: [
            ("/v2/customers", #"eq(email,"ann@x.example")"#, ["c-1"]),
            ("/v2/customers", #"eq(email,"BOB@x.example")"#, ["c-2"]),
            ("/v2/customers", #"eq(email,"a+b@x.example")"#, ["c-3"]),
            ("/v2/customers", "eq(external_ref,7)", ["c-1", "c-2"]),
            ("/v2/customers", "eq(external_ref, 7):eq(id,c-2)", ["c-2"]),
            ("/v2/customers", #"like(email,"*@x.example")"#, ["c-1", "c-2", "c-3"]),
            ("/v2/customers", "gt(id,c-1)", ["c-2", "c-3"]), ("/v2/customers", "ge(id,c-3)", ["c-3"]),
            ("/v2/customers", #"gt(id,c-0):le(id,c-2):eq(external_ref,7)"#, ["c-1", "c-2"]),
            ("/v2/customers", "gt(id,c-2):lt(id,c-1)", []), ("/v2/customers", "lt(id,c-1)", ["c-0"]),
            ("/v2/customers", "gt(id,c-0):le(id,c-2)", ["c-1", "c-2"]),
            ("/v2/customers", "in(id,c-1,c-2)", nil), ("/v2/customers", "like(external_ref,7)", nil),
            ("/v2/customers", "eq(registration_id,7)", nil), ("/v2/customers", "eq(email,)", nil),
            ("/v2/customers", "eq(email,\"x)", nil), ("/v2/customers", "eq(id,c-1)x", nil),
            ("/v2/accounts", #"in(external_ref,"R 1","R2")"#, ["a-1", "a-2"]),
            ("/v2/accounts", #"eq(registration_id,"HRB 1")"#, ["a-1"]), ("/v2/accounts", "in(id,a-2,a-9)", ["a-2"]),
            ("/v2/accounts", "eq(email,x)", nil),
            ("/v2/account-members", #"ilike(email,"EVE@x.example")"#, ["m-1"]),
            ("/v2/account-members", #"eq(email,"eve@x.example")"#, nil), ("/v2/account-members", "gt(id,m)", nil),
        ] as [(String, String, [String]?)])
    func filters(path: String, filter: String, expected: [String]?) async throws {
        try await withSandbox(Self.options) { (_, client) async throws in
            #expect(try await ids(client, path, filter) == expected)
        }
    }

    @Test("case of e-mails and lists of references are behaviours")
    func behaviours() async throws {
        var options = Self.options
        options.behaviour.emailCase = .significant
        options.behaviour.accountReferenceLists = false
        try await withSandbox(options) { (_, client) async throws in
            #expect(try await ids(client, "/v2/customers", #"eq(email,"BOB@x.example")"#) == [])
            #expect(try await ids(client, "/v2/customers", #"eq(email,"Bob@x.example")"#) == ["c-2"])
            #expect(try await ids(client, "/v2/accounts", #"in(external_ref,"R 1")"#) == nil)
        }
    }

    @Test("pages go on behind an id beyond every offset, and totals stop counting")
    func pages() async throws {
        var options = SandboxOptions()
        options.owners.customers = (0..<10_050).map { .init(id: "c-\(100_000 + $0)") }
        try await withSandbox(options) { (_, client) async throws in
            var seen: [String] = []
            while true {
                let filter = seen.last.map { "filter=\(ListingTests.encoded("gt(id,\"\($0)\")"))&" } ?? ""
                let page = try await client.call("GET", "/v2/customers?\(filter)sort=id&page%5Blimit%5D=100").json
                let results = try #require((page["meta"] as? [String: [String: Any]])?["results"])
                let left = 10_050 - seen.count
                #expect(results["total"] as? Int == min(left, 10_000))
                #expect(results["total_method"] as? String == (left > 10_000 ? "lower_bound" : "exact"))
                let ids = (page["data"] as? [[String: Any]])?.compactMap { $0["id"] as? String } ?? []
                seen += ids
                if ids.count < 100 { break }
            }
            #expect(seen == (0..<10_050).map { "c-\(100_000 + $0)" })
            #expect(try await client.call("GET", "/v2/customers?page%5Boffset%5D=10001").status == 400)
            #expect(try await client.call("GET", "/v2/customers?sort=colour").status == 400)
        }
    }

    @Test("the newest comes first without an order, and a member's accounts stand beside its memberships")
    func orders() async throws {
        try await withSandbox(Self.options) { (_, client) async throws in
            #expect(try await ids(client, "/v2/customers", "ge(id,c-0)", "") == ["c-0", "c-3", "c-1", "c-2"])
            #expect(try await ids(client, "/v2/customers", "ge(id,c-1)", "&sort=-email") == ["c-1", "c-3", "c-2"])
            let reply = try await client.call("GET", "/v2/account-members/m-1/account-memberships?include=account")
            let included = try #require(try reply.json["included"] as? [String: [[String: String]]])
            #expect(included["accounts"]?.map { $0["id"] } == ["a-1", "a-2"])
            #expect(try await client.call("GET", "/v2/account-members/m-2/account-memberships").status == 404)
        }
    }

    @Test("an e-mail is there twice in a seed file only where that is said, and letters count as they do in the store")
    func duplicates() throws {
        func seeded(_ second: String, _ change: (inout SandboxBehaviour) -> Void = { _ in }) throws -> Int {
            var behaviour = SandboxBehaviour()
            change(&behaviour)
            let json = #"{"customers":[{"id":"c-1","email":"a@x.example"},{"id":"c-2","email":"\#(second)"}]}"#
            return try Sandbox.seedOwners(from: .init(json.utf8), behaviour).customers.count
        }
        #expect(throws: SandboxError.self) { try seeded("a@x.example") }
        #expect(throws: SandboxError.self) { try seeded("A@x.example") }
        #expect(try seeded("A@x.example") { $0.emailCase = .significant } == 2)
        #expect(try seeded("a@x.example") { $0.duplicateEmails = true } == 2)
        #expect(try seeded("b@x.example") == 2)
    }

    @Test("a seed file has owners as ids or with what they are found by")
    func seed() throws {
        let json = """
            {"carts":[],"customers":["c-9",{"id":"c-8","email":"e@x.example","external_ref":"7"}],
            "members":[{"id":"m","email":"m@x.example","accounts":["a"]}]}
            """
        let owners = try Sandbox.seedOwners(from: .init(json.utf8))
        #expect(owners.customers == [.init(id: "c-9"), .init(id: "c-8", email: "e@x.example", externalRef: "7")])
        #expect(owners.accounts.isEmpty)
        #expect(owners.members == [.init(id: "m", email: "m@x.example", accounts: ["a"])])
        #expect(throws: SandboxError.self) {
            try Sandbox.seedOwners(from: .init(#"{"customers":[{"email":"x"}]}"#.utf8))
        }
    }
}
