import CartAssociations

/// A limit on what a run may measure, for instance `create.p99<800ms` or `failed<0.5%`.
///
/// A latency is `OPERATION.PERCENTILE` or `OPERATION.CLOCK.PERCENTILE`, the clock being `response` where none is
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
    package init(_ text: String) throws(UnusableObjective) {
        description = text
        let sides = text.split(separator: "<", omittingEmptySubsequences: false).map { $0.filter { $0 != " " } }
        guard sides.count == 2 else { throw UnusableObjective(text: text, problem: "it needs one <") }
        guard let subject = Self.subject(sides[0]) else {
            throw UnusableObjective(text: text, problem: "\(sides[0]) is nothing that is measured")
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
            throw UnusableObjective(text: text, problem: "\(sides[1]) is no number with one of the units \(names)")
        }
        limit = number * unit.1
    }

    /// Reads objectives with commas between them.
    package static func list(_ text: String) throws(UnusableObjective) -> [ServiceObjective] {
        var objectives: [ServiceObjective] = []
        for part in text.split(separator: ",") { objectives.append(try ServiceObjective(String(part))) }
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

    /// How a finished run crossed the objective, in a sentence; nil where it was kept or nothing was measured.
    package func crossing(in report: RunReport) -> String? {
        switch subject {
        case .latency(let operation, let clock, let name):
            guard let figures = report.latency[operation]?[clock], figures.count > 0 else { return nil }
            return crossing(milliseconds: figures.percentiles[name])
        case .failed:
            return crossing(share: report.outcomes.unsuccessful, of: report.outcomes.done)
        case .retried:
            return crossing(share: report.latency.retries, of: report.latency.attempts)
        }
    }

    /// The same while a run goes on; nil also while there are too few calls to tell more than chance.
    package func crossing(in snapshot: LatencySnapshot, _ outcomes: RunOutcomes) -> String? {
        switch subject {
        case .latency(let operation, let clock, let name):
            let tally = snapshot.operationTotals(operation).tally(clock)
            guard tally.count >= name.fewestCalls else { return nil }
            return crossing(milliseconds: Double(tally.value(atPercentile: name.percentile)) / 1000)
        case .failed:
            guard outcomes.done >= fewestForShare else { return nil }
            return crossing(share: outcomes.unsuccessful, of: outcomes.done)
        case .retried:
            guard snapshot.attempts >= fewestForShare else { return nil }
            return crossing(share: snapshot.retries, of: snapshot.attempts)
        }
    }

    /// Ten times as many as it takes for one to be within the limit.
    private var fewestForShare: Int { limit > 0 ? max(100, Int((1000 / limit).rounded(.up))) : 1 }

    private func crossing(milliseconds: Double) -> String? {
        milliseconds < limit ? nil : "\(description) was crossed: \(Figures.latency(milliseconds))"
    }

    private func crossing(share part: Int, of whole: Int) -> String? {
        // A limit of 0 % allows none, and none is never a crossing.
        guard whole > 0, part > 0, Double(part) / Double(whole) * 100 >= limit else { return nil }
        return "\(description) was crossed: \(Figures.count(part)) of \(Figures.count(whole)), "
            + Figures.share(part, of: whole)
    }
}

/// An objective that cannot be read.
package struct UnusableObjective: Error, Equatable, CustomStringConvertible {
    package let text: String
    package let problem: String

    package var description: String {
        let operations = Operation.allCases.map(\.rawValue).joined(separator: ", ")
        let percentiles = PercentileName.allCases.map(\.rawValue).joined(separator: ", ")
        return "objective \(text): \(problem); write for instance create.p99<800ms, delete.service.max<5s, failed<0.5% "
            + "or retried<2% (operations: \(operations); percentiles: \(percentiles))"
    }
}
