/// A source that cannot be read: since when, why, and when it is tried again.
package struct SourceTrouble: Sendable, Hashable {
    /// When the first of the attempts that failed in a row ended, by the service's clock.
    package let since: Duration
    /// The reason of the last one; a sentence that says what to do.
    package var problem: String
    /// When the source is tried again, by the service's clock.
    package var nextAttempt: Duration

    /// The trouble in words, for readiness and the page.
    package func words(now: Duration) -> String {
        let rest = max(.zero, nextAttempt - now)
        return "the source cannot be read for \((now - since).inWords): \(problem) (next attempt in \(rest.inWords))"
    }
}

/// When a source is tried again: after one interval, then after twice as long each time, at most ten minutes.
package struct SourceRetries: Sendable {
    package static let longest = Duration.seconds(600)

    package private(set) var trouble: SourceTrouble?
    private var wait: Duration?

    package init() {}

    package func isDue(now: Duration) -> Bool { trouble.map { now >= $0.nextAttempt } ?? true }

    package mutating func succeeded() {
        self = SourceRetries()
    }

    /// - Parameter interval: that of the polls.
    package mutating func failed(_ problem: String, now: Duration, interval: Duration) {
        let wait = min(self.wait.map { $0 * 2 } ?? interval, max(Self.longest, interval))
        self.wait = wait
        trouble = SourceTrouble(since: trouble?.since ?? now, problem: problem, nextAttempt: now + wait)
    }
}
