import CallPacing
import CartAssociations
import Foundation
import Ledger
import Logging
import SyncEngine
import SyncReporting
import SyncService
import Synchronization

/// What the page and its endpoints show of a service, and what they may ask of it.
final class ServiceStatus: Sendable {
    /// However many look, the histograms are read this often.
    private static let freshness = Duration.milliseconds(900)

    private let session: Session
    private let jobs: ServiceJobs
    private let waiting: WaitingRuns
    private let takesApprovals: Bool
    private let last = Mutex<(made: ContinuousClock.Instant, view: ServiceView)?>(nil)

    init(_ session: Session, _ jobs: ServiceJobs) {
        self.session = session
        self.jobs = jobs
        waiting = WaitingRuns(stateFolder: session.ledger.folder)
        takesApprovals = session.settings.approvalToken != nil
    }

    var sources: StatusSources {
        StatusSources(
            health: { ServiceHealth(self.jobs.statuses()) },
            metrics: { self.jobs.metrics.text(self.jobs.statuses()) },
            service: { self.view() },
            runs: { limit, before in try self.runs(limit, before) },
            run: { run in try self.session.ledger.run(run).map { self.summary($0, self.waiting.all()) } },
            report: { run, file in self.report(run, file) },
            approve: { run, maxDeletes in try self.approve(run, maxDeletes) },
            stop: { run in try self.stop(run) })
    }

    // MARK: - Now

    private func view() -> ServiceView {
        let now = ContinuousClock.now
        if let last = last.withLock({ $0 }), now - last.made < Self.freshness { return last.view }
        let statuses = jobs.statuses()
        let run = statuses.lazy.compactMap(progress).first
        let view = ServiceView(
            version: Version.text, time: Date(), takesApprovals: takesApprovals,
            rate: .init(now: session.pacer.rate, limit: session.pacer.limit), jobs: statuses.map(job), run: run,
            waiting: waiting.all().map(waitingView), runsSeen: statuses.reduce(0) { $0 + runsSeen($1.inbox) })
        last.withLock { $0 = (now, view) }
        return view
    }

    private func runsSeen(_ inbox: InboxStatus) -> Int {
        let tally = inbox.tally
        let ended = tally.done + tally.failed + tally.waiting + tally.superseded + tally.interrupted
        return 2 * ended + (inbox.run == nil ? 0 : 1)
    }

    private func job(_ status: JobStatus) -> ServiceView.Job {
        ServiceView.Job(
            name: status.name, source: status.source, nextPollSeconds: status.nextPoll.map(Self.seconds),
            pauseSeconds: status.pause.map(Self.seconds),
            exportsWaiting: status.inbox.view.ready.count + status.inbox.view.waiting.count,
            export: status.inbox.current, problems: status.health.reasons)
    }

    private func progress(_ job: JobStatus) -> ServiceView.Run? {
        guard let id = job.inbox.run, let (recorder, progress) = jobs.metrics.running else { return nil }
        let now = progress.now
        let snapshot = recorder.snapshot()
        let recent = recorder.recentRate(now: .now)
        let rate = recent > 0 ? recent : nil
        let counts = ProgressCounts(
            done: now.done, total: now.total, failed: now.failed, limit: Double(session.pacer.limit),
            p50: snapshot.milliseconds(atPercentile: 50, of: now.phase.operations, .response),
            p99: snapshot.milliseconds(atPercentile: 99, of: now.phase.operations, .response),
            from: recorder, now: .now)
        let left = now.phase == .applying ? now.total.map { Double(max(0, $0 - now.done)) } : nil
        return ServiceView.Run(
            run: id, job: job.name, export: job.inbox.current ?? "", phase: now.phase.rawValue, done: now.done,
            total: now.total, failed: now.failed, retries: counts.retries, rate: rate, limit: counts.limit,
            reason: counts.reason, pauseSeconds: counts.pauseLeft,
            elapsedSeconds: max(0, Date().timeIntervalSince(snapshot.started)),
            secondsLeft: rate.flatMap { rate in left.map { $0 / rate } }, p50: counts.p50,
            p99: counts.p99, isStopping: session.store.runIsStopped || session.stop.isRequested)
    }

