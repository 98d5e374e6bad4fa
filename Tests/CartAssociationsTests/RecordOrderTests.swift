import CartAssociations
import Foundation
import TestSupport
import Testing

@Suite("the order of records")
struct RecordOrderTests {
    private func orders(_ keys: [String]) -> RecordOrders {
        var orders = RecordOrders.all(by: .owner)
        for (key, next) in zip(keys, keys.dropFirst()) {
            let (one, other) = (Array(key.utf8), Array(next.utf8))
            orders.narrow(by: .owner, from: one.span, to: other.span)
        }
        return orders
    }

    private func order(_ comparison: RecordOrder.Comparison, isDescending: Bool = false) -> RecordOrders {
        RecordOrder(key: .owner, comparison: comparison, isDescending: isDescending).alone
    }

    @Test(
        "is found from the keys",
        arguments: [
            (["a", "b", "b", "c"], [.bytes, .letters, .numbers]), (["c-9", "c-10", "c-11"], [.numbers]),
            (["c-10", "c-11", "c-9"], [.bytes, .letters]), (["a", "B", "c"], [.letters]),
            (["B", "a", "c"], [.bytes, .numbers]), (["7", "007", "8"], [.numbers]), (["b", "a", "c"], []),
            (["a", "ab", "ab1"], [.bytes, .letters, .numbers]), (["é", "ê"], [.bytes, .letters, .numbers]),
        ] as [([String], [RecordOrder.Comparison])])
    func found(keys: [String], comparisons: [RecordOrder.Comparison]) {
        let descending = comparisons.map { order($0, isDescending: true) }
        #expect(orders(keys) == RecordOrders(comparisons.map { order($0) }))
        #expect(orders(keys.reversed()) == RecordOrders(descending))
    }

    @Test("of one key is every order, and is not lost by the same key again")
    func single() throws {
        #expect(orders(["a"]) == .all(by: .owner))
        #expect(orders(["a", "a"]) == .all(by: .owner))
        let some: RecordOrders = [order(.bytes), order(.numbers, isDescending: true)]
        #expect(try JSONDecoder().decode(RecordOrders.self, from: JSONEncoder().encode(some)) == some)
        #expect(RecordOrder.all.count == 12 && Set(RecordOrder.all.map(\.alone)).count == 12)
    }

    @Test(
        "is one in which no key is before itself, and of two others one is before the other", arguments: UInt64(1)...5)
    func total(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let letters = "019aAb-_é"
        let keys = (0..<60).map { _ in
            (0..<Int.random(in: 1...5, using: &generator)).map { _ in
                String(letters.randomElement(using: &generator) ?? "0")
            }.joined()
        }
        for order in RecordOrder.all {
            func isBefore(_ one: String, _ other: String) -> Bool {
                let (one, other) = (Array(one.utf8), Array(other.utf8))
                return order.isBefore(one.span, other.span)
            }
            for one in keys {
                #expect(!isBefore(one, one))
                for other in keys where isBefore(one, other) {
                    #expect(!isBefore(other, one), "\(order): \(one) \(other)")
                    #expect(keys.allSatisfy { !isBefore(other, $0) || isBefore(one, $0) }, "\(order): \(one) \(other)")
                }
            }
        }
    }
}
