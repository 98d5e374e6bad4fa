/// Decides when the next call may go: the server must never see more than the limit in any one second.
///
/// Calls are due on an even grid a little wider than the limit asks for, and none goes beside `limit` others that may
/// count in the same second. A call counts for a second and a margin from its own sending, plus the delay that its
/// answer shows: a request that left late or travelled slowly is answered late too. So the second is counted as the
/// server sees it, whatever the order in which calls arrive; `Caution` says how far delays are believed.
///
/// A pure value: it reads no clock. All instants are nanoseconds since one origin of the caller's choice.
struct PaceCalculator: Sendable {
    /// The room that the grid leaves, as a share of the period: with it a delay heals over the following seconds.
    static let slack = 0.0005
    /// How far behind the grid calls are caught up, at twice its pace; older places are dropped.
    private static let catchUp: Int64 = 80_000_000
    /// Calls that are due closer together than this go together: a sleep costs more than a call.
    private static let tick: Int64 = 1_000_000

    /// What `admit` answers.
    enum Decision: Sendable, Equatable {
        case granted(Grant)
        /// Ask again at this instant; what holds the call back may also end earlier.
        case wait(until: Int64)
    }

    /// A call's permission to go now.
    struct Grant: Sendable, Equatable {
        /// The call's place among all calls, from 0.
        let number: Int
        /// When the schedule had this call due: see `Pacer.admit(_:)`.
        let due: Int64
        /// When it was granted.
        let granted: Int64
        /// Whether another process makes the call: how soon that is sent says nothing of this one.
        var isLent = false
    }

    /// Calls in any one second.
    private(set) var limit: Int
    /// Calls a second on the grid, the limit or fewer.
    private(set) var pace: Double
    private var period: Double
    /// The grid: place `place` is due at `anchor + place * period`.
    private var anchor: Int64
    private var place: Int64 = 0
    /// From when the next call may go at the pace of catching up.
    private var soonest = Int64.min / 2

    private var recent = RecentCalls()
    private var quickest = RecentMinimum(unknown: Caution.always)
    /// From the granting of a call to its sending.
    private var leaving = RecentMinimum(unknown: Caution.always)
    private var caution: Caution

    private var backlog = Backlog()
    private var pausedUntil = Int64.min / 2
    /// Whether all calls are held back, with no known end.
    var isHeld = false
    private var probe: Probe?

    /// - Parameters:
    ///   - limit: calls in any one second, at least 1.
    ///   - now: the instant of the first place on the grid.
    init(limit: Int, now: Int64) {
        precondition(limit >= 1, "the limit is at least one call a second")
        self.limit = limit
        self.anchor = now
        self.pace = Double(limit)
        self.period = Self.period(pace)
        self.caution = Caution(limit: limit)
    }

    private static func period(_ pace: Double) -> Double { 1e9 / pace * (1 + slack) }

    /// Whether the next call may go now.
    ///
    /// - Parameters:
    ///   - asked: when the caller became ready.
    ///   - isBacklogged: whether the caller's work lay ready before it asked, as a queued change does and the next
    ///     page of a listing does not.
    ///   - leavesWithin: how long the call may take to be sent, in nanoseconds, if another process makes it.
    mutating func admit(now: Int64, asked: Int64, isBacklogged: Bool, leavesWithin: Int64 = 0) -> Decision {
        if let held = heldUntil(now) { return .wait(until: held) }
        let onGrid = anchor + Int64(Double(place) * period)
        // The room is needed when the call leaves, not when it is granted.
        let lead = leavesWithin == 0 ? leaving.least : 0
        let room = recent.room(limit: limit, quickest: quickest.least, now: now + lead) - lead
        let tick = Int64(period) >= Self.tick ? 0 : Self.tick
        let slot = max(onGrid, room, soonest)
        guard slot <= now else { return .wait(until: max(slot, now + tick)) }

        // Places that passed before there was anything to do held up no caller.
        let isOwed = backlog.isOwed(asked: asked, isBacklogged: isBacklogged)
        let lost = max(0, (isOwed && isBacklogged ? now - Self.catchUp : asked) - onGrid)
        let due = backlog.due(
            onGrid: onGrid + lost, lost: lost, now: now, asked: asked, isOwed: isOwed, isBacklogged: isBacklogged,
            period: Int64(period))
        anchor += lost
        place += 1
        soonest = max(soonest, now - tick) + Int64(period / 2)
        let number = recent.begin(now: now, leavesWithin: leavesWithin)
        backlog.callBegins()
        if probe?.isDue(now) == true { probe?.number = number }
        return .granted(Grant(number: number, due: due, granted: now, isLent: leavesWithin > 0))
    }

