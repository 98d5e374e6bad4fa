import CallPacing
import CartAssociations
import ExportFiles
import Foundation
import Ledger
import Logging
import SyncEngine
import SyncReporting
import Synchronization

/// The runs of one job, and what they mean for its exports.
///
/// | how the run ended | what becomes of its export |
/// |---|---|
/// | no change is left to be made | `done/` |
/// | a guard refused the plan, or a person stopped the run | `waiting/`, until a person approves or a newer snapshot comes |
/// | the export cannot be used | `failed/` |
/// | it was not applied, since a newer snapshot or the same bytes were before | `superseded/`, with the reason; `done/` if it has the bytes of the last one |
/// | anything else | it stays in `working/`, and its run goes on later |
final class JobRuns: ExportWork {
    private let options: Mutex<JobOptions>
    private let session: StoreSession
    private let approvals: JobApprovals
    private let metrics: ServiceMetrics
    private let worstStatus = Mutex<ExitStatus?>(nil)
    private let refusedCredentials = Mutex(false)
    private let inbox: Inbox
    private let order: InboxOrder
    private let isFetched: Bool
    /// Nil if nobody waits for one.
    let heartbeat: Heartbeat?
    /// The source of its runs.
    let source: String

    /// - Parameters:
    ///   - session: with a log of the job's own.
    ///   - isFetched: whether the exports are fetched from elsewhere, with the time that counts for their order.
    init(
        _ options: JobOptions, _ session: StoreSession, inbox: Inbox, isFetched: Bool, metrics: ServiceMetrics
    ) {
        self.options = Mutex(options)
        self.session = session
        session.oldRuns?.setWindow(options.run.planGuard.window, of: options.run.source)
        self.metrics = metrics
        self.inbox = inbox
        self.isFetched = isFetched
        var rules = options.rules
        if isFetched { rules.order = .modified }
        order = InboxOrder(rules, options.run.source, session)
        source = options.run.source
        heartbeat = options.heartbeat.map { Heartbeat($0, time: session.time, log: session.log) }
        approvals = JobApprovals(
            runs: WaitingRuns(session.ledger), job: source, inbox: inbox, ledger: session.ledger, time: session.time,
            log: session.log)
    }

    /// How old its last success may become before people are told; nil for any age.
    var successWithin: Duration? { options.withLock { $0.successWithin } }

    /// The first status of a run that was not done; nil if there was none.
    var worst: ExitStatus? { worstStatus.withLock { $0 } }

    /// Why no run of the job can come to an end now; nil if nothing is known that keeps one from it.
    var obstacle: String? {
        guard refusedCredentials.withLock({ $0 }) else { return nil }
        return
            "the store refuses the credentials; correct api.client-id and api.client-secret, then start the service again"
    }

    /// Uses other options for the runs that begin from now on.
    func take(_ options: JobOptions) {
        self.options.withLock { $0 = options }
        session.oldRuns?.setWindow(options.run.planGuard.window, of: source)
    }

    // MARK: - One export

    func review() { approvals.review() }

    func tidy() -> Bool { session.removeOldRuns() }

    func see(_ entries: [InboxEntry]) { order.see(entries) }

    func sorted(_ entries: [InboxEntry]) -> [InboxEntry] { order.sorted(entries) }

    /// Reads the whole export, since a broken one makes no earlier one void.
    func classify(_ entry: InboxEntry, in place: InboxName.Folder?) -> ExportContent {
        let options = runOptions
        guard let opened = try? inbox.open(entry, in: place, spoolFolder: session.ledger.folder) else {
            return .unknown
        }
        var kinds: Set<OwnerKind> = []
        var isDelta: Bool?
        for file in opened.files {
            guard let facts = try? ExportReader(options: options.reading).facts(of: file),
                !facts.mayBeCut || options.missingFinalNewline == .makesNoDeletes,
                facts.usableRecords > 0 || opened.files.count > 1 || place == .waiting,
                (try? file.checkStatements(facts)) != nil,
                isDelta == nil || isDelta == facts.isDelta
            else { return .unknown }
            isDelta = facts.isDelta
            kinds.formUnion(facts.ownerKinds)
        }
        guard let isDelta, !kinds.isEmpty else {
            // What waits without a usable record has nothing to say that a newer snapshot does not.
            return place == .waiting && isDelta == false ? .snapshot(of: []) : .unknown
        }
        return isDelta ? .delta : .snapshot(of: kinds)
    }

