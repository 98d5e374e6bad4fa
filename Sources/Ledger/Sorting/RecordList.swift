import DurableFiles

/// Byte records in the order in which they are added: any number, of which the last ones are in memory and the others in a
/// nameless temporary file. They can be read several times.
struct RecordList: ~Copyable, Sendable {
    private let memoryBudget: Int
    private let folder: String
    /// Records that are not in the file, each behind its length as sorted runs have it.
    private var bytes: [UInt8] = []
    private var file: SpillFile?
    private var spilled = 0

    init(memoryBudget: Int, folder: String) {
        self.memoryBudget = memoryBudget
        self.folder = folder
    }

    mutating func add(_ record: ByteRecord) throws(LedgerError) {
        precondition(record.bytes.count <= RecordSorter.longestRecord, "a record is made of bounded ids and numbers")
        bytes.append(UInt8(record.bytes.count >> 8))
        bytes.append(UInt8(record.bytes.count & 255))
        bytes += record.bytes
        if bytes.count >= memoryBudget { try spill() }
    }

    /// All records, from the first one on.
    mutating func records() throws(LedgerError) -> SortedRecords {
        guard file != nil else { return SortedRecords(memory: bytes, pieces: pieces()) }
        try spill()
        guard let file else { return SortedRecords(memory: [], pieces: []) }
        return try SortedRecords(
            file: file, runs: [0..<spilled], shared: 0, longest: RecordSorter.longestRecord, memoryBudget: memoryBudget)
    }

    private func pieces() -> [Range<Int>] {
        var pieces: [Range<Int>] = []
        var start = 0
        while start < bytes.count {
            let count = Int(bytes[start]) << 8 | Int(bytes[start + 1])
            pieces.append(start + 2..<start + 2 + count)
            start += 2 + count
        }
        return pieces
    }

    private mutating func spill() throws(LedgerError) {
        do throws(FileError) {
            let spillFile: SpillFile
            if let file { spillFile = file } else { spillFile = try SpillFile(folder: folder) }
            file = spillFile
            // Unsafe only because the bytes of other types may have gaps.
            try spillFile.write(unsafe bytes.span.bytes, at: spilled)
        } catch {
            throw LedgerError(error, doing: "write a temporary file")
        }
        spilled += bytes.count
        bytes.removeAll(keepingCapacity: true)
    }
}
