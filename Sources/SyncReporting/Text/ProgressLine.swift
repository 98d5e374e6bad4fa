/// How far a run is, in one line: for a terminal, which overwrites it, or for a log.
package struct ProgressLine: Sendable, Equatable {
    /// What is being done, for instance `applying` or `listing`.
    package let phase: String
    package let counts: ProgressCounts
    /// Since the phase began.
    let elapsed: Double
    /// Calls a second of late; nil until that can be said.
    package let rate: Double?
    /// Seconds until all is done at the speed of late; nil where that cannot be said.
    package let secondsLeft: Double?

    /// The line for a terminal: no wider than that, the least important parts left out first; no line end.
    package func terminal(width: Int) -> String {
        // The order in which parts give way; the last ones never do.
        // While nothing moves, that is what a person wants to know.
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
        parts.append(Figures.count(counts.retries, "retry", "retries"))
        parts.append("\(Figures.count(counts.failed)) failed")
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
            parts.append(Figures.count(counts.retries, "retry", "retries"))
        }
        if shown.contains(.failed) { parts.append("\(Figures.count(counts.failed)) failed") }
        if shown.contains(.left), let secondsLeft { parts.append("\(Figures.span(seconds: secondsLeft)) left") }
        if shown.contains(.reason), let reasonText { parts.append(reasonText) }
        return parts.joined(separator: "  ")
    }

    /// - Parameter aligned: whether the number takes the room that the total needs.
    private func doneText(aligned: Bool = false) -> String {
        guard let total = counts.total else { return Figures.count(counts.done) }
        let whole = Figures.count(total)
        let done = Figures.count(counts.done)
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
