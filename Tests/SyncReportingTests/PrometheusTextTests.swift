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
        let metrics = PrometheusText(started: SampleRun.wallClock, jobs: ["nightly"])
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
            let name = "cartsync_runs_total{job=\"nightly\",status=\"\(status.rawValue)\"}"
            #expect(all.contains { $0.name == name && $0.value == 0 }, "\(name)")
        }
        #expect(all.filter { $0.name.contains("_total") }.allSatisfy { $0.value == 0 })
        #expect(
            all.contains { $0.name == "cartsync_last_success_age_seconds{job=\"nightly\"}" && $0.value == .infinity })
        #expect(all.count < 500)
    }

    @Test("buckets are cumulative and end with the count")
    func histograms() throws {
        let run = SampleRun.tenMinutes()
        let all = series(PrometheusText.text(of: run.report(), run.recorder.snapshot()))
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
        var metrics = PrometheusText(started: SampleRun.wallClock, jobs: [])
        func create(_ running: LatencySnapshot?) throws -> Double {
            let all = series(metrics.text(now: .init(), running: running, time: SampleRun.wallClock))
            return try #require(all.first { $0.name == "cartsync_service_time_seconds_count{operation=\"create\"}" })
                .value
        }
        let during = try create(run.recorder.snapshot())
        metrics.add(run.report(), run.recorder.snapshot(), job: "a")
        #expect(try create(nil) == during)
        #expect(try create(run.recorder.snapshot()) == 2 * during)
    }

    @Test("the last success and its age are those of the job's last run that did all")
    func lastSuccess() {
        var metrics = PrometheusText(started: SampleRun.wallClock, jobs: ["a"])
        let good = SampleRun().report()
        metrics.add(good, SampleRun().recorder.snapshot(), job: "a")
        metrics.add(SampleRun.tenMinutes().report(exitStatus: 1), SampleRun().recorder.snapshot(), job: "a")
        let text = metrics.text(now: .init(), running: nil, time: good.ended.addingTimeInterval(90))
        #expect(text.contains("cartsync_last_success_timestamp_seconds{job=\"a\"} 1795000000\n"))
        #expect(text.contains("cartsync_last_success_age_seconds{job=\"a\"} 90\n"))
        #expect(text.contains("cartsync_runs_total{job=\"a\",status=\"incomplete\"} 1\n"))
    }

    @Test("no label has a cart, an owner, a file or a message")
    func noPersonalData() {
        let run = SampleRun.tenMinutes()
        let text = PrometheusText.text(of: run.report(exitStatus: 1), run.recorder.snapshot())
        for secret in ["cart-", "customers.csv", "accounts.xml", "does not exist"] { #expect(!text.contains(secret)) }
    }

    @Test("a job's name is escaped as a label")
    func labels() {
        let metrics = PrometheusText(started: SampleRun.wallClock, jobs: ["a\"b\\c\nd"])
        let text = metrics.text(now: .init(), running: nil, time: SampleRun.wallClock)
        #expect(text.contains("job=\"a\\\"b\\\\c\\nd\""))
    }
}
