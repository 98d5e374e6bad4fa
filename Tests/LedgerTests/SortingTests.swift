import CartAssociations
import DurableFiles
import TestSupport
import Testing

@testable import Ledger

@Suite("Sorting")
struct SortingTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// Records that begin with as many same bytes, and are of a few or of many different ones, with repetitions.
    private static func records(seed: UInt64, count: Int) -> [[UInt8]] {
        var generator = SeededGenerator(seed: seed)
        let beginning = [UInt8](repeating: 65, count: [0, 3, 8, 40][Int(seed % 4)])
        let letters: ClosedRange<UInt8> = seed.isMultiple(of: 3) ? 0...1 : 0...255
        return (0..<count).map { _ in
            let length = Int.random(in: 0...20, using: &generator)
            return beginning + (0..<length).map { _ in UInt8.random(in: letters, using: &generator) }
        }
    }

    private func sort(_ records: [[UInt8]], memoryBudget: Int) throws -> [[UInt8]] {
        let sorter = RecordSorter(memoryBudget: memoryBudget, folder: folder.path)
        var record = ByteRecord()
        for bytes in records {
            record.removeAll()
            record.append(bytes: bytes[...])
            try sorter.add(record)
        }
        #expect(sorter.count == records.count)
        var sorted = try sorter.sorted()
        #expect(sorter.count == 0)
        var found: [[UInt8]] = []
        while try sorted.takeNext({ found.append(Array($0)) }) {}
        return found
    }

    @Test("in memory and from any number of runs, the order is that of bytes", arguments: 0..<16 as Range<UInt64>)
    func order(seed: UInt64) throws {
        let records = Self.records(seed: seed, count: 4_000)
        let expected = records.sorted { $0.lexicographicallyPrecedes($1) }
        for budget in [1 << 30, 200_000, 20_000, 0] {
            // A budget of nothing makes a run of each record.
            let some = budget == 0 ? Array(records.prefix(300)) : records
            let wanted = budget == 0 ? some.sorted { $0.lexicographicallyPrecedes($1) } : expected
            #expect(try sort(some, memoryBudget: budget) == wanted, "seed \(seed), budget \(budget)")
        }
    }

    @Test("a few long records are merged with short ones", arguments: 0..<6 as Range<UInt64>)
    func long(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let lengths = [0, 1, 4_094, 4_095, 4_096, 9_000, RecordSorter.longestRecord - 1, RecordSorter.longestRecord]
        var records = Self.records(seed: seed, count: 500)
        for _ in 0..<12 {
            let count = lengths.randomElement(using: &generator) ?? 0
            let letter = UInt8.random(in: 64...66, using: &generator)
            records.append([UInt8](repeating: letter, count: count))
        }
        records.shuffle(using: &generator)
        let expected = records.sorted { $0.lexicographicallyPrecedes($1) }
        for budget in [0, 5_000, 300_000] {
            #expect(try sort(records, memoryBudget: budget) == expected, "budget \(budget)")
        }
    }

    @Test("a sorter can be used again, and is empty at first")
    func again() throws {
        let sorter = RecordSorter(memoryBudget: 100, folder: folder.path)
        for letter in ["b", "a"] {
            var none = try sorter.sorted()
            #expect(try !none.takeNext { _ in })
            for number in 0..<50 {
                var record = ByteRecord()
                record.append(letter + "\(9 - number % 10)")
                try sorter.add(record)
            }
            var sorted = try sorter.sorted()
            var found: [String] = []
            while try sorted.takeNext({ found.append(String(decoding: $0.dropLast(), as: UTF8.self)) }) {}
            #expect(found == (0..<50).map { letter + "\($0 / 5)" })
        }
    }

    @Test("what cannot be written is told at the latest when the records are wanted")
    func noRoom() throws {
        let sorter = RecordSorter(memoryBudget: 100, folder: "/nowhere/at/all")
        let error = #expect(throws: LedgerError.self) {
            for number in 0..<50 {
                var record = ByteRecord()
                record.append("\(number)")
                try sorter.add(record)
            }
            _ = try sorter.sorted()
        }
        #expect(error?.kind == .storage)
    }

    @Test("batches hold all records in order, and few bytes more than one record", arguments: 0..<3 as Range<UInt64>)
    func batches(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var records = Self.records(seed: seed, count: 5_000)
        for length in [9_000, RecordSorter.longestRecord, RecordSorter.longestRecord, RecordSorter.longestRecord - 1] {
            records.append([UInt8](repeating: 66, count: length))
        }
        records.shuffle(using: &generator)
        let sorter = RecordSorter(memoryBudget: 100_000, folder: folder.path)
        for bytes in records {
            var record = ByteRecord()
            record.append(bytes: bytes[...])
            try sorter.add(record)
        }
        let batches = SortedBatches(try sorter.sorted())
        var found: [[UInt8]] = []
        while let batch = try batches.next() {
            #expect(0 < batch.count && batch.count <= SortedBatches.mostRecords)
            #expect(batch.size <= (256 << 10) + RecordSorter.longestRecord)
            for index in 0..<batch.count { found.append(Array(batch[index])) }
        }
        let isOver = try batches.next() == nil
        #expect(isOver)
        #expect(found == records.sorted { $0.lexicographicallyPrecedes($1) })
    }

    @Test("numbers that are mostly small keep their value and their order")
    func smallNumbers() throws {
        var generator = SeededGenerator(seed: 3)
        let numbers =
            [0, 1, 255, 256, 65_535, 65_536, .max, .max - 1]
            + (0..<2_000).map { UInt64.random(in: 0 ... .max, using: &generator) >> UInt64($0 % 64) }
        func bytes(_ number: UInt64) -> [UInt8] {
            var record = ByteRecord()
            record.append(small: number)
            return record.bytes
        }
        for number in numbers {
            var fields = ByteRecord.Reader((bytes(number) + [7])[...])
            #expect(fields.small() == number)
            #expect(fields.byte() == 7)
        }
        #expect(
            numbers.sorted().map(bytes)
                == numbers.map(bytes).sorted { $0.lexicographicallyPrecedes($1) })
    }

    @Test("places keep their numbers")
    func places() throws {
        for place in [
            nil, RecordPlace(export: 0, record: 1, line: 2), RecordPlace(export: 300, record: 1 << 33, line: 0),
        ] {
            var record = ByteRecord()
            record.append(place)
            var fields = ByteRecord.Reader(record.bytes[...])
            #expect(fields.place() == place)
        }
    }
}
