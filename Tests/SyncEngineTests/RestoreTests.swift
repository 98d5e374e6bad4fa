import CallPacing
import CartAssociations
import CommerceAPI
import Foundation
import Ledger
import TestStore
import TestSupport
import Testing

@testable import SyncEngine

/// Two sources and a shopper on one store, and what is to be known of them to judge a delete.
private struct History {
    static let universe = (1...24).compactMap { number in
        OwnerID("c-\(number % 7)").flatMap { owner in
            CartID("cart-\(number)").map { Association(number % 3 == 0 ? .account : .customer, owner, $0) }
        }
    }

    let store: Store
    var generator: SeededGenerator
    /// What the last export of each source named.
    var last: [String: Set<Association>] = [:]
    /// What the last export of each source named, if that is known since the ledger was restored.
    var named: [String: Set<Association>] = [:]
    /// Deletes that nobody had a reason for.
    var wrong: [String] = []

    init(_ store: Store, seed: UInt64) {
        self.store = store
        generator = SeededGenerator(seed: seed)
    }

    /// Syncs an export of a source with some of the universe, more often what it named before.
    mutating func sync(_ source: String, on ledger: Ledger, judging: Bool) async throws {
        let before = last[source] ?? []
        let wanted = Set(
            Self.universe.filter { Int.random(in: 0..<10, using: &generator) < (before.contains($0) ? 8 : 3) })
        let there = try store.associations
        let current: CurrentSource = Bool.random(using: &generator) ? .api : .ledger
        let here = Store(store: store.store, ledger: ledger)
        try await here.sync(wanted, source: source, current: current, shuffled: &generator)
        last[source] = wanted
        let gone = there.subtracting(try store.associations)
        if judging {
            let others = last.filter { $0.key != source }.values.reduce(into: Set()) { $0.formUnion($1) }
            for one in gone.sorted() {
                if named[source]?.contains(one) != true { wrong.append("\(source) deletes \(one), not its own") }
                if others.contains(one) { wrong.append("\(one) is wanted by another source") }
            }
            named[source] = wanted
        }
    }

    /// A shopper makes or removes an association.
    mutating func shop() async throws {
        guard let association = Self.universe.randomElement(using: &generator) else { return }
        let isThere = try store.associations.contains(association)
        try await store.withClient { client in
            _ = try await isThere ? client.delete(association) : client.create(association)
        }
    }

    /// - Parameter isKnown: whether the old ledger could be asked, so that a source owns what its last export named.
    mutating func restored(isKnown: Bool) {
        named = isKnown ? last : [:]
    }
}

@Suite("a restored ledger")
struct RestoreTests {
    @Test(
        "after a restore no source deletes what its export before did not name, nor what another one wants",
        arguments: 1...16)
    func owners(seed: UInt64) async throws {
        try await withStore { store in
            var history = History(store, seed: seed)
            let backup = store.folder.path("backup")
            let steps = Int.random(in: 6...12, using: &history.generator)
            // A source that the backup does not have is not known at all.
            for source in ["a", "b"] { try await history.sync(source, on: store.ledger, judging: false) }
            let moment = Int.random(in: 0..<steps, using: &history.generator)
            let isKnown = seed % 2 == 0
            for step in 0..<steps {
                if step == moment { _ = try store.ledger.backup(to: backup) }
                let source = ["a", "b"].randomElement(using: &history.generator) ?? "a"
                try await history.sync(source, on: store.ledger, judging: false)
                try await history.shop()
            }
            let state = store.folder.path("state")
            try store.ledger.close()
            if !isKnown { try FileManager.default.removeItem(atPath: state + "/ledger.sqlite") }
            let restore = try LedgerRestore(
                folder: state, backup: backup, store: store.ledger.store, source: "a", time: .system)
            if Bool.random(using: &history.generator) {
                try await store.withClient { try await restore.addListing($0) }
            }
            let restored = try restore.finish()
            #expect((restored.letGo == nil) == !isKnown)
            history.restored(isKnown: isKnown)

            let ledger = try Ledger.open(folder: state, store: nil, now: Date())
            for _ in 0..<8 {
                try await history.shop()
                let source = ["a", "b"].randomElement(using: &history.generator) ?? "a"
                try await history.sync(source, on: ledger, judging: true)
            }
            #expect(history.wrong.isEmpty, "\(history.wrong.prefix(5))")
            // It deletes again what is a source's own.
            for source in ["b", "a"] { try await history.sync(source, on: ledger, judging: true) }
            #expect(history.wrong.isEmpty, "\(history.wrong.prefix(5))")
            let own = try #require(history.last["a"]?.subtracting(history.last["b"] ?? []).sorted().first)
            let here = Store(store: store.store, ledger: ledger)
            let rest = (history.last["a"] ?? []).subtracting([own])
            try await here.sync(rest, source: "a", current: .api, shuffled: &history.generator)
            #expect(try !store.associations.contains(own))
            try ledger.close()
        }
    }

