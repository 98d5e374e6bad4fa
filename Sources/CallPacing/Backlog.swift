/// Keeps account of the places that the schedule lost while calls were stuck, so that response times show them.
///
/// When a server stalls, every caller is stuck in a call, and the places that pass on the grid are never used:
/// measured from its own sending, each later call looks quick, and the stall shows in as many calls as there are
/// callers. So the lost places are handed to the calls that follow, the oldest first: as many calls as were due
/// during the stall show it, each with the time that its place had left to wait. This is the correction for
/// coordinated omission that HdrHistogram's authors describe, bound to the places that were really lost.
struct Backlog: Sendable {
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

    /// When the schedule had a call due that is granted now.
    ///
    /// - Parameters:
    ///   - onGrid: the instant of its place on the grid.
    ///   - isLost: whether that place is too old to be caught up.
    mutating func due(
        onGrid: Int64, now: Int64, asked: Int64, isLost: Bool, isBacklogged: Bool, period: Int64
    ) -> Int64 {
        let wasBusy = outstanding > 0 || (isBacklogged && asked - idleSince <= PaceCalculator.catchUp)
        if !wasBusy {
            lateness = 0
        } else if isLost {
            lateness = max(lateness, now - onGrid)
        }
        guard isBacklogged, wasBusy else { return min(now, max(asked, onGrid)) }
        defer { lateness = max(0, lateness - period) }
        return (isLost ? now : min(now, onGrid)) - lateness
    }
}
