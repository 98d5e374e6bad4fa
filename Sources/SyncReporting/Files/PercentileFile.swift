import Foundation

/// `latency-OPERATION.hgrm`: a percentile distribution as HdrHistogram's plotter takes it, in milliseconds.
///
/// The text is that of the library, to the letter.
enum PercentileFile {
    private static let microsecondsPerUnit = 1000.0
    /// Lines for each halving of the distance to 100 %.
    private static let ticks = 5
    /// What the library makes of the range of latencies.
    private static let buckets = 22
    private static let cellsOfBucket = 2048

    /// nil if nothing was recorded.
    static func text(_ histogram: SparseHistogram) -> String? {
        guard histogram.total > 0 else { return nil }
        var text = "       Value     Percentile TotalCount 1/(1-Percentile)\n\n"
        for step in histogram.steps(ticks: ticks) {
            let share = step.percentile / 100
            text += String(
                format: "%12.3f %2.12f %10d", Double(step.value) / microsecondsPerUnit, share, step.count)
            text += share == 1 ? "\n" : String(format: " %14.2f\n", 1 / (1 - share))
        }
        let (mean, deviation) = spread(histogram)
        text += String(format: "#[Mean    = %12.3f, StdDeviation   = %12.3f]\n", mean, deviation)
        let highest = LatencyRange.highest(inCell: LatencyRange.cell(of: histogram.maximum))
        text += String(
            format: "#[Max     = %12.3f, Total count    = %12d]\n", Double(highest) / microsecondsPerUnit,
            histogram.total)
        text += String(format: "#[Buckets = %12d, SubBuckets     = %12d]\n", buckets, cellsOfBucket)
        return text
    }

    /// The mean and the standard deviation, in milliseconds, each duration taken for the middle of its cell.
    private static func spread(_ histogram: SparseHistogram) -> (mean: Double, deviation: Double) {
        let cells = histogram.cells.map { cell, count in
            let (lowest, next) = (LatencyRange.lowest(inCell: cell), LatencyRange.lowest(inCell: cell + 1))
            return (Double(lowest + (next - lowest) / 2), Double(count))
        }
        let total = Double(histogram.total)
        let mean = cells.reduce(0) { $0 + $1.0 * $1.1 } / total
        let squares = cells.reduce(0) { $0 + ($1.0 - mean) * ($1.0 - mean) * $1.1 }
        return (mean / microsecondsPerUnit, (squares / total).squareRoot() / microsecondsPerUnit)
    }
}
