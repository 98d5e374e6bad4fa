import CallPacing
package import CartAssociations
import Ledger
import Logging
import ServiceLifecycle
package import SyncEngine
import SyncReporting

/// The jobs of a service: each with its inbox, all with one store, ledger and pacer.
///
/// As a service it ends when each job has ended, and with the error of the first that cannot begin.
package final class ServiceJobs: Service {
    private struct Job: Sendable {
        let runs: JobRuns
        let inbox: InboxService
    }

    let session: StoreSession
    let metrics: ServiceMetrics
    /// The jobs share one rate limit and one ledger, and a run has the whole of both.
    let turn = Turn()
    /// The commands that others handed over: their runs have turns like those of the jobs.
    let commands = CommandQueue()
    private let jobs: [Job]
    private let once: Bool

    /// Builds every job; nothing is polled yet.
    ///
    /// Throws `InboxError` if the folder that exports are fetched into cannot be made.
    ///
    /// - Parameters:
    ///   - stateLimit: from how many bytes of the state folder on the page and the metrics warn.
    ///   - once: whether each job looks once, syncs what is there, and ends.
    package init(
        _ jobs: [(options: JobOptions, source: JobSource)], _ session: StoreSession, stateLimit: Int = 10 << 30,
        once: Bool
    ) throws(InboxError) {
        let metrics = ServiceMetrics(session, sources: jobs.map(\.options.run.source), stateLimit: stateLimit)
        self.once = once
        let turn = turn
        self.jobs = try jobs.map { (options, source) throws(InboxError) in
            var session = session
            session.log[metadataKey: "job"] = "\(options.name)"
            var inbox = Inbox(folder: "", keptFor: options.keep, keptReports: session.oldRuns?.retention)
            var fetcher: ExportFetcher?
            switch source {
            case .folder(let folder): (inbox.folder, inbox.rules) = (folder, options.names)
            case .remote(let remote, let mostBytes, let kept):
                inbox.folder = "\(session.ledger.folder)/sources/\(options.name)"
                (inbox.isPrivate, inbox.keptExports) = (true, kept)
                try inbox.makePrivate()
                fetcher = ExportFetcher(
                    source: remote, name: options.run.source, folder: inbox.folder, ledger: session.ledger,
                    options: .init(
                        settle: options.settle, limit: mostBytes, rules: options.rules, names: options.names),
                    time: session.time,
                    logger: session.log)
            }
            let runs = JobRuns(options, session, inbox: inbox, isFetched: fetcher != nil, metrics: metrics)
            let service = InboxService(
                inbox: inbox, name: options.name, fetcher: fetcher,
                options: .init(poll: options.poll, settle: options.settle, once: once), turn: turn, time: session.time,
                logger: session.log, work: runs)
            return Job(runs: runs, inbox: service)
        }
        self.session = session
        self.metrics = metrics
    }

    /// Serves until graceful shutdown or cancellation, or once.
    ///
    /// Throws what `InboxService.run` throws for one of the jobs: of those that look once, after all have ended.
    package func run() async throws {
        try await withThrowingTaskGroup(of: (any Error)?.self) { group in
            for job in jobs {
                let heartbeat = job.runs.heartbeat
                group.addTask { [once] in
                    defer { heartbeat?.finish() }
                    do {
                        try await job.inbox.run()
                        return nil
                    } catch  where once {
                        return error
                    }
                }
                if let heartbeat {
                    group.addTask {
                        await heartbeat.run()
                        return nil
                    }
                }
            }
            var first: (any Error)?
            for try await failure in group { first = first ?? failure }
            if let first { throw first }
        }
    }

    /// Closes the connections of the sources; `run` has ended.
    package func close() async {
        for job in jobs { await job.inbox.close() }
    }

    /// Takes what holds at once of options that were read again: those of the runs that begin from now on, and the
    /// intervals.
    func take(_ options: [JobOptions]) {
        for options in options {
            guard let job = jobs.first(where: { $0.inbox.name == options.name }) else { continue }
            job.runs.take(options)
            job.inbox.adjust(poll: options.poll, settle: options.settle)
        }
    }

    // MARK: - What they do

    func statuses() -> [JobStatus] {
        jobs.map { job in
            var status = job.inbox.jobStatus()
            if let obstacle = job.runs.obstacle { status.health.reasons.append(obstacle) }
            return status
        }
    }

    /// The source of each job, whose runs are those of the job, by the job's name.
    var sources: [String: String] {
        Dictionary(jobs.map { ($0.inbox.name, $0.runs.source) }, uniquingKeysWith: { first, _ in first })
    }

    /// How old the last success of each job may become before people are told, by the job's name; no entry for any age.
    var successWithin: [String: Duration] {
        Dictionary(
            jobs.compactMap { job in job.runs.successWithin.map { (job.inbox.name, $0) } },
            uniquingKeysWith: { first, _ in first })
    }

    /// The inbox of each job, by the job's name.
    var inboxes: [String: Inbox] {
        Dictionary(jobs.map { ($0.inbox.name, $0.inbox.inbox) }, uniquingKeysWith: { first, _ in first })
    }

    /// Who goes before a command that was handed over; nil if nobody does, or it is not known yet.
    func ahead(of command: Int) -> QueueWords? {
        let job = statuses().first { $0.inbox.current != nil }?.name
        let rest = metrics.running.flatMap { tools -> Duration? in
            let progress = tools.progress.now
            let rate = tools.recorder.recentRate(now: session.time.now())
            guard progress.phase == .applying, let total = progress.total, rate > 0 else { return nil }
            return .seconds(Double(max(0, total - progress.done)) / rate)
        }
        return commands.ahead(of: command, job: job, rest: rest)
    }

    /// Whether every job polls, so that exports are found.
    package var isPolling: Bool {
        let health = ServiceHealth(statuses())
        return health.isAlive && health.sinceLastPoll != nil
    }

    /// Writes into the log what is polled.
    package func logPolling() {
        for job in jobs {
            session.log.notice(
                "polling",
                metadata: [
                    "job": "\(job.inbox.name)", "source": "\(job.inbox.source)",
                    "seconds": "\(job.inbox.intervals.poll / .seconds(1))",
                ])
        }
    }

    /// The first status of a run that was not done; nil if there was none.
    package var worst: ExitStatus? { jobs.lazy.compactMap(\.runs.worst).first }

    /// How many exports are there of which parts are missing.
    package var lackingParts: Int { jobs.reduce(0) { $0 + $1.inbox.lackingParts } }

    /// How many exports ended in each way, and how many will be synced again.
    package var exports: (done: Int, failed: Int, waiting: Int, interrupted: Int) {
        jobs.map { $0.inbox.status() }.reduce(into: (0, 0, 0, 0)) { sum, status in
            sum.0 += status.tally.done
            sum.1 += status.tally.failed
            // What waits since last night waits still.
            sum.2 += status.waiting.count
            sum.3 += status.interruptions.count
        }
    }
}
