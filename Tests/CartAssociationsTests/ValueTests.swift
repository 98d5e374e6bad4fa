import CartAssociations
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

    @Test(
        "a limit is a number or a share", arguments: [("412", "412"), ("20%", "20 %"), ("0.5%", "0.5 %"), ("0", "0")])
    func limits(text: String, shown: String) {
        #expect(Limit(text).map(String.init(describing:)) == shown)
    }

    @Test("what is no limit is refused", arguments: ["", "-1", "abc", "101%", "1.5", "%", "20 %", "nan%"])
    func badLimits(text: String) {
        #expect(Limit(text) == nil)
    }

    @Test("the scope decides what happens to an association that the snapshot does not want")
    func scopes() {
        func verdict(
            _ scope: DeletionScope, owned: Bool = false, elsewhere: Bool = false, listed: Bool = false,
            doubt: Bool = false
        ) -> ExtraVerdict {
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
            #expect(verdict(scope, owned: true, elsewhere: true, listed: true) == .assertedElsewhere)
            #expect(verdict(scope, owned: true, listed: true, doubt: true) != .delete)
        }
    }
}
