import CartAssociations
import CommerceAPI
import CommerceSandbox
import SyncReporting
import TestSupport
import Testing

/// What the contract says that a store and a ledger hold, written down with plain sets.
private struct Model {
    var store: Set<Association> = []
    var asserted: [String: Set<Association>] = [:]

    mutating func sync(_ wanted: Set<Association>, source: String, scope: DeletionScope) {
        let kinds = Set(wanted.map(\.owner.kind))
        let owners = Set(wanted.map(\.owner))
        let mine = asserted[source, default: []]
        let others = asserted.filter { $0.key != source }.values.reduce(into: Set()) { $0.formUnion($1) }
        store.formUnion(wanted)
        let deleted = store.filter { association in
            guard !wanted.contains(association), kinds.contains(association.owner.kind),
                !others.contains(association)
            else { return false }
            switch scope {
            case .none: return false
            case .owned: return mine.contains(association)
            case .listed: return mine.contains(association) || owners.contains(association.owner)
            case .all: return true
            }
        }
        store.subtract(deleted)
        let still = mine.filter { association in
            !kinds.contains(association.owner.kind) || (store.contains(association) && !others.contains(association))
        }
        asserted[source] = wanted.union(still)
    }
}

@Suite("a run")
struct ModelTests {
    private static let universe: [Association] = (0..<60).compactMap { number in
        guard let owner = OwnerID("owner-\(number % 7)"), let cart = CartID("cart-\(number / 4)") else { return nil }
        return Association(number.isMultiple(of: 3) ? .account : .customer, owner, cart)
    }

    private func choose(_ share: Double, using generator: inout SeededGenerator) -> Set<Association> {
        Set(Self.universe.filter { _ in Double.random(in: 0..<1, using: &generator) < share })
    }

    @Test(
        "leaves the store and the ledger as plain sets say, whoever else changes the store between runs",
        arguments: 1...6 as ClosedRange<UInt64>)
    func listing(seed: UInt64) async throws {
        var generator = SeededGenerator(seed: seed)
        try await withStore { store in
            var model = Model()
            for step in 1...6 {
                try await store.withClient { client in
                    for association in choose(0.1, using: &generator).sorted() {
                        if model.store.remove(association) != nil {
                            _ = try await client.delete(association)
                        } else {
                            model.store.insert(association)
                            _ = try await client.create(association)
                        }
                    }
                }
                let wanted = choose(0.4, using: &generator)
                let source = ["a", "b"].randomElement(using: &generator) ?? "a"
                let scope = DeletionScope.allCases.randomElement(using: &generator) ?? .owned
                model.sync(wanted, source: source, scope: scope)
                let report = try await store.sync(wanted, source: source, scope: scope, shuffled: &generator)
                let place: Comment = "seed \(seed), step \(step), \(scope) of source \(source)"
                #expect(report.inconsistencies() == [], place)
                #expect(try store.associations == model.store, place)
                for name in ["a", "b"] {
                    #expect(try store.asserted(by: name) == model.asserted[name, default: []], place)
                }
                let again = try await store.sync(wanted, source: source, scope: scope, shuffled: &generator)
                #expect(again.plan.changes == 0, place)
            }
            #expect(store.sandbox.statistics().busiestCart <= 1)
        }
    }

    @Test(
        "without a listing comes to the same, where nobody else changes the store",
        arguments: 11...14 as ClosedRange<UInt64>)
    func ledger(seed: UInt64) async throws {
        var generator = SeededGenerator(seed: seed)
        try await withStore { store in
            var model = Model()
            for step in 1...6 {
                let wanted = choose(0.4, using: &generator)
                let source = ["a", "b"].randomElement(using: &generator) ?? "a"
                let scope: DeletionScope = Bool.random(using: &generator) ? .owned : .none
                model.sync(wanted, source: source, scope: scope)
                let current: CurrentSource = Bool.random(using: &generator) ? .ledger : .none
                try await store.sync(wanted, source: source, scope: scope, current: current, shuffled: &generator)
                let place: Comment = "seed \(seed), step \(step), \(scope) of source \(source), \(current)"
                #expect(try store.associations == model.store, place)
                for name in ["a", "b"] {
                    #expect(try store.asserted(by: name) == model.asserted[name, default: []], place)
                }
            }
        }
    }
}
