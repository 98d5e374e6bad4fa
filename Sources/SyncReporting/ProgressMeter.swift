/// Says when a progress line is due, and what it says: speeds come from the last half minute, so that a pause or a
/// slower store shows soon.
package struct ProgressMeter: Sendable {
    /// How often a line is due on a terminal.
    package static let terminalInterval: Duration = .milliseconds(200)
    /// How often a line is due in a log.
    package static let logInterval: Duration = .seconds(15)

    private static let window: Duration = .seconds(30)
    private static let shortestSpan: Duration = .milliseconds(500)

    private let interval: Duration
    private let phase: String
    private var lastLine: ContinuousClock.Instant
    private var samples: [Sample]

    private struct Sample {
        let moment: ContinuousClock.Instant
        let done: Int
        let attempts: Int
    }

    /// - Parameters:
    ///   - phase: what is being done, for instance `applying`.
    ///   - isTerminal: false gives a line every 15 s instead of five a second.
    ///   - attempts: requests made before this phase.
    package init(phase: String, isTerminal: Bool, now: ContinuousClock.Instant, done: Int = 0, attempts: Int = 0) {
        self.phase = phase
        interval = isTerminal ? Self.terminalInterval : Self.logInterval
        lastLine = now
        samples = [Sample(moment: now, done: done, attempts: attempts)]
    }

    /// Whether it is time for a line; ask before working out the counts.
    package func isDue(now: ContinuousClock.Instant) -> Bool { now >= lastLine + interval }

    /// When the next line is due.
    package var due: ContinuousClock.Instant { lastLine + interval }

    /// The line for these counts; the next is due an interval later.
    package mutating func line(_ counts: ProgressCounts, now: ContinuousClock.Instant) -> ProgressLine {
        lastLine = now
        samples.append(Sample(moment: now, done: counts.done, attempts: counts.attempts))
        // One sample older than the window stays: the speeds are measured from it.
        while samples.count > 2, samples[1].moment <= now - Self.window { samples.removeFirst() }
        let first = samples[0]
        let span = now - first.moment
        guard span >= Self.shortestSpan else {
            return ProgressLine(phase: phase, counts: counts, rate: nil, secondsLeft: nil)
        }
        let speed = Double(counts.done - first.done) / span.inSeconds
        var left: Double?
        if let total = counts.total, speed > 0 { left = Double(max(0, total - counts.done)) / speed }
        return ProgressLine(
            phase: phase, counts: counts, rate: Double(counts.attempts - first.attempts) / span.inSeconds,
            secondsLeft: left)
    }
}
