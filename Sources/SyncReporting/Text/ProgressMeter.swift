/// Says when a progress line is due, and what it says: speeds come from the last half minute, so that a pause or a
/// slower store shows soon.
package struct ProgressMeter: Sendable {
    /// How often a line is due on a terminal.
    package static let terminalInterval: Duration = .milliseconds(200)
    /// How often a line is due in a log: often at first, when a person looks, and once a minute in the long run.
    private static let logIntervals: [(until: Duration, interval: Duration)] = [
        (.seconds(120), .seconds(15)), (.seconds(600), .seconds(30)),
    ]
    private static let longLogInterval: Duration = .seconds(60)

    private static let window: Duration = .seconds(30)
    private static let shortestSpan: Duration = .milliseconds(500)

    private let isTerminal: Bool
    private let began: ContinuousClock.Instant
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
    ///   - isTerminal: true gives five lines a second, false one every 15 s to 60 s.
    ///   - attempts: requests made before this phase.
    package init(phase: String, isTerminal: Bool, now: ContinuousClock.Instant, done: Int = 0, attempts: Int = 0) {
        self.phase = phase
        self.isTerminal = isTerminal
        began = now
        lastLine = now
        samples = [Sample(moment: now, done: done, attempts: attempts)]
    }

    /// Whether it is time for a line; ask before working out the counts.
    package func isDue(now: ContinuousClock.Instant) -> Bool { now >= due }

    /// When the next line is due.
    package var due: ContinuousClock.Instant {
        if isTerminal { return lastLine + Self.terminalInterval }
        let interval = Self.logIntervals.first { lastLine - began < $0.until }?.interval ?? Self.longLogInterval
        return lastLine + interval
    }

    /// The line for these counts; the next is due an interval later.
    package mutating func line(_ counts: ProgressCounts, now: ContinuousClock.Instant) -> ProgressLine {
        lastLine = now
        samples.append(Sample(moment: now, done: counts.done, attempts: counts.attempts))
        // One sample older than the window stays: the speeds are measured from it.
        while samples.count > 2, samples[1].moment <= now - Self.window { samples.removeFirst() }
        let first = samples[0]
        let span = now - first.moment
        guard span >= Self.shortestSpan else {
            return ProgressLine(
                phase: phase, counts: counts, elapsed: (now - began).inSeconds, rate: nil, secondsLeft: nil)
        }
        let speed = Double(counts.done - first.done) / span.inSeconds
        var left: Double?
        if let total = counts.total, speed > 0 { left = Double(max(0, total - counts.done)) / speed }
        return ProgressLine(
            phase: phase, counts: counts, elapsed: (now - began).inSeconds,
            rate: Double(counts.attempts - first.attempts) / span.inSeconds,
            secondsLeft: left)
    }
}
