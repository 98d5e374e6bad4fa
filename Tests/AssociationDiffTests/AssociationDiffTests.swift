import CartAssociations
import DurableFiles
import Foundation
import TestSupport
import Testing

@testable import AssociationDiff

@Suite("Comparing")
struct AssociationDiffTests {
    private let folder = FileManager.default.temporaryDirectory.path

    /// What is added, in the order of adding.
    private struct Input {
        var items: [(fingerprint: Fingerprint, sides: AssociationDiff.Sides, rowKind: OwnerKind?)] = []
        /// The records' fingerprints by position.
        private(set) var records: [(fingerprint: Fingerprint, isWanted: Bool)] = []
        /// The rows' fingerprints by number.
        private(set) var rows: [Fingerprint] = []

        /// Fingerprints of few different values in every partition, on random sides, with repetitions; what exists or is
        /// asserted is a row of the ledger, or without a row where `hasListing`.
        init(seed: UInt64, count: Int, values: Int, isDelta: Bool, hasListing: Bool = false) {
            var generator = SeededGenerator(seed: seed)
            let pool = (0..<values).map { _ in Fingerprint(high: generator.next(), low: generator.next()) }
            var rows: Set<Fingerprint> = []
            for _ in 0..<count {
                guard let fingerprint = pool.randomElement(using: &generator) else { continue }
                let choice = Int.random(in: 0..<5, using: &generator)
                if choice < 2 {
                    let isUnwanted = isDelta && Bool.random(using: &generator)
                    items.append((fingerprint, isUnwanted ? .unwanted : .wanted, nil))
                } else if choice == 2 && hasListing {
                    items.append((fingerprint, .existing, nil))
                } else if rows.insert(fingerprint).inserted {
                    let sides: [AssociationDiff.Sides] = [.existing, .asserted, [.existing, .asserted]]
                    let kind: OwnerKind = fingerprint.high.isMultiple(of: 3) ? .account : .customer
                    items.append((fingerprint, hasListing ? .asserted : sides[choice - 2], kind))
                }
            }
            number()
        }

        mutating func shuffle(using generator: inout SeededGenerator) {
            items.shuffle(using: &generator)
            number()
        }

        private mutating func number() {
            records = items.filter { !$0.sides.isDisjoint(with: [.wanted, .unwanted]) }
                .map { ($0.fingerprint, $0.sides.contains(.wanted)) }
            rows = items.filter { $0.rowKind != nil }.map(\.fingerprint)
        }

        /// The same rows by their numbers, of which only those of some kinds of owners say anything.
        func counting(_ kinds: Set<OwnerKind>) -> Input {
            var input = self
            input.items.removeAll { $0.rowKind.map { !kinds.contains($0) } ?? false }
            return input
        }

        func join(
            memoryBudget: Int, folder: String, of kinds: Set<OwnerKind> = Set(OwnerKind.allCases),
            listingExtra: Bool = true
        ) throws -> Difference {
            var diff = AssociationDiff(memoryBudget: memoryBudget, spillFolder: folder)
            var known = KnownRows(memoryBudget: memoryBudget, spillFolder: folder)
            var row = 0
            for item in items {
                if let kind = item.rowKind {
                    try known.add(item.fingerprint, row: row, of: kind, to: item.sides)
                    row += 1
                } else {
                    try diff.add(item.fingerprint, to: item.sides)
                }
            }
            return try diff.join(with: known, of: kinds, listingExtra: listingExtra)
        }

        func set(_ side: AssociationDiff.Sides) -> Set<Fingerprint> {
            Set(items.filter { $0.sides.isSuperset(of: side) }.map(\.fingerprint))
        }

        var all: Set<Fingerprint> { Set(items.map(\.fingerprint)) }

        /// The fingerprints of the rows in a set.
        func rows(_ set: RecordSet) -> Set<Fingerprint> { Set(rows.indices.filter(set.contains).map { rows[$0] }) }
    }

    /// The fingerprints of the records in a set, each of which may be there once.
    private func fingerprints(_ set: RecordSet, of input: Input) -> [Fingerprint] {
        input.records.indices.filter(set.contains).map { input.records[$0].fingerprint }
    }

