import Foundation

/// How values lie along an axis.
struct PlotScale {
    enum Kind {
        case linear
        /// For latencies, which span orders of magnitude.
        case logarithmic
        /// For percentiles: each further nine takes the same room.
        case nines
    }

    struct Tick {
        let value: Double
        let label: String
    }

    let kind: Kind
    let range: ClosedRange<Double>
    let ticks: [Tick]

    /// Where a value lies, from 0 to 1.
    func position(_ value: Double) -> Double {
        let low = measure(range.lowerBound)
        let high = measure(range.upperBound)
        guard high > low else { return 0 }
        return min(1, max(0, (measure(min(max(value, range.lowerBound), range.upperBound)) - low) / (high - low)))
    }

    private func measure(_ value: Double) -> Double {
        switch kind {
        case .linear: value
        case .logarithmic: log10(max(value, 1e-6))
        case .nines: -log10(1 - min(value, 99.999_999) / 100)
        }
    }

    /// Milliseconds, between powers of ten that hold all values.
    static func latency(_ values: [Double]) -> PlotScale {
        let positive = values.filter { $0 > 0 }
        let low = floor(log10(max(positive.min() ?? 1, 0.001)))
        let high = max(low + 1, ceil(log10(max(positive.max() ?? 10, 0.001))))
        let ticks = stride(from: low, through: high, by: 1).map { power in
            Tick(value: pow(10, power), label: Figures.bound(pow(10, power)))
        }
        return PlotScale(kind: .logarithmic, range: pow(10, low)...pow(10, high), ticks: ticks)
    }

    /// From 0 to the last nine that so many values can tell.
    static func percentiles(count: Int) -> PlotScale {
        let all: [Double] = [0, 50, 90, 99, 99.9, 99.99, 99.999, 99.9999]
        let end = 100 * (1 - 1 / Double(max(10, count)))
        let highest = all.last { $0 <= end } ?? 90
        let upper = max(highest, end)
        let ticks = all.filter { $0 <= upper }.map { Tick(value: $0, label: "\(Figures.plain($0)) %") }
        return PlotScale(kind: .nines, range: 0...upper, ticks: ticks)
    }

    /// From zero to at least the highest value, in round steps.
    static func rate(highest: Double) -> PlotScale {
        let top = max(highest, 1)
        let step = roundStep(top / 5)
        let upper = (top / step).rounded(.up) * step
        let ticks = stride(from: 0, through: upper + step / 2, by: step).map {
            Tick(value: $0, label: Figures.rate($0))
        }
        return PlotScale(kind: .linear, range: 0...upper, ticks: ticks)
    }

    /// Seconds from the start, marked at round times.
    static func time(seconds: Double, ticks wanted: Int) -> PlotScale {
        let steps: [Double] = [
            1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400, 172_800, 604_800,
        ]
        let upper = max(seconds, 1)
        let step = steps.first { upper / $0 <= Double(wanted) } ?? upper
        let ticks = stride(from: 0, through: upper, by: step).map { Tick(value: $0, label: clock($0, step: step)) }
        return PlotScale(kind: .linear, range: 0...upper, ticks: ticks)
    }

    private static func clock(_ seconds: Double, step: Double) -> String {
        if seconds == 0 { return "0" }
        if step < 60 { return seconds < 60 ? "\(Int(seconds)) s" : Figures.span(seconds: seconds) }
        return step < 3600
            ? seconds < 3600 ? "\(Int(seconds / 60)) min" : Figures.span(seconds: seconds)
            : "\(Int(seconds / 3600)) h"
    }

    private static func roundStep(_ least: Double) -> Double {
        let power = pow(10, floor(log10(least)))
        return [1, 2, 5, 10].map { $0 * power }.first { $0 >= least } ?? least
    }
}
