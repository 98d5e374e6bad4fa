import CartAssociations
import Foundation
import Testing

@testable import SyncReporting

@Suite struct RunReportTests {
    @Test("a report that tells the truth has no inconsistencies", arguments: [UInt64(1), 2, 3])
    func consistent(seed: UInt64) {
        #expect(SampleRun.tenMinutes(seed: seed).report().inconsistencies() == [], "seed \(seed)")
    }

    @Test("a change that is lost between plan and outcomes is found")
    func lostChange() {
        var report = SampleRun.tenMinutes().report()
        report.plan.creates += 1
        #expect(report.inconsistencies() == ["9001 creates planned, but 9000 have an outcome and 0 are pending"])
        report.outcomes.create.pending = 1
        #expect(report.inconsistencies() == [])
    }

    @Test("every other sum that does not add up is found")
    func otherSums() {
        let good = SampleRun.tenMinutes().report()
        var report = good
        report.exports[1].duplicates = 900
        #expect(report.inconsistencies().count == 1)
        report = good
        report.exports[1].accepted -= 1
        report.exports[1].rejected["other"] = 1
        #expect(report.inconsistencies() == ["3 records rejected, but 2 of them are shown"])
        report = good
        report.failures = []
        #expect(report.inconsistencies().count == 1)
        report = good
        report.latency.operations[0].attempts += 1
        #expect(!report.inconsistencies().isEmpty)
        report = good
        report.latency.timeline.removeLast()
        #expect(report.inconsistencies().count == 1)
        report = good
        report.latency.operations[0].response.buckets[0].count += 1
        #expect(report.inconsistencies().count == 1)
    }

    @Test("report.json gives back the report it was made from")
    func roundTrip() throws {
        let report = SampleRun.tenMinutes().report(exitStatus: .incomplete)
        #expect(try RunReport(json: report.json()) == report)
    }

    @Test("a report of a newer schema is refused by its version")
    func newerSchema() throws {
        var report = SampleRun().report()
        report.schemaVersion = 99
        let json = try report.json()
        #expect(throws: UnreadableReport(found: 99, known: 1)) { try RunReport(json: json) }
    }

    @Test("failures by reason keep ten examples and count the rest")
    func examplesAreBounded() {
        var group = RunReport.FailureGroup(reason: "refused")
        for line in 1...25 {
            group.add(.init(kind: .create, cart: "c", export: "x", line: line, status: 422, message: "no"))
        }
        #expect(group.count == 25)
        #expect(group.examples.map(\.line) == Array(1...10))
    }

    @Test("plots have at most as many points as they can show, whatever the length of the run")
    func plotsAreBounded() {
        let started = ContinuousClock.now
        let recorder = LatencyRecorder(started: started, wallClock: SampleRun.wallClock)
        for second in stride(from: 0, to: 100_000, by: 5) {
            recorder.record(
                .attempt(.init(operation: .create, answer: .success, status: 200, service: .milliseconds(second % 90))),
                now: started + .seconds(second))
        }
        let report = LatencyReport(
            recorder.snapshot(), rateLimit: 20, ended: SampleRun.wallClock.addingTimeInterval(100_000))
        #expect((100...LatencyReport.mostPoints).contains(report.timeline.count))
        #expect(report.inconsistencies() == [])
    }
}
