import Dispatch
import DurableFiles
import Foundation
import Synchronization

/// Sorts any number of byte records within a memory budget: sorted runs go to a nameless temporary file and are
/// merged from there.
///
/// A run is sorted and written on a thread of its own while the next one is filled.
final class RecordSorter {
    let memoryBudget: Int
    let folder: String
    private var run = UnsortedRun()
    private var writer: RunWriter?
    /// The first record, with so many of whose bytes all records begin.
    private var first: [UInt8] = []
    private var shared = 0
    /// The bytes of the longest record.
    private var longest = 0
    private(set) var count = 0

    /// The longest record, in bytes: two ids and a few numbers are far below.
    static let longestRecord = Int(UInt16.max)

    init(memoryBudget: Int, folder: String) {
        self.memoryBudget = memoryBudget
        self.folder = folder
    }

    func add(_ record: ByteRecord) throws(LedgerError) {
        precondition(record.bytes.count <= Self.longestRecord, "a record is made of bounded ids and numbers")
        // Half of the budget is for the run that is being written.
        if run.size + record.bytes.count > memoryBudget / 2, !run.isEmpty { try spill() }
        if count == 0 {
            first = record.bytes
            shared = first.count
        }
        shared = record.bytes.countShared(with: first, atMost: shared)
        longest = max(longest, record.bytes.count)
        run.add(record.bytes)
        count += 1
    }

    /// The records in order; the sorter is empty afterwards.
    func sorted() throws(LedgerError) -> SortedRecords {
        defer {
            run = UnsortedRun()
            writer = nil
            longest = 0
            count = 0
        }
        guard let writer else {
            run.sort(behind: shared)
            return SortedRecords(memory: run.bytes, pieces: run.pieces)
        }
        try spill()
        run = UnsortedRun()
        let (file, runs) = try writer.finish()
        return try SortedRecords(file: file, runs: runs, shared: shared, longest: longest, memoryBudget: memoryBudget)
    }

    /// Hands the run over to be written.
    private func spill() throws(LedgerError) {
        guard !run.isEmpty else { return }
        let present: RunWriter
        if let writer { present = writer } else { present = try RunWriter(folder: folder) }
        writer = present
        try present.write(run, behind: shared)
        run = UnsortedRun(like: run)
    }
}

/// Records in memory that are not in order yet.
private struct UnsortedRun: Sendable {
    private(set) var bytes: [UInt8] = []
    private var records: [Piece] = []

    /// A record's place in memory.
    private struct Piece {
        let start: UInt32
        let count: UInt32
        /// The first bytes in which records can differ, to decide most comparisons without looking further.
        var prefix: UInt64
    }

    init() {}

    /// An empty run with as much room as another one took.
    init(like run: UnsortedRun) {
        bytes.reserveCapacity(run.bytes.count)
        records.reserveCapacity(run.records.count)
    }

    var isEmpty: Bool { records.isEmpty }

    var size: Int { bytes.count + (records.count + 1) * MemoryLayout<Piece>.stride }

    var pieces: [Range<Int>] { records.map { Int($0.start)..<Int($0.start + $0.count) } }

    mutating func add(_ record: [UInt8]) {
        records.append(Piece(start: UInt32(bytes.count), count: UInt32(record.count), prefix: 0))
        bytes += record
    }

    /// - Parameter shared: the bytes with which all records begin.
    mutating func sort(behind shared: Int) {
        for index in records.indices {
            let record = records[index]
            records[index].prefix = bytes[Int(record.start) + shared..<Int(record.start + record.count)].sortPrefix
        }
        // Unsafe because C compares raw memory; every piece lies within `bytes`.
        unsafe bytes.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { return }
            records.sort { left, right in
                if left.prefix != right.prefix { return left.prefix < right.prefix }
                let common = Int(min(left.count, right.count))
                let order = unsafe memcmp(start + Int(left.start), start + Int(right.start), common)
                return order == 0 ? left.count < right.count : order < 0
            }
        }
    }

    /// Shows the records in order, each behind its length, a block of them at a time.
    func forEachBlock<E>(_ visit: (borrowing [UInt8]) throws(E) -> Void) throws(E) {
        var block: [UInt8] = []
        block.reserveCapacity(Self.blockBytes + RecordSorter.longestRecord)
        for record in records {
            block.append(UInt8(record.count >> 8))
            block.append(UInt8(record.count & 255))
            block += bytes[Int(record.start)..<Int(record.start + record.count)]
            guard block.count >= Self.blockBytes else { continue }
            try visit(block)
            block.removeAll(keepingCapacity: true)
        }
        try visit(block)
    }

    private static let blockBytes = 256 << 10
}

/// Sorts runs and writes them into a file, one after the other on a thread of its own.
private final class RunWriter: Sendable {
    private let file: SpillFile
    private let queue = DispatchQueue(label: "cartsync.sorter")
    /// One run may be under way; who brings another waits.
    private let room = DispatchSemaphore(value: 1)
    private let state = Mutex(State())

    private struct State {
        /// Where each sorted run begins and ends in the file.
        var runs: [Range<Int>] = []
        var error: LedgerError?
    }

    init(folder: String) throws(LedgerError) {
        do {
            file = try SpillFile(folder: folder)
        } catch {
            throw LedgerError(error, doing: "write a temporary file")
        }
    }

    /// Begins to write a run; throws what made an earlier one fail.
    func write(_ run: UnsortedRun, behind shared: Int) throws(LedgerError) {
        room.wait()
        if let error = state.withLock(\.error) {
            room.signal()
            throw error
        }
        queue.async { [self] in
            var run = run
            run.sort(behind: shared)
            state.withLock { write(run, &$0) }
            room.signal()
        }
    }

    private func write(_ run: UnsortedRun, _ state: inout State) {
        let start = state.runs.last?.upperBound ?? 0
        var end = start
        do throws(FileError) {
            try run.forEachBlock { block throws(FileError) in
                // Unsafe only because the bytes of other types may have gaps.
                try file.write(unsafe block.span.bytes, at: end)
                end += block.count
            }
        } catch {
            state.error = LedgerError(error, doing: "write a temporary file")
        }
        state.runs.append(start..<end)
    }

    /// The file and its runs, once all are written; throws what made one fail.
    func finish() throws(LedgerError) -> (file: SpillFile, runs: [Range<Int>]) {
        queue.sync {}
        return try state.withLock { state throws(LedgerError) in
            if let error = state.error { throw error }
            return (file, state.runs)
        }
    }
}

extension [UInt8] {
    /// With how many bytes of another array this one begins.
    fileprivate func countShared(with other: [UInt8], atMost most: Int) -> Int {
        var count = 0
        let most = Swift.min(most, self.count)
        while count < most && self[count] == other[count] { count += 1 }
        return count
    }
}