    private func expectSetArithmetic(_ difference: Difference, _ input: Input, _ comment: Comment) {
        let wanted = input.set(.wanted)
        let unwanted = input.set(.unwanted)
        let existing = input.set(.existing)
        let asserted = input.set(.asserted)
        let contradictory = wanted.intersection(unwanted)
        let clear = wanted.subtracting(contradictory)

        let missing = fingerprints(difference.missing, of: input)
        #expect(Set(missing) == clear.subtracting(existing), comment)
        #expect(missing.count == Set(missing).count && missing.count == difference.missing.count, comment)
        let unasserted = fingerprints(difference.unasserted, of: input)
        #expect(Set(unasserted) == clear.subtracting(asserted), comment)
        #expect(unasserted.count == Set(unasserted).count && unasserted.count == difference.unasserted.count, comment)
        let gone = fingerprints(difference.unwantedExisting, of: input)
        #expect(Set(gone) == unwanted.subtracting(wanted).intersection(existing), comment)
        #expect(gone.count == Set(gone).count && gone.count == difference.unwantedExisting.count, comment)

        let extra = existing.subtracting(wanted).subtracting(unwanted)
        #expect(input.all.filter(difference.extra.contains) == extra, comment)
        #expect(difference.extraCount == extra.count && difference.extra.count == extra.count, comment)
        let ofRows = Set(input.items.filter { $0.rowKind != nil }.map(\.fingerprint))
        #expect(input.rows(difference.extraRows) == extra.intersection(ofRows).subtracting(asserted), comment)
        let dropped = asserted.subtracting(wanted).subtracting(unwanted)
        #expect(input.rows(difference.droppedRows) == dropped, comment)
        #expect(difference.droppedRows.count == dropped.count, comment)
        var sum = RowSum()
        for row in input.rows.indices.reversed()
        where difference.extraRows.contains(row) || difference.droppedRows.contains(row) {
            sum.add(input.rows[row], row: row)
        }
        #expect(difference.unwantedRows == sum, comment)

        let inContradiction = input.records.indices.filter { contradictory.contains(input.records[$0].fingerprint) }
        #expect(input.records.indices.filter(difference.contradictory.contains) == inContradiction, comment)
        var seen: Set<[UInt64]> = []
        let repeated = input.records.indices.filter { position in
            let record = input.records[position]
            return !seen.insert([record.fingerprint.high, record.fingerprint.low, record.isWanted ? 1 : 0]).inserted
        }
        #expect(input.records.indices.filter(difference.repeated.contains) == repeated, comment)
        #expect(difference.wantedCount == wanted.count, comment)
        #expect(difference.existingCount == existing.count, comment)
        #expect(difference.keptCount == clear.intersection(existing).count, comment)
    }

    @Test(
        "agrees with the arithmetic of sets, in memory and spilled, on one thread and on two",
        arguments: 0..<16 as Range<UInt64>)
    func setArithmetic(seed: UInt64) throws {
        // 24 bytes an item and 341 in a block: few values make some partitions big enough to spill.
        let values = [3, 50, 1_000, 10_000][Int(seed % 4)]
        let input = Input(
            seed: seed, count: seed < 12 ? 16_000 : 40_000, values: values, isDelta: seed.isMultiple(of: 3),
            hasListing: seed % 2 == 1)
        for budget in [1 << 30, 40_000, 0] {
            let difference = try input.join(memoryBudget: budget, folder: folder)
            expectSetArithmetic(difference, input, "seed \(seed), budget \(budget)")
        }
    }

    @Test("rows of other kinds of owners say nothing", arguments: 40..<48 as Range<UInt64>)
    func kindsOfRows(seed: UInt64) throws {
        let input = Input(seed: seed, count: 6_000, values: 2_000, isDelta: false, hasListing: seed % 2 == 1)
        for kinds in [[.customer], [.account], []] as [Set<OwnerKind>] {
            let difference = try input.join(memoryBudget: 0, folder: folder, of: kinds)
            expectSetArithmetic(difference, input.counting(kinds), "seed \(seed), \(kinds)")
        }
    }

    @Test("a sum tells apart rows that have other fingerprints, other numbers or each other's")
    func rowSums() {
        var generator = SeededGenerator(seed: 5)
        let fingerprints = (0..<64).map { _ in Fingerprint(high: generator.next(), low: generator.next()) }
        func sum(_ rows: [(Int, Fingerprint)]) -> RowSum {
            rows.reduce(into: RowSum()) { $0.add($1.1, row: $1.0) }
        }
        let rows = Array(fingerprints.enumerated().map { ($0.offset, $0.element) })
        #expect(sum(rows) == sum(rows.shuffled(using: &generator)))
        for at in 1..<rows.count {
            var other = rows
            (other[at - 1].1, other[at].1) = (rows[at].1, rows[at - 1].1)
            #expect(sum(rows) != sum(other))
            other = rows
            other[at].0 += 1 << 40
            #expect(sum(rows) != sum(other))
            other.remove(at: at)
            #expect(sum(rows) != sum(other))
        }
    }