    /// A store whose ledger is lost after a source has asserted everything, and restored from a backup.
    private func withRestored(_ body: (_ store: Store, _ all: [Association]) async throws -> Void) async throws {
        try await withStore { store in
            var generator = SeededGenerator(seed: 1)
            let all = History.universe.filter { $0.owner.kind == .customer }
            try await store.sync(Set(all), shuffled: &generator)
            let (state, backup) = (store.folder.path("state"), store.folder.path("backup"))
            _ = try store.ledger.backup(to: backup)
            try store.ledger.close()
            try FileManager.default.removeItem(atPath: state + "/ledger.sqlite")
            let restore = try LedgerRestore(
                folder: state, backup: backup, store: store.ledger.store, source: "a", time: .system)
            _ = try restore.finish()
            let ledger = try Ledger.open(folder: state, store: nil, now: Date())
            #expect(try ledger.oldAssertions()[.customer] == ["a"])
            try await body(Store(store: store.store, ledger: ledger), all)
            #expect(try store.associations == Set(all), "it was not known who wanted them")
            try ledger.close()
        }
    }

    /// Syncs an export with some associations and whatever lines follow. Returns whether the source's assertions are still old.
    private func sync(
        _ wanted: some Sequence<Association>, and lines: String = "", shard: Shard? = nil, in store: Store
    ) async throws -> Bool {
        let text = "customer_id,cart_id\n" + wanted.map { "\($0.owner.id),\($0.cart)\n" }.joined() + lines
        let path = try store.folder.write(text, to: "export.csv")
        try await store.withClient { client in
            _ = try await store.run(path, shard: shard, client).plan(keepingRejects: true).apply()
        }
        return try store.ledger.oldAssertions()[.customer] == ["a"]
    }

    @Test("a run of one shard leaves open what is in others, and what was let go of is not deleted by any")
    func shards() async throws {
        try await withRestored { store, all in
            let gone = try #require(all.first)
            let shards = (0..<2).compactMap { Shard($0, of: 2) }
            for shard in shards.sorted(by: { !$0.contains(gone.cart) && $1.contains(gone.cart) }) + [nil] {
                #expect(try await sync(all.dropFirst(), shard: shard, in: store) == (shard != nil))
                #expect(try store.asserted(by: "a").contains(gone) == (shard?.contains(gone.cart) == false))
            }
        }
    }

    @Test("what is in doubt stays open, and is let go of by an export that leaves no doubt")
    func inDoubt() async throws {
        try await withRestored { store, all in
            let gone = try #require(all.first)
            #expect(try await sync(all.dropFirst(), and: "Grüße,\(gone.cart)\n", in: store))
            #expect(try store.asserted(by: "a").contains(gone))
            #expect(try await !sync(all.dropFirst(), in: store))
            #expect(try !store.asserted(by: "a").contains(gone))
        }
    }
}
