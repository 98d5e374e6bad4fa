import CartAssociations
import Foundation
import Testing

@Suite("values")
struct ValueTests {
    @Test(
        "a cart id is made of the safe characters only",
        arguments: ["a", "cart-1", "A_b-9", String(repeating: "x", count: 255)])
    func goodCarts(text: String) {
        #expect(CartID(text)?.text == text)
    }

    @Test(
        "anything else is no cart id",
        arguments: ["", " ", "a b", "a/b", "a.b", "a%2Fb", "cärt", "a\n", "../x", String(repeating: "x", count: 256)])
    func badCarts(text: String) {
        #expect(CartID(text) == nil)
    }

    @Test(
        "an owner id is any text without spaces and control characters",
        arguments: [
            ("c-1", true), ("ann@example.com", true), ("名前", true), ("", false), ("a b", false), ("a\u{0}", false),
            ("a\u{200B}", false), ("a\u{A0}b", false),
        ])
    func owners(text: String, isGood: Bool) {
        #expect((OwnerID(text) != nil) == isGood)
    }

    @Test("what is no id is none in JSON either")
    func decoding() throws {
        #expect(try JSONDecoder().decode([CartID].self, from: Data(#"["a-1"]"#.utf8)).map(\.text) == ["a-1"])
        for text in [#"["a b"]"#, #"[""]"#, "[1]"] {
            #expect(throws: DecodingError.self) { try JSONDecoder().decode([CartID].self, from: Data(text.utf8)) }
        }
    }

    @Test(
        "a limit is a number or a share", arguments: [("412", "412"), ("20%", "20 %"), ("0.5%", "0.5 %"), ("0", "0")])
    func limits(text: String, shown: String) {
        #expect(Limit(text).map(String.init(describing:)) == shown)
    }

    @Test("what is no limit is refused", arguments: ["", "-1", "abc", "101%", "1.5", "%", "20 %", "nan%"])
    func badLimits(text: String) {
        #expect(Limit(text) == nil)
    }

    @Test(
        "an outcome says whether the store is as it was wanted, and whether a call of ours has made it so",
        arguments: [
            (.created, true, true), (.deleted, true, true), (.alreadyThere, true, false), (.alreadyGone, true, false),
            (.rejected, false, false), (.failed, false, false), (.skipped, false, false), (.withheld, false, false),
        ] as [(Outcome, Bool, Bool)])
    func outcomes(outcome: Outcome, isSuccess: Bool, changedTheStore: Bool) {
        #expect((outcome.isSuccess, outcome.changedTheStore) == (isSuccess, changedTheStore))
    }

    @Test("the scope decides what happens to an association that the snapshot does not want")
    func scopes() {
        func verdict(
            _ scope: DeletionScope, owned: Bool = false, elsewhere: Bool = false, listed: Bool = false,
            doubt: Bool = false
        ) -> UnwantedTreatment {
            scope.judge(isOwned: owned, isAssertedElsewhere: elsewhere, isOwnerListed: listed, isInDoubt: doubt)
        }
        #expect(verdict(.none, owned: true, listed: true) == .unmanaged)
        #expect(verdict(.owned, owned: true) == .delete)
        #expect(verdict(.owned, listed: true) == .unmanaged)
        #expect(verdict(.listed, listed: true) == .delete)
        #expect(verdict(.listed, owned: true) == .delete)
        #expect(verdict(.listed) == .unmanaged)
        #expect(verdict(.all) == .delete)
        for scope in DeletionScope.allCases {
            // A run that may delete nothing does not speak of other sources.
            #expect(
                verdict(scope, owned: true, elsewhere: true, listed: true)
                    == (scope == .none ? .unmanaged : .assertedElsewhere))
            #expect(verdict(scope, owned: true, listed: true, doubt: true) != .delete)
        }
    }

    @Test("each cart belongs to one shard of any number of shards, and the shards are about equal")
    func shards() throws {
        let carts = try (0..<4_000).map { try #require(CartID("cart-\($0)")) }
        for count in [1, 2, 3, 8, 64] {
            let shards = try (0..<count).map { try #require(Shard($0, of: count)) }
            let sizes = shards.map { shard in carts.count { shard.contains($0) } }
            #expect(sizes.reduce(0, +) == carts.count)
            for cart in carts.prefix(100) { #expect(shards.count { $0.contains(cart) } == 1) }
            let even = Double(carts.count) / Double(count)
            #expect(sizes.allSatisfy { abs(Double($0) - even) < 6 * even.squareRoot() }, "\(sizes)")
        }
    }

    @Test("which shard a cart belongs to never changes: migrations are resumed by other versions")
    func frozenShards() throws {
        let found = try ["cart-1", "a", "8f14e45f-ceea-467f-a0e6-d5a6f4b2c3d1", "_"].map { text in
            let cart = try #require(CartID(text))
            return try #require((0..<16).first { Shard($0, of: 16)?.contains(cart) ?? false })
        }
        #expect(found == [2, 11, 10, 2])
    }

    @Test(
        "a shard is an index from 0 of a number of shards",
        arguments: ["4/4", "-1/4", "1", "1/", "/4", "a/4", "0/0", "0/10001"])
    func noShard(text: String) { #expect(Shard(text) == nil) }

    @Test("a cart's name and description have no control character that a wrong encoding leaves")
    func legibleNames() {
        #expect(NewCart(name: "Büro €", description: "two\nlines") != nil)
        #expect(NewCart(name: "B\u{80}ro", description: nil) == nil)
        #expect(NewCart(name: "Büro", description: "\u{9F}") == nil)
    }
}
