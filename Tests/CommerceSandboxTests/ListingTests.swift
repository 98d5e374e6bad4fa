import TestSupport
import Testing

@testable import CommerceSandbox

@Suite("The listing of carts")
struct ListingTests {
    private static func carts(_ count: Int) -> [SandboxCart] {
        (1...count).map { SandboxCart(id: "cart-\($0)", name: "Cart \($0)", customers: ["c-\($0)"]) }
    }

    @Test("pages show every cart once, the latest updated first")
    func pages() async throws {
        try await withSandbox(SandboxOptions(carts: Self.carts(250))) { (_, client) async throws in
            var seen: [String] = []
            for offset in [0, 100, 200] {
                let page = try await client.list("page%5Blimit%5D=100&page%5Boffset%5D=\(offset)")
                #expect(page.total == 250)
                seen += page.carts.compactMap { $0["id"] as? String }
            }
            #expect(seen == (1...250).reversed().map { "cart-\($0)" })
            #expect(try await client.ids("page%5Boffset%5D=250").isEmpty)
        }
    }

    @Test("without a limit a page has 20 carts, and its links and figures fit")
    func standardPage() async throws {
        try await withSandbox(SandboxOptions(carts: Self.carts(50))) { (_, client) async throws in
            let json = try await client.call("GET", "/v2/carts?page%5Boffset%5D=20").json
            #expect((json["data"] as? [Any])?.count == 20)
            let page = try #require((json["meta"] as? [String: Any])?["page"] as? [String: Int])
            #expect(page == ["limit": 20, "offset": 20, "current": 2, "total": 3])
            let links = try #require(json["links"] as? [String: String])
            #expect(links["next"] == "\(client.base)/v2/carts?page[offset]=40&page[limit]=20&filter=")
            #expect(links["prev"] == "\(client.base)/v2/carts?page[offset]=0&page[limit]=20&filter=")
        }
    }

    @Test(
        "a page that the API does not allow is refused",
        arguments: [
            "page%5Blimit%5D=0", "page%5Blimit%5D=101", "page%5Blimit%5D=x", "page%5Boffset%5D=-1",
            "page%5Boffset%5D=10001", "include=customers", "include=",
        ])
    func refusedPage(query: String) async throws {
        try await withSandbox(SandboxOptions(carts: Self.carts(3))) { (_, client) async throws in
            #expect(try await client.call("GET", "/v2/carts?\(query)").status == 400)
        }
    }

    @Test("an offset above 10,000 can be empty or served")
    func beyondLimit() async throws {
        for behaviour in [SandboxBehaviour.BeyondOffsetLimit.empty, .served] {
            var options = SandboxOptions(carts: Self.carts(10_005))
            options.behaviour.beyondOffsetLimit = behaviour
            try await withSandbox(options) { (_, client) async throws in
                let page = try await client.list("page%5Blimit%5D=100&page%5Boffset%5D=10001")
                #expect(page.carts.count == (behaviour == .served ? 4 : 0))
                #expect(page.total == 10_005)
            }
        }
    }

    @Test("an association moves its cart to the front, unless the behaviour says otherwise", arguments: [true, false])
    func order(touches: Bool) async throws {
        var options = SandboxOptions(carts: Self.carts(3))
        options.behaviour.associationsTouchCart = touches
        try await withSandbox(options) { (_, client) async throws in
            _ = try await client.associate(.account, "a-1", "cart-1")
            let expected = touches ? ["cart-1", "cart-3", "cart-2"] : ["cart-3", "cart-2", "cart-1"]
            #expect(try await client.ids() == expected)
        }
    }

