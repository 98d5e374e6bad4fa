package import CartAssociations
package import Foundation

/// What a run did: `report.json`, and the only source of the numbers in the text and HTML reports.
///
/// Latencies are in milliseconds, rates in calls a second, spans of time in seconds.
package struct RunReport: Codable, Sendable, Equatable {
    /// Raised when a reader of an older report.json would misunderstand a newer one.
    static let currentSchema = 1

    var schemaVersion = RunReport.currentSchema
    package var run: String
    /// The command that was run, for instance `sync`.
    package var command: String
    package var verdict: Verdict
    /// The host of the store.
    package var store: String
    package var source: String
    /// The run that it takes back; nil for any other run.
    package var undone: String?
    var started: Date
    package var ended: Date
    /// How long the run stood still, because a person was asked or because it was interrupted, in seconds.
    var idleSeconds: Double
    package var exports: [ExportSummary] = []
    package var plan: PlanSummary
    package var outcomes = RunOutcomes()
    var latency: LatencyReport
    /// What the run was to keep, and whether it did.
    package var objectives: [ObjectiveResult] = []
    package var failures: [FailureGroup] = []
    package var rejected = RejectedRecords()
    /// What the run did not do because of doubt; nil if it did everything.
    package var withheld: Withheld?
    package var settings: [SettingUsed] = []

    /// What a run has measured until a moment.
    package struct Measured: Sendable {
        let snapshot: LatencySnapshot
        let rateLimit: Double
        let ended: Date

        /// - Parameters:
        ///   - snapshot: what the run's recorder holds.
        ///   - rateLimit: calls a second.
        package init(_ snapshot: LatencySnapshot, rateLimit: Double, ended: Date) {
            self.snapshot = snapshot
            self.rateLimit = rateLimit
            self.ended = ended
        }
    }

    /// A report without changes that ended; set what else there is.
    package init(
        run: String, command: String, store: String, source: String, verdict: Verdict, started: Date,
        plan: PlanSummary, measured: Measured
    ) {
        self.run = run
        self.command = command
        self.store = store
        self.source = source
        self.verdict = verdict
        self.started = started.wholeMilliseconds
        self.plan = plan
        (ended, idleSeconds, latency) = Self.times(measured)
    }

    /// Replaces what was measured.
    package mutating func take(_ measured: Measured) {
        (ended, idleSeconds, latency) = Self.times(measured)
    }

    private static func times(_ measured: Measured) -> (ended: Date, idle: Double, latency: LatencyReport) {
        (
            measured.ended.wholeMilliseconds,
            measured.snapshot.idle.reduce(0) { $0 + ($1.upperBound - $1.lowerBound).inSeconds },
            LatencyReport(measured.snapshot, rateLimit: measured.rateLimit, ended: measured.ended)
        )
    }

    /// The limit of the rate, in calls a second.
    package var rateLimit: Double { latency.rate.limit }

    /// Seconds from start to end, without the time in which it stood still.
    package var seconds: Double { max(0, ended.timeIntervalSince(started) - idleSeconds) }
}

extension RunReport {
    /// The report without what may name owners: why a record was rejected, what the store said of a change, and examples of
    /// what is withheld.
    package var withoutTextsThatNameOwners: RunReport {
        var report = self
        report.failures = failures.map(\.withoutMessages)
        report.rejected = rejected.withoutReasons
        report.withheld?.examples = []
        return report
    }

    private static let notShown = "not shown here: it may name an owner"

    /// How the run ended.
    package struct Verdict: Codable, Sendable, Equatable {
        /// One sentence for a person, for instance `All 3 changes were made.`.
        package var words: String
        package var exitStatus: ExitStatus
        /// The command to type next; nil if nothing is left to do.
        package var next: String?

        package init(words: String, exitStatus: ExitStatus, next: String? = nil) {
            self.words = words
            self.exitStatus = exitStatus
            self.next = next
        }
    }

    /// One export that the run read.
    package struct ExportSummary: Codable, Sendable, Equatable {
        package var path: String
        /// For instance `CSV` or `XML, gzip`.
        var format: String
        /// All records: accepted, duplicates, rejected and those of other shards.
        package var records: Int
        /// Records that were used, each association once.
        package var accepted: Int
        package var duplicates: Int
        /// Rejected records by reason.
        package var rejected: [String: Int]
        /// Records of carts in other shards, left to other runs; nil without shards.
        package var elsewhere: Int?
        /// The digest of the file's bytes in hexadecimal; nil if it was not read to its end.
        var sha256: String?

        package init(
            path: String, format: String, records: Int, accepted: Int, duplicates: Int, rejected: [String: Int],
            elsewhere: Int = 0, sha256: String?
        ) {
            self.path = path
            self.format = format
            self.records = records
            self.accepted = accepted
            self.duplicates = duplicates
            self.rejected = rejected
            self.elsewhere = elsewhere == 0 ? nil : elsewhere
            self.sha256 = sha256
        }

        package var rejectedCount: Int { rejected.values.reduce(0, +) }
    }

