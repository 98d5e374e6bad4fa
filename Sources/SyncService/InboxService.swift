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
    private let turn: RunTurn
    private let once: Bool
    private let clock: ServiceClock
    private let logger: Logger
    private let review: @Sendable () -> Void
    private let classify: @Sendable (_ path: String) async -> ExportClass
    private let runExport: @Sendable (ClaimedExport, _ began: @Sendable (String) -> Void) async -> ExportVerdict
    private let state: Mutex<InboxState>

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

    private var intervals: Options { state.withLock { $0.options } }

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

    private var isStopping: Bool { state.withLock { $0.isStopping } }

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
        let listing = Result { () throws(InboxError) in try inbox.list() }
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

    /// Syncs everything that can be synced now.
    private func work() async {
        state.withLock { $0.clearTroubles() }
        var tried: Set<String> = []
        while let export = await turn.take({ await workOnNext(except: tried) }) { tried.insert(export) }
    }

    /// Syncs one export and returns its name; nil where there is none to be synced now.
    private func workOnNext(except tried: Set<String>) async -> String? {
        guard !isStopping, once || state.withLock({ $0.pause(now: clock.now()) }) == nil,
            let export = await next(except: tried)
        else { return nil }
        await sync(export)
        return export.name
    }

    /// The next export, claimed: first those that were interrupted, then the oldest that is ready.
    private func next(except tried: Set<String>) async -> ClaimedExport? {
        if let due = unfinished(except: tried) { return due }
        let ready = await currentExports()
        // What was released from waiting/ meanwhile is in working/ now, and comes before what waited behind it.
        if !ready.isEmpty, let due = unfinished(except: tried) { return due }
        for entry in ready where !tried.contains(entry.name) {
            do throws(InboxError) {
                if let export = try inbox.claim(entry) { return export }
            } catch {
                trouble(entry.name, error)
            }
        }
        return nil
    }

    /// The first export in `working/` whose time has come.
    private func unfinished(except tried: Set<String>) -> ClaimedExport? {
        do throws(InboxError) {
            let untried = try inbox.unfinished().filter { !tried.contains($0.name) }
            return state.withLock { $0.due(untried, now: clock.now()) }
        } catch {
            trouble(InboxName.Folder.working.rawValue, error)
            return nil
        }
    }

    /// What is ready, without the snapshots that newer ones make void; nothing while a run waits for approval.
    private func currentExports() async -> [InboxEntry] {
        let ready = state.withLock { $0.status.view.ready }
        guard !ready.isEmpty else { return [] }
        let awaiting: [InboxEntry]
        do throws(InboxError) {
            awaiting = try inbox.waiting()
        } catch {
            trouble(InboxName.Folder.waiting.rawValue, error)
            return []
        }
        guard ready.count + awaiting.count > 1 else { return ready }
        var classes = state.withLock { $0.classes }
        for (entries, folder) in [(awaiting, inbox.path(.waiting)), (ready, inbox.folder)] {
            for entry in entries where classes[entry] == nil {
                classes[entry] = await classify("\(folder)/\(entry.name)")
            }
        }
        let (current, void) = Supersession.split((awaiting + ready).map { ($0, classes[$0] ?? .unknown) })
        let kept = Set(current)
        state.withLock { $0.remember(classes.filter { kept.contains($0.key) }) }
        if !void.isEmpty { supersede(void, awaiting: Set(awaiting)) }
        return kept.isDisjoint(with: awaiting) ? current : []
    }

    private func supersede(_ void: [InboxEntry], awaiting: Set<InboxEntry>) {
        do throws(InboxError) {
            let waiting = void.filter(awaiting.contains)
            try inbox.supersede(waiting: waiting)
            let moved = waiting + (try inbox.supersede(void.filter { !awaiting.contains($0) }))
            state.withLock { $0.supersede(Set(moved)) }
            for entry in moved {
                logger.notice("superseded by a newer snapshot", metadata: ["file": .quoted(entry.name)])
            }
        } catch {
            trouble(InboxName.Folder.superseded.rawValue, error)
        }
    }

    private func sync(_ export: ClaimedExport) async {
        state.withLock { $0.begin(export) }
        logger.notice(export.isResumed ? "taken again" : "taken", metadata: ["file": .quoted(export.name)])
        let verdict = await runExport(export) { run in self.state.withLock { $0.began(run: run) } }
        judge(verdict)
        do throws(InboxError) {
            try settle(export, verdict)
        } catch {
            // It is still in working/; at once again it would come to the same end.
            let interval = intervals.poll
            state.withLock { $0.postpone(export, reason: "\(error)", now: clock.now(), interval: interval) }
            trouble(export.name, error)
        }
        state.withLock { $0.end() }
    }

    /// Takes note of a failure; what a signal stopped is none.
    private func judge(_ verdict: ExportVerdict) {
        let pause = state.withLock { $0.judge(verdict, now: clock.now()) }
        guard let pause, !once else { return }
        logger.error(
            "the job waits, since its runs failed in a row",
            metadata: ["failures": "\(status().backoff.failures)", "seconds": "\(pause.components.seconds)"])
    }

    private func settle(_ export: ClaimedExport, _ verdict: ExportVerdict) throws(InboxError) {
        switch verdict {
        case .done(let report):
            try finish(export, to: .done, level: .notice, reason: nil, report: report)
        case .failed(let reason, let report):
            try finish(export, to: .failed, level: .error, reason: reason, report: report)
        case .waiting(let reason, let report):
            try finish(export, to: .waiting, level: .warning, reason: reason, report: report)
        case .interrupted(let reason):
            let interval = intervals.poll
            state.withLock { $0.interrupt(export, reason: reason, now: clock.now(), interval: interval) }
            logger.warning(
                "interrupted", metadata: ["file": .quoted(export.name), "reason": .quoted(reason)])
        }
    }

    private func finish(
        _ export: ClaimedExport, to place: InboxName.Folder, level: Logger.Level, reason: String?, report: String?
    ) throws(InboxError) {
        let finished = try inbox.finish(export, to: place, reason: reason, report: report)
        state.withLock { $0.finish(export, in: place) }
        var metadata: Logger.Metadata = [
            "file": .quoted(export.name), "to": .quoted("\(place.rawValue)/\(finished.name)"),
        ]
        if let reason { metadata["reason"] = .quoted(reason) }
        logger.log(level: level, "moved", metadata: metadata)
        if let problem = finished.reportProblem {
            logger.error(
                "the report cannot be copied",
                metadata: ["file": .quoted(export.name), "report": .quoted(report ?? ""), "error": .quoted(problem)])
        }
    }

    private func trouble(_ name: String, _ error: InboxError) {
        state.withLock { $0.trouble(name, error) }
        logger.error("cannot be moved", metadata: ["file": .quoted(name), "error": .quoted("\(error)")])
    }
}
