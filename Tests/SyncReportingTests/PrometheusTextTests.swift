import CartAssociations
import Foundation
import Testing

@testable import SyncReporting

@Suite struct PrometheusTextTests {
    private func series(_ text: String) -> [(name: String, value: Double)] {
        text.split(separator: "\n").filter { !$0.hasPrefix("#") }.compactMap { line in
            guard let space = line.lastIndex(of: " ") else { return nil }
            return Double(line[line.index(after: space)...].replacing("+Inf", with: "inf")).map {
                (String(line[..<space]), $0)
            }
        }
    }

    @Test("every counter is there from the start, at 0")
    func zeroes() {
        let metrics = PrometheusText(sources: ["nightly": nil])
        let text = metrics.text(now: .init(), running: nil, time: SampleRun.wallClock)
        let all = series(text)
        for answer in AnswerClass.allCases {
            for operation in CartAssociations.Operation.allCases {
                let name =
                    "cartsync_attempts_total{operation=\"\(operation.rawValue)\",answer=\"\(answer.rawValue)\"}"
                #expect(all.contains { $0.name == name && $0.value == 0 }, "\(name)")
            }
        }
        for status in PrometheusText.RunStatus.allCases {
            let name = "cartsync_runs_total{source=\"nightly\",status=\"\(status.rawValue)\"}"
            #expect(all.contains { $0.name == name && $0.value == 0 }, "\(name)")
        }
        #expect(all.filter { $0.name.contains("_total") }.allSatisfy { $0.value == 0 })
        #expect(
            all.contains { $0.name == "cartsync_last_success_age_seconds{source=\"nightly\"}" && $0.value == .infinity }
        )
        #expect(all.count < 500)
    }

    @Test("buckets are cumulative and end with the count")
    func histograms() throws {
        let run = SampleRun.tenMinutes()
        var metrics = PrometheusText(sources: [:])
        metrics.add(run.report())
        let all = series(metrics.text(now: .init(), running: nil, time: SampleRun.wallClock))
        let buckets = all.filter { $0.name.hasPrefix("cartsync_response_time_seconds_bucket{operation=\"create\"") }
        #expect(buckets.count == LatencyBuckets.bounds.count + 1)
        #expect(buckets.map(\.value) == buckets.map(\.value).sorted())
        #expect(buckets.last?.name.contains("le=\"+Inf\"") == true)
        #expect(buckets.last?.value == 9000)
        #expect(
            all.contains { $0.name == "cartsync_changes_total{kind=\"create\",outcome=\"created\"}" && $0.value > 8000 }
        )
    }

    @Test("counters only grow when a run that was going on ends and the next begins")
    func monotonic() throws {
        let run = SampleRun.tenMinutes()
        var metrics = PrometheusText(sources: [:])
        func create(_ running: LatencyReport?) throws -> Double {
            let all = series(metrics.text(now: .init(), running: running, time: SampleRun.wallClock))
            return try #require(all.first { $0.name == "cartsync_service_time_seconds_count{operation=\"create\"}" })
                .value
        }
        let during = try create(run.report().latency)
        metrics.add(run.report())
        #expect(try create(nil) == during)
        #expect(try create(run.report().latency) == 2 * during)
    }

    @Test("the last success and its age are those of the job's last run that did all")
    func lastSuccess() {
        var metrics = PrometheusText(sources: ["nightly": nil])
        let good = SampleRun().report()
        metrics.add(good)
        metrics.add(SampleRun.tenMinutes().report(exitStatus: .incomplete))
        let text = metrics.text(now: .init(), running: nil, time: good.ended.addingTimeInterval(90))
        #expect(text.contains("cartsync_last_success_timestamp_seconds{source=\"nightly\"} 1795000000\n"))
        #expect(text.contains("cartsync_last_success_age_seconds{source=\"nightly\"} 90\n"))
        #expect(text.contains("cartsync_runs_total{source=\"nightly\",status=\"incomplete\"} 1\n"))
    }

    @Test("why calls go slower than the rate that was set is said in words, and only then")
    func paceReason() {
        let metrics = PrometheusText(sources: [:])
        var now = PrometheusText.Now()
        now.ceiling = 100
        now.limit = 84
        now.paceReason = "shoppers use the rest"
        let text = metrics.text(now: now, running: nil, time: SampleRun.wallClock)
        #expect(text.contains("cartsync_rate_ceiling_calls_per_second 100\n"))
        #expect(text.contains("cartsync_pace_reason{reason=\"shoppers use the rest\"} 1\n"))
        #expect(!metrics.text(now: .init(), running: nil, time: SampleRun.wallClock).contains("pace_reason"))
    }

    @Test("no label has a cart, an owner, a file or a message, in a service and in a file")
    func noPersonalData() {
        let report = SampleRun.tenMinutes().report(exitStatus: .incomplete)
        var metrics = PrometheusText(sources: [:])
        metrics.add(report)
        let service = metrics.text(now: .init(), running: nil, time: SampleRun.wallClock)
        for text in [service, MetricsFile.text(.report(report), lastSuccess: nil)] {
            for secret in ["cart-", "customers.csv", "accounts.xml", "does not exist"] {
                #expect(!text.contains(secret))
            }
            let labels = Set(text.matches(of: /[{,]([a-z_]+)="/).map { String($0.output.1) })
            #expect(
                labels.isSubset(of: ["operation", "answer", "le", "kind", "outcome", "result", "source", "status"]))
        }
    }

    @Test("the file of a run has its own figures, no counter and no age that would stand still")
    func metricsFile() throws {
        let report = SampleRun.tenMinutes().report(exitStatus: .incomplete)
        let text = MetricsFile.text(.report(report), lastSuccess: SampleRun.wallClock)
        let all = series(text)
        func value(_ name: String) throws -> Double { try #require(all.first { $0.name == name }, "\(name)").value }
        let create = try #require(report.latency[.create])
        #expect(
            try value("cartsync_last_run_retries{source=\"nightly\",operation=\"create\"}") == Double(create.retries))
        #expect(
            try value("cartsync_last_run_response_time_seconds_count{source=\"nightly\",operation=\"create\"}")
                == Double(create.response.count))
        #expect(try value("cartsync_last_run_duration_seconds{source=\"nightly\"}") == report.seconds)
        #expect(try value("cartsync_last_run_status{source=\"nightly\",status=\"incomplete\"}") == 1)
        #expect(try value("cartsync_last_run_status{source=\"nightly\",status=\"done\"}") == 0)
        #expect(try value("cartsync_last_success_timestamp_seconds{source=\"nightly\"}") == 1_795_000_000)
        #expect(!text.contains("counter"))
        #expect(!text.contains("age_seconds"))
        // Two sources write two files into one folder: a series stands in only one of them.
        #expect(all.allSatisfy { $0.name.contains("source=\"nightly\"") })
    }

    @Test("a run that failed before its report is told, and the last success stays")
    func failedRun() {
        let text = MetricsFile.text(
            .failure(source: "nightly", exitStatus: .unavailable, ended: SampleRun.wallClock),
            lastSuccess: SampleRun.wallClock.addingTimeInterval(-86_400))
        #expect(text.contains("cartsync_last_run_exit_status{source=\"nightly\"} 69\n"))
        #expect(text.contains("cartsync_last_run_status{source=\"nightly\",status=\"unreachable\"} 1\n"))
        #expect(text.contains("cartsync_last_success_timestamp_seconds{source=\"nightly\"} 1794913600\n"))
    }

    @Test("a job's name is escaped as a label")
    func labels() {
        let metrics = PrometheusText(sources: ["a\"b\\c\nd": nil])
        let text = metrics.text(now: .init(), running: nil, time: SampleRun.wallClock)
        #expect(text.contains("source=\"a\\\"b\\\\c\\nd\""))
    }
}
