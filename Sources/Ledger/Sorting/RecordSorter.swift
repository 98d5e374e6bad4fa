import DurableFiles
import Foundation

/// Sorts any number of byte records within a memory budget: sorted runs go to a nameless temporary file and are
/// merged from there.
final class RecordSorter {
    let memoryBudget: Int
    let folder: String
    private var bytes: [UInt8] = []
    private var records: [Piece] = []
    private var file: SpillFile?
    /// Where each sorted run begins and ends in the file.
    private var runs: [Range<Int>] = []
    private var spilled = 0
    private(set) var count = 0

    /// A record's place in memory.
    private struct Piece {
        let start: UInt32
        let count: UInt32
        /// The first bytes, to decide most comparisons without looking further.
        let prefix: UInt64
    }

    /// The longest record, in bytes: two ids and a few numbers are far below.
    static let longestRecord = Int(UInt16.max)

    init(memoryBudget: Int, folder: String) {
        self.memoryBudget = memoryBudget
        self.folder = folder
    }

    func add(_ record: ByteRecord) throws(LedgerError) {
        precondition(record.bytes.count <= Self.longestRecord, "a record is made of bounded ids and numbers")
        if bytes.count + record.bytes.count + (records.count + 1) * MemoryLayout<Piece>.stride > memoryBudget {
            try spill()
        }
        records.append(
            Piece(start: UInt32(bytes.count), count: UInt32(record.bytes.count), prefix: record.bytes.sortPrefix))
        bytes.append(contentsOf: record.bytes)
        count += 1
    }

    /// The records in order; the sorter is empty afterwards.
    func sorted() throws(LedgerError) -> SortedRecords {
        defer {
            bytes = []
            records = []
            runs = []
            count = 0
        }
        guard file != nil else {
            sortInMemory()
            let pieces = records.map { Int($0.start)..<Int($0.start + $0.count) }
            return SortedRecords(memory: bytes, pieces: pieces)
        }
        try spill()
        bytes = []
        records = []
        guard let file else { return SortedRecords(memory: [], pieces: []) }
        self.file = nil
        return try SortedRecords(file: file, runs: runs, memoryBudget: memoryBudget)
    }

    private func sortInMemory() {
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

    /// Writes what is in memory as one sorted run, each record behind its length.
    private func spill() throws(LedgerError) {
        guard !records.isEmpty else { return }
        sortInMemory()
        let start = spilled
        var block: [UInt8] = []
        block.reserveCapacity(Self.blockBytes + Self.longestRecord)
        for record in records {
            block.append(UInt8(record.count >> 8))
            block.append(UInt8(record.count & 255))
            block.append(contentsOf: bytes[Int(record.start)..<Int(record.start + record.count)])
            if block.count >= Self.blockBytes { try write(&block) }
        }
        try write(&block)
        runs.append(start..<spilled)
        bytes.removeAll(keepingCapacity: true)
        records.removeAll(keepingCapacity: true)
    }

    private func write(_ block: inout [UInt8]) throws(LedgerError) {
        do throws(FileError) {
            let spillFile: SpillFile
            if let file { spillFile = file } else { spillFile = try SpillFile(folder: folder) }
            file = spillFile
            // Unsafe only because the bytes of other types may have gaps.
            try spillFile.write(unsafe block.span.bytes, at: spilled)
        } catch {
            throw LedgerError(error, doing: "write a temporary file")
        }
        spilled += block.count
        block.removeAll(keepingCapacity: true)
    }

    private static let blockBytes = 256 << 10
}