    /// The plan in counts.
    package struct PlanSummary: Codable, Sendable, Equatable {
        package var creates: Int
        package var deletes: Int
        /// Wanted and already there: nothing to do.
        package var kept: Int
        /// Existing, not wanted, and outside the scope of deletes.
        package var unmanaged: Int
        /// Where the current associations were read.
        package var current: CurrentSource
        /// Why there.
        package var currentReason: String
        /// What was unusual about the plan, in sentences.
        package var warnings: [String] = []

        /// - Parameter reason: why the current associations were read there.
        package init(_ counts: PlanCounts, current: CurrentSource, reason: String) {
            creates = counts.creates
            deletes = counts.deletes
            kept = counts.kept
            unmanaged = counts.unmanaged
            self.current = current
            currentReason = reason
        }

        package var changes: Int { creates + deletes }
    }

    /// An objective of the run, and whether it was kept.
    package struct ObjectiveResult: Codable, Sendable, Equatable {
        /// As it was written, for instance `create.p99<800ms`.
        var objective: String
        package var isCrossed: Bool
        /// What was measured, in `unit`; nil if nothing was.
        var measured: Double?
        /// `ms` or `%`.
        var unit: String
        /// How many seconds into the run it was first seen to be crossed; nil if it never was while the run went on.
        package var crossedAfter: Double?
    }

    /// Changes that did not succeed, of one reason.
    package struct FailureGroup: Codable, Sendable, Equatable {
        static let mostExamples = 10

        package var reason: String
        package private(set) var count = 0
        /// The first ten.
        private(set) var examples: [Failure] = []

        package init(reason: String) { self.reason = reason }

        fileprivate var withoutMessages: FailureGroup {
            var group = self
            for index in group.examples.indices { group.examples[index].message = RunReport.notShown }
            return group
        }

        /// Counts a failure, and keeps it as an example while there is room.
        package mutating func add(_ failure: Failure) {
            count += 1
            if examples.count < Self.mostExamples { examples.append(failure) }
        }
    }

    /// One change that did not succeed.
    package struct Failure: Codable, Sendable, Equatable {
        var kind: ChangeKind
        var cart: String
        /// The export and line that asked for it; nil for a delete that follows from an absence.
        var export: String?
        var line: Int?
        /// The HTTP status; nil if no answer came.
        var status: Int?
        var message: String

        package init(kind: ChangeKind, cart: String, export: String?, line: Int?, status: Int?, message: String) {
            self.kind = kind
            self.cart = cart
            self.export = export
            self.line = line
            self.status = status
            self.message = message
        }
    }

    /// The rejected records of all exports.
    package struct RejectedRecords: Codable, Sendable, Equatable {
        static let mostExamples = 10

        /// The name of the file that has them all, to be corrected and imported; nil without any.
        package var file: String?
        /// The first ten.
        private(set) var examples: [RejectedExample] = []

        package init(file: String? = nil) { self.file = file }

        fileprivate var withoutReasons: RejectedRecords {
            var records = self
            for index in records.examples.indices { records.examples[index].reason = RunReport.notShown }
            return records
        }

        /// Keeps a rejected record while there is room.
        package mutating func add(_ record: RejectedExample) {
            if examples.count < Self.mostExamples { examples.append(record) }
        }
    }

    /// One record that could not be used.
    package struct RejectedExample: Codable, Sendable, Equatable {
        var export: String
        var line: Int
        var reason: String

        package init(export: String, line: Int, reason: String) {
            self.export = export
            self.line = line
            self.reason = reason
        }
    }

    /// One setting of the run, secrets already redacted.
    package struct SettingUsed: Codable, Sendable, Equatable {
        package var name: String
        package var value: String
        /// Where it came from, for instance `flag`, `environment`, `cartsync.yaml`, `default`.
        package var origin: String

        package init(name: String, value: String, origin: String) {
            self.name = name
            self.value = value
            self.origin = origin
        }
    }
}

// MARK: - report.json

