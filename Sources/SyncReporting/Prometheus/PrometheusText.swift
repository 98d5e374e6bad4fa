package import CartAssociations

package import struct Foundation.Date

/// The metrics of a process as Prometheus reads them: sums over all runs, and what is going on now.
///
/// No label has a cart, an owner or a file name: the number of series is bounded by the number of jobs.
package struct PrometheusText: Sendable {
    /// How a run ended, in the words of a label.
    enum RunStatus: String, Sendable, CaseIterable {
        case done, incomplete, refused, unreachable, failed, stopped
        case sloCrossed = "slo crossed"

        init(_ exitStatus: ExitStatus) {
            switch exitStatus {
            case .done, .changesFound: self = .done
            case .incomplete: self = .incomplete
            case .refused: self = .refused
            case .objectiveCrossed: self = .sloCrossed
            case .stoppedEarly: self = .stopped
            case .unavailable, .credentialsRefused: self = .unreachable
            case .usage, .exportRefused, .exportUnreadable, .bug, .stateUnwritable, .badSettings:
                self = .failed
            }
        }
    }

    /// What the process does now; all 0 if it is idle.
    package struct Now: Sendable {
        /// Calls a second in about the last half minute.
        package var rate = 0.0
        /// The rate in force, in calls a second.
        package var limit = 0.0
        /// The rate that was set, in calls a second.
        package var ceiling = 0.0
        /// Why the rate in force is not the one that was set, or why calls are held back, in words; nil if neither is the
        /// case.
        package var paceReason: String?
        /// Changes of the present run without an outcome.
        package var changesLeft = 0
        /// Exports that were found and not begun.
        package var exportsWaiting = 0
        /// Runs that wait for a person.
        package var approvalsWaiting = 0
        /// The bytes that a user's process may still write on the disk of the state folder; nil if unknown.
        package var stateFreeBytes: Int?
        /// The size of the ledger with its log; nil if unknown.
        package var ledgerBytes: Int?
        /// The size of the state folder, and from which on it is too large; nil if unknown.
        package var stateBytes: Int?
        package var stateMaxBytes: Int?

        package init() {}
    }

    private var calls: [CallTotals] = Operation.allCases.map { _ in CallTotals() }
    private var outcomes = RunOutcomes()
    private var accepted = 0
    private var duplicates = 0
    private var rejected = 0
    private var withheld = 0
    private var sources: [String: Source] = [:]

    private struct Source {
        var runs: [RunStatus: Int] = [:]
        var lastSuccess: Date?
    }

    /// - Parameter sources: all sources, each of which has its counters from the start, and when a run of it last did all
    ///   it had to; nil for never.
    package init(sources: [String: Date?]) {
        self.sources = sources.mapValues { Source(lastSuccess: $0) }
    }

    /// Counts a run that has ended, from its report alone.
    package mutating func add(_ report: RunReport) {
        add(report.latency)
        for export in report.exports {
            accepted += export.accepted
            duplicates += export.duplicates
            rejected += export.rejectedCount
        }
        withheld += report.withheld?.deletes ?? 0
        for kind in ChangeKind.allCases {
            for outcome in Outcome.allCases { outcomes.count(kind, outcome, report.outcomes[kind][outcome]) }
        }
        addEnd(of: report)
    }

    /// Counts what a run did since it was resumed.
    ///
    /// - Parameters:
    ///   - report: the report of the whole run.
    ///   - earlier: the outcomes before, which are counted already or belong to an earlier process.
    ///   - calls: the calls made since then.
    package mutating func add(_ report: RunReport, after earlier: RunOutcomes, calls: LatencyReport) {
        add(calls)
        for kind in ChangeKind.allCases {
            for outcome in Outcome.allCases {
                outcomes.count(kind, outcome, max(0, report.outcomes[kind][outcome] - earlier[kind][outcome]))
            }
        }
        addEnd(of: report)
    }

    private mutating func addEnd(of report: RunReport) {
        let status = RunStatus(report.verdict.exitStatus)
        sources[report.source, default: Source()].runs[status, default: 0] += 1
        if status == .done { sources[report.source]?.lastSuccess = report.ended }
    }

    /// Counts the calls of a run that ended without a report, or has not ended.
    package mutating func add(_ latency: LatencyReport) {
        for operation in latency.operations { calls[operation.operation.index].add(operation) }
    }

    /// Counts a run that ended without a report.
    package mutating func addRun(of source: String, exitStatus: ExitStatus) {
        sources[source, default: Source()].runs[RunStatus(exitStatus), default: 0] += 1
    }

    /// The metrics of a service.
    ///
    /// - Parameter running: the calls of the present run; nil if none is running.
    package func text(now: Now, running: LatencyReport?, time: Date) -> String {
        var all = self
        if let running { all.add(running) }
        return (all.callFamilies + all.workFamilies + all.sourceFamilies + all.ages(time) + Self.nowFamilies(now))
            .map(\.text).joined()
    }

    var callFamilies: [MetricFamily] {
        var service = MetricFamily(
            "service_time_seconds", .histogram, "From a request being sent to its answer being read, each attempt.")
        var response = MetricFamily(
            "response_time_seconds", .histogram, "From a call being due to its final answer, repetitions included.")
        var attempts = MetricFamily("attempts_total", .counter, "Requests by the class of their answer.")
        var retries = MetricFamily("retries_total", .counter, "Requests that repeat an earlier one.")
        for operation in Operation.allCases {
            let label = ("operation", operation.rawValue)
            let totals = calls[operation.index]
            service.add(totals.service, label)
            response.add(totals.response, label)
            retries.add(totals.retries, label)
            for answer in AnswerClass.allCases {
                attempts.add(totals.attempts[answer.rawValue] ?? 0, label, ("answer", answer.rawValue))
            }
        }
        return [service, response, attempts, retries]
    }

    var workFamilies: [MetricFamily] {
        var changes = MetricFamily("changes_total", .counter, "Changes by how they ended.")
        for kind in ChangeKind.allCases {
            for outcome in Outcome.allCases where outcome.isPossible(for: kind) {
                changes.add(outcomes[kind][outcome], ("kind", kind.rawValue), ("outcome", outcome.rawValue))
            }
        }
        var records = MetricFamily("records_total", .counter, "Records of exports by what became of them.")
        for (result, count) in [("accepted", accepted), ("duplicate", duplicates), ("rejected", rejected)] {
            records.add(count, ("result", result))
        }
        var doubtful = MetricFamily(
            "withheld_deletes_total", .counter, "Deletes not made because it is in doubt whether they are wanted.")
        doubtful.add(withheld)
        return [changes, records, doubtful]
    }

    var sourceFamilies: [MetricFamily] {
        var runs = MetricFamily("runs_total", .counter, "Runs by how they ended.")
        var success = MetricFamily(
            "last_success_timestamp_seconds", .gauge, "When a run of the source last did all it had to; 0 for never.")
        for (name, source) in sources.sorted(by: { $0.key < $1.key }) {
            for status in RunStatus.allCases {
                runs.add(source.runs[status] ?? 0, ("source", name), ("status", status.rawValue))
            }
            success.add(source.lastSuccess?.timeIntervalSince1970 ?? 0, ("source", name))
        }
        return [runs, success]
    }

    private func ages(_ time: Date) -> [MetricFamily] {
        var age = MetricFamily(
            "last_success_age_seconds", .gauge, "How long ago a run of the source last did all it had to.")
        for (name, source) in sources.sorted(by: { $0.key < $1.key }) {
            age.add(source.lastSuccess.map { max(0, time.timeIntervalSince($0)) } ?? .infinity, ("source", name))
        }
        return [age]
    }

    private static func nowFamilies(_ now: Now) -> [MetricFamily] {
        let sizes: [(String, String, Double?)] = [
            ("state_free_bytes", "Free on the disk of the state folder.", now.stateFreeBytes.map(Double.init)),
            ("ledger_bytes", "The size of the ledger.", now.ledgerBytes.map(Double.init)),
            ("state_bytes", "The size of the state folder.", now.stateBytes.map(Double.init)),
            (
                "state_max_bytes", "From which size of the state folder on it is to be made smaller (state.max-size).",
                now.stateMaxBytes.map(Double.init)
            ),
        ]
        let figures: [(String, String, Double?)] = [
            ("rate_calls_per_second", "Calls a second of late.", now.rate),
            ("rate_limit_calls_per_second", "The rate in force.", now.limit),
            ("rate_ceiling_calls_per_second", "The rate that was set.", now.ceiling),
            ("changes_left", "Changes of the present run without an outcome.", Double(now.changesLeft)),
            ("exports_waiting", "Exports that were found and not begun.", Double(now.exportsWaiting)),
            ("approvals_waiting", "Runs that wait for a person.", Double(now.approvalsWaiting)),
        ]
        var families: [MetricFamily] = (figures + sizes).compactMap { name, help, value in
            var family = MetricFamily(name, .gauge, help)
            guard let value else { return nil }
            family.add(value)
            return family
        }
        if let reason = now.paceReason {
            var family = MetricFamily("pace_reason", .gauge, "Why calls go slower than the rate that was set.")
            family.add(1, ("reason", reason))
            families.append(family)
        }
        return families
    }
}

