import DurableFiles

/// Sorted byte records, one after the other: from memory, or merged from the sorted runs of a file.
struct SortedRecords {
    private var memory: [UInt8] = []
    private var pieces: [Range<Int>] = []
    private var next = 0
    private var runs: [SortedRun] = []
    /// The runs that are not over, as a heap: the one with the smallest record is the first, and none is smaller than the
    /// one that is in front of it. A library's heap would have to keep each run in an object of its own.
    private var heap: [Head] = []
    /// The bytes with which all records begin.
    private var shared = 0

    private struct Head {
        let run: Int
        /// The first bytes in which the run's present record can differ from others, to decide most comparisons.
        var prefix: UInt64
    }

    init(memory: [UInt8], pieces: [Range<Int>]) {
        self.memory = memory
        self.pieces = pieces
    }

    /// The least that is worth a call of the system: with more runs than the budget has room for, it decides the memory, 4 MB for
    /// each thousand runs.
    private static let leastBlockBytes = 4 << 10
    private static let mostBlockBytes = 1 << 20

    /// - Parameters:
    ///   - shared: the bytes with which all records begin.
    ///   - longest: the bytes of the longest record.
    init(file: SpillFile, runs: [Range<Int>], shared: Int, longest: Int, memoryBudget: Int) throws(LedgerError) {
        let room = min(memoryBudget / max(runs.count, 1), Self.mostBlockBytes)
        // A record stands whole in its block, behind its length.
        let blockBytes = max(room, Self.leastBlockBytes, 2 + longest)
        self.shared = shared
        for range in runs {
            var run = SortedRun(file: file, range: range, blockBytes: blockBytes)
            guard try run.advance() else { continue }
            heap.append(Head(run: self.runs.count, prefix: run.record.dropFirst(shared).sortPrefix))
            self.runs.append(run)
        }
        for index in heap.indices.reversed() { siftDown(from: index) }
    }

    /// Calls `take` with the next record; returns false at the end.
    mutating func takeNext(_ take: (ArraySlice<UInt8>) throws -> Void) throws -> Bool {
        if let head = heap.first {
            try take(runs[head.run].record)
            if try runs[head.run].advance() {
                heap[0].prefix = runs[head.run].record.dropFirst(shared).sortPrefix
            } else {
                heap.swapAt(0, heap.count - 1)
                heap.removeLast()
            }
            siftDown(from: 0)
            return true
        }
        guard next < pieces.count else { return false }
        try take(memory[pieces[next]])
        next += 1
        return true
    }

    /// Moves a run behind those with smaller records.
    private mutating func siftDown(from start: Int) {
        var index = start
        while 2 * index + 1 < heap.count {
            var least = 2 * index + 1
            if least + 1 < heap.count && isLess(heap[least + 1], heap[least]) { least += 1 }
            guard isLess(heap[least], heap[index]) else { return }
            heap.swapAt(least, index)
            index = least
        }
    }

    private func isLess(_ left: Head, _ right: Head) -> Bool {
        if left.prefix != right.prefix { return left.prefix < right.prefix }
        return runs[left.run].isLess(than: runs[right.run], behind: shared)
    }
}

/// One sorted run in a file, read block by block.
private struct SortedRun {
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

    /// Whether the present record comes before that of another run; both begin with the same `shared` bytes.
    func isLess(than other: SortedRun, behind shared: Int) -> Bool {
        let common = min(current.count, other.current.count)
        var offset = shared
        while offset < common {
            let (left, right) = (buffer[current.lowerBound + offset], other.buffer[other.current.lowerBound + offset])
            if left != right { return left < right }
            offset += 1
        }
        return current.count < other.current.count
    }

    /// Moves to the next record; false at the end of the run.
    mutating func advance() throws(LedgerError) -> Bool {
        if try !ensure(2) { return false }
        let start = current.upperBound + 2
        let count = Int(buffer[start - 2]) << 8 | Int(buffer[start - 1])
        current = (start - 2)..<(start - 2)
        _ = try ensure(2 + count)
        current = (current.upperBound + 2)..<(current.upperBound + 2 + count)
        return true
    }

    /// Sees to it that this many bytes follow the present record in the buffer; false at the end of the run.
    private mutating func ensure(_ count: Int) throws(LedgerError) -> Bool {
        let kept = current.upperBound
        if filled - kept >= count { return true }
        // Byte by byte, for it is a part of one record: a slice would have the whole buffer copied.
        filled -= kept
        for offset in 0..<filled { buffer[offset] = buffer[kept + offset] }
        current = 0..<0
        let more = min(blockBytes - filled, unread.count)
        let start = filled
        // Unsafe only because the buffer could outlive the closure.
        let result = unsafe buffer.withUnsafeMutableBytes { buffer in
            Result { () throws(FileError) in
                let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[start..<(start + more)])
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
