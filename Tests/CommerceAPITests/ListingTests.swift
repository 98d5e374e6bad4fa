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
            #expect(!listing.isComplete)
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
