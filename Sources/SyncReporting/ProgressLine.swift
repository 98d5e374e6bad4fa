/// How far a run is, in one line: for a terminal, which overwrites it, or for a log.
package struct ProgressLine: Sendable, Equatable {
    /// What is being done, for instance `applying` or `listing`.
    package let phase: String
    package let counts: ProgressCounts
    /// Calls a second of late; nil until that can be said.
    package let rate: Double?
    /// Seconds until all is done at the speed of late; nil where that cannot be said.
    package let secondsLeft: Double?

    /// The line for a terminal: no wider than that, the least important parts left out first; no line end.
    package func terminal(width: Int) -> String {
        // The order in which parts give way; the last ones never do.
        let order: [Part] = [.bar, .p50, .retries, .p99, .rate, .left, .failed, .share]
        var shown = Set(Part.allCases)
        for part in order where TerminalText.width(text(shown)) > width { shown.remove(part) }
        return TerminalText.clipped(text(shown), to: max(1, width))
    }

    /// The line for a log: everything, in words.
    package func log() -> String {
        var parts = [phase + " " + doneText]
        if let share { parts[0] += " (\(share))" }
        parts.append(rateText)
        for (name, value) in [("p50", counts.p50), ("p99", counts.p99)] {
            if let value { parts.append("\(name) \(Figures.latency(value))") }
        }
        parts.append(Figures.count(counts.retries, "retry", "retries"))
        parts.append("\(Figures.count(counts.failed)) failed")
        if let secondsLeft { parts.append("\(Figures.span(seconds: secondsLeft)) left") }
        return parts.joined(separator: ", ")
    }

    private enum Part: CaseIterable { case bar, share, rate, p50, p99, retries, failed, left }

    private func text(_ shown: Set<Part>) -> String {
        var parts = [phase]
        if shown.contains(.bar), let fraction { parts.append(Self.bar(fraction)) }
        parts.append(doneText)
        if shown.contains(.share), let share { parts.append(share) }
        if shown.contains(.rate) { parts.append(rateText) }
        if shown.contains(.p50), let p50 = counts.p50 { parts.append("p50 \(Figures.latency(p50))") }
        if shown.contains(.p99), let p99 = counts.p99 { parts.append("p99 \(Figures.latency(p99))") }
        if shown.contains(.retries), counts.retries > 0 {
            parts.append(Figures.count(counts.retries, "retry", "retries"))
        }
        if shown.contains(.failed) { parts.append("\(Figures.count(counts.failed)) failed") }
        if shown.contains(.left), let secondsLeft { parts.append("\(Figures.span(seconds: secondsLeft)) left") }
        return parts.joined(separator: "  ")
    }

    private var doneText: String {
        counts.total.map { "\(Figures.count(counts.done)) of \(Figures.count($0))" } ?? Figures.count(counts.done)
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
        let limit = Figures.rate(counts.limit)
        let text = rate.map { "\(Figures.rate($0)) of \(limit) calls/s" } ?? "limit \(limit) calls/s"
        return counts.reason.map { "\(text) (\($0))" } ?? text
    }

    private static let barColumns = 16

    private static func bar(_ fraction: Double) -> String {
        let full = Int(fraction * Double(barColumns))
        return String(repeating: "█", count: full) + String(repeating: "░", count: barColumns - full)
    }
}

/// The counts that a progress line is made from.
package struct ProgressCounts: Sendable, Equatable {
    /// Changes with an outcome, or pages listed.
    package var done: Int
    /// nil where it is not known yet.
    package var total: Int?
    /// Requests on the wire so far.
    package var attempts: Int
    package var retries: Int
    package var failed: Int
    /// The rate in force, in calls a second.
    package var limit: Double
    /// Why it is not the limit that a person set; nil where it is.
    package var reason: String?
    /// Response times in milliseconds; nil before the first.
    package var p50: Double?
    package var p99: Double?

    package init(
        done: Int, total: Int?, attempts: Int, retries: Int, failed: Int, limit: Double, p50: Double?, p99: Double?,
        reason: String? = nil
    ) {
        self.done = done
        self.total = total
        self.attempts = attempts
        self.retries = retries
        self.failed = failed
        self.limit = limit
        self.p50 = p50
        self.p99 = p99
        self.reason = reason
    }
}
