import CartAssociations
import Ledger
import Logging
import ServiceLifecycle
import SyncEngine
import SyncService

/// The jobs of a service, built from the settings: each with its inbox, all with one store, ledger and pacer.
struct ServiceJobs: Sendable {
    /// One job: its settings, what it does with an export, and the polling.
    struct Job: Sendable {
        let name: String
        let session: Session
        let work: InboxJob
        let service: InboxService
        /// What brings the exports from elsewhere; nil where others put them into the inbox.
        let fetcher: ExportFetcher?
    }

    let jobs: [Job]
    let metrics: ServiceMetrics

    /// The settings of each job: those under `jobs`, or the general ones as the job `default`.
    ///
    /// Throws the `Ending` that lists what keeps them from being a service.
    static func settings(_ loaded: LoadedSettings) throws -> [JobSettings] {
        let jobs = loaded.jobs.isEmpty ? [JobSettings(name: "default", loaded: loaded)] : loaded.jobs
        let problems = problems(jobs, general: loaded)
        guard problems.isEmpty else {
            throw Ending(
                status: .badSettings, details: problems.map { "cartsync: \($0)" }.joined(separator: "\n"),
                next: "cartsync serve --inbox FOLDER, or a source for each job in the settings file")
        }
        return jobs
    }

    private static func problems(_ jobs: [JobSettings], general: LoadedSettings) -> [String] {
        guard !general.jobs.isEmpty else { return general.settings.sources.problems() }
        let set = general.settings.sources.kinds
        guard set.isEmpty else {
            return ["\(set.joined(separator: " and ")) and jobs are both set; give each job its own source"]
        }
        var problems: [String] = []
        var places: [String: String] = [:]
        if jobs.count > 1 && general.settings.metricsFile != nil {
            problems.append(
                "report.metrics-file tells of the last run of one source, and there are \(jobs.count) jobs; leave it out, "
                    + "/metrics tells of them all")
        }
        var sources: [String: String] = [:]
        for job in jobs {
            let settings = job.loaded.settings
            problems += settings.sources.problems(prefix: "jobs.\(job.name).")
            if let place = settings.sources.place,
                let other = places.updateValue(job.name, forKey: place)
            {
                problems.append("jobs.\(job.name).source is \(place), as of the job \(other); give each its own")
            }
            let source = settings.source
            if let other = sources.updateValue(job.name, forKey: source) {
                problems.append(
                    "jobs.\(job.name).sync.source is \(source), as of the job \(other): each export would take back what "
                        + "the other job asserts; give each its own")
            }
        }
        return problems
    }

    /// Builds every job; nothing is polled yet.
    ///
    /// Throws `InboxError` where the folder that exports are fetched into cannot be made.
    init(_ settings: [JobSettings], _ session: Session, once: Bool) throws {
        let metrics = ServiceMetrics(session, sources: settings.map { $0.loaded.settings.source })
        let turn = RunTurn()
        self.metrics = metrics
        for job in settings where job.loaded.settings.sources.folder == nil {
            try Self.inbox(of: job, session).makePrivate()
        }
        jobs = settings.map { job in
            let shared = session.sharing(job.loaded, job: job.name)
            let sources = job.loaded.settings.sources
            let inbox = Self.inbox(of: job, session)
            let fetcher = sources.remote().map { source in
                ExportFetcher(
                    source: source, folder: inbox.folder, settle: shared.settings.settle, limit: sources.maxSize,
                    logger: shared.log)
            }
            let work = InboxJob(shared, inbox: inbox, metrics: metrics)
            // What is fetched is whole when it appears.
            let settle = fetcher == nil ? shared.settings.settle : .zero
            let service = InboxService(
                inbox: inbox, name: job.name, fetcher: fetcher,
                options: .init(poll: shared.settings.poll, settle: settle, once: once), turn: turn,
                logger: shared.log, review: { work.review() },
                classify: { path in work.classify(path) },
                run: { export, began in await work.run(export, began: began) })
            return Job(name: job.name, session: shared, work: work, service: service, fetcher: fetcher)
        }
    }

    /// The folder that is set, or one in the state folder that exports are fetched into.
    private static func inbox(of job: JobSettings, _ session: Session) -> Inbox {
        Inbox(folder: job.loaded.settings.sources.folder ?? "\(session.ledger.folder)/sources/\(job.name)")
    }

    /// All of them as one service.
    var service: JobsService { JobsService(jobs.map(\.service)) }

    /// Takes what holds at once of settings that were read again.
    func take(_ loaded: LoadedSettings) {
        for job in jobs {
            let taken = loaded.jobs.first { $0.name == job.name }?.loaded ?? loaded
            job.session.take(taken)
            let settle = taken.settings.settle
            job.service.adjust(poll: taken.settings.poll, settle: job.fetcher == nil ? settle : .zero)
            job.fetcher?.adjust(settle: settle)
        }
    }

    /// Closes what the sources have open.
    func close() async {
        for job in jobs { await job.fetcher?.shutdown() }
    }

    func statuses() -> [JobStatus] { jobs.map { $0.service.jobStatus() } }

    /// The first status of a run that was not done.
    var worst: ExitStatus? { jobs.lazy.compactMap(\.work.worst).first }
}
