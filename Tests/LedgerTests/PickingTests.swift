import CartAssociations
import GRDB
import TestSupport
import Testing

@testable import Ledger

@Suite("Associations picked by number")
struct PickingTests {
    private let folder: TemporaryFolder
    private let ledger: Ledger

    init() throws {
        folder = try TemporaryFolder()
        ledger = try Ledger.open(in: folder, run: makeRun("r"))
    }

    /// Associations of many carts, some of which have many owners: pieces of the ledger end anywhere among them.
    private func fill(seed: UInt64, count: Int) throws {
        var generator = SeededGenerator(seed: seed)
        let carts = [1, 30, count, count * 10].randomElement(using: &generator) ?? 1
        let sources = ["a", "b"]
        for source in sources {
            let draft = ledger.draftAssertions(by: source, run: "r")
            for number in 0..<count where source == "a" || number.isMultiple(of: 3) {
                let one = try association(
                    number.isMultiple(of: 2) ? .customer : .account, "owner-\(number)",
                    "cart-\(Int.random(in: 0..<carts, using: &generator))")
                try draft.add(one, fingerprint(one), place: RecordPlace(export: 0, record: number, line: number + 2))
            }
            try ledger.assert(draft, at: noon)
        }
    }

    @Test("a number picks the same association whatever else is picked", arguments: 0..<6 as Range<UInt64>)
    func numbers(seed: UInt64) throws {
        try fill(seed: seed, count: 30_000)
        let all = try ledger.allAssociations()
        var standings: [Fingerprint] = []
        try ledger.forEachStanding(from: "b") { row, standing in
            #expect(row == standings.count)
            #expect(standing.isAsserted == all[row].sources.contains("b"))
            #expect(standing.isAssertedByOthers == all[row].sources.contains("a"))
            standings.append(standing.fingerprint)
        }
        #expect(standings == all.map(\.fingerprint))
        var generator = SeededGenerator(seed: seed)
        for share in [1, 2, 100, 20_000] {
            let wanted = Set(all.indices.filter { _ in Int.random(in: 0..<share, using: &generator) == 0 })
            var asked: [Int] = []
            var found: Set<Int> = []
            try ledger.forEachAssociation(from: "a", rows: wanted.contains) { row, standing in
                asked.append(row)
                return standing.fingerprint.low.isMultiple(of: 2)
            } visit: { row, stored in
                #expect(stored == all[row])
                found.insert(row)
            }
            #expect(asked == wanted.sorted())
            #expect(found == wanted.filter { all[$0].fingerprint.low.isMultiple(of: 2) })
        }
    }

    @Test("a row whose two kinds of owner differ is damage")
    func kinds() throws {
        try ledger.assert([association("c", "cart")], by: "a", run: "r")
        try ledger.database.write { try $0.execute(sql: "UPDATE association SET owner_kind = 1") }
        let error = #expect(throws: LedgerError.self) { try ledger.allAssociations() }
        #expect(error?.kind == .damaged)
    }

    @Test("a list of associations is the same however often it is read and wherever it lies")
    func lists() throws {
        try fill(seed: 4, count: 60_000)
        let all = try ledger.allAssociations()
        for count in [0, 1, 500, all.count] {
            var list = ledger.pickedAssociations()
            let expected = all.prefix(count).enumerated().map { PickedAssociation(row: $0.offset * 3, $0.element) }
            for one in expected { try list.add(one) }
            for _ in 0..<2 {
                var found: [PickedAssociation] = []
                try list.forEach { found.append($0) }
                #expect(found == expected)
            }
        }
    }
}