    func run(_ claimed: ClaimedExport, began: @Sendable (String) -> Void) async -> ExportFate {
        let export: OpenExport
        do {
            export = OpenExport(
                claimed: claimed,
                files: try inbox.open(
                    claimed.entry, in: .working, spoolFolder: session.ledger.folder, rule: inbox.rules.parts))
        } catch let error as InboxError {
            return fate(after: .unwritable("\(error)"), "none", claimed, nil)
        } catch {
            return fate(after: RunFailure(error), "none", claimed, nil)
        }
        // A run whose end could not be written down is over all the same, and can go on.
        try? session.ledger.endInterruptedRuns()
        let waited = approvals.waiting(for: export)
        var fate = claimed.isResumed ? await resume(export, waited?.run, began) : nil
        // What a person has approved is that person's to decide.
        if fate == nil, waited?.approval == nil {
            fate = passOver(export, waited?.run)
            // What is there already is as good as what a run has made.
            if fate?.place == .done { heartbeat?.ended(.done) }
        }
        let end = if let fate { fate } else { await planAndApply(export, waited, began) }
        await session.endRun()
        return end
    }

    /// Whether an export is not to be applied, because of what the source has applied; nil if it is.
    private func passOver(_ export: OpenExport, _ waited: WaitingRun?) -> ExportFate? {
        let time = order.time(of: export.claimed)
        // What cannot be read is the run's to tell.
        guard let digests = try? export.files.digests(),
            let applied = try? session.ledger.applied(by: source, digests: digests)
        else { return nil }
        let standing = ExportStanding(of: digests, time: time, after: applied, repeatsIncomplete: repeats(applied)) {
            ownerKinds(export)
        }
        guard let reason = standing.reason else { return nil }
        try? approvals.forget(waited)
        switch standing {
        case .appliedBefore(let before) where export.claimed.isResumed && before.time == time.inWholeMilliseconds:
            // The process ended after the run and before the export was moved.
            return .done(report: RunTools.folder(of: before.run, in: session.ledger))
        case .sameAsLast(let run):
            for digest in digests { try? session.ledger.recordAgain(digest, of: run, time: time) }
            return ExportFate(place: .done, reason: "not applied: \(reason)", report: nil)
        default:
            return .superseded(reason: "not applied: \(reason); to apply it all the same: \(command(export.claimed))")
        }
    }

    /// Whether the bytes that were applied last are applied again if that run did not succeed in everything. Into a folder a
    /// person puts them; of what is fetched a snapshot is once a night, since some servers give the same file a new time with every
    /// answer, and what a delta says is said of its time.
    private func repeats(_ applied: AppliedExports) -> Bool {
        guard isFetched else { return true }
        guard let last = applied.last, let run = try? session.ledger.run(last.run), run.figures?.isSnapshot == true
        else { return false }
        return session.time.wall().timeIntervalSince(run.started) >= Self.night
    }

    /// From one export of a nightly source to the next there are at least so many seconds.
    private static let night: TimeInterval = 20 * 3600

    private func ownerKinds(_ export: OpenExport) -> Set<OwnerKind> {
        let reader = ExportReader(options: runOptions.reading)
        return export.files.files.reduce(into: []) { $0.formUnion((try? reader.facts(of: $1))?.ownerKinds ?? []) }
    }

    /// The command that applies an export from `superseded/` by hand.
    private func command(_ export: ClaimedExport) -> String {
        let name = (try? inbox.freeName(export.name, in: .superseded)) ?? export.name
        let place = "\(inbox.path(.superseded))/\(name)"
        let files = export.exports.map { $0 == export.path ? place : place + $0.dropFirst(export.path.count) }
        let paths = ([session.ledger.folder] + files).map { URL(filePath: $0).standardizedFileURL.path }
        return "cartsync "
            + (["sync", "--state", paths[0], "--source", source] + paths.dropFirst()).map(ShellWord.quoted).joined(
                separator: " ")
    }

