import CartAssociations
import Foundation
import TestSupport
import Testing

@testable import Ledger

@Suite("Merging many records with the associations")
struct RowMergeTests {
    private let folder: TemporaryFolder
    private let ledger: Ledger

    init() throws {
        folder = try TemporaryFolder()
        ledger = try Ledger.open(in: folder, run: makeRun("r"))
    }

    /// What a row is to say.
    private struct Row: Equatable {
        var sources: Set<String>
        var confirmation: Ledger.Confirmation?
        var run: String?
        var place: RecordPlace?
    }

    private struct Record {
        let association: Association
        let sources: [String]
        let confirmation: Ledger.Confirmation?
        let place: RecordPlace
    }

    /// Records of different associations, some of them repeated, in masses of such that are there and of such that are not.
    private static func records(step: Int, using generator: inout SeededGenerator) throws -> [Record] {
        let start = Int.random(in: 0..<400, using: &generator)
        let count = [0, 1, 4, 5, 6, 31, 32, 33, 64, 150, 2_100].randomElement(using: &generator) ?? 1
        let stride = Int.random(in: 1...3, using: &generator)
        return try (0..<count).flatMap { index in
            let number = start + index * stride
            let repeats = Int.random(in: 0..<12, using: &generator) == 0 ? 2 : 1
            return try (0..<repeats).map { repeated in
                let sources = ["a", "b", "c"].filter { _ in Bool.random(using: &generator) }
                let confirmations: [Ledger.Confirmation?] = [.created, .listed, .alreadyThere, nil]
                let confirmation = confirmations.randomElement(using: &generator) ?? nil
                return Record(
                    association: try association(
                        number.isMultiple(of: 3) ? .account : .customer, "owner-\(number % 7)",
                        "cart-\(10_000 + number / 2)"),
                    sources: sources.isEmpty && confirmation == nil ? ["a"] : sources, confirmation: confirmation,
                    place: RecordPlace(export: step, record: 2 * index + repeated, line: index))
            }
        }
    }

    private func found() throws -> [Association: Row] {
        try Dictionary(
            uniqueKeysWithValues: ledger.allAssociations().map { stored in
                #expect(stored.fingerprint == fingerprint(stored.association))
                return (
                    stored.association,
                    Row(
                        sources: Set(stored.sources), confirmation: stored.confirmation, run: stored.run,
                        place: stored.place)
                )
            })
    }

    @Test(
        "whatever is there already and in whatever number, rows and counts are those of a model",
        arguments: 0..<8 as Range<UInt64>)
    func model(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var model: [Association: Row] = [:]
        for step in 0..<14 {
            let run = "run-\(step)"
            try ledger.beginRun(makeRun(run))
            let records = try Self.records(step: step, using: &generator)
            if Bool.random(using: &generator) {
                #expect(
                    try add(records, run: run) == Self.add(records, run: run, to: &model), "seed \(seed), step \(step)")
            } else {
                let source = ["a", "b", "d"].randomElement(using: &generator) ?? "a"
                try assert(records, by: source, run: run)
                Self.assert(records, by: source, run: run, in: &model)
            }
            #expect(try found() == model, "seed \(seed), step \(step)")
        }
        #expect(try ledger.check() == [])
    }

    private func add(_ records: [Record], run: String) throws -> ImportCounts {
        let draft = ledger.draftImport()
        for record in records.reversed() {
            let owner = Array(record.association.owner.id.text.utf8)
            let cart = Array(record.association.cart.text.utf8)
            try draft.add(
                record.association.owner.kind, owner: owner.span, cart: cart.span, fingerprint(record.association),
                confirmation: record.confirmation, set: draft.set(of: record.sources), place: record.place)
        }
        return try ledger.importAll(draft, run: run, at: noon)
    }

    private static func add(
        _ records: [Record], run: String, to model: inout [Association: Row]
    ) -> ImportCounts {
        var counts = ImportCounts()
        for record in records {
            let new = Row(
                sources: Set(record.sources), confirmation: record.confirmation, run: run, place: record.place)
            guard let known = model[record.association] else {
                model[record.association] = new
                counts.added += 1
                continue
            }
            let confirmation = known.confirmation ?? record.confirmation
            let sources = known.sources.union(record.sources)
            if confirmation == known.confirmation && sources == known.sources {
                counts.kept += 1
            } else {
                counts.changed += 1
                model[record.association] = Row(
                    sources: sources, confirmation: confirmation, run: run, place: record.place)
            }
        }
        return counts
    }

    private func assert(_ records: [Record], by source: String, run: String) throws {
        let draft = ledger.draftAssertions(by: source, run: run)
        for record in records.reversed() {
            try draft.add(
                record.association, fingerprint(record.association), place: record.place,
                confirmation: record.confirmation)
        }
        try ledger.assert(draft, at: noon)
    }

    private static func assert(
        _ records: [Record], by source: String, run: String, in model: inout [Association: Row]
    ) {
        for record in records {
            let known = model[record.association]
            let isOurs = known?.confirmation == .created
            model[record.association] = Row(
                sources: (known?.sources ?? []).union([source]),
                confirmation: isOurs ? .created : record.confirmation ?? known?.confirmation, run: run,
                place: record.place)
        }
    }

    @Test("if two standings cannot be joined, nothing of the transaction is there")
    func failure() throws {
        struct Failed: Error {}
        let known = try association("c", "cart-2")
        try ledger.assert([known], by: "a", run: "r")
        let before = try ledger.allAssociations()
        let draft = ledger.draftAssertions(by: "b", run: "r")
        for number in 0..<3 {
            let one = try association("c", "cart-\(number)")
            try draft.add(one, fingerprint(one), place: nil)
        }
        let error = #expect(throws: LedgerError.self) {
            try ledger.merge(draft.sorter, "test") { db in
                let join = StandingJoin(keepsEqual: false) { _, _ in throw Failed() }
                return try RowMerge(db, run: "r", at: noon, join: join) { _, kind in
                    PackedStanding(kind, nil, sources: SourceSets.empty)
                }
            }
        }
        #expect(error?.problem.contains("Failed") == true)
        #expect(try ledger.allAssociations() == before)
    }

    @Test(
        "a plan of any length has every change once, in order, with its new cart and its reason",
        arguments: [0, 1, 31, 32, 33, 100, 2_081])
    func plans(count: Int) throws {
        var generator = SeededGenerator(seed: UInt64(count))
        let changes = try (0..<count).map { number in
            let names = [nil, NewCart(name: "n", description: nil), NewCart(name: "n\(number)", description: "")]
            return Change(
                .create, try association("owner-\(number)", "cart-\(10_000 + number)"),
                place: number.isMultiple(of: 3) ? nil : RecordPlace(export: 0, record: number, line: number),
                newCart: names.randomElement(using: &generator) ?? nil,
                withheld: Int.random(in: 0..<9, using: &generator) == 0 ? "reason \(number)" : nil)
        }
        try ledger.plan(changes.shuffled(using: &generator), for: "r")
        let entries = try ledger.allEntries(of: "r")
        #expect(entries.map(\.change.association) == changes.map(\.association))
        #expect(entries.map(\.change.place) == changes.map(\.place))
        #expect(entries.map(\.change.newCart) == changes.map(\.newCart))
        #expect(entries.map(\.outcome?.message) == changes.map(\.withheld))
        #expect(entries.allSatisfy { $0.fingerprint == fingerprint($0.change.association) })
        #expect(entries.map { $0.id & 0xFFFF_FFFF } == (0..<count).map(Int64.init))
    }
}
