import CartAssociations
import DurableFiles

import struct Foundation.Data
import struct Foundation.URL

/// The folder of one run's report.
package struct ReportFolder: Sendable {
    package static let reportName = "report.json"
    package static let pageName = "report.html"
    package static let logName = "latency.hlog"

    /// The file of a percentile distribution, of an operation such as `create` or `create-service`.
    package static func distributionName(_ operation: String) -> String { "latency-\(operation).hgrm" }

    /// The folder's path; it must exist.
    package let path: String

    package init(path: String) { self.path = path }

    /// The path of a file in the folder.
    package func path(of name: String) -> String {
        URL(filePath: path, directoryHint: .isDirectory).appending(path: name).path
    }

    /// Writes everything but `results.csv`, whose lines come while the run lasts.
    ///
    /// Each file is there whole or not at all. Throws a `FileError` for the first that cannot be written.
    package func write(_ report: RunReport, _ snapshot: LatencySnapshot) throws {
        try write(report)
        try DurableFile.write(HistogramLog.text(snapshot).utf8, to: path(of: Self.logName))
        for operation in Operation.allCases {
            for clock in LatencyClock.allCases {
                let histogram = snapshot.operationTotals(operation).tally(clock).sparse
                guard let distribution = PercentileFile.text(histogram) else { continue }
                let name = Self.distributionName(HistogramLog.tag(operation, clock))
                try DurableFile.write(distribution.utf8, to: path(of: name))
            }
        }
        try DurableFile.write(ReportPage.html(report).utf8, to: path(of: Self.pageName))
    }

    /// Writes `report.json` alone, whole or not at all.
    package func write(_ report: RunReport) throws {
        try DurableFile.write(report.json(), to: path(of: Self.reportName))
    }

    /// Reads `report.json` back; nil if there is none.
    ///
    /// Throws `UnreadableReport`, or `DecodingError` for a file that is no report.
    package func report() throws -> RunReport? {
        guard let bytes = try? FileSystem.contents(path(of: Self.reportName)) else { return nil }
        return try RunReport(json: Data(bytes))
    }
}
