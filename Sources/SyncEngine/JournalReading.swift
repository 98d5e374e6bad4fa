import CartAssociations
import Foundation
import Ledger
import SyncReporting

/// A run's journal read for its report: outcomes counted, failures grouped, every change a line of results.csv.
struct JournalReading {
    private let exports: [String]
    private(set) var outcomes = RunOutcomes()
    private var groups: [String: RunReport.FailureGroup] = [:]

    init(exports: [String]) {
        self.exports = exports
    }

    /// Failures by reason, the most frequent first.
    var failures: [RunReport.FailureGroup] {
        groups.values.sorted { ($0.count, $1.reason) > ($1.count, $0.reason) }
    }

    /// Reads the journal and writes results.csv into the folder.
    mutating func read(run: String, ledger: Ledger, folder: String) throws {
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        var file = try ResultsFile(path: folder + "/" + ResultsFile.name)
        var pending: [ChangeKind: Int] = [:]
        var reading = self
        try ledger.forEachEntry(of: run) { entry in
            guard let outcome = entry.outcome else {
                pending[entry.change.kind, default: 0] += 1
                return
            }
            reading.count(entry.change, outcome)
            try file.add(reading.result(entry.change, outcome))
        }
        try file.finish()
        self = reading
        outcomes.create.pending = pending[.create, default: 0]
        outcomes.delete.pending = pending[.delete, default: 0]
    }

    private mutating func count(_ change: Change, _ outcome: ChangeOutcome) {
        outcomes.count(change.kind, outcome.outcome)
        guard !outcome.outcome.isSuccess else { return }
        let reason = outcome.status.map { "\(outcome.outcome.rawValue), HTTP status \($0)" } ?? outcome.outcome.rawValue
        groups[reason, default: .init(reason: reason)].add(
            .init(
                kind: change.kind, cart: change.association.cart.text, export: export(of: change),
                line: change.place?.line, status: outcome.status, message: outcome.message ?? ""))
    }

    private func result(_ change: Change, _ outcome: ChangeOutcome) -> ChangeResult {
        ChangeResult(
            change: change, outcome: outcome.outcome, status: outcome.status, attempts: outcome.attempts,
            service: outcome.service, response: outcome.response, export: export(of: change), message: outcome.message)
    }

    private func export(of change: Change) -> String? {
        change.place.flatMap { exports.indices.contains($0.export) ? exports[$0.export] : nil }
    }
}
