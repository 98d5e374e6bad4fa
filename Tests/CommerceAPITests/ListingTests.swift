import CartAssociations
import CommerceSandbox
import Testing

@testable import CommerceAPI

@Suite("listings against a real server")
struct ListingTests {
    private static func carts(_ count: Int) -> [SandboxCart] {
        (0..<count).map { number in
            SandboxCart(
                id: "cart-\(number)", customers: number.isMultiple(of: 3) ? [] : ["c-\(number)"],
                accounts: number.isMultiple(of: 5) ? ["a-\(number)", "a-x"] : [])
        }
    }

    @Test("all carts are read page by page", arguments: [0, 1, 99, 100, 101, 250])
    func complete(count: Int) async throws {
        let carts = Self.carts(count)
        try await Stage.with(SandboxOptions(carts: carts)) { stage in
            let listing = try await stage.client.listAssociations()
            #expect(listing.isComplete)
            #expect(listing.carts == count)
            #expect(listing.total == count)
            #expect(listing.pages == max(1, (count + 99) / 100))
            let seen = Set(
                listing.associations.map {
                    SandboxAssociation(
                        kind: $0.owner.kind == .customer ? .customer : .account, owner: $0.owner.id.text,
                        cart: $0.cart.text)
                })
            #expect(seen == stage.sandbox.associations())
            #expect(seen.count == listing.associations.count)
            #expect(stage.sandbox.statistics().writes == 0)
        }
    }

    @Test("every documented shape of no owner is read", arguments: SandboxBehaviour.EmptyRelationship.allCases)
    func emptyRelationships(shape: SandboxBehaviour.EmptyRelationship) async throws {
        var options = SandboxOptions(carts: Self.carts(10))
        options.behaviour.emptyRelationship = shape
        try await Stage.with(options) { stage in
            let listing = try await stage.client.listAssociations()
            #expect(listing.isComplete)
        }
    }

    @Test(
        "a listing that lacks carts, repeats them or moves is incomplete after three tries",
        arguments: [
            (SandboxBehaviour.Listing.short, "different carts were seen"),
            (.repeating, "different carts were seen"), (.growingTotal, "moved from"),
        ])
    func incomplete(behaviour: SandboxBehaviour.Listing, words: String) async throws {
        var options = SandboxOptions(carts: Self.carts(250))
        options.behaviour.listing = behaviour
        try await Stage.with(options) { stage in
            let listing = try await stage.client.listAssociations()
            guard case .incomplete(let reason) = listing.completeness else {
                Issue.record("a listing that lies counted as complete")
                return
            }
            #expect(reason.contains(words))
            #expect(stage.sandbox.statistics().count(.list) == (behaviour == .growingTotal ? 6 : 9))
        }
    }

    @Test("a store with more carts than a listing shows is recognised by its first page")
    func offsetWall() async throws {
        try await Stage.with(SandboxOptions(carts: Self.carts(10_101))) { stage in
            let listing = try await stage.client.listAssociations()
            #expect(
                listing.completeness
                    == .incomplete("the store has 10101 carts, and a listing shows at most 10100"))
            #expect(listing.total == 10_101)
            #expect(stage.sandbox.statistics().count(.list) == 1)
        }
    }

    @Test("10,100 carts are still listed")
    func largest() async throws {
        try await Stage.with(SandboxOptions(carts: Self.carts(10_100))) { stage in
            let listing = try await stage.client.listAssociations()
            #expect(listing.isComplete)
            #expect(listing.carts == 10_100)
            #expect(listing.pages == 101)
        }
    }

    @Test("an account's carts are listed by filter")
    func accountFilter() async throws {
        try await Stage.with(SandboxOptions(carts: Self.carts(50))) { stage in
            let owner = try #require(OwnerID("a-5"))
            let listing = try await stage.client.listAssociations(of: .account(owner))
            #expect(listing.carts == 1)
            let expected = try association("a-5", "cart-5", .account)
            #expect(listing.associations.contains(expected))
        }
    }

    @Test("several shoppers' carts are listed by their tokens, each for its own associations alone")
    func shoppers() async throws {
        let carts = [
            SandboxCart(id: "cart-1", customers: ["c-1", "c-2", "c-3"]), SandboxCart(id: "cart-2", customers: ["c-2"]),
            SandboxCart(id: "cart-3", customers: ["c-3"]),
        ]
        try await Stage.with(SandboxOptions(carts: carts), change: { $0.authentication = .shopper }) { stage in
            func shopper(_ id: String) throws -> (owner: Owner, token: ShopperToken?) {
                (
                    Owner(kind: .customer, id: try #require(OwnerID(id))),
                    ShopperToken(.customer, Sandbox.shopperToken(.customer, id))
                )
            }
            let (first, second) = (try shopper("c-1"), try shopper("c-2"))
            let listing = try await stage.client.listAssociations(ofShoppers: [first, second])
            #expect(listing.isComplete && listing.carts == 2)
            // cart-1 has a third owner, of whose other carts nothing is known.
            let expected = try [
                association("c-1", "cart-1"), association("c-2", "cart-1"), association("c-2", "cart-2"),
            ]
            #expect(listing.associations.sorted() == expected.sorted())
            let gap = try await stage.client.listAssociations(ofShoppers: [first, (second.owner, nil)])
            #expect(!gap.isComplete)
            #expect(gap.associations == [expected[0]])
        }
    }

    @Test("a page that cannot be had is an error, not an end")
    func unavailable() async throws {
        try await Stage.with(SandboxOptions(carts: Self.carts(150))) { stage in
            stage.sandbox.inject(SandboxFault(.answer(status: 500), operation: .list, first: 2, count: nil))
            let error = await #expect(throws: APIError.self) { try await stage.client.listAssociations() }
            #expect(error?.kind == .unavailable)
            #expect(error?.message.contains("after 5 attempts") == true)
        }
    }

    @Test("a key without the right to list is told so")
    func forbidden() async throws {
        try await Stage.with { stage in
            let body = #"{"errors":[{"status":403,"title":"Forbidden"}]}"#
            stage.sandbox.inject(SandboxFault(.answer(status: 403, body: body), operation: .list, count: nil))
            let error = await #expect(throws: APIError.self) { try await stage.client.listAssociations() }
            #expect(error?.kind == .forbidden)
        }
    }
}
