import Synchronization

/// A call's permission to go, with what is needed to measure it and to report back.
package struct Admission: Sendable {
    /// When the caller asked.
    package let asked: ContinuousClock.Instant
    /// When the schedule had the call due: response time is counted from here. See `Pacer.admit(_:)`.
    package let due: ContinuousClock.Instant
    /// When the call was let go; the request must leave at once.
    package let granted: ContinuousClock.Instant
    let grant: PaceCalculator.Grant
}

/// A change of the rate, or of what holds calls back.
package struct RateChange: Sendable, Equatable {
    /// The rate now in force, in calls a second; 0 while only probes go through.
    package let rate: Int
    /// Why, in a few words for a log line or a progress line.
    package let reason: String
    /// How long every call is held back from now on; nil if it is not.
    package var pause: Duration?
    /// Whether the store gave the reason, rather than a person or a quiet time.
    package var isTrouble = false
}

/// What a caller's work was doing before it asked for a call.
package enum Readiness: Sendable {
    /// It lay ready in a queue, and only a free caller was missing.
    case queued
    /// It came up just now, as the next page of a listing or a repetition does.
    case fresh
}

/// Lets calls through one by one, first come, first served, never more than the limit in any one second.
///
/// One pacer stands before every call of a process: tokens, listing, writes and their repetitions. It only waits
/// and measures; `PaceCalculator` and `AdaptiveRate` decide.
package final class Pacer: Sendable {
    /// How long to pause after a "too many" that does not say.
    static let pauseUnasked: Duration = .seconds(2)
    /// The longest pause that a server can ask for; a longer one is shortened to this.
    static let longestPause: Duration = .seconds(300)
    /// The longest sleep before looking again, since what holds calls back may end early.
    private static let longestSleep: Int64 = 50_000_000

    private struct State {
        var pace: PaceCalculator
        var rate: AdaptiveRate

        mutating func climb(now: Int64) -> RateChange? {
            guard rate.climb(now: now) else { return nil }
            pace.setLimit(rate.rate, now: now)
            return RateChange(rate: rate.rate, reason: "raised after ten seconds without a 429")
        }
    }

    /// The clock of all instants here.
    package let time: TimeSource
    private let origin: ContinuousClock.Instant
    private let turn = Turn()
    private let state: Mutex<State>
    private let onChange: @Sendable (RateChange) -> Void

    /// - Parameters:
    ///   - limit: calls in any one second, at least 1.
    ///   - isAdaptive: whether the rate gives way when the server says "too many"; the pause it asks for always holds.
    ///   - onChange: told each change of the rate and each pause, outside of any lock; it must return soon.
    package init(
        limit: Int, isAdaptive: Bool = true, time: TimeSource,
        onChange: @escaping @Sendable (RateChange) -> Void = { _ in }
    ) {
        self.time = time
        origin = time.now()
        state = Mutex(
            State(
                pace: PaceCalculator(limit: limit, now: 0), rate: AdaptiveRate(limit: limit, isAdaptive: isAdaptive)))
        self.onChange = onChange
    }

    /// Waits until the next call may go.
    ///
    /// Response time is counted from `Admission.due`, the instant at which an unhindered schedule would have sent
    /// this call: its place on the grid of the rate. Waiting for that place is the price of the rate and not
    /// counted. Everything after it is: a late wake-up, a pause that the server asked for, and, for `queued` work,
    /// the places that were lost while all callers were stuck in slow calls. Those are handed to the calls that
    /// follow: a stall shows in as many of them as it delayed. For `fresh` work the due instant is never
    /// before the caller asked.
    ///
    /// Every admission must be given back through `complete`, also when the call failed.
    ///
    /// - Parameter signal: ends the wait, within 50 ms.
    /// - Throws: `CancellationError` if the task is cancelled or the signal comes, before or during the wait.
    package func admit(_ readiness: Readiness = .fresh, until signal: StopSignal? = nil) async throws -> Admission {
        let asked = time.now()
        try await turn.take()
        defer { turn.pass() }
        while true {
            try Task.checkCancellation()
            // Those in the line behind come here at once after this one has left.
            if signal?.isStopped == true { throw CancellationError() }
            let now = nanoseconds(time.now())
            let (decision, change) = state.withLock { state in
                let change = state.climb(now: now)
                let decision = state.pace.admit(
                    now: now, asked: nanoseconds(asked), isBacklogged: readiness == .queued)
                return (decision, change)
            }
            if let change { onChange(change) }
            switch decision {
            case .granted(let grant):
                return Admission(asked: asked, due: instant(grant.due), granted: instant(now), grant: grant)
            case .wait(let until):
                try await time.sleep(until: instant(min(until, now + Self.longestSleep)), tolerance: .zero)
            }
        }
    }

    /// Gives an admission back once its answer was read or its failure known.
    ///
    /// Both instants are best taken at the connection itself: what lies between them and is not the server's work
    /// cannot be told from a request that arrived late, and costs rate.
    ///
    /// - Parameters:
    ///   - sentAt: when the request was sent, or earlier.
    ///   - answered: when its answer began, or later.
    ///   - isAnswered: false for no answer at all.
    ///   - isHealthy: false for a server error or no answer at all: while the pacer probes, only a healthy answer
    ///     ends it.
    ///   - mayHaveConnected: whether a connection may have been opened for this call first.
    package func complete(
        _ admission: Admission, sentAt: ContinuousClock.Instant, answered: ContinuousClock.Instant,
        isAnswered: Bool = true, isHealthy: Bool = true, mayHaveConnected: Bool = false
    ) {
        let change: RateChange? = state.withLock { state in
            let wasProbing = state.pace.isProbing
            state.pace.complete(
                admission.grant, sentAt: nanoseconds(sentAt), answeredAt: nanoseconds(answered), isAnswered: isAnswered,
                isHealthy: isHealthy, mayHaveConnected: mayHaveConnected)
            guard wasProbing, !state.pace.isProbing else { return nil }
            return RateChange(rate: state.rate.rate, reason: "the store answers again")
        }
        if let change { onChange(change) }
    }

    /// Pauses every caller because the server said "too many", and halves the rate if it is adaptive.
    ///
    /// - Parameter retryAfter: the pause that the server asked for; nil if it did not say. Bounded to 0 to
    ///   `longestPause`.
    package func tooMany(_ admission: Admission, retryAfter: Duration?) {
        let pause = min(max(retryAfter ?? Self.pauseUnasked, .zero), Self.longestPause)
        let now = nanoseconds(time.now())
        let change = state.withLock { state in
            let until = now + pause.nanoseconds
            state.pace.pause(until: until)
            let wasCut = state.rate.tooMany(
                sentAt: nanoseconds(admission.granted), now: now, calmFrom: until)
            state.pace.setLimit(state.rate.rate, now: now)
            let words = "429 too many requests, paused for \(pause.secondsInWords)"
            return RateChange(
                rate: state.rate.rate, reason: wasCut ? words + ", rate halved" : words, pause: pause, isTrouble: true)
        }
        onChange(change)
    }

    /// Holds every call back until `setLimit`, for instance in quiet hours.
    package func hold(reason: String) {
        let isNew = state.withLock { state in
            defer { state.pace.isHeld = true }
            return !state.pace.isHeld
        }
        if isNew { onChange(RateChange(rate: 0, reason: reason)) }
    }

    /// Lets only single probes through, after 5 s and then ever more rarely up to every 30 s, until one is healthy.
    package func beginProbing(reason: String) {
        let now = nanoseconds(time.now())
        let isNew = state.withLock { state in
            defer { state.pace.beginProbing(now: now) }
            return !state.pace.isProbing
        }
        if isNew { onChange(RateChange(rate: 0, reason: reason, isTrouble: true)) }
    }

    /// Changes the limit while callers wait, and lets them go if they were held.
    ///
    /// - Parameter limit: calls in any one second, at least 1.
    package func setLimit(_ limit: Int, reason: String) {
        let now = nanoseconds(time.now())
        let rate = state.withLock { state in
            state.pace.isHeld = false
            state.rate.setLimit(limit)
            state.pace.setLimit(state.rate.rate, now: now)
            return state.rate.rate
        }
        onChange(RateChange(rate: rate, reason: reason))
    }

    /// The rate in force, in calls a second.
    package var rate: Int { state.withLock { $0.rate.rate } }
    /// The limit that a person set, in calls a second.
    package var limit: Int { state.withLock { $0.rate.limit } }

    /// Callers that wait now.
    var waiting: Int { turn.count }

    private func nanoseconds(_ instant: ContinuousClock.Instant) -> Int64 { (instant - origin).nanoseconds }
    private func instant(_ nanoseconds: Int64) -> ContinuousClock.Instant { origin + .nanoseconds(nanoseconds) }
}
