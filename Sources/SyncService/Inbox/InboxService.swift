import ExportSources
package import Logging
import ServiceLifecycle
import Synchronization

/// Polls an inbox and syncs every whole export in it, one after the other, the oldest first.
///
/// A run that fails is recorded and the service goes on. On graceful shutdown it stops polling, takes no further
/// export and waits for the run in progress, which ends by its own drain. What lies in `working/` at the start was
/// interrupted and is synced first. While a run waits for approval, nothing else of the job is synced, since it would be
/// undone by the approved run; a newer snapshot of the same kind takes the place of the one that waits.
package final class InboxService: Service, Sendable {
    /// How an inbox is served.
    package struct Options: Sendable {
        /// The time between two looks at the inbox.
        package var poll: Duration
        /// How long a file must be still; see `InboxWatch`.
        package var settle: Duration
        /// Looks once, syncs what is there, and returns. Files that have to settle are waited for once.
        package var once: Bool

        package init(poll: Duration = .seconds(10), settle: Duration = .seconds(5), once: Bool = false) {
            self.poll = poll
            self.settle = settle
            self.once = once
        }
    }

    package let inbox: Inbox
    /// The name of the job.
    package let name: String
    private let source: String
    private let fetcher: ExportFetcher?
    let turn: RunTurn
    let once: Bool
    let clock: ServiceClock
    let logger: Logger
    private let review: @Sendable () -> Void
    let classify: @Sendable (_ path: String) async -> ExportClass
    let runExport: @Sendable (ClaimedExport, _ began: @Sendable (String) -> Void) async -> ExportVerdict
    let state: Mutex<InboxState>

    /// - Parameters:
    ///   - name: the name of the job.
    ///   - fetcher: what brings the exports from elsewhere into the inbox; nil where others put them there.
    ///   - turn: shared by the jobs of a process.
    ///   - review: Called before each look: may release exports that wait.
    ///   - classify: Says what the export at a path is; asked only where several are waiting, and never for one that
    ///     is being synced.
    ///   - run: Syncs one export, and says the id of its run as soon as it has one. It has to end soon after graceful
    ///     shutdown, with `interrupted` where it is not done.
    package init(
        inbox: Inbox, name: String = "default", fetcher: ExportFetcher? = nil, options: Options = Options(),
        turn: RunTurn = RunTurn(), clock: ServiceClock = .continuous, logger: Logger,
        review: @escaping @Sendable () -> Void = {},
        classify: @escaping @Sendable (_ path: String) async -> ExportClass,
        run: @escaping @Sendable (ClaimedExport, _ began: @Sendable (String) -> Void) async -> ExportVerdict
    ) {
        self.inbox = inbox
        self.name = name
        self.fetcher = fetcher
        source = fetcher?.source.words ?? "folder \(inbox.folder)"
        self.turn = turn
        once = options.once
        self.clock = clock
        self.logger = logger
        self.review = review
        self.classify = classify
        runExport = run
        state = Mutex(InboxState(options))
    }

    /// What it is doing now.
    package func status() -> InboxStatus { state.withLock { $0.status } }

    /// Whether it is alive and can do its work.
    package func health() -> ServiceHealth { jobStatus().health }

    /// What the job is doing now, and how it fares.
    package func jobStatus() -> JobStatus {
        let now = clock.now()
        let trouble = fetcher?.trouble
        return state.withLock { $0.jobStatus(name: name, source: source, trouble: trouble, now: now) }
    }

    /// Uses other intervals from the next look on.
    package func adjust(poll: Duration, settle: Duration) {
        state.withLock { $0.adjust(poll: poll, settle: settle) }
    }

    var intervals: Options { state.withLock { $0.options } }

    /// Serves until graceful shutdown or cancellation, or once.
    ///
    /// Throws `InboxError` where the inbox is missing or its folders cannot be made; nothing else ends it.
    package func run() async throws {
        try inbox.prepare()
        state.withLock { $0.start(now: clock.now()) }
        try await withGracefulShutdownHandler {
            try await withTaskCancellationHandler {
                if once { try await serveOnce() } else { await serve() }
            } onCancel: {
                self.stop()
            }
        } onGracefulShutdown: {
            self.stop()
        }
    }

    private func stop() {
        state.withLock { $0.stop() }
    }

    var isStopping: Bool { state.withLock { $0.isStopping } }

    private func serveOnce() async throws {
        await fetch()
        if let fetcher, fetcher.isSettling {
            await pause(intervals.settle)
            await fetch()
        }
        // A service would wait for a source that cannot be read; here nobody would ever look again.
        if let trouble = fetcher?.trouble {
            throw InboxError(path: source, problem: trouble.problem, code: 0)
        }
        _ = try inbox.list()
        look()
        let settles = status().view.waiting.values.contains { if case .settling = $0 { true } else { false } }
        if settles {
            await pause(intervals.settle)
            look()
        }
        await work()
    }

    /// Polling goes on while an export is synced, so that a long run never looks like a service that hangs.
    private func serve() async {
        let (looks, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        await withDiscardingTaskGroup { group in
            group.addTask {
                for await _ in looks { await self.work() }
            }
            group.addTask {
                while self.fetcher != nil, !self.isStopping {
                    if await self.fetch() > 0 {
                        self.look()
                        continuation.yield()
                    }
                    await self.pause(self.intervals.poll)
                }
            }
            while !isStopping {
                look()
                continuation.yield()
                await pause(intervals.poll)
            }
            continuation.finish()
        }
    }

    /// Brings what is new at the source; what is being fetched at graceful shutdown goes on after the next start.
    @discardableResult
    private func fetch() async -> Int {
        guard let fetcher else { return 0 }
        let (now, interval) = (clock.now, intervals.poll)
        return (await cancelWhenGracefulShutdown { await fetcher.fetch(now: now, interval: interval) })
    }

    private func pause(_ duration: Duration) async {
        let sleep = clock.sleep
        try? await cancelWhenGracefulShutdown { try await sleep(duration) }
    }

    private func look() {
        review()
        let listing = Result { () throws(InboxError) in
            if let fetcher { try fetcher.list(inbox) } else { try inbox.list() }
        }
        let awaiting = Result { () throws(InboxError) in try inbox.waiting().map(\.name) }
        let (before, after) = state.withLock { state in
            let before = state.status
            state.look(listing, awaiting: (try? awaiting.get()) ?? [], now: clock.now())
            return (before, state.status)
        }
        log(after, since: before)
    }

    /// Says only what is new, so that a file that stays does not fill the log.
    private func log(_ status: InboxStatus, since before: InboxStatus) {
        if let failure = status.pollFailure, failure != before.pollFailure {
            logger.error("the inbox cannot be read", metadata: ["error": "\(failure)"])
        } else if status.pollFailure == nil, before.pollFailure != nil {
            logger.notice("the inbox can be read again", metadata: ["inbox": "\(inbox.folder)"])
        }
        for (name, refusal) in status.view.refused where before.view.refused[name] != refusal {
            logger.warning("not taken", metadata: ["file": .quoted(name), "reason": "\(refusal)"])
        }
        let ready = Set(before.view.ready)
        for entry in status.view.ready where !ready.contains(entry) {
            logger.debug("ready", metadata: ["file": .quoted(entry.name), "bytes": "\(entry.size)"])
        }
    }
}
