import CartAssociations
import CommerceAPI
import Foundation
import Ledger
import SyncReporting
import TestSupport
import Testing

@testable import SyncEngine

@Suite("a saved plan")
struct SavedPlanTests {
    /// Plans an export and saves the plan, some time ago.
    private func save(
        _ text: String, in store: Store, source: String = "a", current: CurrentSource = .api, now: Date? = nil
    ) async throws -> String {
        let export = try store.folder.write(text, to: "export.csv")
        let path = store.folder.path("a.plan")
        try await store.withClient { client in
            let run = store.run(export, source: source, current: current, now: now, client)
            try await run.plan(keepingRejects: false).save(to: path)
        }
        return path
    }

    private func apply(_ path: String, in store: Store, source: String = "a", now: Date? = nil) async throws
        -> RunReport
    {
        try await store.withClient { client in
            let run = store.run("", source: source, now: now, client)
            return try await run.plan(saved: path).apply().report
        }
    }

    private func fault(_ path: String, in store: Store, now: Date? = nil) async throws -> SavedPlanError? {
        do {
            _ = try await apply(path, in: store, now: now)
            return nil
        } catch RunFailure.plan(let error) {
            return error
        }
    }

    private func csv(_ wanted: some Sequence<Association>) -> String {
        wanted.reduce(into: "owner_type,owner_id,cart_id\n") { text, association in
            text += "\(association.owner.kind.rawValue),\(association.owner.id),\(association.cart)\n"
        }
    }

    @Test(
        "leaves the store and the ledger as applying at once does, whoever else changes the store in between",
        arguments: 0..<4 as Range<UInt64>)
    func roundTrip(seed: UInt64) async throws {
        var generator = SeededGenerator(seed: seed)
        let pool = try (0..<40).map { number in
            let kind: OwnerKind = number % 3 == 0 ? .account : .customer
            return Association(
                kind, try #require(OwnerID("owner-\(number % 7)")), try #require(CartID("cart-\(number % 11)")))
        }
        func some() -> Set<Association> { Set(pool.filter { _ in Bool.random(using: &generator) }) }
        var twins: [(store: Set<Association>, asserted: Set<Association>)] = []
        let first = some()
        let second = some().union([pool[0], pool[1]])
        let strangers = some()
        for isSaved in [true, false] {
            try await withStore { store in
                var order = SeededGenerator(seed: seed)
                try await store.sync(first.union([pool[0], pool[1]]), source: "a", shuffled: &order)
                try await store.sync(Set(first.prefix(5)).union([pool[0], pool[1]]), source: "b", shuffled: &order)
                try await store.withClient { client in
                    for association in strangers.sorted() { _ = try await client.create(association) }
                }
                if isSaved {
                    let path = try await save(csv(second), in: store)
                    let report = try await apply(path, in: store)
                    #expect(report.inconsistencies() == [], "seed \(seed)")
                    #expect(report.exports.map(\.records) == [second.count], "seed \(seed)")
                } else {
                    try await store.sync(second, source: "a", shuffled: &order)
                }
                twins.append((try store.associations, try store.asserted(by: "a")))
            }
        }
        #expect(twins[0].store == twins[1].store, "seed \(seed)")
        #expect(twins[0].asserted == twins[1].asserted, "seed \(seed)")
        #expect(twins[0].asserted == second, "seed \(seed)")
    }

    @Test("is applied once, within a day, and before anything else changes the ledger")
    func bindings() async throws {
        try await withStore { store in
            let text = "customer_id,cart_id\nc-1,cart-1\nc-2,cart-2\n"
            let made = Date(timeIntervalSince1970: 1_795_262_400)
            let path = try await save(text, in: store, now: made)
            let late = try await fault(path, in: store, now: made.addingTimeInterval(24 * 3600))
            #expect(late?.fault == .expired)
            #expect(try await fault(path, in: store, now: made.addingTimeInterval(24 * 3600 - 1)) == nil)
            let again = try await fault(path, in: store, now: made)
            #expect(again?.fault == .used)
            #expect(again?.problem.contains("by run 20") == true)

            let stale = try await save(text + "c-3,cart-3\n", in: store)
            try store.ledger.beginRun(
                RunRecord(id: "another", command: "sync", source: "b", scope: .owned, started: made))
            #expect(try await fault(stale, in: store)?.fault == .stale)
            #expect(try store.associations.count == 2)
        }
    }

    @Test("is bound to its store, its ledger and the bytes of its exports, as far as these are still there")
    func elsewhere() async throws {
        try await withStore { store in
            let text = "customer_id,cart_id\nc-1,cart-1\n"
            let path = try await save(text, in: store)
            try await withStore { other in
                let moved = try await fault(path, in: other)
                #expect(moved?.fault == .otherStore)
            }
            let ledger = try Ledger.open(
                folder: store.folder.path("other-state"), store: store.ledger.store, now: Date())
            #expect(try await fault(path, in: Store(store: store.store, ledger: ledger))?.fault == .otherLedger)
            try ledger.close()
            _ = try store.folder.write(text + "c-2,cart-2\n", to: "export.csv")
            let changed = try await fault(path, in: store)
            #expect(changed?.fault == .stale && changed?.problem.contains("has changed since") == true)
            #expect(try store.associations.isEmpty)
            try FileManager.default.removeItem(atPath: store.folder.path("export.csv"))
            #expect(try await fault(path, in: store) == nil)
            #expect(try store.associations.count == 1)
        }
    }

    @Test("any byte changed, any line missing, doubled or moved is found, and nothing is written")
    func altered() async throws {
        try await withStore { store in
            let text = "customer_id,cart_id\n" + (1...9).map { "c-\($0),cart-\($0)\n" }.joined()
            let path = try await save(text, in: store)
            let original = try Data(contentsOf: URL(filePath: path))
            var generator = SeededGenerator(seed: 77)
            func expectFault(_ bytes: Data, _ what: String) async throws {
                try bytes.write(to: URL(filePath: path))
                let fault = try await fault(path, in: store)
                #expect(fault != nil, "\(what)")
            }
            for _ in 0..<40 {
                var bytes = original
                let position = Int.random(in: 0..<bytes.count, using: &generator)
                bytes[position] ^= UInt8(1) << UInt8.random(in: 0..<7, using: &generator)
                try await expectFault(bytes, "byte \(position)")
            }
            let lines = original.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: true)
            for index in lines.indices {
                var fewer = lines
                fewer.remove(at: index)
                try await expectFault(Data(fewer.joined(separator: [UInt8(ascii: "\n")])), "without line \(index + 1)")
                var more = lines
                more.insert(lines[index], at: index)
                try await expectFault(Data(more.joined(separator: [UInt8(ascii: "\n")])), "line \(index + 1) twice")
            }
            try await expectFault(original.dropLast(), "without its last byte")
            var moved = lines
            moved.swapAt(1, 2)
            try await expectFault(Data(moved.joined(separator: [UInt8(ascii: "\n")])), "lines 2 and 3 exchanged")
            #expect(try store.associations.isEmpty)
            try original.write(to: URL(filePath: path))
            #expect(try await fault(path, in: store) == nil)
            #expect(try store.associations.count == 9)
        }
    }
}
