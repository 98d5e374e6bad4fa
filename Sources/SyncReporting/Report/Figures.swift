import CartAssociations
import Foundation

/// Numbers as people read them: grouped, with units, in three significant digits.
package enum Figures {
    /// A latency, for instance `0.42 ms`, `42.1 ms`, `1.23 s`, `2.5 min`.
    static func latency(_ milliseconds: Double) -> String {
        switch milliseconds {
        case ..<0.995: "\(fixed(milliseconds, 2)) ms"
        case ..<999.5: "\(significant(milliseconds)) ms"
        case ..<119_500: "\(significant(milliseconds / 1000)) s"
        default: "\(significant(milliseconds / 60_000)) min"
        }
    }

    /// A duration, short ones as a latency and longer ones as a span.
    package static func duration(_ duration: Duration) -> String {
        let seconds = duration / .seconds(1)
        return seconds < 9.95 ? latency(seconds * 1000) : span(seconds: seconds)
    }

    /// A bound of a bucket, without digits that say nothing.
    static func bound(_ milliseconds: Double) -> String {
        milliseconds < 1000 ? "\(plain(milliseconds)) ms" : "\(plain(milliseconds / 1000)) s"
    }

    /// Calls a second, for instance `19.8`.
    static func rate(_ perSecond: Double) -> String {
        perSecond >= 99.95 ? Count.text(Int(perSecond.rounded())) : plain((perSecond * 10).rounded() / 10)
    }

    /// A span of time, for instance `4.2 s`, `2 min 05 s`, `3 h 12 min`, `2 d 4 h`.
    package static func span(seconds: Double) -> String {
        if seconds < 9.95 { return "\(fixed(max(0, seconds), 1)) s" }
        let whole = Int(seconds.rounded())
        switch whole {
        case ..<60: return "\(whole) s"
        case ..<3600: return "\(whole / 60) min \(twoDigits(whole % 60)) s"
        case ..<86_400: return "\(whole / 3600) h \(twoDigits(whole / 60 % 60)) min"
        default: return "\(whole / 86_400) d \(whole / 3600 % 24) h"
        }
    }

    /// A share from 0 to 1, for instance `62 %` or `0.4 %`; never `0 %` for something nor `100 %` for less than all.
    static func share(_ part: Int, of whole: Int) -> String {
        guard whole > 0 else { return "" }
        let percent = Double(part) / Double(whole) * 100
        if part > 0, percent < 0.1 { return "<0.1 %" }
        if part < whole, percent >= 99.95 { return ">99.9 %" }
        return percent < 9.95 || percent > 99
            ? "\(plain((percent * 10).rounded() / 10)) %" : "\(Int(percent.rounded())) %"
    }

    /// Without a fraction if the number is whole.
    static func plain(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : "\(value)"
    }

    static func fixed(_ value: Double, _ digits: Int) -> String {
        String(format: "%.\(digits)f", value)
    }

    private static func significant(_ value: Double) -> String {
        switch value {
        case ..<9.995: fixed(value, 2)
        case ..<99.95: fixed(value, 1)
        default: Count.text(Int(value.rounded()))
        }
    }

    private static func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : String(number) }
}

extension Figures {
    /// How long a run took, for instance `4.2 s (without 12 s of waiting for an answer or of interruption)`.
    static func took(_ report: RunReport) -> String {
        let span = span(seconds: report.seconds)
        // No person answers within a second; a script did.
        guard report.idleSeconds >= 1 else { return span }
        let idle = self.span(seconds: report.idleSeconds)
        return "\(span) (without \(idle) of waiting for an answer or of interruption)"
    }

    /// The calls of a run and their rate, with whatever slowed it.
    static func calls(_ latency: LatencyReport) -> String {
        let rate = latency.rate
        var parts = [
            "\(Count.text(latency.attempts)), \(self.rate(rate.achieved)) a second of \(self.rate(rate.limit)) allowed"
        ]
        if latency.retries > 0 { parts.append(Count.text(latency.retries, "retry", "retries")) }
        if rate.rateLimited > 0 { parts.append("\(Count.text(rate.rateLimited)) answered 429") }
        if rate.pauses > 0 {
            parts.append("\(Count.text(rate.pauses, "pause")) of \(span(seconds: rate.pausedSeconds)) in all")
        }
        return parts.joined(separator: ", ")
    }
}
