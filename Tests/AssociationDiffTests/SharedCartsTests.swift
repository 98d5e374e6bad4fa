import AssociationDiff
import CartAssociations
import Foundation
import TestSupport
import Testing

@Suite("carts with several owners")
struct SharedCartsTests {
    @Test(
        "they are those that a dictionary finds, in memory and spilled, in any order",
        arguments: [0, 1 << 24], UInt64(1)...5)
    func agreesWithDictionary(memoryBudget: Int, seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let carts = (0..<20_000).map { _ in Fingerprint(high: generator.next(), low: generator.next()) }
        let owners = (0..<50).map { _ in Fingerprint(high: generator.next(), low: generator.next()) }
        var records: [(cart: Fingerprint, owner: Fingerprint)] = []
        for cart in carts {
            guard let owner = owners.randomElement(using: &generator) else { continue }
            // Some carts are repeated, some of these with another owner.
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let isOther = Int.random(in: 0..<10, using: &generator) == 0
                records.append((cart, isOther ? owners.randomElement(using: &generator) ?? owner : owner))
            }
        }
        records.shuffle(using: &generator)
        var known: [Fingerprint: Set<Fingerprint>] = [:]
        var shared = SharedCarts(
            memoryBudget: memoryBudget, spillFolder: FileManager.default.temporaryDirectory.path)
        for record in records {
            known[record.cart, default: []].insert(record.owner)
            try shared.add(cart: record.cart, owner: record.owner)
        }
        let found = try shared.find()
        #expect(carts.allSatisfy { found.contains($0) == (known[$0, default: []].count > 1) })
        #expect(found.count == known.values.count { $0.count > 1 })
        #expect(found.count > 1000)
    }
}
