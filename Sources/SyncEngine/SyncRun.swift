import AssociationDiff
import CartAssociations
package import CommerceAPI
import ExportFiles
package import Foundation
package import Ledger
package import Logging
package import SyncReporting

/// One run, start to end: read, compare, plan, guard, apply, report.
///
/// `plan` or `load` comes first; then one of `apply`, `refuse`, `spendPlan` and `discard`. To be used by one task.
package final class SyncRun {
    package let id: String
    /// The folder of the run's report and files, in the state folder.
    package let folder: String
    package let progress = RunProgress()
    /// What a person should know before the plan is applied.
    package private(set) var warnings: [String] = []
    /// The error that ended the run before its end, where there was one.
    package private(set) var failure: RunFailure?

    let options: RunOptions
    let ledger: Ledger
    let stop: StopRequest
    /// The id of the saved plan that is applied, where it is one.
    var savedPlan: String?
    private let client: CommerceClient
    private let recorder: LatencyRecorder
    private let log: Logger
    private let started: Date
    private var planned: RunPlan?

    /// Memory for fingerprints before they spill.
    static let fingerprintBudget = 8 << 20

    package init(
        _ options: RunOptions, ledger: Ledger, client: CommerceClient, recorder: LatencyRecorder, stop: StopRequest,
        log: Logger, now: Date = Date()
    ) {
        self.options = options
        self.ledger = ledger
        self.client = client
        self.recorder = recorder
        self.stop = stop
        self.log = log
        started = now
        var generator = SystemRandomNumberGenerator()
        id = RunRecord.makeID(at: now, using: &generator)
        folder = ledger.folder + "/runs/" + id
    }

    /// Reads the exports, finds out what exists, and computes every change; writes nothing to the store.
    ///
    /// - Parameter keepingRejects: whether rejected records are written into the run's folder.
    package func plan(keepingRejects: Bool) async throws(RunFailure) -> PlanView {
        do {
            let view = try await makePlan(keepingRejects: keepingRejects)
            if stop.isRequested { throw RunFailure.stopped }
            return view
        } catch {
            removeFolderIfEmpty()
            // A call that was not made because of the request to stop is no failure of the store.
            if stop.isRequested { throw .stopped }
            throw RunFailure(error)
        }
    }

    private func makePlan(keepingRejects: Bool) async throws -> PlanView {
        guard let key = FingerprintKey(ledger.fingerprintKey) else { throw RunFailure.bug("the ledger's key is short") }
        let exports = try RunExports(options, spoolingIn: ledger.folder, stop: stop, progress: progress)
        var first = FirstReading(key: key, scope: options.scope, oneOwnerPerCart: options.oneOwnerPerCart)
        var diff = AssociationDiff(memoryBudget: Self.fingerprintBudget, spillFolder: ledger.folder)
        progress.enter(.reading)
        try first.read(exports, into: &diff)
        try exports.checkManifests()
        try judgeFinalNewlines(exports, &first)
        let current = try await Current.find(options.current, client: client, progress: progress)
        progress.enter(.comparing)
        let rejects = RejectsFiles(folder: keepingRejects ? folder : nil, exports: exports)
        var comparison = Comparison(options, exports, ledger, key, current, run: id, rejects: rejects)
        try comparison.compare(first, &diff)
        try rejects.finish()
        return keep(RunPlan(comparison))
    }

    var unmanaged: AssociationDraft? { planned?.unmanaged }

    /// Keeps a plan to be applied.
    func keep(_ plan: RunPlan) -> PlanView {
        planned = plan
        return plan.view
    }

    /// Hands the plan over; this run has none then.
    func takePlan() -> RunPlan? {
        defer { planned = nil }
        return planned
    }

    private func judgeFinalNewlines(_ exports: RunExports, _ first: inout FirstReading) throws {
        for (facts, file) in zip(exports.facts, exports.files) where !facts.endsWithNewline {
            switch options.missingFinalNewline {
            case .refused:
                throw ExportError(
                    .truncated, file: file.name, problem: "there is no final line end, so the export may be cut",
                    advice: "export it again, or set export.require-final-newline to false")
            case .makesNoDeletes:
                first.mayBeCut()
                warnings.append(
                    "\(file.name) has no final line end and may be cut, so this run makes no deletes; export it again")
            }
        }
    }

    // MARK: - The end of a run

    /// Makes the changes of the plan; the report says how it ended, also where it ended early.
    ///
    /// Throws where the ledger or the report cannot be written.
    package func apply() async throws(RunFailure) -> RunReport {
        guard let planned else { throw .bug("a run is applied before it is planned") }
        do {
            try accept(planned)
            progress.enter(.applying, total: planned.view.counts.changes)
            let executor = Executor(
                run: id, ledger: ledger, client: client, concurrency: options.concurrency, stop: stop,
                progress: progress)
            do {
                try await executor.apply()
                // A store that gave out on the last change of all has told nobody else.
                if let error = client.standingError, error.kind != .stopped { failure = .api(error) }
            } catch {
                failure = RunFailure(error)
            }
            return try conclude(planned)
        } catch {
            let done = progress.now.phase == .applying ? progress.now.done : 0
            guard done > 0 else { throw RunFailure(error) }
            throw .unwritable(
                "\(RunFailure(error)); \(done) of \(planned.view.counts.changes) changes were made before")
        }
    }

    /// Writes down that the plan is refused; nothing was written to the store.
    package func refuse(status: Int, words: String, next: String) throws(RunFailure) {
        guard let planned else { return }
        do {
            try ledger.beginRun(record(planned))
            try ledger.recordExports(
                planned.exports, source: options.source, run: id, isSnapshot: !planned.isDelta,
                isAccepted: false)
            _ = try ledger.updateRun(id) { run in
                run.state = .refused
                run.ended = Date()
                run.exitStatus = status
                run.reason = words
            }
            let report = report(
                planned, outcomes: RunOutcomes(planned: planned.view.counts), failures: [],
                verdict: .init(words: words, exitStatus: status, next: next))
            try write(report)
        } catch {
            throw RunFailure(error)
        }
    }

    /// Forgets the plan; the ledger and the state folder are as before.
    package func discard() {
        planned = nil
        try? FileManager.default.removeItem(atPath: folder)
    }

    private func accept(_ planned: RunPlan) throws {
        try ledger.beginRun(record(planned))
        try ledger.appendPlan(planned.changes)
        try ledger.recordExports(
            planned.exports, source: options.source, run: id, isSnapshot: !planned.isDelta, isAccepted: true)
        let now = Date()
        try ledger.unconfirm(planned.notes.vanished)
        try ledger.confirm(planned.notes.confirmed, as: .listed, run: id, at: now)
        try ledger.assert(planned.notes.assertions, at: now)
        try ledger.retract(planned.notes.retractions, source: options.source)
        _ = try ledger.updateRun(id) { $0.state = .applying }
    }

    private func conclude(_ planned: RunPlan) throws -> RunReport {
        var journal = JournalReading(exports: planned.exports.map(\.path))
        try journal.read(run: id, ledger: ledger, folder: folder)
        let verdict = Verdict(
            outcomes: journal.outcomes, plan: planned.view.counts, failure: failure,
            isStopped: stop.isRequested)
        let report = report(
            planned, outcomes: journal.outcomes, failures: journal.failures, verdict: verdict.inReport)
        try write(report)
        _ = try ledger.updateRun(id) { run in
            run.state = journal.outcomes.pending > 0 ? .stopped : .finished
            run.ended = report.ended
            run.exitStatus = report.verdict.exitStatus
            run.reason = report.verdict.words
        }
        return report
    }

    private func record(_ planned: RunPlan) -> RunRecord {
        var record = RunRecord(
            id: id, command: options.command, source: options.source, scope: options.scope, started: started)
        record.exports = planned.exports
        record.current = planned.view.current
        record.currentReason = planned.view.currentReason
        record.counts = planned.view.counts
        record.savedPlan = savedPlan
        return record
    }

    private func report(
        _ planned: RunPlan, outcomes: RunOutcomes, failures: [RunReport.FailureGroup], verdict: RunReport.Verdict
    ) -> RunReport {
        let counts = planned.view.counts
        return RunReport(
            run: id, command: options.command, verdict: verdict, store: ledger.store.baseURL, source: options.source,
            started: started, ended: Date(), exports: planned.view.exports,
            plan: .init(
                creates: counts.creates, deletes: counts.deletes, kept: counts.kept, unmanaged: counts.unmanaged,
                current: planned.view.current, currentReason: planned.view.currentReason),
            outcomes: outcomes, snapshot: recorder.snapshot(), rateLimit: Double(options.rateLimit),
            failures: failures, rejected: planned.rejected,
            settings: settingsUsed)
    }

    var settingsUsed: [RunReport.SettingUsed] {
        options.settings.map { .init(name: $0.name, value: $0.value, origin: $0.origin) }
    }

    private func write(_ report: RunReport) throws {
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        try ReportFolder(path: folder).write(report, recorder.snapshot())
    }

    private func removeFolderIfEmpty() {
        let names = try? FileManager.default.contentsOfDirectory(atPath: folder)
        if names == [] { try? FileManager.default.removeItem(atPath: folder) }
    }
}
