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
    private typealias LastRuns = (run: RunsView.Run?, success: RunsView.Run?)
    private let lastRuns = Mutex<(runsSeen: Int, runs: [String: LastRuns])?>(nil)
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
        let runsSeen = statuses.reduce(jobs.commands.runsSeen) { $0 + $1.inbox.runsSeen }
        let waitingRuns = waiting.all()
        let view = ServiceView(
            version: version, store: ledger.store.baseURL, time: date, takesApprovals: takesApprovals,
            rate: .init(now: session.pacer.rate, limit: session.pacer.limit),
            jobs: jobViews(statuses, runsSeen, waitingRuns, date),
            run: run(of: statuses, now: now, date: date),
            waiting: waitingRuns.map { run in
                ServiceView.Waiting(
                    run, waiting.approval(of: run, now: date), state: ledger.folder,
                    hasDeletes: DeletesList(folder: RunTools.folder(of: run.id, in: ledger)) != nil)
            },
            runsSeen: runsSeen, warnings: [jobs.metrics.stateSize.warning].compactMap(\.self)
        ).withHeadline()
        last.withLock { $0 = (now, view) }
        return view
    }

    private func jobViews(_ statuses: [JobStatus], _ runsSeen: Int, _ waiting: [WaitingRun], _ now: Date)
        -> [ServiceView.Job]
    {
        let last = lastRuns(runsSeen)
        let (sources, inboxes, limits) = (jobs.sources, jobs.inboxes, jobs.successWithin)
        return statuses.map { status in
            let source = sources[status.name] ?? status.name
            var job = ServiceView.Job(
                status, last: last[source] ?? (nil, nil), inbox: inboxes[status.name] ?? Inbox(folder: ""))
            job.waitingWithoutRun = max(0, job.waitingCount - waiting.count { $0.job == source })
            job.late = limits[status.name].flatMap { job.lateness(allowing: $0, now: now) }
            return job
        }
    }

    /// How the last runs of each source ended; read anew when a run has begun or ended.
    private func lastRuns(_ runsSeen: Int) -> [String: LastRuns] {
        if let known = lastRuns.withLock({ $0 }), known.runsSeen == runsSeen { return known.runs }
        var runs: [String: LastRuns] = [:]
        for source in Set(jobs.sources.values) {
            do {
                runs[source] = (
                    try ledger.lastEndedRun(of: source).map { summary($0, []) },
                    try ledger.lastSuccessfulRun(of: source).map { summary($0, []) }
                )
            } catch {
                session.log.warning(
                    "the last runs are unknown", metadata: ["source": "\(source)", "error": "\(error)"])
            }
        }
        lastRuns.withLock { [runs] in $0 = (runsSeen, runs) }
        return runs
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
        guard let whole = (try? folder.report()) ?? nil else { return nil }
        let report = withOwners ? whole : whole.withoutTextsThatNameOwners
        switch form {
        case .json: return try? report.json()
        case .page: return (try? ReportPage.html(report, links: links(of: run))).map { Data($0.utf8) }
        case .latencies: return (try? FileSystem.contents(folder.path(of: ReportFolder.logName))).map { Data($0) }
        }
    }

    /// What the report of a run leads to: its own files that name no owner, and the runs before and after it.
    private func links(of run: String) -> [ReportPage.Link] {
        var links: [ReportPage.Link] = [.init("all runs", path: "/")]
        func page(_ run: String) -> String? {
            let page = folder(of: run).path(of: ReportFolder.pageName)
            return FileSystem.exists(page) ? "/runs/\(run)/\(ReportFolder.pageName)" : nil
        }
        if let (before, after) = try? ledger.neighbours(of: run) {
            if let path = before.flatMap(page) { links.append(.init("the run before", path: path)) }
            if let path = after.flatMap(page) { links.append(.init("the run after", path: path)) }
        }
        for name in [ReportFolder.reportName, ReportFolder.logName]
        where FileSystem.exists(folder(of: run).path(of: name)) {
            links.append(.init(name, path: "/runs/\(run)/\(name)"))
        }
        return links
    }

    func deletes(_ run: String, _ query: DeletesQuery, withOwners: Bool) throws -> DeletesView {
        guard let list = DeletesList(folder: RunTools.folder(of: run, in: ledger)) else {
            throw StatusRefusal.unknown("run \(run) has no list of deletes")
        }
        let (rows, next) = try list.rows(
            from: query.from, limit: query.limit, showing: withOwners ? .shown : owners, search: query.search)
        return DeletesView(
            deletes: rows,
            next: next.map { next in
                "/api/runs/\(run)/deletes?limit=\(query.limit)&from=\(next)&search=\(Self.escaped(query.search))"
            }, from: next)
    }

    private static func escaped(_ text: String) -> String {
        text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
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

    func decline(_ run: String) throws -> String {
        do {
            let decline = Decline(of: try waiting.find(run), by: .http, given: time.wall())
            try waiting.add(decline)
            session.log.notice("a run is declined over HTTP", metadata: ["run": "\(run)"])
            last.withLock { $0 = nil }
            return decline.sentence
        } catch let refused as ApprovalRefused {
            throw StatusRefusal.unknown("\(refused)")
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
