import CartAssociations
import DurableFiles
import Foundation
import Histogram
import TestSupport
import Testing

@testable import SyncReporting

@Suite struct ReportFolderTests {
    private let folder: TemporaryFolder
    private var path: String { folder.path }

    init() throws { folder = try TemporaryFolder() }

    private func text(_ name: String) throws -> String {
        try String(contentsOfFile: ReportFolder(path: path).path(of: name), encoding: .utf8)
    }

    @Test("a report is written whole: JSON, page, log and one distribution for each operation and clock")
    func files() throws {
        let run = SampleRun.tenMinutes()
        let report = run.report()
        try ReportFolder(path: path).write(report, run.recorder.snapshot())
        var expected = ["report.json", "report.html", "latency.hlog"]
        for operation in ["create", "delete", "list", "token"] {
            expected += ["latency-\(operation).hgrm", "latency-\(operation)-service.hgrm"]
        }
        #expect(try Set(FileManager.default.contentsOfDirectory(atPath: path)) == Set(expected))
        #expect(try RunReport(json: Data(text("report.json").utf8)) == report)
    }

    @Test("a report replaces the one that is there")
    func replacing() throws {
        let folder = ReportFolder(path: path)
        try folder.write(SampleRun().report(words: "First."), SampleRun().recorder.snapshot())
        try folder.write(SampleRun().report(words: "Second."), SampleRun().recorder.snapshot())
        #expect(try text("report.html").contains("<h1>Second.</h1>"))
    }

    @Test("a folder that is not there is an error that names the file")
    func missingFolder() {
        let missing = ReportFolder(path: path + "/none")
        let expected = FileError(missing.path(of: "report.json"), .write, code: ENOENT)
        #expect(throws: expected) { try missing.write(SampleRun().report(), SampleRun().recorder.snapshot()) }
    }

    @Test("the log has one line for each tag and ten seconds, in order")
    func log() throws {
        let run = SampleRun.tenMinutes()
        let lines = HistogramLog.text(run.recorder.snapshot()).split(separator: "\n")
        #expect(lines[1] == "#[Histogram log format version 1.3]")
        #expect(lines[2].hasPrefix("#[StartTime: 1795000000.000 (seconds since epoch), 2026-11-18T"))
        var starts: [Substring: [Double]] = [:]
        for line in lines.dropFirst(5) {
            let match = try #require(line.wholeMatch(of: /Tag=([a-z.-]+),([\d.]+),([\d.]+),([\d.]+),(HISTFA[\w+\/=]+)/))
            starts[match.output.1, default: []].append(try #require(Double(match.output.2)))
            #expect(try #require(Double(match.output.3)) <= 10)
        }
        // Four operations on two clocks, and the classes of those that were answered in more than one way.
        let tags = starts.keys.filter { !$0.contains(".") }
        #expect(
            Set(tags) == [
                "create", "create-service", "delete", "delete-service", "list", "list-service", "token",
                "token-service",
            ])
        #expect(
            Set(starts.keys.filter { $0.hasPrefix("create-service.") }) == [
                "create-service.success", "create-service.rate-limited", "create-service.refused",
            ])
        #expect(!starts.keys.contains("token.success"), "one class is the whole")
        for (tag, times) in starts {
            #expect(times == times.sorted(), "\(tag) is out of order")
            #expect(Set(times.map { Int($0 / 10) }).count == times.count, "\(tag) has two lines for ten seconds")
        }
        #expect(try #require(starts["create"]).count > 50)
    }

    @Test("a distribution is in milliseconds and ends with the count of all calls")
    func distribution() throws {
        let run = SampleRun.tenMinutes()
        let tally = run.recorder.snapshot().operationTotals(.create).tally(.response)
        let text = try #require(PercentileFile.text(tally.sparse))
        #expect(text.contains("Value     Percentile TotalCount 1/(1-Percentile)"))
        #expect(text.contains(/Total count    = +9000\]/))
        let maximum = try #require(text.firstMatch(of: /#\[Max     = +([\d.]+)/)?.output.1)
        #expect((2000...2200).contains(try #require(Double(maximum))))
    }

    @Test("a distribution is the library's own, to the letter", arguments: UInt64(1)...20)
    func distributionOfLibrary(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var tally = LatencyTally()
        #expect(PercentileFile.text(tally.sparse) == nil)
        let most = [1, 2000, 60_000, 3_600_000_000][Int(seed % 4)]
        for _ in 0..<Int.random(in: 1...500, using: &random) {
            let longest = UInt64.random(in: 0...UInt64(most), using: &random)
            tally.record(UInt64.random(in: 0...longest, using: &random))
        }
        var text = ""
        tally.histogram.outputPercentileDistribution(to: &text, outputValueUnitScalingRatio: 1000)
        #expect(PercentileFile.text(tally.sparse) == text)
        let curve = tally.histogram.percentiles(ticksPerHalfDistance: 4).map { step in
            CurvePoint(
                percentile: step.percentileLevelIteratedTo,
                milliseconds: Double(min(step.value, tally.histogram.maxRecorded)) / 1000)
        }
        #expect(CurvePoint.curve(of: tally.sparse) == curve)
        for percentile in [0.1, 50, 75, 99, 99.9, 99.99, 100] {
            #expect(tally.value(atPercentile: percentile) == tally.histogram.valueAtPercentile(percentile))
        }
    }
}
