import CallPacing

extension Backoff {
    /// How long to wait for what failed at a poll: one interval at first, ten minutes at most.
    static func polling(every interval: Duration) -> Backoff {
        Backoff(first: interval, longest: max(.seconds(600), interval))
    }
}

/// When exports whose runs were interrupted are tried again.
struct RetryTimes: Sendable {
    private var failed: [String: (times: Int, due: Duration)] = [:]

    func isDue(_ name: String, now: Duration) -> Bool { failed[name].map { now >= $0.due } ?? true }

    mutating func postpone(_ name: String, now: Duration, interval: Duration) {
        let times = (failed[name]?.times ?? 0) + 1
        failed[name] = (times, now + Backoff.polling(every: interval).wait(afterFailures: times))
    }

    mutating func forget(_ name: String) {
        failed[name] = nil
    }
}

/// When a job whose runs fail takes the next export: the third failure in a row and each one after it make it wait,
/// a minute at first, an hour at most.
struct JobBackoff: Sendable, Hashable {
    /// The failures in a row that make a job wait.
    static let patience = 3
    static let waits = Backoff(first: .seconds(60), longest: .seconds(3600))

    /// Runs that failed since the last one that did not.
    private(set) var failures = 0
    /// When the job goes on, by its own clock; nil if it does not wait.
    private(set) var until: Duration?

    mutating func succeeded() {
        self = JobBackoff()
    }

    mutating func failed(now: Duration) {
        failures += 1
        guard failures >= Self.patience else { return }
        until = now + Self.waits.wait(afterFailures: failures - Self.patience + 1)
    }

    /// How long the job still waits; nil if it does not.
    func rest(now: Duration) -> Duration? {
        guard let until, until > now else { return nil }
        return until - now
    }
}

/// A source that cannot be read: since when, why, and when it is tried again. All times are of the job's own clock.
struct SourceTrouble: Sendable, Hashable {
    /// When the first of the failures in a row happened.
    let since: Duration
    /// The reason of the last one; a sentence that says what to do.
    let problem: String
    let nextAttempt: Duration
    /// The failures in a row.
    let failures: Int

    /// The longest wait that a source may ask for.
    static let longestWait = Duration.seconds(24 * 3600)

    /// The trouble after one more failure.
    ///
    /// - Parameter retryAfter: how long the source asks to be left alone; a day at most is believed.
    init(
        after earlier: SourceTrouble?, _ problem: String, now: Duration, interval: Duration,
        retryAfter: Duration? = nil
    ) {
        since = earlier?.since ?? now
        failures = (earlier?.failures ?? 0) + 1
        self.problem = problem
        let backoff = Backoff.polling(every: interval).wait(afterFailures: failures)
        nextAttempt = now + max(backoff, min(retryAfter ?? .zero, Self.longestWait))
    }

    /// The trouble in words, for readiness and the page.
    func words(now: Duration) -> String {
        let rest = max(.zero, nextAttempt - now)
        return "the source cannot be read for \((now - since).inWords): \(problem) (next attempt in \(rest.inWords))"
    }
}
