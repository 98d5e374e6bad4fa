import CallPacing
import DurableFiles
import ExportSources
import Foundation
import Logging
import ServiceLifecycle
import Synchronization

/// Polls the inbox of a job and syncs every whole export in it, one after the other, the oldest first.
///
/// A run that fails is recorded and the service goes on. On graceful shutdown it stops polling, takes no further
/// export and waits for the run at hand, which ends by its own drain. What lies in `working/` at the start was
/// interrupted and is synced first. While a run waits for approval, nothing else of the job is synced, since the approved
/// run would undo it; a newer snapshot of the same kind takes the place of the one that waits.
final class InboxService: Service {
    /// How an inbox is served.
    struct Options: Sendable {
        /// The time between two looks at the inbox.
        var poll: Duration = .seconds(10)
        /// How long a file must be still; see `InboxWatch`.
        var settle: Duration = .seconds(5)
        /// Looks once, syncs what is there, and returns. Files that have to settle are waited for once.
        var once = false
    }

    let inbox: Inbox
    /// The name of the job.
    let name: String
    /// Where its exports come from, in words.
    let source: String
    private let fetcher: ExportFetcher?
    private let turn: Turn
    private let once: Bool
    private let time: TimeSource
    /// The job's own clock counts from here.
    private let origin: ContinuousClock.Instant
    private let logger: Logger
    private let work: any ExportWork
    private let state: Mutex<InboxState>

    /// - Parameters:
    ///   - name: the name of the job.
    ///   - fetcher: fetches exports from elsewhere into the inbox; nil if others put them there.
    ///   - turn: shared by the jobs of a process, whose runs go one after the other.
    init(
        inbox: Inbox, name: String = "default", fetcher: ExportFetcher? = nil, options: Options = Options(),
        turn: Turn = Turn(), time: TimeSource, logger: Logger, work: any ExportWork
    ) {
        self.inbox = inbox
        self.name = name
        self.fetcher = fetcher
        source = fetcher?.source.words ?? "folder \(inbox.folder)"
        self.turn = turn
        once = options.once
        self.time = time
        origin = time.now()
        self.logger = logger
        self.work = work
        var options = options
        if fetcher != nil { options.settle = Self.settleOfFetched }
        state = Mutex(InboxState(options, rules: inbox.rules))
    }

    /// What is fetched is whole when it appears.
    private static let settleOfFetched = Duration.zero

    private var now: Duration { time.now() - origin }

    /// What it is doing now.
    func status() -> InboxStatus { state.withLock { $0.status } }

    /// How many exports are there, or at the source, of which parts are missing.
    var lackingParts: Int { status().view.incomplete.count + (fetcher?.lackingParts ?? 0) }

    /// Whether it is alive and can do its work.
    func health() -> ServiceHealth { jobStatus().health }

    /// What the job is doing now, and how it fares.
    func jobStatus() -> JobStatus {
        let now = now
        let (trouble, notes, overdue) = (fetcher?.trouble, fetcher?.notes ?? [], fetcher?.overdue ?? [])
        return state.withLock {
            $0.jobStatus(name: name, source: source, trouble: trouble, notes: notes, overdue: overdue, now: now)
        }
    }

    /// Uses other intervals from the next look on.
    func adjust(poll: Duration, settle: Duration) {
        state.withLock { $0.adjust(poll: poll, settle: fetcher == nil ? settle : Self.settleOfFetched) }
        fetcher?.adjust(settle: settle)
    }

    var intervals: Options { state.withLock { $0.options } }

    /// Closes the connections of the source; `run` has ended.
    func close() async { await fetcher?.shutdown() }