extension Outcome {
    /// Whether a change of a kind can end like this.
    func isPossible(for kind: ChangeKind) -> Bool {
        switch self {
        case .created, .alreadyThere: kind == .create
        case .deleted, .alreadyGone: kind == .delete
        case .rejected, .failed, .skipped: true
        // Counted by itself: it is no part of what is to do.
        case .withheld: false
        }
    }
}

/// The calls of one operation, added up over runs.
private struct CallTotals {
    var service = LatencySums()
    var response = LatencySums()
    var attempts: [String: Int] = [:]
    var retries = 0

    mutating func add(_ operation: OperationLatency) {
        service.add(operation.service)
        response.add(operation.response)
        attempts.merge(operation.attemptAnswers, uniquingKeysWith: +)
        retries += operation.retries
    }
}

/// A latency as Prometheus counts it: how many within each bound of `LatencyBuckets`, and their sum.
struct LatencySums {
    /// In the order of the bounds, the last one without a bound.
    private(set) var counts = [Int](repeating: 0, count: LatencyBuckets.bounds.count + 1)
    /// Milliseconds.
    private(set) var sum = 0.0

    mutating func add(_ figures: LatencyFigures) {
        for (index, bucket) in figures.buckets.enumerated() where index < counts.count { counts[index] += bucket.count }
        sum += figures.sum
    }
}