    @Test("owners are shown as the API shows them")
    func relationships() async throws {
        let carts = [SandboxCart(id: "none"), SandboxCart(id: "both", customers: ["c-1", "c-2"], accounts: ["a-1"])]
        try await withSandbox(SandboxOptions(carts: carts)) { (_, client) async throws in
            let listed = try await client.list().carts
            let both = try #require(listed[0]["relationships"] as? [String: [String: Any]])
            #expect(
                both["customers"]?["data"] as? [[String: String]] == [
                    ["type": "customer", "id": "c-1"], ["type": "customer", "id": "c-2"],
                ])
            #expect(both["accounts"]?["data"] as? [[String: String]] == [["type": "account", "id": "a-1"]])
            let body = try await client.call("GET", "/v2/carts").body
            #expect(body.contains(#""relationships":{"items":{"data":null},"customers":{},"accounts":{}}"#))
        }
    }

    @Test("a cart without owners can show them as absent or null")
    func emptyShapes() async throws {
        let shapes: [(SandboxBehaviour.EmptyRelationship, String)] = [
            (.absent, #""relationships":{"items":{"data":null}}"#),
            (.nullData, #""relationships":{"items":{"data":null},"customers":{"data":null},"accounts":{"data":null}}"#),
        ]
        for (shape, text) in shapes {
            var options = SandboxOptions(carts: [SandboxCart(id: "none")])
            options.behaviour.emptyRelationship = shape
            try await withSandbox(options) { (_, client) async throws in
                #expect(try await client.call("GET", "/v2/carts").body.contains(text))
            }
        }
    }

    @Test(
        "a filter picks carts by account and by name",
        arguments: [
            (#"contains(account_ids,"a-1")"#, ["summer", "winter"]),
            ("contains(account_ids,a-2)", ["winter"]),
            (#"ilike(name,"HOLIDAY cart")"#, ["winter"]),
            (#"ilike(name,"*cart*")"#, ["winter", "summer"]),
            (#"contains(account_ids,"a-1"):ilike(name,"holiday*")"#, ["winter"]),
            (#"contains(account_ids,"a-2")|ilike(name,"*beach*")"#, ["winter", "summer"]),
            (#"contains(account_ids,"nobody")"#, []),
            // The modifier and the comma before it are one character of Swift's.
            ("ilike(name,\u{1F3FB}*)|contains(account_ids,a-2)", ["winter"]),
        ])
    func filter(expression: String, expected: [String]) async throws {
        let carts = [
            SandboxCart(id: "plain", name: "Other"),
            SandboxCart(id: "summer", name: "Beach cart", accounts: ["a-1"]),
            SandboxCart(id: "winter", name: "Holiday Cart", accounts: ["a-1", "a-2"]),
        ]
        try await withSandbox(SandboxOptions(carts: carts)) { (_, client) async throws in
            let page = try await client.list("filter=\(Self.encoded(expression))")
            #expect(Set(page.carts.compactMap { $0["id"] as? String }) == Set(expected))
            #expect(page.total == expected.count)
        }
    }

    @Test(
        "a filter that the API does not know gets the documented body, which has no status",
        arguments: [
            "eq(name,\"x\")", "contains(customer_ids,\"c-1\")", "ilike(name,\"x\"", "ilike(name,\"x\")extra",
            "ilike(name,)", "ilike(name,\"x\"):", "|",
        ])
    func badFilter(expression: String) async throws {
        try await withSandbox { (_, client) async throws in
            let reply = try await client.call("GET", "/v2/carts?filter=\(Self.encoded(expression))")
            #expect(reply.status == 400)
            #expect(
                reply.body == #"{"errors":[{"title":"Bad Request","detail":"Could not parse the supplied filter"}]}"#)
        }
    }

    @Test("a shopper's token lists that shopper's carts and ignores the filter", arguments: SandboxOwnerKind.allCases)
    func shopper(kind: SandboxOwnerKind) async throws {
        let carts = [
            SandboxCart(id: "mine-1", customers: ["o-1"], accounts: ["o-1"]), SandboxCart(id: "free"),
            SandboxCart(id: "mine-2", customers: ["o-1"], accounts: ["o-1"]),
        ]
        try await withSandbox(SandboxOptions(carts: carts)) { (_, client) async throws in
            let guest = try await client.signedIn("implicit")
            #expect(try await guest.call("GET", "/v2/carts").status == 403)
            let headers = [kind.tokenHeader: Sandbox.shopperToken(kind, "o-1")]
            let reply = try await guest.call("GET", "/v2/carts?filter=nonsense", headers: headers)
            #expect(reply.status == 200)
            let ids = (try reply.json["data"] as? [[String: Any]])?.compactMap { $0["id"] as? String }
            #expect(ids == ["mine-2", "mine-1"])
        }
    }

    @Test("without show_all_carts only carts with an owner are listed")
    func registeredOnly() async throws {
        let carts = [SandboxCart(id: "owned", customers: ["c-1"]), SandboxCart(id: "free")]
        try await withSandbox(SandboxOptions(carts: carts)) { (_, client) async throws in
            let settings = #"{"data":{"type":"settings","show_all_carts":false}}"#
            #expect(try await client.call("PUT", "/v2/settings/cart", settings).status == 200)
            let page = try await client.list()
            #expect(page.carts.compactMap { $0["id"] as? String } == ["owned"])
            #expect(page.total == 1)
        }
    }

    @Test("a listing that lags shows a change when its time has come")
    func lag() async throws {
        let clock = HandTurnedClock()
        var options = SandboxOptions(carts: [SandboxCart(id: "old", customers: ["c-1"])])
        options.behaviour.listingLag = .seconds(60)
        try await withSandbox(options, clock: clock) { (sandbox, client) async throws in
            _ = try await client.associate(.customer, "c-2", "new")
            _ = try await client.dissociate(.customer, "c-1", "old")
            #expect(sandbox.associations().map(\.owner) == ["c-2"])
            clock.advance(.milliseconds(59_999))
            #expect(try await client.ids() == ["old"])
            #expect(try await client.call("GET", "/v2/carts").body.contains("c-1"))
            clock.advance(.milliseconds(1))
            #expect(try await client.ids() == ["old", "new"])
            #expect(try await !client.call("GET", "/v2/carts").body.contains("c-1"))
        }
    }

    @Test("a listing can be short, grow or repeat itself")
    func lies() async throws {
        let seen = try await [SandboxBehaviour.Listing.short, .growingTotal, .repeating].asyncMap { lie in
            var options = SandboxOptions(carts: Self.carts(6))
            options.behaviour.listing = lie
            var ids: [[String]] = []
            var totals: [Int] = []
            try await withSandbox(options) { (_, client) async throws in
                for offset in [0, 3] {
                    let page = try await client.list("page%5Blimit%5D=3&page%5Boffset%5D=\(offset)")
                    ids.append(page.carts.compactMap { $0["id"] as? String })
                    totals.append(page.total)
                }
            }
            return (ids, totals)
        }
        #expect(seen[0].0 == [["cart-6", "cart-5"], ["cart-3", "cart-2"]])
        #expect(seen[1].1 == [6, 7])
        #expect(seen[2].0 == [["cart-6", "cart-5", "cart-4"], ["cart-4", "cart-2", "cart-1"]])
    }

    static func encoded(_ text: String) -> String {
        text.utf8.map { byte in
            SafeCharacters.all(in: String(UnicodeScalar(byte)))
                ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
    }
}

extension Array {
    fileprivate func asyncMap<Mapped>(_ transform: (Element) async throws -> Mapped) async rethrows -> [Mapped] {
        var mapped: [Mapped] = []
        for element in self { mapped.append(try await transform(element)) }
        return mapped
    }
}
