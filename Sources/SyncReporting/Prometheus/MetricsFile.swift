package import CartAssociations
import DurableFiles

package import struct Foundation.Date

/// The metrics of one run in a file, for the node exporter's textfile collector.
package enum MetricsFile {
    /// The run that the file describes.
    package enum LastRun: Sendable {
        case report(RunReport)
        /// A run that ended before there was anything to report.
        case failure(source: String, exitStatus: ExitStatus, ended: Date)

        package var source: String {
            switch self {
            case .report(let report): report.source
            case .failure(let source, _, _): source
            }
        }

        package var exitStatus: ExitStatus {
            switch self {
            case .report(let report): report.verdict.exitStatus
            case .failure(_, let status, _): status
            }
        }

        fileprivate var ended: Date {
            switch self {
            case .report(let report): report.ended
            case .failure(_, _, let ended): ended
            }
        }
    }

    /// Writes the file, whole or not at all, readable for the collector, which is another user's process.
    ///
    /// - Parameter lastSuccess: the end of the last earlier run of the source that did all it had to.
    ///
    /// Throws a `FileError`.
    package static func write(_ run: LastRun, lastSuccess: Date?, to path: String) throws {
        try DurableFile.write(text(run, lastSuccess: lastSuccess).utf8, to: path, permissions: 0o644)
    }

    static func text(_ run: LastRun, lastSuccess: Date?) -> String {
        var families: [MetricFamily] = []
        if case .report(let report) = run {
            var metrics = PrometheusText(sources: [:])
            metrics.add(report)
            families = (metrics.callFamilies + metrics.workFamilies).map { $0.ofLastRun(source: run.source) }
            families += gauges(report).map { gauge("last_run_" + $0, $1, $2, run.source) }
        }
        families.append(
            gauge("last_run_timestamp_seconds", "When the last run ended.", run.ended.timeIntervalSince1970, run.source)
        )
        families.append(
            gauge(
                "last_run_exit_status", "The exit status of the last run.", Double(run.exitStatus.rawValue), run.source)
        )
        var status = MetricFamily("last_run_status", .gauge, "1 for how the last run ended.")
        let ending = PrometheusText.RunStatus(run.exitStatus)
        for possible in PrometheusText.RunStatus.allCases {
            status.add(possible == ending ? 1 : 0, ("source", run.source), ("status", possible.rawValue))
        }
        let succeeded = ending == .done ? run.ended : lastSuccess
        let success = gauge(
            "last_success_timestamp_seconds", "When a run of the source last did all it had to; 0 for never.",
            succeeded?.timeIntervalSince1970 ?? 0, run.source)
        return (families + [status, success]).map(\.text).joined()
    }

    private static func gauge(_ name: String, _ help: String, _ value: Double, _ source: String) -> MetricFamily {
        var family = MetricFamily(name, .gauge, help)
        family.add(value, ("source", source))
        return family
    }

    private static func gauges(_ report: RunReport) -> [(String, String, Double)] {
        [
            ("duration_seconds", "How long the last run took.", report.seconds),
            ("rate_calls_per_second", "Calls a second of the last run.", report.latency.rate.achieved),
            ("rate_limit_calls_per_second", "The limit of the last run.", report.latency.rate.limit),
            ("paused_seconds", "How long calls were held back in the last run.", report.latency.rate.pausedSeconds),
            ("changes_left", "Changes of the last run without an outcome.", Double(report.outcomes.pending)),
        ]
    }
}
