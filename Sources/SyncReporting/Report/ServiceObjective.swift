import CartAssociations

/// A limit on what a run may measure, for instance `create.p99<800ms` or `failed<0.5%`.
///
/// A latency is `OPERATION.PERCENTILE` or `OPERATION.CLOCK.PERCENTILE`, the clock being `response` if none is
/// named, limited by a number with `us`, `ms`, `s` or `min`. A share is `failed` (of the changes that were tried) or
/// `retried` (of the attempts), limited by a number with `%`.
package struct ServiceObjective: Sendable, Equatable, CustomStringConvertible {
    private enum Subject: Equatable {
        case latency(Operation, LatencyClock, PercentileName)
        case failed
        case retried
    }

    /// As it was written.
    package let description: String
    private let subject: Subject
    /// Milliseconds or percent.
    private let limit: Double

    /// Throws `UnusableObjective`, which says what is possible.
    init(_ text: String) throws(UnusableObjective) {
        let text = text.filter { $0 != " " }
        description = text
        let sides = text.split(separator: "<", omittingEmptySubsequences: false).map(String.init)
        guard sides.count == 2 else { throw UnusableObjective(text: text, problem: "it needs one <") }
        guard let subject = Self.subject(sides[0]) else {
            throw UnusableObjective(text: text, problem: "\(sides[0]) cannot be measured")
        }
        self.subject = subject
        let units: [(String, Double)] =
            switch subject {
            case .latency: [("us", 0.001), ("ms", 1), ("min", 60_000), ("s", 1000)]
            case .failed, .retried: [("%", 1)]
            }
        guard let unit = units.first(where: { sides[1].hasSuffix($0.0) }),
            let number = Double(sides[1].dropLast(unit.0.count)), number.isFinite, number >= 0
        else {
            let names = units.map(\.0).joined(separator: ", ")
            throw UnusableObjective(text: text, problem: "\(sides[1]) is not a number with one of the units \(names)")
        }
        limit = number * unit.1
    }

    /// Reads objectives with commas between them.
    package static func list(_ text: String) throws(UnusableObjective) -> [ServiceObjective] {
        var objectives: [ServiceObjective] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            objectives.append(try ServiceObjective(String(part)))
        }
        return objectives
    }

    private static func subject(_ text: String) -> Subject? {
        if text == "failed" { return .failed }
        if text == "retried" { return .retried }
        let parts = text.split(separator: ".", maxSplits: 1).map(String.init)
        guard parts.count == 2, let operation = Operation(rawValue: parts[0]) else { return nil }
        for clock in LatencyClock.allCases where parts[1].hasPrefix(clock.rawValue + ".") {
            return PercentileName(rawValue: String(parts[1].dropFirst(clock.rawValue.count + 1))).map {
                .latency(operation, clock, $0)
            }
        }
        return PercentileName(rawValue: parts[1]).map { .latency(operation, .response, $0) }
    }

    /// What a finished run makes of the objective; if nothing was measured it is kept.
    package func result(in report: RunReport) -> RunReport.ObjectiveResult {
        switch subject {
        case .latency(let operation, let clock, let name):
            guard let figures = report.latency[operation]?[clock], figures.count > 0 else { return unmeasured }
            return result(figures.percentiles[name])
        case .failed: return result(part: report.outcomes.unsuccessful, of: report.outcomes.done)
        case .retried: return result(part: report.latency.retries, of: report.latency.attempts)
        }
    }

    /// Whether a run that goes on crosses the objective; false while there are too few calls to tell more than chance.
    package func isCrossed(in snapshot: LatencySnapshot, done: Int, unsuccessful: Int) -> Bool {
        switch subject {
        case .latency(let operation, let clock, let name):
            let tally = snapshot.operationTotals(operation).tally(clock)
            guard tally.count >= name.fewestCalls else { return false }
            return result(Double(tally.value(atPercentile: name.percentile)) / 1000).isCrossed
        case .failed: return done >= fewestForShare && result(part: unsuccessful, of: done).isCrossed
        case .retried:
            let attempts = snapshot.attempts
            return attempts >= fewestForShare && result(part: snapshot.retries, of: attempts).isCrossed
        }
    }

    /// Ten times as many as it takes for one to be within the limit.
    private var fewestForShare: Int { limit > 0 ? max(100, Int((1000 / limit).rounded(.up))) : 1 }

    private var unmeasured: RunReport.ObjectiveResult {
        let isLatency = if case .latency = subject { true } else { false }
        return .init(objective: description, isCrossed: false, measured: nil, unit: isLatency ? "ms" : "%")
    }

    private func result(_ milliseconds: Double) -> RunReport.ObjectiveResult {
        .init(objective: description, isCrossed: milliseconds >= limit, measured: milliseconds, unit: "ms")
    }

    private func result(part: Int, of whole: Int) -> RunReport.ObjectiveResult {
        guard whole > 0 else { return unmeasured }
        let percent = Double(part) / Double(whole) * 100
        // A limit of 0 % allows none, and none is never a crossing.
        return .init(objective: description, isCrossed: part > 0 && percent >= limit, measured: percent, unit: "%")
    }
}

extension RunReport.ObjectiveResult {
    /// What was measured, with its unit.
    var measuredText: String {
        guard let measured else { return "nothing measured" }
        return unit == "ms" ? Figures.latency(measured) : "\(Figures.plain((measured * 100).rounded() / 100)) %"
    }

    /// The result in a sentence without its end.
    package var sentence: String {
        "\(objective) \(isCrossed ? "was crossed" : "was kept"): \(measuredText)"
    }
}

/// An objective that cannot be read.
package struct UnusableObjective: Error, Equatable, CustomStringConvertible {
    let text: String
    let problem: String

    package var description: String {
        let operations = Operation.allCases.map(\.rawValue).joined(separator: ", ")
        let percentiles = PercentileName.allCases.map(\.rawValue).joined(separator: ", ")
        return "objective \(text): \(problem); write for instance create.p99<800ms, delete.service.max<5s, failed<0.5% "
            + "or retried<2% (operations: \(operations); percentiles: \(percentiles))"
    }
}
