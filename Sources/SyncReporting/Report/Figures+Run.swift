extension Figures {
    /// How long a run took, for instance `4.2 s, and 12 s standing still`.
    static func took(_ report: RunReport) -> String {
        let span = span(seconds: report.seconds)
        // Under a second nobody thought; an answer came from a script.
        guard report.idleSeconds >= 1 else { return span }
        return "\(span), and \(self.span(seconds: report.idleSeconds)) standing still, asked or interrupted"
    }

    /// The calls of a run and their rate, with whatever slowed it.
    static func calls(_ latency: LatencyReport) -> String {
        let rate = latency.rate
        var parts = [
            "\(count(latency.attempts)), \(self.rate(rate.achieved)) a second of \(self.rate(rate.limit)) allowed"
        ]
        if latency.retries > 0 { parts.append(count(latency.retries, "retry", "retries")) }
        if rate.rateLimited > 0 { parts.append("\(count(rate.rateLimited)) answered 429") }
        if rate.pauses > 0 {
            parts.append("\(count(rate.pauses, "pause")) of \(span(seconds: rate.pausedSeconds)) in all")
        }
        return parts.joined(separator: ", ")
    }
}