    /// Goes on with the stopped run of an export that was taken before; nil if the export must be planned anew.
    private func resume(
        _ export: OpenExport, _ waited: WaitingRun?, _ began: (String) -> Void
    ) async -> ExportFate? {
        var id = "none"
        do {
            guard let record = try stoppedRun(of: export) else { return nil }
            id = record.id
            let tools = session.beginRun(resuming: record)
            var options = runOptions
            options.openExports = export.files
            return try await work(on: tools) { () async throws(RunFailure) in
                let stopped = try RunPlanner(options, tools).resume(record)
                guard stopped.refusals.isEmpty else {
                    await session.endRun()
                    return nil
                }
                try approvals.forget(waited)
                session.log.notice(
                    "a run is resumed", metadata: ["run": "\(tools.run)", "pending": "\(stopped.pending)"])
                begin(tools, began)
                let earlier = stopped.earlierReport
                let ended = try await stopped.resume()
                metrics.count(ended.report, after: earlier?.outcomes ?? RunOutcomes(), tools)
                return try conclude(ended, export)
            }
        } catch {
            return fate(after: RunFailure(error), id, export.claimed, waited)
        }
    }

    /// The run that was stopped while it applied this very export, under whatever name the export had then.
    private func stoppedRun(of export: OpenExport) throws -> RunRecord? {
        let stopped = try session.ledger.runs(in: [.stopped]).filter { run in
            run.isResumable && run.command == "serve" && run.source == source
        }
        guard !stopped.isEmpty else { return nil }
        let digests = try export.files.digests()
        return stopped.last { $0.exports.map(\.digest) == digests }
    }

    private func planAndApply(
        _ export: OpenExport, _ waited: (run: WaitingRun, approval: Approval?)?, _ began: (String) -> Void
    ) async -> ExportFate {
        var options = runOptions
        options.exports = export.claimed.exports
        options.openExports = export.files
        options.exportTime = order.time(of: export.claimed)
        if let deletes = waited?.approval?.deletes { options.planGuard.approvedDeletes = deletes }
        let tools = session.beginRun()
        do throws(RunFailure) {
            begin(tools, began)
            return try await work(on: tools) { () async throws(RunFailure) in
                let planned = try await RunPlanner(options, tools).plan(keepingRejects: true)
                for warning in planned.view.warnings + (planned.view.withheld?.sentences ?? []) {
                    session.log.warning("a warning before the plan", metadata: ["warning": "\(warning)"])
                }
                guard planned.view.refusals.isEmpty else { return try refuse(planned, export, waited?.run) }
                // Before the first write: an approval is used once, however this run ends.
                try approvals.forget(waited?.run)
                let ended = try await planned.apply()
                metrics.count(ended.report)
                return try conclude(ended, export)
            }
        } catch {
            // A person may stop a run before its plan is complete.
            if case .stopped = error, session.runIsStopped,
                let fate = try? waitForPerson(tools.run, folder: tools.folder, export, inPlaceOf: waited?.run)
            {
                return fate
            }
            RunPlanner(options, tools).record(error)
            return fate(after: error, tools.run, export.claimed, waited?.run)
        }
    }

    /// Tells of a run that begins, and measures it.
    private func begin(_ tools: RunTools, _ began: (String) -> Void) {
        began(tools.run)
        metrics.begin(tools)
        heartbeat?.began()
    }

    /// Does the work of a run, with all its calls in the metrics and its id in the log.
    private func work<Fate>(
        on tools: RunTools, _ work: () async throws(RunFailure) -> Fate
    ) async throws(RunFailure) -> Fate {
        defer { metrics.addRest(of: tools) }
        do {
            return try await LoggedRun.$id.withValue(tools.run) { try await work() }
        } catch {
            throw RunFailure(error)
        }
    }

    /// The options of a run that begins now.
    private var runOptions: RunOptions {
        var run = options.withLock { $0.run }
        run.rateLimit = session.pacer.limit
        return run
    }

    // MARK: - How a run ended

    /// A run that applied its plan, or a part of it.
    private func conclude(_ ended: EndedRun, _ export: OpenExport) throws(RunFailure) -> ExportFate {
        let report = ended.report
        tell(report, export.claimed)
        note(report.verdict.exitStatus)
        guard report.outcomes.pending > 0 else { return .done(report: ended.folder) }
        if session.runIsStopped { return try waitForPerson(report.run, folder: ended.folder, export, inPlaceOf: nil) }
        let failure = ended.failure
        return .interrupted(
            reason: failure.map { "\($0)" } ?? report.verdict.words, shownReason: failure?.wordsForAll,
            countsForJob: failure?.exitStatus != .stateUnwritable)
    }

