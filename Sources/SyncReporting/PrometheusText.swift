import CartAssociations

package import struct Foundation.Date

/// The metrics of a process as Prometheus reads them: sums over all runs, and what is going on now.
///
/// No label has a cart, an owner or a file name: the number of series is bounded by the number of jobs.
package struct PrometheusText: Sendable {
    /// How a run ended, in the words of a label.
    package enum RunStatus: String, Sendable, CaseIterable {
        case done, incomplete, refused, failed, stopped
        case sloCrossed = "slo crossed"

        /// - Parameter exitStatus: that of the run's verdict.
        package init(exitStatus: Int) {
            switch exitStatus {
            case 0, 2: self = .done
            case 1: self = .incomplete
            case 3: self = .refused
            case 8: self = .sloCrossed
            case 75: self = .stopped
            default: self = .failed
            }
        }
    }

    /// What is going on now; all 0 in a process that is idle.
    package struct Now: Sendable {
        /// Calls a second of late.
        package var rate = 0.0
        /// The rate in force, in calls a second.
        package var limit = 0.0
        /// Changes of the present run without an outcome.
        package var changesLeft = 0
        /// Exports that were found and not begun.
        package var exportsWaiting = 0
        /// Runs that wait for a person.
        package var approvalsWaiting = 0

        package init() {}
    }

    private var latency: LatencySnapshot
    private var outcomes = RunOutcomes()
    private var accepted = 0
    private var duplicates = 0
    private var rejected = 0
    private var jobs: [String: Job] = [:]

    private struct Job {
        var runs: [RunStatus: Int] = [:]
        var lastSuccess: Date?
    }

    /// - Parameter jobs: the names of all jobs, so that each has its counters from the start.
    package init(started: Date, jobs: [String]) {
        latency = .empty(started: started)
        for job in jobs { self.jobs[job] = Job() }
    }

    /// Counts a run that has ended.
    package mutating func add(_ report: RunReport, _ snapshot: LatencySnapshot, job: String) {
        latency.merge(snapshot)
        for export in report.exports {
            accepted += export.accepted
            duplicates += export.duplicates
            rejected += export.rejectedCount
        }
        for kind in ChangeKind.allCases {
            for outcome in Outcome.allCases { outcomes.count(kind, outcome, report.outcomes[kind][outcome]) }
        }
        let status = RunStatus(exitStatus: report.verdict.exitStatus)
        jobs[job, default: Job()].runs[status, default: 0] += 1
        if status == .done { succeeded(job: job, at: report.ended) }
    }

    /// Notes the last success of a job, also one before this process began.
    package mutating func succeeded(job: String, at time: Date) {
        jobs[job, default: Job()].lastSuccess = time
    }

    /// The metrics.
    ///
    /// - Parameter running: what the recorder of the present run holds; nil where none is running.
    package func text(now: Now, running: LatencySnapshot?, time: Date) -> String {
        var all = latency
        if let running { all.merge(running) }
        let operations = Operation.allCases.map { OperationLatency($0, all.operationTotals($0)) }
        return (callFamilies(operations) + workFamilies + jobFamilies(time) + nowFamilies(now)).map(\.text).joined()
    }

    /// The metrics of one run by itself, for the node exporter's textfile collector.
    package static func text(of report: RunReport, _ snapshot: LatencySnapshot) -> String {
        var metrics = PrometheusText(started: report.started, jobs: [])
        metrics.add(report, snapshot, job: report.source)
        var now = Now()
        now.rate = report.latency.rate.achieved
        now.limit = report.latency.rate.limit
        now.changesLeft = report.outcomes.pending
        return metrics.text(now: now, running: nil, time: report.ended)
    }

    /// Writes the metrics of one run where the textfile collector, another user's process, reads them.
    ///
    /// Throws `ReportNotWritten`.
    package static func write(_ report: RunReport, _ snapshot: LatencySnapshot, to path: String) throws {
        try DurableFile.write(text(of: report, snapshot).utf8, to: path, permissions: 0o644)
    }

    private func callFamilies(_ operations: [OperationLatency]) -> [MetricFamily] {
        var service = MetricFamily(
            "service_time_seconds", .histogram, "From a request being sent to its answer being read, each attempt.")
        var response = MetricFamily(
            "response_time_seconds", .histogram, "From a call being due to its final answer, repetitions included.")
        var attempts = MetricFamily("attempts_total", .counter, "Requests by the class of their answer.")
        var retries = MetricFamily("retries_total", .counter, "Requests that repeat an earlier one.")
        for operation in operations {
            let label = ("operation", operation.operation.rawValue)
            service.add(operation.service, label)
            response.add(operation.response, label)
            retries.add(operation.retries, label)
            for answer in AnswerClass.allCases {
                attempts.add(operation.attempts(answer), label, ("answer", answer.rawValue))
            }
        }
        return [service, response, attempts, retries]
    }

    private var workFamilies: [MetricFamily] {
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
        return [changes, records]
    }

    private func jobFamilies(_ time: Date) -> [MetricFamily] {
        var runs = MetricFamily("runs_total", .counter, "Runs by how they ended.")
        var success = MetricFamily(
            "last_success_timestamp_seconds", .gauge, "When a run of the job last did all it had to; 0 for never.")
        var age = MetricFamily(
            "last_success_age_seconds", .gauge, "How long ago a run of the job last did all it had to.")
        for (name, job) in jobs.sorted(by: { $0.key < $1.key }) {
            for status in RunStatus.allCases {
                runs.add(job.runs[status] ?? 0, ("job", name), ("status", status.rawValue))
            }
            success.add(job.lastSuccess?.timeIntervalSince1970 ?? 0, ("job", name))
            age.add(job.lastSuccess.map { max(0, time.timeIntervalSince($0)) } ?? .infinity, ("job", name))
        }
        return [runs, success, age]
    }

    private func nowFamilies(_ now: Now) -> [MetricFamily] {
        [
            ("rate_calls_per_second", "Calls a second of late.", now.rate),
            ("rate_limit_calls_per_second", "The rate in force.", now.limit),
            ("changes_left", "Changes of the present run without an outcome.", Double(now.changesLeft)),
            ("exports_waiting", "Exports that were found and not begun.", Double(now.exportsWaiting)),
            ("approvals_waiting", "Runs that wait for a person.", Double(now.approvalsWaiting)),
        ].map { name, help, value in
            var family = MetricFamily(name, .gauge, help)
            family.add(value)
            return family
        }
    }
}

extension Outcome {
    /// Whether a change of a kind can end like this.
    func isPossible(for kind: ChangeKind) -> Bool {
        switch self {
        case .created, .alreadyThere: kind == .create
        case .deleted, .alreadyGone: kind == .delete
        case .rejected, .failed, .skipped: true
        }
    }
}
