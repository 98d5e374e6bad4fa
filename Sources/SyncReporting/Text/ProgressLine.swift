import CartAssociations

/// Says when a progress line is due, and what it says.
///
/// Speeds come from the last half minute: a pause or a slower store shows soon.
package struct ProgressMeter: Sendable {
    /// How often a line is due on a terminal.
    static let terminalInterval: Duration = .milliseconds(200)
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

    /// Whether it is time for a line; ask before the counts are worked out.
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

/// The counts that a progress line is made from.
package struct ProgressCounts: Sendable, Equatable {
    /// Changes with an outcome, or pages listed.
    var done: Int
    /// Changes or pages in all; nil while that is unknown.
    var total: Int?
    /// Requests on the wire so far.
    var attempts: Int
    package var retries: Int
    var failed: Int
    /// The rate in force, in calls a second.
    var rate: Double
    /// The rate that was set.
    package var limit: Double
    /// Why the rate is not the limit, or why calls are held back; nil if neither is the case.
    package var reason: String?
    /// How many seconds calls are held back from now on; nil if they are not.
    package var pauseLeft: Double?
    /// Response times in milliseconds; nil before the first.
    package var p50: Double?
    package var p99: Double?
}

extension ProgressCounts {
    /// The counts of a run at a moment.
    ///
    /// - Parameter limit: the rate that was set.
    package init(
        done: Int, total: Int?, failed: Int, limit: Double, p50: Double?, p99: Double?,
        from recorder: LatencyRecorder, now: ContinuousClock.Instant
    ) {
        let pace = recorder.pace(now: now)
        let counts = recorder.counts
        let rate = pace.rate ?? limit
        self.init(
            done: done, total: total, attempts: counts.attempts, retries: counts.retries, failed: failed, rate: rate,
            limit: limit, reason: rate < limit || pace.pauseLeft != nil ? pace.reason : nil,
            pauseLeft: pace.pauseLeft?.inSeconds, p50: p50, p99: p99)
    }
}

/// How far a run is, in one line: for a terminal, which overwrites it, or for a log.
package struct ProgressLine: Sendable, Equatable {
    /// What is being done, for instance `applying` or `listing`.
    let phase: String
    let counts: ProgressCounts
    /// Since the phase began.
    let elapsed: Double
    /// Calls a second in the last half minute; nil while that cannot be said.
    let rate: Double?
    /// Seconds until all is done at the speed of the last half minute; nil if that cannot be said.
    let secondsLeft: Double?

    /// The line for a terminal: no wider than that, the least important parts left out first; no line end.
    package func terminal(width: Int) -> String {
        // The order in which parts give way; the last ones never do.
        // While calls are held back, that is what a person wants to know.
        let order: [Part] =
            counts.pauseLeft == nil
            ? [.reason, .bar, .p50, .retries, .p99, .rate, .left, .failed, .share]
            : [.reason, .bar, .p50, .retries, .p99, .left, .failed, .share, .rate]
        var shown = Set(Part.allCases)
        for part in order where TerminalText.width(text(shown)) > width { shown.remove(part) }
        return TerminalText.clipped(text(shown), to: max(1, width))
    }

    /// The line for a log: everything, in words, the counts below each other.
    package func log() -> String {
        var head = phase + " " + doneText(aligned: true)
        if let share { head += " (\(TerminalText.padded(share, to: "99 %".count, right: true)))" }
        var parts = [head + " after \(Figures.span(seconds: elapsed))", rateText]
        for (name, value) in [("p50", counts.p50), ("p99", counts.p99)] {
            if let value { parts.append("\(name) \(Figures.latency(value))") }
        }
        parts.append(Count.text(counts.retries, "retry", "retries"))
        parts.append("\(Count.text(counts.failed)) failed")
        if let secondsLeft { parts.append("\(Figures.span(seconds: secondsLeft)) left") }
        if let reasonText { parts.append(reasonText) }
        return parts.joined(separator: ", ")
    }

    private enum Part: CaseIterable { case bar, share, rate, p50, p99, retries, failed, left, reason }

    private func text(_ shown: Set<Part>) -> String {
        var parts = [phase]
        if shown.contains(.bar), let fraction { parts.append(Self.bar(fraction)) }
        parts.append(doneText())
        if shown.contains(.share), let share { parts.append(share) }
        if shown.contains(.rate) { parts.append(rateText) }
        if shown.contains(.p50), let p50 = counts.p50 { parts.append("p50 \(Figures.latency(p50))") }
        if shown.contains(.p99), let p99 = counts.p99 { parts.append("p99 \(Figures.latency(p99))") }
        if shown.contains(.retries), counts.retries > 0 {
            parts.append(Count.text(counts.retries, "retry", "retries"))
        }
        if shown.contains(.failed) { parts.append("\(Count.text(counts.failed)) failed") }
        if shown.contains(.left), let secondsLeft { parts.append("\(Figures.span(seconds: secondsLeft)) left") }
        if shown.contains(.reason), let reasonText { parts.append(reasonText) }
        return parts.joined(separator: "  ")
    }

    /// - Parameter aligned: whether the number is padded to the width of the total.
    private func doneText(aligned: Bool = false) -> String {
        guard let total = counts.total else { return Count.text(counts.done) }
        let whole = Count.text(total)
        let done = Count.text(counts.done)
        return "\(aligned ? TerminalText.padded(done, to: whole.count, right: true) : done) of \(whole)"
    }

    private var fraction: Double? {
        guard let total = counts.total, total > 0 else { return nil }
        return min(1, Double(counts.done) / Double(total))
    }

    private var share: String? {
        // Rounded down: 100 % is said when it is true.
        fraction.map { "\(Int($0 * 100)) %" }
    }

    private var rateText: String {
        if let pause = counts.pauseLeft { return "paused for \(Figures.span(seconds: pause)) more" }
        if counts.rate <= 0 { return "paused, probing" }
        let allowed = Figures.rate(counts.rate)
        return rate.map { "\(Figures.rate($0)) of \(allowed) calls/s" } ?? "limit \(allowed) calls/s"
    }

    /// Why it is slower than it might be.
    private var reasonText: String? {
        guard let reason = counts.reason else { return nil }
        return counts.rate < counts.limit ? "limit \(Figures.rate(counts.limit)): \(reason)" : reason
    }

    private static let barColumns = 16

    private static func bar(_ fraction: Double) -> String {
        let full = Int(fraction * Double(barColumns))
        return String(repeating: "█", count: full) + String(repeating: "░", count: barColumns - full)
    }
}