    /// A run that a person stopped goes on when a person says so.
    private func waitForPerson(
        _ run: String, folder: String, _ export: OpenExport, inPlaceOf waited: WaitingRun?
    ) throws(RunFailure) -> ExportFate {
        try approvals.wait(export, run: run, plan: nil, inPlaceOf: waited)
        let command = WaitingRun.command(run, state: session.ledger.folder)
        return .waiting(reason: "a person stopped the run; \(command) lets it go on", report: folder)
    }

    /// A run whose plan a guard refused: nothing was written to the store, and the run waits for a person.
    private func refuse(
        _ planned: consuming PlannedRun, _ export: OpenExport, _ waited: WaitingRun?
    ) throws(RunFailure) -> ExportFate {
        let (plan, run) = (planned.view, planned.tools.run)
        let sentences = plan.refusals.map(\.sentence).joined(separator: "; ")
        let lasting = plan.refusals.filter { !WaitingRun.liftedByNumber.contains($0.rule) }
        let next =
            lasting.isEmpty ? WaitingRun.command(run, state: session.ledger.folder) : WaitingRun.advice(lasting)
        let ended = try planned.refuse(words: sentences, next: next, listsDeletes: true)
        metrics.count(ended.report)
        tell(ended.report, export.claimed)
        try approvals.wait(export, run: run, plan: plan, inPlaceOf: waited)
        note(.refused)
        return .waiting(reason: "\(sentences); \(lasting.isEmpty ? "to allow it: " : "")\(next)", report: ended.folder)
    }

    /// A run that could not go on, and has no report.
    private func fate(
        after failure: RunFailure, _ run: String, _ export: ClaimedExport, _ waited: WaitingRun?
    ) -> ExportFate {
        let status = failure.exitStatus
        session.log.info(
            "a run ended",
            metadata: [
                "run": "\(run)", "export": "\(export.name)", "status": "\(status.rawValue)", "verdict": "\(failure)",
            ])
        metrics.countRun(of: source, exitStatus: status)
        writeMetrics(.failure(source: source, exitStatus: status, ended: session.time.wall()))
        note(status)
        switch status {
        case .exportRefused, .exportUnreadable:
            try? approvals.forget(waited)
            return .failed(reason: "\(failure)", report: nil)
        // There is no room for it, or for what it did: others may be smaller.
        case .stateUnwritable:
            return .interrupted(reason: "\(failure)", shownReason: failure.wordsForAll, countsForJob: false)
        // Nothing is wrong with the export: its turn comes again.
        default: return .interrupted(reason: "\(failure)", shownReason: failure.wordsForAll)
        }
    }

    /// Writes the one line of the log that tells how a run ended, and its metrics.
    private func tell(_ report: RunReport, _ export: ClaimedExport) {
        let outcomes = report.outcomes
        session.log.info(
            "a run ended",
            metadata: [
                "run": "\(report.run)", "export": "\(export.name)", "status": "\(report.verdict.exitStatus.rawValue)",
                "verdict": "\(report.verdict.words)", "created": "\(outcomes.create.created)",
                "deleted": "\(outcomes.delete.deleted)", "unsuccessful": "\(outcomes.unsuccessful)",
                "pending": "\(outcomes.pending)", "kept": "\(report.plan.kept)",
                "seconds": "\((report.seconds * 10).rounded() / 10)",
            ])
        writeMetrics(.report(report))
    }

    private func writeMetrics(_ run: MetricsFile.LastRun) {
        guard let path = options.withLock({ $0.metricsFile }) else { return }
        do {
            try run.write(to: path, session.ledger)
        } catch {
            session.log.error("report.metrics-file is not written", metadata: ["error": "cartsync: \(error)"])
        }
    }

    private func note(_ status: ExitStatus) {
        refusedCredentials.withLock { $0 = status == .credentialsRefused }
        // A service that is stopped has not failed.
        if status != .stoppedEarly || !session.stop.isStopped { heartbeat?.ended(status) }
        guard status != .done else { return }
        // For a service that looked once, an export that failed is a part of its work that is not done.
        let own: ExitStatus = [.exportRefused, .exportUnreadable].contains(status) ? .incomplete : status
        worstStatus.withLock { $0 = $0 ?? own }
    }
}

/// An export in work: these very files are read, whatever their paths lead to meanwhile.
struct OpenExport {
    let claimed: ClaimedExport
    let files: OpenedExports
}
