package import CartAssociations

import struct Foundation.Date

/// One stretch of a run, for the plots over time.
package struct TimelinePoint: Codable, Sendable, Equatable {
    /// From the start of the run.
    package var seconds: Double
    package var length: Double
    package var attempts: Int
    package var rateLimited: Int
    /// Attempts with neither success nor 429.
    package var troubled: Int
    /// The rate in force when the stretch began, in calls a second; 0 is a pause.
    package var limit: Double
    /// Response times, for each operation that was called.
    package var response: [TimelineLatency]

    /// The intervals as at most `LatencyReport.mostPoints` points; neighbours join where there are more.
    static func line(
        through intervals: [LatencyInterval], limit: Double, steps: [RateHistory.Step]
    ) -> [TimelinePoint] {
        guard let first = intervals.first, let last = intervals.last else { return [] }
        var length = max(first.length, .seconds(1))
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
package struct TimelineLatency: Codable, Sendable, Equatable {
    package var operation: Operation
    package var count: Int
    package var p50: Double
    package var p99: Double
    package var max: Double

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

/// The rate of a run.
package struct RateReport: Codable, Sendable, Equatable {
    /// The limit that was set, in calls a second.
    package var limit: Double
    /// Attempts a second over the time in which attempts were made.
    package var achieved: Double
    /// Answers 429.
    package var rateLimited: Int
    package var pauses: Int
    package var pausedSeconds: Double
    /// All changes of the rate; `steps` has at most the first thousand.
    package var changes: Int
    package var steps: [RateHistory.Step]

    init(_ snapshot: LatencySnapshot, limit: Double, ended: Date) {
        self.limit = limit
        let attempts = snapshot.attempts
        let seconds = ended.timeIntervalSince(snapshot.started)
        achieved = seconds > 0 ? Double(attempts) / seconds : 0
        rateLimited = Operation.allCases.reduce(0) { $0 + snapshot.attempts($1, .rateLimited) }
        pauses = snapshot.rate.pauses
        pausedSeconds = snapshot.rate.paused.inSeconds
        changes = snapshot.rate.changes
        steps = snapshot.rate.steps
    }
}
