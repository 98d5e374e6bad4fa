import CartAssociations
import CommerceSandbox
import Foundation
import TestSupport
import Testing

@testable import CommerceAPI

@Suite("writes against a real server")
struct WriteTests {
    @Test("a create is new, then already there; a delete deletes", arguments: OwnerKind.allCases)
    func outcomes(kind: OwnerKind) async throws {
        try await Stage.with { stage in
            let one = try association("o-1", "cart-1", kind)
            let created = try await stage.client.create(one)
            #expect(created.outcome == .created)
            #expect(created.status == 200)
            #expect(created.attempts == 1)
            #expect(created.message == nil)
            let service = try #require(created.service)
            #expect(service > .zero)
            #expect(try #require(created.response) >= service)
            let again = try await stage.client.create(one)
            #expect(again.outcome == .alreadyThere)
            #expect(stage.sandbox.associations().count == 1)
            let deleted = try await stage.client.delete(one)
            #expect(deleted.outcome == .deleted)
            #expect(stage.sandbox.associations().isEmpty)
            #expect(stage.sandbox.statistics().malformed == 0)
        }
    }

    @Test("a delete of what is not there is already gone where the store says 404")
    func alreadyGone() async throws {
        var options = SandboxOptions()
        options.behaviour.missingAssociation = .notFound
        try await Stage.with(options) { stage in
            let result = try await stage.client.delete(try association("c-1", "cart-1"))
            #expect(result.outcome == .alreadyGone)
            #expect(result.answer == .success)
            #expect(result.status == 404)
        }
    }

    @Test("an owner id with quotes and other scripts arrives as it is")
    func odd() async throws {
        try await Stage.with { stage in
            let owner = #"o"\/é–漢"#
            _ = try await stage.client.create(try association(owner, "cart-1"))
            #expect(stage.sandbox.associations().map(\.owner) == [owner])
        }
    }

    @Test("the body of a write names its owner, whatever characters the id has", arguments: 0..<20 as Range<UInt64>)
    func body(seed: UInt64) throws {
        struct Body: Decodable, Equatable {
            struct Element: Decodable, Equatable { let id, type: String }
            let data: [Element]
        }
        var generator = SeededGenerator(seed: seed)
        let ranges: [ClosedRange<UInt32>] = [
            0x21...0x7E, 0x21...0x7E, 0xA1...0x2FF, 0x4E00...0x9FFF, 0x1F300...0x1F6FF,
        ]
        for kind in OwnerKind.allCases {
            var text = ""
            for _ in 0..<Int.random(in: 1...40, using: &generator) {
                let range = try #require(ranges.randomElement(using: &generator))
                if let scalar = Unicode.Scalar(UInt32.random(in: range, using: &generator)) {
                    text.unicodeScalars.append(scalar)
                }
                if Bool.random(using: &generator) { text += #"\""# }
            }
            guard let id = OwnerID(text) else { continue }
            let body = CommerceClient.body(naming: Owner(kind: kind, id: id))
            let decoded = try JSONDecoder().decode(Body.self, from: Data(body))
            #expect(
                decoded == Body(data: [.init(id: text, type: kind.rawValue)]),
                "\(String(decoding: body, as: UTF8.self))")
        }
    }

    @Test("a cart with a contact e-mail rejects the change with a sentence, and nothing is tried again")
    func contactEmail() async throws {
        let cart = SandboxCart(id: "cart-1", contactEmail: "a@example.com")
        try await Stage.with(SandboxOptions(carts: [cart])) { stage in
            let result = try await stage.client.create(try association("c-1", "cart-1"))
            #expect(result.outcome == .rejected)
            #expect(result.status == 422)
            #expect(result.attempts == 1)
            #expect(result.message?.contains("remove the e-mail") == true)
        }
    }

    @Test("a cart is created with its name and description")
    func createCart() async throws {
        try await Stage.with { stage in
            let id = try #require(CartID("new-1"))
            let short = try await stage.client.createCart(id: id, name: "A", description: "B")
            #expect(short.outcome == .created)
            let long = try await stage.client.createCart(id: id, name: String(repeating: "x", count: 256))
            #expect(long.outcome == .rejected)
            #expect(long.attempts == 0)
            #expect(stage.sandbox.statistics().count(.createCart) == 1)
        }
    }

    @Test("shoppers' tokens go with an implicit token, and never with client credentials")
    func shopper() async throws {
        let token = try #require(ShopperToken(.customer, Sandbox.shopperToken(.customer, "c-1")))
        try await Stage.with(change: { $0.authentication = .shopper }) { stage in
            let result = try await stage.client.create(try association("c-1", "cart-1"), shopper: token)
            #expect(result.outcome == .created)
            let missing = try await stage.client.create(try association("c-1", "cart-2"))
            #expect(missing.outcome == .rejected)
            #expect(missing.attempts == 0)
            let listing = try await stage.client.listAssociations(of: .shopper(token))
            let expected = try association("c-1", "cart-1")
            #expect(listing.associations == [expected])
            let store = await #expect(throws: APIError.self) { try await stage.client.listAssociations() }
            #expect(store?.message.contains("needs client credentials") == true)
        }
        try await Stage.with { stage in
            let result = try await stage.client.create(try association("c-1", "cart-1"), shopper: token)
            #expect(result.outcome == .rejected)
            #expect(stage.sandbox.statistics().mixedCredentials == 0)
        }
    }

    @Test("read-only refuses every write before it is sent")
    func readOnly() async throws {
        try await Stage.with(change: { $0.readOnly = true }) { stage in
            let one = try association("c-1", "cart-1")
            let id = try #require(CartID("cart-1"))
            let create = await #expect(throws: APIError.self) { try await stage.client.create(one) }
            #expect(create?.kind == .readOnly)
            await #expect(throws: APIError.self) { try await stage.client.delete(one) }
            await #expect(throws: APIError.self) { try await stage.client.createCart(id: id, name: "A") }
            let listing = try await stage.client.listAssociations()
            #expect(listing.isComplete)
            #expect(stage.sandbox.statistics().writes == 0)
        }
    }

    @Test("every attempt and call is measured")
    func measured() async throws {
        try await Stage.with { stage in
            stage.sandbox.inject(SandboxFault(.answer(status: 503), operation: .create, count: 2))
            let result = try await stage.client.create(try association("c-1", "cart-1"))
            #expect(result.attempts == 3)
            let creates = stage.events.attempts.filter { $0.operation == .create }
            #expect(creates.map(\.status) == [503, 503, 200])
            #expect(creates.map(\.answer) == [.serverError, .serverError, .success])
            let call = try #require(stage.events.finished.last { $0.operation == .create })
            #expect(call.attempts == 3)
            #expect(call.response == result.response)
            #expect(call.response >= call.backoff + (try #require(result.service)))
            #expect(stage.events.finished.contains { $0.operation == .token && $0.answer == .success })
        }
    }
}
