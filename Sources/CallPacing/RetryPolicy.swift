/// When a failed call is made again, and when it is given up.
///
/// A pure value: elapsed time and the random generator are arguments.
package struct RetryPolicy: Sendable, Equatable {
    /// The most attempts of one call; answers that say "too many" do not use one up.
    package var attempts = 5
    /// The longest wait before each repetition.
    package var waits = Backoff(first: .milliseconds(500), longest: .seconds(30))
    /// The longest wait of a call that was refused as one too many, if the server does not say how long.
    var refusalWaits = Backoff(first: .milliseconds(250), longest: .seconds(5))
    /// No repetition begins later than this after the first sending.
    package var total: Duration = .seconds(120)

    package init() {}

    /// Why a failed call may be repeated.
    package enum Cause: Sendable, Equatable {
        /// The server is too busy, and has refused the call so many times in a row. If it said how long to wait, the
        /// pause of all callers does the waiting.
        case tooMany(refusals: Int, isPaused: Bool)
        /// A fault that may pass. A wait that the server asks for is the shortest then.
        case fault(wait: Duration? = nil)
    }

    package enum Decision: Sendable, Equatable {
        case again(after: Duration)
        case giveUp
    }

    /// Decides after a failed attempt.
    ///
    /// - Parameters:
    ///   - attemptsUsed: attempts made so far that count, the failed one included unless it was a "too many".
    ///   - elapsed: since the first attempt was sent.
    package func decide(
        _ cause: Cause, attemptsUsed: Int, elapsed: Duration, using random: inout some RandomNumberGenerator
    ) -> Decision {
        guard elapsed < total else { return .giveUp }
        switch cause {
        case .tooMany(let refusals, let isPaused):
            let wait = isPaused ? .zero : Self.jitter(refusalWaits.wait(afterFailures: refusals), using: &random)
            return .again(after: min(wait, total - elapsed))
        case .fault(let asked):
            guard attemptsUsed < attempts else { return .giveUp }
            let wait = max(backoff(after: attemptsUsed, using: &random), min(asked ?? .zero, waits.longest))
            return .again(after: min(wait, total - elapsed))
        }
    }

    /// A random wait up to the longest one for this many attempts: this "full jitter" keeps callers that failed
    /// together from coming back together.
    func backoff(after attemptsUsed: Int, using random: inout some RandomNumberGenerator) -> Duration {
        Self.jitter(waits.wait(afterFailures: attemptsUsed), using: &random)
    }

    private static func jitter(_ longest: Duration, using random: inout some RandomNumberGenerator) -> Duration {
        .nanoseconds(Int64.random(in: 0...longest.nanoseconds, using: &random))
    }
}