    @Test("every order of the input gives the same difference", arguments: 100..<106 as Range<UInt64>)
    func anyOrder(seed: UInt64) throws {
        var input = Input(seed: seed, count: 5_000, values: 700, isDelta: false)
        func fingerprintSets(_ difference: Difference) -> [Set<Fingerprint>] {
            [
                Set(fingerprints(difference.missing, of: input)), Set(fingerprints(difference.unasserted, of: input)),
                input.all.filter(difference.extra.contains), input.rows(difference.droppedRows),
            ]
        }
        let first = try input.join(memoryBudget: 0, folder: folder)
        let expected = fingerprintSets(first)
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<4 {
            input.shuffle(using: &generator)
            let other = try input.join(memoryBudget: 0, folder: folder)
            #expect(fingerprintSets(other) == expected, "seed \(seed)")
            #expect(other.repeated.count == first.repeated.count, "seed \(seed)")
        }
    }

    @Test("extra is counted without being listed where that is asked for")
    func extraCounted() throws {
        let input = Input(seed: 9, count: 3_000, values: 900, isDelta: false)
        let listed = try input.join(memoryBudget: 0, folder: folder)
        let counted = try input.join(memoryBudget: 0, folder: folder, listingExtra: false)
        #expect(listed.extraCount > 0)
        #expect(counted.extraCount == listed.extraCount)
        #expect(counted.extra.isEmpty)
        #expect(counted.extraRows.count == listed.extraRows.count)
        #expect(counted.droppedRows.count == listed.droppedRows.count)
    }

    @Test("fingerprints that share one half are different")
    func halves() throws {
        var diff = AssociationDiff(memoryBudget: 0, spillFolder: folder)
        for high in 0..<4 as Range<UInt64> {
            for low in 0..<4 as Range<UInt64> { try diff.add(Fingerprint(high: high, low: low), to: .wanted) }
        }
        try diff.add(Fingerprint(high: 0, low: 0), to: .existing)
        let difference = try diff.join()
        #expect(difference.wantedCount == 16)
        #expect(difference.keptCount == 1)
        #expect(!difference.missing.contains(0))
        #expect(difference.missing.count == 15)
    }

    @Test("nothing added is no difference, and a comparison can be used again")
    func empty() throws {
        var diff = AssociationDiff(memoryBudget: 0, spillFolder: folder)
        let nothing = try diff.join()
        #expect(nothing.missing.isEmpty && nothing.extra.isEmpty && nothing.wantedCount == 0)
        #expect(!nothing.missing.contains(0) && !nothing.missing.contains(-1))
        for round in 0..<2 {
            try diff.add(Fingerprint(high: 1, low: 2), to: .wanted)
            #expect(diff.records == 1, "round \(round)")
            let difference = try diff.join()
            #expect(difference.missing.contains(0) && difference.missing.count == 1, "round \(round)")
            #expect(!difference.missing.contains(1), "round \(round)")
        }
    }

    @Test("a folder that cannot hold the temporary file is named in the error")
    func noFolder() throws {
        var diff = AssociationDiff(memoryBudget: 0, spillFolder: "/nowhere/at/all")
        let error = #expect(throws: FileError.self) {
            for low in 0..<2_000 as Range<UInt64> { try diff.add(Fingerprint(high: 0, low: low), to: .wanted) }
        }
        let text = try #require(error).description
        #expect(text.contains("make a temporary file in /nowhere/at/all: No such file or directory"))
    }

    @Test(
        "a temporary file that cannot be read ends the comparison, on one thread and on two",
        .enabled(if: FileManager.default.fileExists(atPath: "/proc/self/fd")), arguments: [10_000, 40_000])
    func lost(count: UInt64) throws {
        let own = folder + "/diff-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: own, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: own) }
        var diff = AssociationDiff(memoryBudget: 0, spillFolder: own)
        for low in 0..<count { try diff.add(Fingerprint(high: low << 61, low: low), to: .wanted) }
        // The file has no name, but this process has it open.
        for name in try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd") {
            let path = "/proc/self/fd/" + name
            let target = try? FileManager.default.destinationOfSymbolicLink(atPath: path)
            guard target?.hasPrefix(own) == true else { continue }
            try FileHandle(forWritingTo: URL(filePath: path)).truncate(atOffset: 0)
        }
        let error = #expect(throws: FileError.self) { try diff.join() }
        #expect(error == FileError(own, .readSpilled, code: EIO))
        try diff.add(Fingerprint(high: 1, low: 2), to: .wanted)
        #expect(try diff.join().missing.count == 1)
    }

    @Test("the temporary file leaves nothing behind, even while it is in use")
    func noTrace() throws {
        let own = folder + "/diff-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: own, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: own) }
        var diff = AssociationDiff(memoryBudget: 0, spillFolder: own)
        for low in 0..<5_000 as Range<UInt64> { try diff.add(Fingerprint(high: 0, low: low), to: .wanted) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: own).isEmpty)
        #expect(try diff.join().missing.count == 5_000)
    }
}
