import DurableFiles
import HeapModule

/// Sorted byte records, one after the other: from memory, or merged from the sorted runs of a file.
struct SortedRecords {
    private var memory: [UInt8] = []
    private var pieces: [Range<Int>] = []
    private var next = 0
    /// The sorted runs by their present record, the smallest first.
    private var runs = Heap<Head>()

    private struct Head: Comparable {
        let run: SortedRun
        /// The first bytes of the run's present record, to decide most comparisons.
        let prefix: UInt64

        init(_ run: SortedRun) {
            self.run = run
            prefix = run.record.sortPrefix
        }

        static func < (left: Head, right: Head) -> Bool {
            left.prefix == right.prefix
                ? left.run.record.lexicographicallyPrecedes(right.run.record) : left.prefix < right.prefix
        }

        static func == (left: Head, right: Head) -> Bool {
            left.prefix == right.prefix && left.run.record == right.run.record
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
            if try run.advance() { self.runs.insert(Head(run)) }
        }
    }

    /// Calls `take` with the next record; returns false at the end.
    mutating func takeNext(_ take: (ArraySlice<UInt8>) throws -> Void) throws -> Bool {
        if let head = runs.min {
            try take(head.run.record)
            // Its place in the heap is put right by the next line, before anything else compares it.
            if try head.run.advance() {
                runs.replaceMin(with: Head(head.run))
            } else {
                runs.removeMin()
            }
            return true
        }
        guard next < pieces.count else { return false }
        try take(memory[pieces[next]])
        next += 1
        return true
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
        // Unsafe only because the buffer could outlive the closure.
        let result = unsafe buffer.withUnsafeMutableBytes { buffer in
            Result { () throws(FileError) in
                let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[filled..<(filled + more)])
                var bytes = unsafe rest.mutableBytes
                try file.read(into: &bytes, at: unread.lowerBound)
            }
        }
        try result.mapError { LedgerError($0, doing: "read a temporary file") }.get()
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
