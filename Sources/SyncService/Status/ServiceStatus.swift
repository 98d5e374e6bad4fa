import CallPacing
import CartAssociations
import DurableFiles
import Foundation
import Ledger
import Logging
import SyncEngine
import SyncReporting
import Synchronization

/// What the page and its endpoints show of a service, and what they may ask of it.
final class ServiceStatus: StatusSource {
    /// However many look, the histograms are read this often.
    private static let freshness = Duration.milliseconds(900)

    private let jobs: ServiceJobs
    private let version: String
    private let takesApprovals: Bool
    private let waiting: WaitingRuns
    /// Owners by names that do not tell their ids.
    private let owners: OwnerNames
    private let last = Mutex<(made: ContinuousClock.Instant, view: ServiceView)?>(nil)

    /// - Parameters:
    ///   - version: that of the program.
    ///   - takesApprovals: whether there is a token with which runs can be approved and stopped.
    init(_ jobs: ServiceJobs, version: String, takesApprovals: Bool) {
        self.jobs = jobs
        self.version = version
        self.takesApprovals = takesApprovals
        waiting = WaitingRuns(jobs.session.ledger)
        owners = .hidden(secret: jobs.session.ledger.fingerprintKey.bytes)
    }

    private var session: StoreSession { jobs.session }
    private var time: TimeSource { jobs.session.time }
    private var ledger: Ledger { jobs.session.ledger }

    // MARK: - Now

    func health() -> ServiceHealth { ServiceHealth(jobs.statuses()) }

    func metrics() -> String { jobs.metrics.text(jobs.statuses()) }

    func service(withOwners: Bool) -> ServiceView {
        let view = service()
        return withOwners ? view : view.hidingOwners(owners)
    }

    private func service() -> ServiceView {
        let now = time.now()
        if let last = last.withLock({ $0 }), now - last.made < Self.freshness { return last.view }
        let statuses = jobs.statuses()
        let date = time.wall()
        let view = ServiceView(
            version: version, time: date, takesApprovals: takesApprovals,
            rate: .init(now: session.pacer.rate, limit: session.pacer.limit), jobs: statuses.map(ServiceView.Job.init),
            run: run(of: statuses, now: now, date: date),
            waiting: waiting.all().map { run in
                ServiceView.Waiting(run, waiting.approval(of: run, now: date), state: ledger.folder)
            },
            runsSeen: statuses.reduce(0) { $0 + $1.inbox.runsSeen },
            warnings: [jobs.metrics.stateSize.warning].compactMap(\.self))
        last.withLock { $0 = (now, view) }
        return view
    }

    /// The run at hand, which is that of one of the jobs or of a command that was handed over.
    private func run(of statuses: [JobStatus], now: ContinuousClock.Instant, date: Date) -> ServiceView.Run? {
        guard let tools = jobs.metrics.running else { return nil }
        let job = statuses.first { $0.inbox.run != nil }.map { ($0.name, $0.inbox.current ?? "", $0.inbox.run ?? "") }
        let command = jobs.commands.atHand.map { ("cartsync \($0.command)", "", $0.run) }
        guard let (name, export, id) = job ?? command else { return nil }
        return ServiceView.Run(
            tools, id, of: (name, export), limit: session.pacer.limit,
            isStopping: session.runIsStopped || session.stop.isStopped, now: now, date: date)
    }

    // MARK: - Runs

    func runs(limit: Int, before: String?) throws -> RunsView {
        if let before, try ledger.run(before) == nil { throw StatusRefusal.unknown("there is no run \(before)") }
        let runs = try ledger.runs(limit: limit + 1, before: before)
        let waiting = waiting.all()
        let shown = runs.prefix(limit)
        let next = runs.count > limit ? shown.last.map { "/api/runs?limit=\(limit)&before=\($0.id)" } : nil
        return RunsView(runs: shown.map { summary($0, waiting) }, next: next)
    }

    func run(_ run: String) throws -> RunsView.Run? { try ledger.run(run).map { summary($0, waiting.all()) } }

    private func summary(_ run: RunRecord, _ waiting: [WaitingRun]) -> RunsView.Run {
        let hasPage = FileSystem.exists(folder(of: run.id).path(of: ReportFolder.pageName))
        return RunsView.Run(
            run, isWaiting: waiting.contains { $0.id == run.id },
            report: hasPage ? "/runs/\(run.id)/\(ReportFolder.pageName)" : nil)
    }

    func report(_ run: String, _ form: ReportForm, withOwners: Bool) -> Data? {
        let folder = folder(of: run)
        guard withOwners else {
            guard let report = (try? folder.report())??.withoutTextsThatNameOwners else { return nil }
            switch form {
            case .json: return try? report.json()
            case .page: return (try? ReportPage.html(report)).map { Data($0.utf8) }
            }
        }
        let name = form == .json ? ReportFolder.reportName : ReportFolder.pageName
        return (try? FileSystem.contents(folder.path(of: name))).map { Data($0) }
    }

    private func folder(of run: String) -> ReportFolder { ReportFolder(path: RunTools.folder(of: run, in: ledger)) }

    // MARK: - What a person may ask

    func approve(_ run: String, maxDeletes: Int?) throws -> String {
        do {
            let approval = try waiting.find(run).approval(deletes: maxDeletes, by: .http, now: time.wall())
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

    func stop(_ run: String) throws -> String {
        guard session.stopRun(run) else {
            throw try ledger.run(run) == nil
                ? StatusRefusal.unknown("there is no run \(run)") : .conflict("run \(run) does not go on")
        }
        session.log.notice("a run is stopped over HTTP", metadata: ["run": "\(run)"])
        last.withLock { $0 = nil }
        let stops = "run \(run) stops as soon as the calls in flight are answered"
        if jobs.commands.atHand?.run == run {
            return "\(stops); cartsync runs resume \(run) lets it go on"
        }
        return "\(stops), and waits until it is approved"
    }
}
