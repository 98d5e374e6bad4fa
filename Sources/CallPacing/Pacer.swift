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
    /// The number of the call at the pacer of another process; nil if there is none.
    var shared: Int?
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
    /// Whether it is one of many: the rate feels its way, and has been doing so for a while.
    package var isRoutine = false
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
/// and measures; `PaceControl` decides.
package final class Pacer: Sendable {
    /// The longest sleep before looking again, since what holds calls back may end early.
    private static let longestSleep: Int64 = 50_000_000

    /// The clock of all instants here.
    package let time: TimeSource
    private let origin: ContinuousClock.Instant
    private let turn = Turn()
    private let control: Mutex<PaceControl>
    private let shared: SharedPace?
    private let onChange: @Sendable (RateChange) -> Void

    /// - Parameters:
    ///   - limit: calls in any one second, at least 1.
    ///   - isAdaptive: whether the rate gives way when the server says "too many"; the pause it asks for always holds.
    ///   - share: the part of the place where the store refused calls last that the rate aims at, 0 to 1.
    ///   - shared: another process's pacer, if one works with the same store.
    ///   - onChange: told each change of the rate and each pause, outside of any lock; it must return soon.
    package init(
        limit: Int, isAdaptive: Bool = true, share: Double = 1, time: TimeSource, shared: SharedPace? = nil,
        onChange: @escaping @Sendable (RateChange) -> Void = { _ in }
    ) {
        self.time = time
        origin = time.now()
        control = Mutex(PaceControl(limit: limit, isAdaptive: isAdaptive, share: share, now: 0))
        self.shared = shared
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
    /// Every admission must be given back through `complete`, also when the call failed, or through `giveBack`.
    ///
    /// - Parameter signal: ends the wait, within 50 ms.
    /// - Throws: `CancellationError` if the task is cancelled or the signal comes, before or during the wait.
    package func admit(_ readiness: Readiness = .fresh, until signal: StopSignal? = nil) async throws -> Admission {
        try await admit(readiness, leavesWithin: .zero, until: signal)
    }

    /// Waits as `admit` does until another process may make a call, which has to leave within `SharedPace.longestLeave` from
    /// `Admission.granted`.
    package func lend(until signal: StopSignal? = nil) async throws -> Admission {
        try await admit(.fresh, leavesWithin: SharedPace.longestLeave, until: signal)
    }

    private func admit(
        _ readiness: Readiness, leavesWithin: Duration, until signal: StopSignal?
    ) async throws -> Admission {
        let asked = time.now()
        try await turn.take()
        defer { turn.pass() }
        while true {
            try Task.checkCancellation()
            // Those in the line behind come here at once after this one has left.
            if signal?.isStopped == true { throw CancellationError() }
            let now = nanoseconds(time.now())
            let decision = control.withLock {
                $0.admit(
                    now: now, asked: nanoseconds(asked), isBacklogged: readiness == .queued,
                    leavesWithin: leavesWithin.nanoseconds)
            }
            switch decision {
            case .granted(let grant):
                let admission = Admission(asked: asked, due: instant(grant.due), granted: instant(now), grant: grant)
                return try await share(admission, until: signal)
            case .wait(let until):
                try await time.sleep(until: instant(min(until, now + Self.longestSleep)), tolerance: .zero)
            }
        }
    }

    /// The same admission once the pacer of the other process has let the call go too.
    private func share(_ admission: Admission, until signal: StopSignal?) async throws -> Admission {
        guard let shared else { return admission }
        do {
            while let turn = try await shared.admit(signal) {
                let now = time.now()
                // This process may have been stopped, or the machine overloaded: the other counts the call no longer.
                guard now - turn.granted < SharedPace.longestLeave else {
                    shared.complete(turn.number, nil)
                    continue
                }
                return Admission(
                    asked: admission.asked, due: admission.due, granted: now, grant: admission.grant,
                    shared: turn.number)
            }
            return admission
        } catch {
            giveBack(admission)
            throw error
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
    ///   - reception: how it went. While the pacer probes, only an answer of a store that can do its work ends it; after
    ///     a "too many" with a time to wait, every caller waits.
    ///   - isFresh: false for a repetition of what had failed before: only other calls tell an outage.
    ///   - mayHaveConnected: whether a connection may have been opened for this call first.
    package func complete(
        _ admission: Admission, sentAt: ContinuousClock.Instant, answered: ContinuousClock.Instant,
        _ reception: Reception = .answered, isFresh: Bool = true, mayHaveConnected: Bool = false
    ) {
        let change = control.withLock {
            $0.complete(
                admission.grant, sentAt: nanoseconds(sentAt), answeredAt: nanoseconds(answered), reception,
                isFresh: isFresh, mayHaveConnected: mayHaveConnected)
        }
        if let change { onChange(change) }
        if let number = admission.shared {
            shared?.complete(
                number,
                PacedCall(
                    sentAt: sentAt, answered: answered, reception: reception, isFresh: isFresh,
                    mayHaveConnected: mayHaveConnected))
        }
    }

    /// Gives an admission back as `complete` does, with what the process that made the call tells of it; nil if it was not
    /// made.
    package func complete(_ admission: Admission, _ call: PacedCall?) {
        guard let call else { return giveBack(admission) }
        complete(
            admission, sentAt: call.sentAt, answered: call.answered, call.reception, isFresh: call.isFresh,
            mayHaveConnected: call.mayHaveConnected)
    }

    /// Gives back an admission that another process had, which is gone: its call may have left at any time until now.
    package func abandon(_ admission: Admission) {
        complete(
            admission, sentAt: admission.granted, answered: time.now(), .unanswered, isFresh: false,
            mayHaveConnected: true)
    }

    /// Takes back an admission whose call was not made.
    package func giveBack(_ admission: Admission) {
        let now = nanoseconds(time.now())
        control.withLock { $0.giveBack(admission.grant, now: now) }
        if let number = admission.shared { shared?.complete(number, nil) }
    }

    /// Holds every call back until `setLimit`, for instance in quiet hours.
    package func hold(reason: String) {
        let isNew = control.withLock { control in
            defer { control.isHeld = true }
            return !control.isHeld
        }
        if isNew { onChange(RateChange(rate: 0, reason: reason)) }
    }

    /// Since when only single calls go through, because nearly all failed; nil if all do.
    package var probingSince: ContinuousClock.Instant? { control.withLock(\.probingSince).map(instant) }

    /// Changes the limit while callers wait, and lets them go if they were held.
    ///
    /// - Parameter limit: calls in any one second, at least 1.
    package func setLimit(_ limit: Int, reason: String) {
        let now = nanoseconds(time.now())
        let rate = control.withLock { control in
            control.isHeld = false
            control.setLimit(limit, now: now)
            return control.rate(now: now)
        }
        onChange(RateChange(rate: rate, reason: reason))
    }

    /// Lowers the limit for a while, for instance for one run among others; nil ends that. It holds whatever `setLimit` says
    /// meanwhile, and lets nobody go whom `hold` keeps.
    ///
    /// - Parameter cap: calls in any one second, at least 1.
    package func lower(to cap: Int?, reason: String) {
        let now = nanoseconds(time.now())
        let rate = control.withLock { control -> Int? in
            let before = control.limit
            control.lower(to: cap, now: now)
            return control.limit == before ? nil : control.rate(now: now)
        }
        if let rate { onChange(RateChange(rate: rate, reason: reason)) }
    }

    /// The rate in force, in calls a second.
    package var rate: Int {
        let now = nanoseconds(time.now())
        return control.withLock { $0.rate(now: now) }
    }
    /// The limit in force, in calls in any one second.
    package var limit: Int { control.withLock { $0.limit } }
    /// The limit that a person set, in calls in any one second: `lower` does not change it.
    package var ceiling: Int { control.withLock { $0.rate.limit } }

    /// Callers that wait now.
    var waiting: Int { turn.count }

    private func nanoseconds(_ instant: ContinuousClock.Instant) -> Int64 { (instant - origin).nanoseconds }
    private func instant(_ nanoseconds: Int64) -> ContinuousClock.Instant { origin + .nanoseconds(nanoseconds) }
}
