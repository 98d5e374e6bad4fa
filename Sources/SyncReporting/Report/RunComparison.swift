import CartAssociations

/// Two runs side by side.
package struct RunComparison: Codable, Sendable, Equatable {
    /// One figure of both runs.
    struct Row: Codable, Sendable, Equatable {
        /// For instance `create response p99`.
        var figure: String
        var before: Double
        var after: Double
        /// `ms`, `calls/s`, `%`, `s`, or empty for a count.
        var unit: String
        /// Whether a rise makes it worse; nil for what is neither good nor bad.
        var isWorseWhenHigher: Bool?
        /// Whether both runs measured enough for a change to be more than chance.
        var isTelling: Bool

        /// Whether a change of it would matter, and too little was measured to tell it from chance.
        var isUnjudged: Bool { isWorseWhenHigher != nil && !isTelling && after != before }

        /// By how much it rose, as a share of before; nil if there was nothing before.
        var rise: Double? { before > 0 ? after / before - 1 : nil }

        /// By how much it became worse, as a share of before; nil if that cannot be said.
        var worsening: Double? {
            guard let isWorseWhenHigher, isTelling else { return nil }
            if before == 0 { return isWorseWhenHigher && after > 0 ? .infinity : nil }
            return rise.map { isWorseWhenHigher ? $0 : -$0 }
        }
    }

    var before: String
    var after: String
    var lines: [Row]

    package init(before: RunReport, after: RunReport) {
        self.before = before.run
        self.after = after.run
        lines = Self.counts(before, after)
        for operation in Operation.allCases {
            guard let old = before.latency[operation], let new = after.latency[operation] else { continue }
            for clock in LatencyClock.allCases { lines += Self.latencies(operation, clock, old[clock], new[clock]) }
        }
    }

    /// The figures that became worse by more than a share, as sentences; `0.2` is 20 %.
    package func regressions(over share: Double) -> [String] {
        lines.filter { ($0.worsening ?? 0) > share }.map { line in
            "\(line.figure): \(line.text(line.before)) before, \(line.text(line.after)) after (\(line.changeText))"
        }
    }

    private static func counts(_ old: RunReport, _ new: RunReport) -> [Row] {
        func line(_ figure: String, _ unit: String, _ value: (RunReport) -> Double) -> Row {
            Row(
                figure: figure, before: value(old), after: value(new), unit: unit, isWorseWhenHigher: nil,
                isTelling: false)
        }
        // A share of something bad; what the network does by chance must happen more than `fewest` times to tell.
        func share(_ figure: String, fewest: Int, _ value: (RunReport) -> (part: Int, whole: Int)) -> Row {
            func percent(_ run: RunReport) -> Double {
                let (part, whole) = value(run)
                return whole > 0 ? Double(part) / Double(whole) * 100 : 0
            }
            return Row(
                figure: figure, before: percent(old), after: percent(new), unit: "%", isWorseWhenHigher: true,
                isTelling: max(value(old).part, value(new).part) >= fewest)
        }
        return [
            line("records", "") { Double($0.exports.reduce(0) { $0 + $1.records }) },
            line("creates", "") { Double($0.plan.creates) },
            line("deletes", "") { Double($0.plan.deletes) },
            line("took", "s") { $0.seconds },
            line("rate", "calls/s") { $0.latency.rate.achieved },
            share("changes without success", fewest: 1) { ($0.outcomes.unsuccessful, $0.outcomes.done) },
            share("retries", fewest: 10) { ($0.latency.retries, $0.latency.attempts) },
            share("answers 429", fewest: 10) { ($0.latency.rate.rateLimited, $0.latency.attempts) },
        ]
    }

    private static func latencies(
        _ operation: Operation, _ clock: LatencyClock, _ old: LatencyFigures, _ new: LatencyFigures
    ) -> [Row] {
        guard old.count > 0, new.count > 0 else { return [] }
        return [PercentileName.p50, .p90, .p99, .p999, .max].map { name in
            Row(
                figure: "\(operation.rawValue) \(clock.rawValue) \(name.rawValue)", before: old.percentiles[name],
                after: new.percentiles[name], unit: "ms", isWorseWhenHigher: true,
                // One slow call is no trend.
                isTelling: name != .max && min(old.count, new.count) >= name.fewestCalls)
        }
    }
}

extension RunComparison.Row {
    /// A value with its unit.
    func text(_ value: Double) -> String {
        switch unit {
        case "ms": Figures.latency(value)
        case "s": Figures.span(seconds: value)
        case "%": "\(Figures.plain((value * 100).rounded() / 100)) %"
        case "calls/s": "\(Figures.rate(value)) \(unit)"
        default: Count.text(Int(value))
        }
    }

    /// The change, for instance `+12 %`; `=` for none.
    var changeText: String {
        guard let rise else { return after == before ? "=" : "new" }
        let percent = (rise * 100).rounded()
        return percent == 0 ? "=" : "\(percent > 0 ? "+" : "-")\(Count.text(Int(min(abs(percent), 1e9)))) %"
    }
}