extension RunReport {
    /// The bytes of `report.json`: one line, sorted keys, times in UTC to the millisecond, a final newline.
    package func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .custom { date, encoder in
            var container = encoder.singleValueContainer()
            try container.encode(Date.ISO8601FormatStyle(includingFractionalSeconds: true).format(date))
        }
        return try encoder.encode(self) + Data("\n".utf8)
    }

    /// Reads a `report.json`.
    ///
    /// Throws `UnreadableReport` for a newer schema version, and `DecodingError` for anything that is not a report.
    init(json: Data) throws {
        let version = try JSONDecoder().decode(SchemaVersion.self, from: json).schemaVersion
        guard version == Self.currentSchema else {
            throw UnreadableReport(found: version, known: Self.currentSchema)
        }
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .custom { decoder in
            let container = try decoder.singleValueContainer()
            let text = try container.decode(String.self)
            let style = Date.ISO8601FormatStyle(includingFractionalSeconds: text.contains("."))
            guard let date = try? style.parse(text) else {
                throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a time: \(text)")
            }
            return date
        }
        self = try decoder.decode(RunReport.self, from: json)
    }

    private struct SchemaVersion: Decodable {
        let schemaVersion: Int
    }
}

extension Date {
    /// As exact as report.json is: a report that is read back must equal the one that was written.
    fileprivate var wholeMilliseconds: Date {
        Date(timeIntervalSince1970: (timeIntervalSince1970 * 1000).rounded() / 1000)
    }
}

/// A report written by a version of cartsync with another idea of what a report is.
package struct UnreadableReport: Error, Equatable, CustomStringConvertible {
    let found: Int
    let known: Int

    package var description: String {
        "this report has schema version \(found); this cartsync reads version \(known): "
            + "use the cartsync that wrote it, or a newer one"
    }
}

// MARK: - Sums that must agree

extension RunReport {
    /// Every sum in the report that does not add up, as a sentence; empty for every run that is told truly.
    ///
    /// No record and no change may go missing between the parts of a report.
    package func inconsistencies() -> [String] {
        var found: [String] = []
        for export in exports
        where export.records != export.accepted + export.duplicates + export.rejectedCount + (export.elsewhere ?? 0)
            || export.accepted < 0
        {
            found.append(
                "\(export.path): \(export.records) records, but \(export.accepted) accepted, "
                    + "\(export.duplicates) duplicates and \(export.rejectedCount) rejected")
        }
        for kind in ChangeKind.allCases {
            let planned = kind == .create ? plan.creates : plan.deletes
            let tally = outcomes[kind]
            if planned != tally.total {
                found.append(
                    "\(planned) \(kind.rawValue)s planned, but \(tally.done) have an outcome and \(tally.pending) "
                        + "are pending")
            }
        }
        let explained = failures.reduce(0) { $0 + $1.count }
        if explained != outcomes.unsuccessful {
            found.append(
                "\(outcomes.unsuccessful) changes did not succeed, but the failures by reason have \(explained)")
        }
        let rejectedCount = exports.reduce(0) { $0 + $1.rejectedCount }
        if rejected.examples.count != min(rejectedCount, RejectedRecords.mostExamples) {
            found.append("\(rejectedCount) records rejected, but \(rejected.examples.count) of them are shown")
        }
        found += latency.inconsistencies()
        return found
    }
}

extension LatencyReport {
    func inconsistencies() -> [String] {
        var found: [String] = []
        for operation in operations {
            let name = operation.operation.rawValue
            let sums: [(String, Int, Int)] = [
                ("attempts by answer", operation.attempts, operation.attemptAnswers.values.reduce(0, +)),
                ("calls by answer", operation.calls, operation.callAnswers.values.reduce(0, +)),
                ("service times", operation.attempts, operation.service.count + operation.service.outOfRange),
                ("response times", operation.calls, operation.response.count + operation.response.outOfRange),
            ]
            for (what, expected, sum) in sums where expected != sum {
                found.append("\(name): \(what) add up to \(sum), not \(expected)")
            }
            for (clock, figures) in [("service", operation.service), ("response", operation.response)] {
                let buckets = figures.buckets.reduce(0) { $0 + $1.count }
                if buckets != figures.count {
                    found.append("\(name): the \(clock) histogram has \(buckets) of \(figures.count)")
                }
            }
        }
        let inTimeline = timeline.reduce(0) { $0 + $1.attempts }
        let attempts = operations.reduce(0) { $0 + $1.attempts }
        if inTimeline != attempts {
            found.append("the timeline has \(inTimeline) attempts of \(attempts)")
        }
        return found
    }
}
