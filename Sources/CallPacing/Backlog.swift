/// Counts the places that the schedule lost while calls were stuck: response times must show them.
///
/// When a server stalls, every caller is stuck in a call, and the places that pass on the grid are never used:
/// measured from its own sending, each later call looks quick, and the stall shows in as many calls as there are
/// callers. So the lost places are handed to the calls that follow, the oldest first: as many calls as were due
/// during the stall show it, each with the time that its place had left to wait. This is the correction for
/// coordinated omission that HdrHistogram's authors describe, bound to the places that were really lost.
struct Backlog: Sendable {
    /// The longest time between two calls of a caller that is busy all the time.
    private static let betweenCalls: Int64 = 20_000_000

    private var outstanding = 0
    private var idleSince = Int64.min / 2
    /// How late the next backlogged call is because of lost places, in nanoseconds.
    private var lateness: Int64 = 0

    mutating func callBegins() {
        outstanding += 1
    }

    mutating func callEnds(_ now: Int64) {
        outstanding -= 1
        if outstanding == 0 { idleSince = now }
    }

    /// Whether the places on the grid that passed before a call were due, and not merely unused.
    ///
    /// - Parameters:
    ///   - asked: when the caller became ready.
    ///   - isBacklogged: whether its work lay ready before.
    func isOwed(asked: Int64, isBacklogged: Bool) -> Bool {
        outstanding > 0 || (isBacklogged && asked - idleSince <= Self.betweenCalls)
    }

    /// The instant at which the schedule had a call due that is granted now.
    ///
    /// - Parameters:
    ///   - onGrid: the instant of its place on the grid.
    ///   - lost: how much of the schedule before that place is dropped, in nanoseconds.
    ///   - isOwed: see `isOwed(asked:isBacklogged:)`.
    mutating func due(
        onGrid: Int64, lost: Int64, now: Int64, asked: Int64, isOwed: Bool, isBacklogged: Bool, period: Int64
    ) -> Int64 {
        lateness = isOwed ? max(lateness, lost) : 0
        guard isBacklogged, isOwed else { return min(now, max(asked, onGrid)) }
        defer { lateness = max(0, lateness - period) }
        return min(now, onGrid) - lateness
    }
}
