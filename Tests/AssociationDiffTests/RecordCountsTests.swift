import CartAssociations
import Foundation
import TestSupport
import Testing

@testable import AssociationDiff

@Suite("owners, carts and records that repeat another")
struct RecordCountsTests {
    private struct Record: Hashable {
        let owner: Fingerprint
        let cart: Fingerprint
        let isDelete: Bool
    }

    /// The same numbers from plain sets.
    private func expected(_ records: [Record]) -> RecordCounts.Totals {
        var givers: [Fingerprint: Set<Fingerprint>] = [:]
        for record in records where !record.isDelete { givers[record.cart, default: []].insert(record.owner) }
        var totals = RecordCounts.Totals()
        totals.owners = Set(records.map(\.owner)).count
        totals.carts = Set(records.map(\.cart)).count
        totals.sharedCarts = givers.values.count { $0.count > 1 }
        totals.repeated = records.count - Set(records).count
        return totals
    }

    /// One of few partitions, so that each has several blocks.
    private func fingerprint(_ generator: inout SeededGenerator) -> Fingerprint {
        Fingerprint(high: generator.next() >> 6, low: generator.next())
    }

    private func counted(_ records: [Record], memoryBudget: Int = 1 << 20) throws -> RecordCounts.Totals {
        var counts = RecordCounts(
            memoryBudget: memoryBudget, spillFolder: FileManager.default.temporaryDirectory.path)
        for record in records { try counts.add(cart: record.cart, owner: record.owner, isDelete: record.isDelete) }
        return try counts.count()
    }

    @Test(
        "are those that plain sets find, of snapshots and deltas, in memory and spilled and both, in any order",
        arguments: [UInt64](1...6), [0, 1 << 18, 1 << 24])
    func agreesWithSets(seed: UInt64, memoryBudget: Int) throws {
        var generator = SeededGenerator(seed: seed)
        let owners = (0..<3000).map { _ in fingerprint(&generator) }
        var records: [Record] = []
        for _ in 0..<20_000 {
            let cart = fingerprint(&generator)
            let few = (0..<3).map { _ in owners[Int.random(in: 0..<owners.count, using: &generator)] }
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                // Odd seeds make snapshots. Most records of a cart have its first owner.
                let owner = few[max(0, Int.random(in: -3...2, using: &generator))]
                let isDelete = seed.isMultiple(of: 2) && Int.random(in: 0..<3, using: &generator) == 0
                records.append(Record(owner: owner, cart: cart, isDelete: isDelete))
            }
        }
        records.shuffle(using: &generator)
        let totals = try counted(records, memoryBudget: memoryBudget)
        #expect(totals == expected(records))
        #expect(totals.sharedCarts > 100 && totals.repeated > 100)
    }

    @Test("what a delta deletes repeats no create and shares no cart")
    func deletes() throws {
        func record(_ owner: UInt64, _ cart: UInt64, isDelete: Bool = false) -> Record {
            Record(
                owner: Fingerprint(high: owner, low: owner), cart: Fingerprint(high: cart, low: cart),
                isDelete: isDelete)
        }
        let records = [
            record(1, 1), record(2, 1, isDelete: true), record(1, 1, isDelete: true), record(2, 1, isDelete: true),
            record(3, 2),
        ]
        for order in [records, records.reversed()] {
            let totals = try counted(order)
            #expect(totals == expected(records))
            #expect(totals.repeated == 1 && totals.sharedCarts == 0 && totals.carts == 2 && totals.owners == 3)
        }
    }
}
