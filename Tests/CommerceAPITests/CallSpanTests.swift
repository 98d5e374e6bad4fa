import CartAssociations
import TestSupport
import Testing

@testable import CommerceAPI

@Suite("spans of calls")
struct CallSpanTests {
    @Test("of a path the fixed words are kept, and nothing else", arguments: 1...50)
    func template(seed: Int) {
        var generator = SeededGenerator(seed: UInt64(seed))
        let letters = Array("abcdefghijklmnopqrstuvwxyzABC0123456789-_.~%")
        func id() -> String {
            "id"
                + String(
                    (0..<Int.random(in: 1...40, using: &generator)).map { _ in
                        letters.randomElement(using: &generator) ?? "x"
                    })
        }
        let (cart, owner) = (id(), id())
        for (path, template) in [
            ("/v2/carts/\(cart)/relationships/customers", "/v2/carts/{id}/relationships/customers"),
            ("/v2/carts/\(cart)/relationships/accounts?x=\(owner)", "/v2/carts/{id}/relationships/accounts"),
            ("/v2/carts?filter=eq(id,\(owner))", "/v2/carts"), ("/v2/accounts/\(owner)", "/v2/accounts/{id}"),
            ("/v2/customers?filter=eq(email,\(owner))&page%5Blimit%5D=1", "/v2/customers"),
            ("/oauth/access_token", "/oauth/access_token"),
        ] {
            #expect(APIRequest(operation: .list, method: .get, path: path).template == template)
        }
    }

    @Test("of each operation in any second one attempt that went well has a span, and one that did not")
    func sample() {
        var generator = SeededGenerator(seed: 3)
        var sample = CallSample()
        var now = ContinuousClock.now
        var taken: [Bool: [ContinuousClock.Instant]] = [:]
        for _ in 0..<2000 {
            now += .milliseconds(Int.random(in: 0...30, using: &generator))
            let isGood = Bool.random(using: &generator)
            if sample.takes(.create, isGood: isGood, now: now) { taken[isGood, default: []].append(now) }
        }
        for instants in taken.values {
            #expect(
                zip(instants, instants.dropFirst()).allSatisfy { $1 - $0 >= .seconds(1) && $1 - $0 < .seconds(1.5) })
            #expect(instants.count > 20)
        }
        #expect(taken.count == 2)
        #expect(sample.takes(.delete, isGood: true, now: now) && !sample.takes(.delete, isGood: true, now: now))
    }
}
