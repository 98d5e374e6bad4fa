package import CartAssociations

/// One stretch of a run that goes on, for charts that follow it.
package struct LiveWindow: Encodable, Sendable, Equatable {
    /// The most windows of a run: as many as a chart can tell apart.
    package static let most = 120

    /// When it began, in seconds from the start of the run.
    package var seconds: Double
    /// In seconds.
    package var length: Double
    /// Calls a second.
    package var rate: Double
    /// The rate in force when it began, in calls a second; 0 is a pause.
    package var limit: Double
    /// Answers 429.
    package var rateLimited: Int
    /// Response times of the calls that ended in it, in milliseconds; nil without any.
    package var p50: Double?
    package var p99: Double?
}

extension LatencySnapshot {
    /// The run from its start until now in windows of one length: of a second at first, and longer ones as it goes on. One that
    /// has hardly begun is left out, since chance would be all that it shows.
    ///
    /// - Parameters:
    ///   - operations: those whose response times are told.
    ///   - limit: the limit that was set, in calls a second.
    package func windows(of operations: [Operation], limit: Double) -> [LiveWindow] {
        guard let end = intervals.last?.end else { return [] }
        var length = max(intervals.lazy.map(\.length).max() ?? .zero, .seconds(1))
        while end / length > Double(LiveWindow.most) { length *= 2 }
        var joined = LatencyInterval.joined(intervals, into: length)
        if joined.count > 1, let last = joined.last, last.length < .milliseconds(500) { joined.removeLast() }
        return joined.map { interval in
            let response = operations.reduce(into: SparseHistogram()) { $0.add(interval.histogram($1, .response)) }
            func milliseconds(_ percentile: Double) -> Double? {
                response.total == 0 ? nil : Double(response.value(atPercentile: percentile)) / 1000
            }
            // The window that is not over yet is as long as what was seen of it.
            let seconds = max(interval.length.inSeconds, interval.end == end ? 0.5 : 0)
            return LiveWindow(
                seconds: interval.start.inSeconds, length: interval.length.inSeconds,
                rate: Double(interval.attempts) / max(seconds, 0.001),
                limit: rate.steps.last { $0.moment <= interval.start }?.rate ?? limit,
                rateLimited: interval.rateLimited, p50: milliseconds(50), p99: milliseconds(99))
        }
    }
}
