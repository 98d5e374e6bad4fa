import CallPacing
import CartAssociations
import DurableFiles
import Foundation
import Ledger
import SyncReporting

/// A run's journal read for its report: outcomes counted, failures grouped, every change a line of results.csv.
struct JournalReading {
    private let exports: [String]
    private let owners: OwnerNames
    private let resumption: Resumption?
    /// The calls of the part before the run was resumed, as far as the journal knows them.
    private let earlier: LatencyRecorder
    private let origin: ContinuousClock.Instant
    private(set) var outcomes = RunOutcomes()
    private var groups: [String: RunReport.FailureGroup] = [:]

    /// - Parameters:
    ///   - exports: the names of the run's exports, in their order.
    ///   - owners: how owners may be shown.
    ///   - resumption: what is known about the part before, if the run was resumed.
    init(exports: [String], owners: OwnerNames, resumption: Resumption?, time: TimeSource) {
        self.exports = exports
        self.owners = owners
        self.resumption = resumption
        origin = time.now()
        earlier = LatencyRecorder(started: origin, wallClock: resumption?.run.started ?? time.wall())
    }

    /// What was recorded since the run was resumed, after what the journal knows of the part before.
    func snapshot(before later: LatencySnapshot) -> LatencySnapshot {
        resumption == nil ? later : earlier.snapshot().followed(by: later)
    }

    /// Failures by reason, the most frequent first.
    var failures: [RunReport.FailureGroup] {
        groups.values.sorted { ($0.count, $1.reason) > ($1.count, $0.reason) }
    }

    /// When the last outcome was recorded; nil before `read`, and if no outcome was.
    private(set) var lastEnded: Date?

    /// Reads the journal and writes results.csv into the folder; no file without a folder.
    mutating func read(run: String, ledger: Ledger, folder: String?) throws {
        var file: ResultsFile?
        if let folder {
            try FileSystem.makeFolder(folder, permissions: 0o700)
            file = try ResultsFile(path: folder + "/" + ResultsFile.name) { [owners] in owners.text($0) }
        }
        var entries = 0
        try ledger.forEachEnded(of: run) { entry in
            entries += 1
            guard let outcome = entry.outcome, let ended = entry.endedAt else { return }
            count(entry.change, outcome)
            measure(entry.change.kind, outcome, ended)
            lastEnded = max(lastEnded ?? ended, ended)
            var shown = outcome
            shown.message = message(entry.change, outcome)
            try file?.add(entry.change, shown, export: export(of: entry.change))
        }
        try file?.finish()
        let pending = try ledger.pending(of: run, besides: entries)
        outcomes.create.pending = pending[.create, default: 0]
        outcomes.delete.pending = pending[.delete, default: 0]
    }

    private mutating func count(_ change: Change, _ outcome: ChangeOutcome) {
        outcomes.count(change.kind, outcome.outcome)
        guard !outcome.outcome.isSuccess, outcome.outcome != .withheld else { return }
        let reason = outcome.status.map { "\(outcome.outcome.rawValue), HTTP status \($0)" } ?? outcome.outcome.rawValue
        groups[reason, default: .init(reason: reason)].add(
            .init(
                kind: change.kind, cart: change.association.cart.text, export: export(of: change),
                line: change.place?.line, status: outcome.status, message: message(change, outcome) ?? ""))
    }

    /// Records an outcome of the earlier part: its last attempt, and the whole call.
    private func measure(_ kind: ChangeKind, _ outcome: ChangeOutcome, _ ended: Date) {
        guard let resumption, ended < resumption.resumed, let answer = outcome.answer, let service = outcome.service,
            let response = outcome.response
        else { return }
        let operation: CartAssociations.Operation = kind == .create ? .create : .delete
        let moment = origin + .seconds(max(0, ended.timeIntervalSince(resumption.run.started)))
        earlier.record(
            .attempt(.init(operation: operation, answer: answer, status: outcome.status, service: service)),
            now: moment)
        earlier.record(
            .finished(
                .init(
                    operation: operation, answer: answer, response: response, paced: .zero, backoff: .zero,
                    attempts: outcome.attempts)),
            now: moment)
    }

    private func message(_ change: Change, _ outcome: ChangeOutcome) -> String? {
        outcome.message.map { owners.hiding(change.association.owner, in: $0) }
    }

    private func export(of change: Change) -> String? {
        change.place.flatMap { exports.indices.contains($0.export) ? exports[$0.export] : nil }
    }
}
