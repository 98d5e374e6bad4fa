import Histogram

/// `latency-OPERATION.hgrm`: a percentile distribution as HdrHistogram's plotter takes it, in milliseconds.
enum PercentileFile {
    private static let microsecondsPerUnit = 1000.0

    /// nil if nothing was recorded.
    static func text(_ tally: LatencyTally) -> String? {
        guard tally.count > 0 else { return nil }
        var text = ""
        tally.histogram.outputPercentileDistribution(to: &text, outputValueUnitScalingRatio: microsecondsPerUnit)
        return text
    }
}
