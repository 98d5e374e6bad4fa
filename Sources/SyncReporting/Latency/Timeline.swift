import CartAssociations

/// One stretch of a run, for the plots over time.
struct TimelinePoint: Codable, Sendable, Equatable {
    /// From the start of the run.
    var seconds: Double
    var length: Double
    var attempts: Int
    var rateLimited: Int
    /// Attempts with neither success nor 429.
    var troubled: Int
    /// The rate in force when the stretch began, in calls a second; 0 is a pause.
    var limit: Double
    /// Response times, for each operation that was called.
    var response: [TimelineLatency]

    /// The run as at most `LatencyReport.mostPoints` points; neighbours join if there are more.
    static func line(through snapshot: LatencySnapshot, limit: Double, steps: [RateStep]) -> [TimelinePoint] {
        let intervals = snapshot.intervals.map { interval in
            var worked = interval
            worked.start = snapshot.worked(interval.start)
            worked.length = snapshot.worked(interval.end) - worked.start
            return worked
        }
        guard let last = intervals.last else { return [] }
        var length = max(intervals.lazy.map(\.length).max() ?? .zero, .seconds(1))
        while last.end.inSeconds / length.inSeconds > Double(LatencyReport.mostPoints) { length *= 2 }
        return LatencyInterval.joined(intervals, into: length).map { interval in
            let start = interval.start.inSeconds
            return TimelinePoint(
                seconds: start, length: interval.length.inSeconds, attempts: interval.attempts,
                rateLimited: interval.rateLimited, troubled: interval.troubled,
                limit: steps.last { $0.seconds <= start }?.rate ?? limit,
                response: TimelineLatency.all(in: interval))
        }
    }
}

/// The response times of one operation in one stretch.
struct TimelineLatency: Codable, Sendable, Equatable {
    var operation: Operation
    var count: Int
    var p50: Double
    var p99: Double
    var max: Double

    static func all(in interval: LatencyInterval) -> [TimelineLatency] {
        Operation.allCases.compactMap { operation in
            let sparse = interval.histogram(operation, .response)
            guard sparse.total > 0 else { return nil }
            return TimelineLatency(
                operation: operation, count: sparse.total, p50: Double(sparse.value(atPercentile: 50)) / 1000,
                p99: Double(sparse.value(atPercentile: 99)) / 1000, max: Double(sparse.maximum) / 1000)
        }
    }
}
