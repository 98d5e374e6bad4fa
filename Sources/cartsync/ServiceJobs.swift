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
        guard !general.jobs.isEmpty else {
            return general.settings.inbox == nil
                ? ["source.folder is not set: which folder shall be polled?"] : []
        }
        if general.settings.inbox != nil {
            return ["source.folder and jobs are both set; give the folder to one of the jobs"]
        }
        var problems: [String] = []
        var folders: [String: String] = [:]
        var sources: [String: String] = [:]
        for job in jobs {
            let settings = job.loaded.settings
            if let folder = settings.inbox {
                if let other = folders.updateValue(job.name, forKey: folder) {
                    problems.append(
                        "jobs.\(job.name).source.folder is the folder of the job \(other); give each its own")
                }
            } else {
                problems.append("jobs.\(job.name).source.folder is not set: which folder shall be polled?")
            }
            let source = settings.source ?? job.name
            if let other = sources.updateValue(job.name, forKey: source) {
                problems.append(
                    "jobs.\(job.name).sync.source is \(source), as of the job \(other): each export would take back what "
                        + "the other job asserts; give each its own")
            }
        }
        return problems
    }

    /// Builds every job; nothing is polled yet.
    init(_ settings: [JobSettings], _ session: Session, once: Bool) throws {
        let metrics = ServiceMetrics(session, sources: settings.map { $0.loaded.settings.source ?? $0.name })
        let turn = RunTurn()
        self.metrics = metrics
        jobs = settings.map { job in
            let shared = session.sharing(job.loaded)
            let inbox = Inbox(folder: job.loaded.settings.inbox ?? "")
            let work = InboxJob(shared, inbox: inbox, metrics: metrics)
            var log = session.log
            if settings.count > 1 { log[metadataKey: "job"] = "\(job.name)" }
            let service = InboxService(
                inbox: inbox, name: job.name,
                options: .init(poll: shared.settings.poll, settle: shared.settings.settle, once: once), turn: turn,
                logger: log, classify: { path in work.classify(path) },
                run: { export, began in await work.run(export, began: began) })
            return Job(name: job.name, session: shared, work: work, service: service)
        }
    }

    /// All of them as one service.
    var service: JobsService { JobsService(jobs.map(\.service)) }

    func statuses() -> [JobStatus] { jobs.map { $0.service.jobStatus() } }

    /// The first status of a run that was not done.
    var worst: ExitStatus? { jobs.lazy.compactMap(\.work.worst).first }
}
