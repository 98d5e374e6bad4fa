/// The counts that a progress line is made from.
package struct ProgressCounts: Sendable, Equatable {
    /// Changes with an outcome, or pages listed.
    package var done: Int
    /// nil where it is not known yet.
    package var total: Int?
    /// Requests on the wire so far.
    package var attempts: Int
    package var retries: Int
    package var failed: Int
    /// The rate in force, in calls a second.
    package var rate: Double
    /// The rate that was set.
    package var limit: Double
    /// Why the rate is not the limit, or why calls are held back; nil where neither is so.
    package var reason: String?
    /// How many seconds calls are held back from now on; nil where they are not.
    package var pauseLeft: Double?
    /// Response times in milliseconds; nil before the first.
    package var p50: Double?
    package var p99: Double?

    package init(
        done: Int, total: Int?, attempts: Int, retries: Int, failed: Int, rate: Double, limit: Double,
        reason: String? = nil, pauseLeft: Double? = nil, p50: Double?, p99: Double?
    ) {
        self.done = done
        self.total = total
        self.attempts = attempts
        self.retries = retries
        self.failed = failed
        self.rate = rate
        self.limit = limit
        self.reason = reason
        self.pauseLeft = pauseLeft
        self.p50 = p50
        self.p99 = p99
    }

    /// The counts of a run at a moment.
    ///
    /// - Parameter limit: the rate that was set.
    package init(
        done: Int, total: Int?, failed: Int, limit: Double, p50: Double?, p99: Double?,
        from recorder: LatencyRecorder, now: ContinuousClock.Instant
    ) {
        let pace = recorder.pace(now: now)
        let counts = recorder.counts
        let rate = pace.rate ?? limit
        self.init(
            done: done, total: total, attempts: counts.attempts, retries: counts.retries, failed: failed, rate: rate,
            limit: limit, reason: rate < limit || pace.pauseLeft != nil ? pace.reason : nil,
            pauseLeft: pace.pauseLeft?.inSeconds, p50: p50, p99: p99)
    }
}