    /// Serves until graceful shutdown or cancellation, or once.
    ///
    /// Throws `InboxError` if the inbox is missing or its folders cannot be made; nothing else ends it. A folder that is
    /// another's ends it if it looks once; it waits for a person otherwise.
    func run() async throws {
        try prepare()
        let isMounted = try inbox.isMountPoint()
        state.withLock { $0.start(now: now, isMounted: isMounted) }
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

    /// Makes the inbox's folders, and says who may do too much with it.
    private func prepare() throws(InboxError) {
        do {
            tell(try inbox.heal())
            try recover()
        } catch {
            // The first look tells.
            guard error.isTurned, !once else { throw error }
        }
        guard fetcher == nil else { return }
        for problem in InboxAccess.problems(of: inbox.folder) {
            logger.warning("others may do more than they should", metadata: ["inbox": .quoted(problem)])
        }
    }

    /// Ends or takes back what the last process was moving, once the inbox is in order: before that nothing in it is touched.
    private func recover() throws(InboxError) {
        guard state.withLock({ !$0.hasRecovered }) else { return }
        try inbox.putBack()
        try inbox.endMoves()
        state.withLock { $0.hasRecovered = true }
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
        // A service would wait for a source that cannot be read; here there is no other look.
        if let trouble = fetcher?.trouble {
            throw InboxError(path: source, problem: trouble.problem)
        }
        _ = try inbox.list()
        look()
        let settles = status().view.waiting.values.contains { if case .settling = $0 { true } else { false } }
        if settles {
            await pause(intervals.settle)
            look()
        }
        await syncAll()
    }

    /// Polling goes on while an export is synced, so that a long run never looks like a service that hangs.
    private func serve() async {
        let (looks, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        await withDiscardingTaskGroup { group in
            group.addTask {
                for await _ in looks { await self.syncAll() }
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
        let interval = intervals.poll
        return await cancelWhenGracefulShutdown { await fetcher.fetch(now: { self.now }, interval: interval) }
    }

    private func pause(_ duration: Duration) async {
        try? await cancelWhenGracefulShutdown { try await self.time.sleep(for: duration) }
    }

    private func look() {
        let listing = Result { () throws(InboxError) in
            try heal()
            work.review()
            return if let fetcher { try fetcher.list(inbox) } else { try inbox.list() }
        }
        let awaiting = Result { () throws(InboxError) in try inbox.waiting().map(\.name) }
        let (before, after) = state.withLock { state in
            let before = state.status
            state.look(listing, awaiting: (try? awaiting.get()) ?? [], now: now)
            return (before, state.status)
        }
        noteLying()
        work.see(after.view.ready)
        log(after, since: before)
    }

    /// Looks at what lies in `failed/` and `waiting/`; of an inbox that cannot be read, what was known last stays.
    private func noteLying() {
        guard let failed = try? inbox.lying(in: .failed), let waiting = try? inbox.lying(in: .waiting) else { return }
        state.withLock { $0.note(failed: failed, waiting: waiting) }
    }

    /// Makes again what is gone of an inbox that is there, and says so.
    ///
    /// Throws `InboxError` if the inbox is missing or not mounted, which is no empty inbox.
    private func heal() throws(InboxError) {
        if state.withLock({ $0.isMounted }), FileSystem.exists(inbox.folder), try !inbox.isMountPoint() {
            throw .unmounted(inbox.folder)
        }
        let healed = try inbox.heal()
        if !healed.made.isEmpty {
            logger.warning(
                "folders of the inbox were gone and are made again",
                metadata: ["inbox": "\(inbox.folder)", "folders": "\(healed.made.joined(separator: " "))"])
        }
        tell(healed)
        try recover()
    }

    private func tell(_ healed: (made: [String], tightened: [String])) {
        guard !healed.tightened.isEmpty else { return }
        logger.warning(
            "others could write folders of the inbox, and can no longer",
            metadata: ["inbox": "\(inbox.folder)", "folders": "\(healed.tightened.joined(separator: " "))"])
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
        let known = Set(before.view.incomplete.filter { $0.isOverdue || once }.map(\.set))
        for incomplete in status.view.incomplete where incomplete.isOverdue || once {
            guard !known.contains(incomplete.set) else { continue }
            logger.warning(
                "parts of an export are missing",
                metadata: ["export": .quoted(incomplete.set.name), "reason": .quoted(incomplete.sentence)])
        }
        let ready = Set(before.view.ready)
        for entry in status.view.ready where !ready.contains(entry) {
            logger.debug("ready", metadata: ["file": .quoted(entry.name), "bytes": "\(entry.size)"])
        }
    }

    // MARK: - Exports that are ready

    /// Syncs everything that can be synced now.
    private func syncAll() async {
        state.withLock { $0.clearTroubles() }
        var tried: Set<String> = []
        // A task that is cancelled before its turn ends here.
        while let export = try? await turn({ await syncNext(except: tried) }) { tried.insert(export) }
        await tidy()
    }

    /// Removes some of what is no longer kept: a small step a turn, so that no run waits for it.
    private func tidy() async {
        let wall = Duration.milliseconds((time.wall().timeIntervalSince1970 * 1000).rounded(.down))
        if state.withLock({ $0.mayTidy(now: now) }) {
            do throws(InboxError) {
                try inbox.removeOld(now: wall)
            } catch {
                logger.warning("what is no longer kept cannot be removed", metadata: ["error": .quoted("\(error)")])
            }
        }
        for _ in 0..<Self.stepsPerLook {
            guard !isStopping, (try? await turn({ work.tidy() })) == true else { return }
        }
    }

    /// The most turns that are taken after each look to remove what is no longer kept.
    private static let stepsPerLook = 20

    /// Syncs one export and returns its name; nil if there is none to be synced now.
    private func syncNext(except tried: Set<String>) async -> String? {
        // An inbox that cannot be looked at is not in order, and nothing is moved in it.
        guard !isStopping, status().pollFailure == nil, once || state.withLock({ $0.pause(now: now) }) == nil,
            let export = await next(except: tried)
        else { return nil }
        await sync(export)
        return export.name
    }

    /// The next export, claimed: first those that were interrupted, then the oldest that is ready.
    private func next(except tried: Set<String>) async -> ClaimedExport? {
        if let due = unfinished(except: tried) { return due }
        let ready = await currentExports()
        // What was released from waiting/ in the meantime is in working/ now, and comes before what waited behind it.
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
            let unfinished = try inbox.unfinished()
            return state.withLock { state in
                state.keepInterruptions(of: unfinished)
                return state.due(unfinished.filter { !tried.contains($0.name) }, now: now)
            }
        } catch {
            trouble(InboxName.Folder.working.rawValue, error)
            return nil
        }
    }

    /// What is ready, without the snapshots that newer ones make void; nothing while a run waits for approval.
    private func currentExports() async -> [InboxEntry] {
        let (ready, incomplete) = state.withLock { ($0.status.view.ready, $0.status.view.incomplete.map(\.set)) }
        guard !ready.isEmpty else { return [] }
        let awaiting: [InboxEntry]
        do throws(InboxError) {
            awaiting = try inbox.waiting()
        } catch {
            trouble(InboxName.Folder.waiting.rawValue, error)
            return []
        }
        guard ready.count + awaiting.count + incomplete.count > 1 else { return ready }
        var classes = state.withLock { $0.classes }
        let places: [(entries: [InboxEntry], place: InboxName.Folder?)] = [
            (awaiting, .waiting), (ready + incomplete, nil),
        ]
        for (entries, place) in places {
            for entry in entries where classes[entry] == nil {
                classes[entry] = await work.classify(entry, in: place)
            }
        }
        let isIncomplete = Set(incomplete)
        let exports = work.sorted(awaiting + ready + incomplete)
        let (current, void) = Supersession.split(
            exports.map { ($0, classes[$0] ?? .unknown, isApplied: !isIncomplete.contains($0)) })
        let kept = Set(current)
        state.withLock { $0.remember(classes.filter { kept.contains($0.key) }) }
        if !void.isEmpty { supersede(void, awaiting: Set(awaiting)) }
        return kept.isDisjoint(with: awaiting) ? current.filter { !isIncomplete.contains($0) } : []
    }

    private func supersede(_ void: [InboxEntry], awaiting: Set<InboxEntry>) {
        do throws(InboxError) {
            let waiting = void.filter(awaiting.contains)
            try inbox.supersede(waiting: waiting)
            let moved = waiting + (try inbox.supersede(void.filter { !awaiting.contains($0) }))
            state.withLock { $0.supersede(Set(moved)) }
            // Nobody may approve what is void.
            if !waiting.isEmpty { work.review() }
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
        let fate = await work.run(export) { run in state.withLock { $0.began(run: run) } }
        judge(fate)
        do throws(InboxError) {
            try settle(export, fate)
        } catch {
            // It is still in working/; at once again it would come to the same end.
            let interval = intervals.poll
            state.withLock { $0.postpone(export, reason: "\(error)", now: now, interval: interval) }
            trouble(export.name, error)
        }
        state.withLock { $0.end() }
    }

    /// Notes a failure; a run that a signal stopped is no failure.
    private func judge(_ fate: ExportFate) {
        let pause = state.withLock { $0.judge(fate, now: now) }
        guard let pause, !once else { return }
        logger.error(
            "the job waits, since its runs failed in a row",
            metadata: ["failures": "\(status().backoff.failures)", "seconds": "\(pause.components.seconds)"])
    }

    private func settle(_ export: ClaimedExport, _ fate: ExportFate) throws(InboxError) {
        var metadata: Logger.Metadata = ["file": .quoted(export.name)]
        if let reason = fate.reason { metadata["reason"] = .quoted(reason) }
        if fate.place == .working {
            let interval = intervals.poll
            let shown = fate.shownReason ?? fate.reason ?? ""
            state.withLock { $0.interrupt(export, reason: shown, now: now, interval: interval) }
            logger.warning("interrupted", metadata: metadata)
            return
        }
        let finished = try inbox.finish(export, to: fate.place, reason: fate.reason, report: fate.report)
        state.withLock { $0.finish(export, in: fate.place) }
        noteLying()
        metadata["to"] = .quoted("\(fate.place.rawValue)/\(finished.name)")
        let level: Logger.Level =
            switch fate.place {
            case .failed: .error
            case .waiting, .superseded: .warning
            default: .notice
            }
        logger.log(level: level, "moved", metadata: metadata)
        if let problem = finished.reportProblem {
            logger.error(
                "the report cannot be copied",
                metadata: [
                    "file": .quoted(export.name), "report": .quoted(fate.report ?? ""), "error": .quoted(problem),
                ])
        }
    }

    private func trouble(_ name: String, _ error: InboxError) {
        state.withLock { $0.trouble(name, error) }
        logger.error("cannot be moved", metadata: ["file": .quoted(name), "error": .quoted("\(error)")])
    }
}
