import AssociationDiff
import CartAssociations
import Foundation
import TestSupport
import Testing

@Suite("rows of the owners that an export names")
struct NamedRowsTests {
    @Test(
        "they are those that a set finds, in memory and spilled, in any order",
        arguments: [0, 1 << 24], UInt64(1)...5)
    func agreesWithSet(memoryBudget: Int, seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let owners = (0..<5000).map { _ in Fingerprint(high: generator.next(), low: generator.next()) }
        let named = owners.filter { _ in Bool.random(using: &generator) }
        let rows = (0..<30_000).compactMap { _ in owners.prefix(4500).randomElement(using: &generator) }
        // Nil stands for a row, which has its number; an owner that is named may come again.
        var items: [Fingerprint?] = named + named.prefix(100) + rows.map { _ in nil }
        items.shuffle(using: &generator)
        var table = NamedRows(
            memoryBudget: memoryBudget, spillFolder: FileManager.default.temporaryDirectory.path)
        var row = 0
        for item in items {
            if let owner = item {
                try table.add(owner)
            } else {
                try table.add(rows[row], row: row)
                row += 1
            }
        }
        let found = try table.find()
        let set = Set(named)
        #expect(rows.indices.allSatisfy { found.rows.contains($0) == set.contains(rows[$0]) })
        #expect(found.rows.count == rows.count { set.contains($0) })
        #expect(found.names == set.intersection(rows).count)
        #expect(found.names > 1000)
    }
}
