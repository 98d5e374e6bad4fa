/// One bucket of a histogram that is small enough to be read.
struct LatencyBucket: Codable, Sendable, Equatable {
    /// The upper bound in milliseconds; nil for the last bucket.
    var upTo: Double?
    /// Durations in this bucket and no lower one.
    var count: Int
}

/// The buckets of every printed, plotted and exported histogram.
enum LatencyBuckets {
    /// Upper bounds in milliseconds, in steps of 1, 2 and 5: from a store on the same machine to one that stalls.
    static let bounds: [Double] = [
        0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000,
    ]

    /// All buckets, the empty ones too.
    static func count(_ histogram: SparseHistogram) -> [LatencyBucket] {
        var buckets = bounds.map { LatencyBucket(upTo: $0, count: 0) } + [LatencyBucket(upTo: nil, count: 0)]
        var bucket = 0
        for (cell, count) in histogram.cells {
            // A cell counts in the bucket of its lowest value: at most 0.1 % away from the truth.
            let lowest = Double(LatencyRange.lowest(inCell: cell)) / 1000
            while bucket < bounds.count, lowest > bounds[bucket] { bucket += 1 }
            buckets[bucket].count += count
        }
        return buckets
    }
}

/// One point of a percentile curve.
struct CurvePoint: Codable, Sendable, Equatable {
    /// From 0 to 100.
    var percentile: Double
    var milliseconds: Double

    /// Steps for each halving of the distance to 100 %.
    private static let ticks = 4

    static func curve(of histogram: SparseHistogram) -> [CurvePoint] {
        histogram.steps(ticks: ticks).map { step in
            CurvePoint(
                percentile: step.percentile, milliseconds: Double(min(step.value, histogram.maximum)) / 1000)
        }
    }
}
