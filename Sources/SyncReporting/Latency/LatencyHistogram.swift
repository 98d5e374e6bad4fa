import CartAssociations
import Histogram

/// The histogram of every latency: 1 µs to 1 h, 3 significant digits.
typealias LatencyHistogram = Histogram<UInt32>

/// The range and the cells of a latency histogram.
///
/// The layout is HdrHistogram's for a lowest value of 1 and 3 digits: 2,048 cells of 1 µs, then 1,024 cells for each
/// doubling. It is spelled here because sparse storage and the log format speak of cells by number.
enum LatencyRange {
    /// One hour in microseconds; longer durations are counted as out of range.
    static let highest: UInt64 = 3_600_000_000
    /// HdrHistogram's significant decimal digits.
    static let digits = 3

    private static let halfMagnitude = 10
    private static let half = 1 << halfMagnitude

    /// A duration in whole microseconds, rounded down; nil if it is out of range.
    static func microseconds(_ duration: Duration) -> UInt64? {
        guard duration >= .zero, duration < .microseconds(highest + 1) else { return nil }
        return UInt64(duration.wholeMicroseconds)
    }

    static func cell(of microseconds: UInt64) -> Int {
        let bucket = 64 - (halfMagnitude + 1) - (microseconds | UInt64(2 * half - 1)).leadingZeroBitCount
        return (bucket << halfMagnitude) + Int(microseconds >> UInt64(bucket))
    }

    /// The cells of a doubling, or of the half of the first 2,048.
    static func cells(inBlock block: Int) -> Range<Int> { block << halfMagnitude..<(block + 1) << halfMagnitude }

    /// The block that a cell is in; below 32.
    static func block(ofCell cell: Int) -> Int { cell >> halfMagnitude }

    /// The lowest value, in microseconds, that falls in a cell.
    static func lowest(inCell cell: Int) -> UInt64 {
        guard cell >= 2 * half else { return UInt64(cell) }
        let bucket = (cell >> halfMagnitude) - 1
        return UInt64(cell - (bucket << halfMagnitude)) << UInt64(bucket)
    }

    /// The highest value, in microseconds, that falls in a cell.
    static func highest(inCell cell: Int) -> UInt64 { lowest(inCell: cell + 1) - 1 }
}

/// Durations of one kind: their histogram, their exact sum and how many did not fit.
struct LatencyTally: Sendable {
    /// 94 kB from the first duration on; one that grew would end with room for twice as many cells.
    private(set) var histogram = Self.empty
    /// The sum of the recorded durations in microseconds.
    private(set) var sum: UInt64 = 0
    /// Durations below zero or above one hour.
    private(set) var outOfRange = 0

    /// A bit for each block that has a cell which is not empty.
    private var blocks: UInt32 = 0

    /// All tallies share this one until they record: most combinations of operation and answer never occur.
    private static let empty = LatencyHistogram(
        highestTrackableValue: LatencyRange.highest, numberOfSignificantValueDigits: .three)

    var count: Int { Int(histogram.totalCount) }
    var maximum: UInt64 { histogram.maxRecorded }
    var bytes: Int { histogram.totalCount == 0 ? 0 : histogram.estimatedFootprintInBytes }

    /// Records a duration in microseconds; nil means that it is out of range.
    @inline(__always)
    mutating func record(_ microseconds: UInt64?) {
        guard let microseconds else {
            outOfRange += 1
            return
        }
        histogram.record(microseconds)
        sum &+= microseconds
        blocks |= 1 << UInt32(truncatingIfNeeded: LatencyRange.block(ofCell: LatencyRange.cell(of: microseconds)))
    }

    /// Adds what another tally recorded; exact, cell by cell.
    mutating func add(_ other: LatencyTally) {
        outOfRange += other.outOfRange
        sum &+= other.sum
        blocks |= other.blocks
        if count == 0 { histogram = other.histogram } else { histogram.add(other.histogram) }
    }

    /// The cells that are not empty. The library's own ways to percentiles read every cell, the empty ones too.
    var sparse: SparseHistogram {
        var cells: [(cell: Int, count: Int)] = []
        for block in 0..<UInt32.bitWidth where blocks & 1 << UInt32(block) != 0 {
            for cell in LatencyRange.cells(inBlock: block) {
                let count = histogram.countForValue(LatencyRange.lowest(inCell: cell))
                if count > 0 { cells.append((cell, Int(count))) }
            }
        }
        return SparseHistogram(cells: cells, maximum: maximum)
    }

    /// The duration in microseconds at or under which a share of all lie; 0 without any.
    func value(atPercentile percentile: Double) -> UInt64 { sparse.value(atPercentile: percentile) }
}
