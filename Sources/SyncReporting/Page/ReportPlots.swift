import CartAssociations

/// The plots of a report's page.
struct ReportPlots {
    let latency: LatencyReport
    /// The length of the run.
    let seconds: Double

    /// Under this many calls a curve would say more than was measured.
    private static let fewest = 10
    /// Under this many stretches there is no "over time".
    private static let fewestStretches = 3

    private var plotted: [OperationLatency] {
        latency.operations.filter { $0.response.count >= Self.fewest }
    }

    /// Response and service time of every operation, over the share of calls that were at least as fast.
    var percentiles: LinePlot? {
        let operations = plotted
        guard let most = operations.map(\.response.count).max() else { return nil }
        var series: [LinePlot.Series] = []
        for operation in operations {
            let color = operation.operation.index
            let name = operation.operation.rawValue
            series.append(curve("\(name), response", operation.response, color))
            series.append(curve("\(name), service", operation.service, color, isDashed: true))
        }
        let lines = operations.map { operation in
            let at = operation.response.percentiles
            return "\(operation.operation.rawValue): half within \(Figures.latency(at.p50)), 99 % within "
                + "\(Figures.latency(at.p99)), the slowest \(Figures.latency(at.max))"
        }
        return LinePlot(
            id: "percentiles", title: "Latency by percentile",
            description: "Response time of \(lines.joined(separator: "; ")).",
            x: .percentiles(count: most), y: .latency(series.flatMap { $0.points.map(\.y) }),
            yTitle: "latency", series: series)
    }

    private func curve(
        _ name: String, _ figures: LatencyFigures, _ color: Int, isDashed: Bool = false
    ) -> LinePlot.Series {
        LinePlot.Series(
            name: name, points: figures.curve.map { ($0.percentile, max($0.milliseconds, 0.001)) }, color: color,
            isDashed: isDashed)
    }

    /// Median and 99th percentile of the response time of every operation, over time.
    var overTime: LinePlot? {
        guard latency.timeline.count >= Self.fewestStretches else { return nil }
        var series: [LinePlot.Series] = []
        for operation in plotted.map(\.operation) {
            let points = latency.timeline.compactMap { point in
                point.response.first { $0.operation == operation }.map { (point.seconds + point.length / 2, $0) }
            }
            guard !points.isEmpty else { continue }
            series.append(
                LinePlot.Series(
                    name: "\(operation.rawValue), p99", points: points.map { ($0.0, max($0.1.p99, 0.001)) },
                    color: operation.index))
            series.append(
                LinePlot.Series(
                    name: "\(operation.rawValue), p50", points: points.map { ($0.0, max($0.1.p50, 0.001)) },
                    color: operation.index, isDashed: true))
        }
        guard !series.isEmpty else { return nil }
        let worst = latency.timeline.flatMap { point in point.response.map { (point.seconds, $0.max) } }
            .max { $0.1 < $1.1 }
        return LinePlot(
            id: "overtime", title: "Response time over the run",
            description: worst.map {
                "The slowest call took \(Figures.latency($0.1)), about \(Figures.span(seconds: $0.0)) into the run."
            } ?? "",
            x: .time(seconds: end, ticks: 8), y: .latency(series.flatMap { $0.points.map(\.y) }),
            yTitle: "response time", series: series)
    }

    /// Calls made a second against the limit and the rate that was aimed at, with 429s by the second and pauses.
    var rate: LinePlot? {
        guard latency.timeline.count >= Self.fewestStretches else { return nil }
        let achieved = achieved
        var goal = [(0.0, latency.rate.steps.first { $0.seconds <= 0 }?.rate ?? latency.rate.limit)]
        goal += latency.rate.steps.filter { $0.rate > 0 }.map { ($0.seconds, $0.rate) }
        if let last = goal.last { goal.append((max(end, last.0), last.1)) }
        let highest = max(latency.rate.limit, achieved.map(\.1).max() ?? 0, goal.map(\.1).max() ?? 0)
        var series = [
            LinePlot.Series(name: "made", points: achieved, color: 0),
            LinePlot.Series(name: "goal", points: goal, color: 3, isStepped: true),
            LinePlot.Series(
                name: "limit", points: [(0, latency.rate.limit), (end, latency.rate.limit)], color: 3, isDashed: true),
        ]
        if latency.rate.rateLimited > 0 {
            series.append(LinePlot.Series(name: "429", points: perSecond(\.rateLimited), color: 1))
        }
        let report = latency.rate
        return LinePlot(
            id: "rate", title: "Rate against its limit",
            description: "\(Figures.rate(report.achieved)) calls a second on average, limit "
                + "\(Figures.rate(report.limit)); \(Count.text(report.rateLimited)) answers 429 and "
                + "\(Count.text(report.pauses, "pause")) of \(Figures.span(seconds: report.pausedSeconds)) in all.",
            x: .time(seconds: end, ticks: 8), y: .rate(highest: highest * 1.05), yTitle: "calls a second",
            series: series, marks: pauses + limited)
    }

    /// Calls a second that were neither refused nor failed.
    private var achieved: [(Double, Double)] { perSecond { $0.attempts - $0.rateLimited - $0.troubled } }

    /// So many a second in each stretch, and 0 between stretches that do not touch.
    private func perSecond(_ count: (TimelinePoint) -> Int) -> [(Double, Double)] {
        var stretches = latency.timeline.filter { $0.length > 0 }
        // The run ends in the middle of a stretch: three calls in the last tenth of a second are no rate.
        if let last = stretches.last, let before = stretches.dropLast().last, last.length < before.length / 2 {
            stretches.removeLast(2)
            var both = before
            both.length = last.seconds + last.length - before.seconds
            both.attempts += last.attempts
            both.rateLimited += last.rateLimited
            both.troubled += last.troubled
            stretches.append(both)
        }
        var points: [(Double, Double)] = []
        var end = 0.0
        for stretch in stretches {
            if stretch.seconds > end + 0.001, !points.isEmpty { points += [(end, 0), (stretch.seconds, 0)] }
            points.append((stretch.seconds + stretch.length / 2, Double(count(stretch)) / stretch.length))
            end = stretch.seconds + stretch.length
        }
        return points
    }

    private var pauses: [LinePlot.Mark] {
        latency.rate.held.map { LinePlot.Mark(from: $0.seconds, to: $0.seconds + $0.length, isBand: true) }
    }

    private var limited: [LinePlot.Mark] {
        latency.timeline.filter { $0.rateLimited > 0 }.map {
            LinePlot.Mark(from: $0.seconds, to: $0.seconds + $0.length, isBand: false)
        }
    }

    private var end: Double {
        max(seconds, latency.timeline.last.map { $0.seconds + $0.length } ?? 0)
    }
}