    /// Takes note of how a granted call went; every granted call must come back here once.
    ///
    /// - Parameters:
    ///   - sentAt: when the request was sent, or earlier.
    ///   - answeredAt: when its answer began, or later, or when its failure was known.
    ///   - isAnswered: whether an answer came: how soon a failure was known says nothing of the way to the store.
    ///   - isHealthy: whether a store that can do its work answered; a probe that is not healthy is repeated later.
    ///   - mayHaveConnected: whether a connection may have been opened for it first. Then it may have arrived as late
    ///     as its answer allows, and all of that is believed: it happens once for each connection.
    mutating func complete(
        _ grant: Grant, sentAt: Int64, answeredAt: Int64, isAnswered: Bool = true, isHealthy: Bool,
        mayHaveConnected: Bool = false
    ) {
        backlog.callEnds(answeredAt)
        let latency = max(0, answeredAt - sentAt)
        if isAnswered { quickest.add(latency, now: answeredAt) }
        if !grant.isLent { leaving.add(max(0, sentAt - grant.granted), now: answeredAt) }
        // A call without an answer may have arrived at any time until its failure was known.
        let delay = isAnswered ? latency - quickest.least : latency
        let believed = mayHaveConnected ? delay : caution.believe(delay, limit: limit)
        if isAnswered && believed == delay {
            recent.end(grant.number, answeredAt: sentAt + latency)
        } else {
            recent.end(grant.number, release: sentAt + RecentCalls.window + believed)
        }
        guard probe != nil else { return }
        if isHealthy {
            probe = nil
        } else if probe?.number == grant.number {
            probe?.failed(now: answeredAt)
        }
    }

    /// Takes back a grant whose call was not made; its place stays taken.
    mutating func giveBack(_ grant: Grant, now: Int64) {
        backlog.callEnds(now)
        recent.end(grant.number, release: grant.granted + RecentCalls.window)
        if probe?.number == grant.number { probe?.number = nil }
    }

    /// Holds back every call that has not been granted yet until an instant; never shortens an earlier pause.
    mutating func pause(until: Int64) {
        pausedUntil = max(pausedUntil, until)
    }

    /// Lets only one call at a time through until one of them is healthy.
    mutating func beginProbing(now: Int64) {
        if probe == nil { probe = Probe(now: now) }
    }

    /// Since when only probes go through; nil if all calls do.
    var probingSince: Int64? { probe?.since }

    /// Changes the limit, and the pace with it, from now on; a lower one also counts the calls of the second before.
    mutating func setLimit(_ newLimit: Int, now: Int64) {
        precondition(newLimit >= 1, "the limit is at least one call a second")
        limit = newLimit
        setPace(Double(newLimit), now: now)
    }

    /// Changes how densely calls are due from now on.
    ///
    /// - Parameter newPace: calls a second, more than 0; never more than the limit.
    mutating func setPace(_ newPace: Double, now: Int64) {
        let newPace = min(newPace, Double(limit))
        guard newPace != pace else { return }
        anchor = min(anchor + Int64(Double(place) * period), now + Int64(Self.period(newPace)))
        place = 0
        pace = newPace
        period = Self.period(newPace)
    }

    private func heldUntil(_ now: Int64) -> Int64? {
        if isHeld { return now + Probe.lookAgain }
        if pausedUntil > now { return pausedUntil }
        return probe?.heldUntil(now)
    }
}
