/// Sorted byte records, one after the other: from memory, or merged from the sorted runs of a file.
struct SortedRecords {
    private var memory: [UInt8] = []
    private var pieces: [Range<Int>] = []
    private var next = 0
    /// A binary heap of runs by their present record, the smallest first.
    private var heap: [Head] = []

    private struct Head {
        let run: SortedRun
        /// The first bytes of the run's present record, to decide most comparisons.
        var prefix: UInt64

        func precedes(_ other: Head) -> Bool {
            prefix == other.prefix ? run.record.lexicographicallyPrecedes(other.run.record) : prefix < other.prefix
        }
    }

    init(memory: [UInt8], pieces: [Range<Int>]) {
        self.memory = memory
        self.pieces = pieces
    }

    init(file: SpillFile, runs: [Range<Int>], memoryBudget: Int) throws(LedgerError) {
        let blockBytes = min(max(memoryBudget / max(runs.count, 1), 2 * RecordSorter.longestRecord), 1 << 20)
        for range in runs {
            let run = SortedRun(file: file, range: range, blockBytes: blockBytes)
            if try run.advance() { heap.append(Head(run: run, prefix: run.record.sortPrefix)) }
        }
        for index in stride(from: heap.count / 2 - 1, through: 0, by: -1) { sink(index) }
    }

    /// Calls `take` with the next record; returns false at the end.
    mutating func takeNext(_ take: (ArraySlice<UInt8>) throws -> Void) throws -> Bool {
        guard heap.isEmpty else {
            let run = heap[0].run
            try take(run.record)
            if try run.advance() {
                heap[0].prefix = run.record.sortPrefix
            } else {
                heap.swapAt(0, heap.count - 1)
                heap.removeLast()
            }
            sink(0)
            return true
        }
        guard next < pieces.count else { return false }
        try take(memory[pieces[next]])
        next += 1
        return true
    }

    private mutating func sink(_ start: Int) {
        var parent = start
        while true {
            let left = 2 * parent + 1
            guard left < heap.count else { return }
            let right = left + 1
            let least = right < heap.count && heap[right].precedes(heap[left]) ? right : left
            guard heap[least].precedes(heap[parent]) else { return }
            heap.swapAt(least, parent)
            parent = least
        }
    }
}

/// One sorted run in a file, read block by block.
private final class SortedRun {
    private let file: SpillFile
    private let blockBytes: Int
    private var unread: Range<Int>
    private var buffer: [UInt8]
    private var filled = 0
    private var current = 0..<0

    init(file: SpillFile, range: Range<Int>, blockBytes: Int) {
        self.file = file
        self.blockBytes = blockBytes
        unread = range
        buffer = [UInt8](repeating: 0, count: blockBytes)
    }

    var record: ArraySlice<UInt8> { buffer[current] }

    /// Moves to the next record; false at the end of the run.
    func advance() throws(LedgerError) -> Bool {
        if try !ensure(2) { return false }
        let start = current.upperBound + 2
        let count = Int(buffer[start - 2]) << 8 | Int(buffer[start - 1])
        current = (start - 2)..<(start - 2)
        _ = try ensure(2 + count)
        current = (current.upperBound + 2)..<(current.upperBound + 2 + count)
        return true
    }

    /// Sees to it that this many bytes follow the present record in the buffer; false at the end of the run.
    private func ensure(_ count: Int) throws(LedgerError) -> Bool {
        let kept = current.upperBound
        if filled - kept >= count { return true }
        // Byte by byte, for it is a part of one record: a slice would have the whole buffer copied.
        filled -= kept
        for offset in 0..<filled { buffer[offset] = buffer[kept + offset] }
        current = 0..<0
        let more = min(blockBytes - filled, unread.count)
        try file.read(more, at: unread.lowerBound, into: &buffer, after: filled)
        unread = (unread.lowerBound + more)..<unread.upperBound
        filled += more
        return filled >= count
    }
}

extension Collection<UInt8> {
    /// The first eight bytes as a number that compares as they do; zeros stand for bytes that are missing.
    var sortPrefix: UInt64 {
        var prefix: UInt64 = 0
        var missing = 8
        for byte in self.prefix(8) {
            prefix = prefix << 8 | UInt64(byte)
            missing -= 1
        }
        return missing == 8 ? 0 : prefix << UInt64(missing * 8)
    }
}
