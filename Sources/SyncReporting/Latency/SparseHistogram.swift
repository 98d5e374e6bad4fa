/// A latency histogram at rest: only its cells that are not empty, in the counts encoding of HdrHistogram V2.
///
/// The encoding is a run of ZigZag LEB128 numbers, each a count or minus the number of empty cells to skip
/// (HdrHistogram, AbstractHistogram.fillBufferFromCountsArray). A few hundred calls take a few hundred bytes instead
/// of 90 kB.
struct SparseHistogram: Sendable, Equatable {
    private(set) var counts: [UInt8] = []
    private(set) var total = 0
    /// The longest duration in microseconds, exact.
    private(set) var maximum: UInt64 = 0

    init() {}

    /// The memory it takes: itself and, if it is not empty, an array with its header.
    var bytes: Int { MemoryLayout<Self>.stride + (counts.isEmpty ? 0 : counts.capacity + 32) }

    /// - Parameters:
    ///   - cells: the cells that are not empty, in rising order.
    ///   - maximum: the longest duration in microseconds.
    init(cells: [(cell: Int, count: Int)], maximum: UInt64) {
        var writer = Writer()
        for (cell, count) in cells {
            writer.append(cell: cell, count: count)
            total += count
        }
        counts = writer.bytes
        self.maximum = maximum
    }

    /// The cells that are not empty, from the shortest durations to the longest.
    var cells: Cells { Cells(bytes: counts) }

    /// Adds another, cell by cell.
    mutating func add(_ other: SparseHistogram) {
        guard other.total > 0 else { return }
        guard total > 0 else {
            self = other
            return
        }
        var sums = Dictionary(uniqueKeysWithValues: cells.map { ($0.cell, $0.count) })
        for (cell, count) in other.cells { sums[cell, default: 0] += count }
        self = SparseHistogram(
            cells: sums.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }, maximum: max(maximum, other.maximum))
    }

    /// The duration in microseconds at or under which a share of all lie, as HdrHistogram has it: the highest value
    /// of its cell, and no more than the maximum.
    func value(atPercentile percentile: Double) -> UInt64 {
        guard percentile < 100 else { return maximum }
        let wanted = max(1, Int((percentile.nextDown * Double(total) / 100).rounded(.up)))
        var passed = 0
        for (cell, count) in cells {
            passed += count
            if passed >= wanted { return min(maximum, LatencyRange.highest(inCell: cell)) }
        }
        return maximum
    }

    /// One line of a percentile distribution.
    struct Step {
        /// From 0 to 100.
        let percentile: Double
        /// The highest duration of the cell that the percentile lies in, in microseconds.
        let value: UInt64
        /// Durations up to this one.
        let count: Int
    }

    /// The percentile distribution, as HdrHistogram steps through it: denser towards 100 %, and ending there.
    ///
    /// - Parameter ticks: steps for each halving of the distance to 100 %.
    func steps(ticks: Int) -> [Step] {
        var steps: [Step] = []
        var percentile = 0.0
        var passed = 0
        for (cell, count) in cells {
            passed += count
            let value = LatencyRange.highest(inCell: cell)
            while passed == total || 100 * Double(passed) / Double(total) >= percentile {
                steps.append(Step(percentile: percentile, value: value, count: passed))
                guard percentile < 100 else { break }
                let halvings = Int((100 / (100 - percentile)).exponent) + 1
                percentile = passed == total ? 100 : percentile + 100 / Double(ticks << halvings)
            }
        }
        return steps
    }

    /// Reads the encoding.
    struct Cells: Sequence, IteratorProtocol {
        fileprivate let bytes: [UInt8]
        private var position = 0
        private var cell = 0

        fileprivate init(bytes: [UInt8]) { self.bytes = bytes }

        mutating func next() -> (cell: Int, count: Int)? {
            while position < bytes.count {
                let number = nextNumber()
                if number < 0 {
                    cell -= number
                } else {
                    defer { cell += 1 }
                    return (cell, number)
                }
            }
            return nil
        }

        private mutating func nextNumber() -> Int {
            var rest: UInt64 = 0
            var shift: UInt64 = 0
            while bytes[position] & 0x80 != 0 {
                rest |= UInt64(bytes[position] & 0x7f) << shift
                shift += 7
                position += 1
            }
            rest |= UInt64(bytes[position]) << shift
            position += 1
            return Int(bitPattern: UInt(rest >> 1)) ^ -Int(rest & 1)
        }
    }

    /// Writes the encoding, cells in rising order.
    private struct Writer {
        private(set) var bytes: [UInt8] = []
        private var next = 0

        mutating func append(cell: Int, count: Int) {
            if cell > next { append(next - cell) }
            append(count)
            next = cell + 1
        }

        private mutating func append(_ number: Int) {
            var rest = UInt64(bitPattern: Int64((number << 1) ^ (number >> (Int.bitWidth - 1))))
            while rest > 0x7f {
                bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
                rest >>= 7
            }
            bytes.append(UInt8(rest))
        }
    }
}
