/// How a call ended, as far as the pace cares.
package enum Reception: Sendable, Equatable, Codable {
    case answered
    /// The store said "too many", and perhaps for how long calls should wait.
    case tooMany(retryAfter: Duration?)
    /// The store answered that it failed, with this HTTP status.
    case failed(status: Int)
    /// No whole answer came.
    case unanswered

    /// Whether a store that can do its work answered.
    var isHealthy: Bool {
        switch self {
        case .answered, .tooMany: true
        case .failed, .unanswered: false
        }
    }
}

/// All that decides when the next call may go: the grid below the limit, the rate that the store bears, outages and
/// stalls.
///
/// A pure value: all instants are nanoseconds since one origin of the caller's choice.
struct PaceControl: Sendable {
    /// The longest pause that a server can ask for; a longer one is shortened to this.
    static let longestPause: Duration = .seconds(300)
    /// The share of failures that is worth telling a person, and the one at which it is no longer.
    private static let (told, calm) = (0.05, 0.02)

    private var pace: PaceCalculator
    private(set) var rate: AdaptiveRate
    private var outage = OutageWatch()
    private var stall = StallGuard()
    private var outstanding = 0
    /// What the limit is lowered to for a while; nil if it is not.
    private var cap: Int?
    /// What was last told of the rate and of failures.
    private var toldRate: Double
    private var toldFalls = Int64.min / 2
    private var isFailureTold = false

    /// - Parameters:
    ///   - limit: calls in any one second, at least 1.
    ///   - share: see `AdaptiveRate`.
    init(limit: Int, isAdaptive: Bool, share: Double = 1, now: Int64) {
        pace = PaceCalculator(limit: limit, now: now)
        rate = AdaptiveRate(limit: limit, isAdaptive: isAdaptive, share: share, now: now)
        toldRate = Double(limit)
    }

    /// See `PaceCalculator.admit`.
    mutating func admit(
        now: Int64, asked: Int64, isBacklogged: Bool, leavesWithin: Int64 = 0
    ) -> PaceCalculator.Decision {
        if let most = stall.most, outstanding >= most { return .wait(until: now + Probe.lookAgain / 5) }
        pace.setPace(rate.pace(now: now), now: now)
        let decision = pace.admit(now: now, asked: asked, isBacklogged: isBacklogged, leavesWithin: leavesWithin)
        if case .granted = decision { outstanding += 1 }
        return decision
    }

    /// Takes back a grant whose call was not made.
    mutating func giveBack(_ grant: PaceCalculator.Grant, now: Int64) {
        outstanding -= 1
        pace.giveBack(grant, now: now)
    }

    /// Takes note of how a granted call went; returns what a person should know of it. See `PaceCalculator.complete`.
    ///
    /// - Parameter isFresh: false for what had failed before, which tells nothing of an outage: at the end of a run little
    ///   else is left.
    mutating func complete(
        _ grant: PaceCalculator.Grant, sentAt: Int64, answeredAt: Int64, _ reception: Reception,
        isFresh: Bool = true, mayHaveConnected: Bool = false
    ) -> RateChange? {
        stall.ended(latency: max(0, answeredAt - sentAt), outstanding: outstanding)
        outstanding -= 1
        let wasProbing = pace.probingSince != nil
        pace.complete(
            grant, sentAt: sentAt, answeredAt: answeredAt, isAnswered: reception != .unanswered,
            isHealthy: reception.isHealthy, mayHaveConnected: mayHaveConnected)
        var pause: Duration?
        if case .tooMany(let asked?) = reception, asked > .zero { pause = min(asked, Self.longestPause) }
        let until = answeredAt + (pause?.nanoseconds ?? 0)
        pace.pause(until: until)
        var hasFallen = false
        if reception.isHealthy {
            hasFallen = rate.ended(
                sentAt: grant.granted, now: answeredAt, isTooMany: reception != .answered, calmFrom: until)
        }
        let isOutage = isFresh && outage.ended(isFailure: !reception.isHealthy)
        if wasProbing {
            guard pace.probingSince == nil else { return nil }
            return RateChange(rate: whole(answeredAt), reason: "the store answers again")
        }
        if isOutage {
            pace.beginProbing(now: answeredAt)
            return RateChange(
                rate: 0, reason: "the store fails nearly every call, so single calls probe it", isTrouble: true)
        }
        if let pause {
            return RateChange(
                rate: whole(answeredAt), reason: "429 too many requests, paused for \(pause.secondsInWords)",
                pause: pause, isTrouble: true)
        }
        return told(hasFallen: hasFallen, reception, now: answeredAt)
    }

    /// What a person should know of the rate: falls as they come, the way back in steps of a tenth of the limit.
    private mutating func told(hasFallen: Bool, _ reception: Reception, now: Int64) -> RateChange? {
        let force = rate.inForce(now: now)
        let limit = Double(rate.limit)
        if hasFallen {
            toldRate = force
            let isRoutine = now - toldFalls < 60_000_000_000
            if !isRoutine { toldFalls = now }
            return RateChange(rate: whole(now), reason: rate.words, isTrouble: true, isRoutine: isRoutine)
        }
        if force >= toldRate + limit / 10 || (force == limit && toldRate < limit) {
            toldRate = force
            return RateChange(rate: whole(now), reason: rate.words, isRoutine: force < limit)
        }
        guard let failing = outage.failing else { return nil }
        if !isFailureTold, failing >= Self.told, !reception.isHealthy {
            isFailureTold = true
            var what = "without an answer"
            if case .failed(let status) = reception { what = "with \(status)" }
            return RateChange(
                rate: whole(now), reason: "the store answers \(Int(failing * 100)) % \(what)", isTrouble: true)
        }
        if isFailureTold, failing <= Self.calm {
            isFailureTold = false
            return RateChange(rate: whole(now), reason: "the store answers well again")
        }
        return nil
    }

    private mutating func whole(_ now: Int64) -> Int { max(1, min(Int(rate.inForce(now: now)), limit)) }

    /// Whether all calls are held back, with no known end.
    var isHeld: Bool {
        get { pace.isHeld }
        set { pace.isHeld = newValue }
    }

    /// Since when only probes go through; nil if all calls do.
    var probingSince: Int64? { pace.probingSince }

    /// Changes the limit from now on.
    mutating func setLimit(_ limit: Int, now: Int64) {
        rate.setLimit(limit, now: now)
        pace.setLimit(self.limit, now: now)
        toldRate = rate.inForce(now: now)
    }

    /// The limit in force, in calls in any one second: that which was set, or what it is lowered to.
    var limit: Int { min(rate.limit, cap ?? .max) }

    /// Lowers the limit for a while, whatever else it is set to meanwhile; nil ends that. What was learned of the store's own
    /// limit stays.
    mutating func lower(to cap: Int?, now: Int64) {
        self.cap = cap
        pace.setLimit(limit, now: now)
    }

    /// The rate in force, in whole calls a second, at least 1.
    mutating func rate(now: Int64) -> Int { whole(now) }
}