    private func waitingView(_ run: WaitingRun) -> ServiceView.Waiting {
        let canBeApproved = run.lasting.isEmpty
        return ServiceView.Waiting(
            run: run.id, job: run.job, export: run.export, cause: run.cause.rawValue, since: run.since,
            records: run.records, creates: run.counts.creates, deletes: run.counts.deletes,
            reasons: run.refusals.isEmpty ? [run.reason] : run.refusals.map(\.sentence),
            owners: run.hardestHit.map {
                .init(kind: $0.owner.kind.rawValue, owner: $0.owner.id.text, deletes: $0.deletes)
            },
            canBeApproved: canBeApproved, approvedUntil: waiting.approval(of: run, now: Date())?.expires,
            command: canBeApproved
                ? WaitingRun.command(run.id, state: session.ledger.folder)
                : WaitingRun.advice(run.lasting))
    }

    private static func seconds(_ duration: Duration) -> Double { ((duration / .seconds(1)) * 10).rounded() / 10 }

    // MARK: - Runs

    private func runs(_ limit: Int, _ before: String?) throws -> RunsView {
        if let before, try session.ledger.run(before) == nil {
            throw StatusRefusal.unknown("there is no run \(before)")
        }
        let runs = try session.ledger.runs(limit: limit + 1, before: before)
        let waiting = waiting.all()
        let shown = runs.prefix(limit)
        let next = runs.count > limit ? shown.last.map { "/api/runs?limit=\(limit)&before=\($0.id)" } : nil
        return RunsView(runs: shown.map { summary($0, waiting) }, next: next)
    }

    private func summary(_ run: RunRecord, _ waiting: [WaitingRun]) -> RunsView.Run {
        let isWaiting = waiting.contains { $0.id == run.id }
        let state = isWaiting ? "waiting" : run.supersededBy == nil ? run.state.rawValue : "superseded"
        let page = ReportFolder(path: RunTools.folder(of: run.id, in: session.ledger)).path(of: ReportFolder.pageName)
        let status = run.exitStatus.flatMap { ExitStatus(rawValue: Int32($0)) }
        return RunsView.Run(
            run: run.id, job: run.source, command: run.command, state: state, started: run.started, ended: run.ended,
            exitStatus: run.exitStatus, verdict: run.reason ?? status?.words, creates: run.counts.creates,
            deletes: run.counts.deletes, kept: run.counts.kept,
            exports: run.exports.map { URL(filePath: $0.path).lastPathComponent },
            report: FileManager.default.fileExists(atPath: page) ? "/runs/\(run.id)/\(ReportFolder.pageName)" : nil)
    }

    /// A file of a run's report, where the ledger knows the run or it waits.
    private func report(_ run: String, _ file: String) -> Data? {
        let folder = ReportFolder(path: RunTools.folder(of: run, in: session.ledger))
        return FileManager.default.contents(atPath: folder.path(of: file))
    }

    // MARK: - What a person may ask

    private func approve(_ run: String, _ maxDeletes: Int?) throws -> String {
        do {
            let approval = try waiting.find(run).approval(deletes: maxDeletes, now: Date())
            try waiting.add(approval)
            session.log.notice(
                "a run is approved over HTTP",
                metadata: ["run": "\(run)", "max-deletes": "\(approval.deletes.map(String.init) ?? "as usual")"])
            last.withLock { $0 = nil }
            return approval.sentence
        } catch let refused as ApprovalRefused {
            switch refused {
            case .notWaiting, .ambiguous: throw StatusRefusal.unknown("\(refused)")
            case .notByNumber, .tooFew: throw StatusRefusal.conflict("\(refused)")
            }
        }
    }

    private func stop(_ run: String) throws -> String {
        guard session.store.stopRun(run) else {
            throw try session.ledger.run(run) == nil
                ? StatusRefusal.unknown("there is no run \(run)") : .conflict("run \(run) does not go on")
        }
        session.log.notice("a run is stopped over HTTP", metadata: ["run": "\(run)"])
        last.withLock { $0 = nil }
        return "run \(run) stops as soon as the calls in flight are answered, and waits until it is approved"
    }
}
