import CallPacing
import CartAssociations
import CommerceAPI
import ExportFiles
import ExportSources
import Foundation
import Ledger
import Logging
import ServiceLifecycle
import SyncEngine
import SyncReporting
import SyncService

/// What one process of the program is started with.
struct LifeSettings {
    var scope = DeletionScope.owned
    var current = CurrentSource.auto
    var canary = 0
    var concurrency = 4
    /// In calls a second.
    var limit = 20
    var isAdaptive = true
    var listingLag: Duration = .seconds(60)
    /// The most deletes of a run.
    var maxDeletes = Guard().maxDeletes
    /// The most runs that are kept; nil for all.
    var keptRuns: Int?
    var poll: Duration = .seconds(20)
    var settle: Duration = .seconds(5)

    var words: String {
        "deletes \(scope.rawValue), current \(current.rawValue), \(limit) calls a second by \(concurrency)"
            + (isAdaptive ? "" : ", not adaptive") + (canary > 0 ? ", canary \(canary)" : "")
            + (maxDeletes == Guard().maxDeletes ? "" : ", at most \(maxDeletes) deletes")
    }
}

/// One process of the program, from its start to its end, whichever that is.
final class Life: @unchecked Sendable {
    let machine: Machine
    let ledger: Ledger
    fileprivate(set) var isDone = false
    /// It is no more: nothing of it runs, and nothing leaves it.
    var isDead = false
    fileprivate(set) var failure: (any Error)?
    /// Whether it is a service, which nothing but its end may end.
    fileprivate(set) var isService = false
    /// What its settings file says now; nil if nobody can make sense of it.
    var written: LifeSettings?
    /// Told what it takes of its settings file.
    var taken: ((LifeSettings) -> Void)?
    /// Told when an export has moved.
    var moved: (() -> Void)?
    /// The limits that have held, each with the time since which it does.
    private var limits: [(since: Duration, limit: Int)]

    fileprivate init(_ machine: Machine, _ ledger: Ledger, _ settings: LifeSettings) {
        (self.machine, self.ledger, written) = (machine, ledger, settings)
        limits = [(machine.timeline.now, settings.limit)]
    }

    /// Other settings hold from now on.
    fileprivate func takes(_ settings: LifeSettings) {
        limits.append((machine.timeline.now, settings.limit))
        taken?(settings)
    }

    /// Calls that may arrive in the second before a time: what left before the limit fell may arrive a little later.
    func limit(at time: Duration) -> Int {
        let before = time - .seconds(1) - SimulatedStore.travel
        let begins = limits.last { $0.since <= before }?.limit ?? 0
        return max(begins, limits.filter { $0.since > before && $0.since <= time }.map(\.limit).max() ?? 0)
    }
}

/// Starts processes of one worker on the files of a world.
struct Machine: Sendable {
    let home: String
    /// Its number among the workers.
    let worker: Int
    /// The carts that it is about; nil for all.
    let shard: Shard?
    let sources: [String]
    let buckets: [String: SimulatedBucket]
    let timeline: Timeline
    let random: SeededRandom

    var state: String { home + "/state" }
    var settingsFile: String { home + "/settings" }
    func inbox(of source: String) -> String {
        buckets[source] == nil ? "\(home)/inbox-\(source)" : "\(state)/sources/\(source)"
    }

    private static let store = StoreIdentity(baseURL: SimulatedStore.url, clientID: SimulatedStore.clientID)

    /// Opens the ledger as a process does that starts.
    func life(_ settings: LifeSettings) throws -> Life { Life(self, try openLedger(), settings) }

    func openLedger() throws -> Ledger {
        try Ledger.open(folder: state, store: Self.store, now: timeline.date)
    }

    /// Opens the ledger beside a process that works on it.
    func readLedger() throws -> Ledger {
        try Ledger.openForReading(folder: state, store: Self.store, now: timeline.date)
    }

    func session(_ life: Life, _ settings: LifeSettings, _ store: SimulatedStore) throws -> StoreSession {
        let log = Logger(label: "world") { _ in StoryLog(worker: worker, life: life, story: store.story) }
        var session = StoreSession(
            life.ledger, try store.options(for: life), rate: settings.limit, isAdaptive: settings.isAdaptive,
            time: timeline.time, log: log)
        session.random = random.source
        if let kept = settings.keptRuns {
            var retention = RunRetention(window: Guard().window)
            retention.most = kept
            session.oldRuns = OldRuns(retention)
        }
        return session
    }

    private func options(_ command: String, _ source: String, _ settings: LifeSettings) -> RunOptions {
        var run = RunOptions(
            command: command, exports: [], settings: RunSettings(), concurrency: settings.concurrency,
            rateLimit: settings.limit)
        run.source = source
        run.shard = shard
        run.scope = settings.scope
        run.current = settings.current
        run.canary = settings.canary
        run.listingLag = settings.listingLag
        run.planGuard.maxDeletes = settings.maxDeletes
        run.missingFinalNewline = .refused
        return run
    }

    // MARK: - The service

    /// The service, which looks once into each inbox.
    func serve(_ life: Life, _ settings: LifeSettings, _ store: SimulatedStore) throws {
        let session = try session(life, settings, store)
        let service = try jobs(life, session, settings, once: true)
        life.isService = true
        Task {
            do { try await service.run() } catch { life.failure = error }
            await service.close()
            await session.endRun()
            life.isDone = true
        }
    }

    /// The service, which polls until it is asked to stop, and reads its settings again when their file has changed.
    func poll(_ life: Life, _ settings: LifeSettings, _ store: SimulatedStore, until end: Duration) throws {
        let session = try session(life, settings, store)
        let service = try jobs(life, session, settings, once: false)
        let reload = SettingsReload(settingsFile, service) {
            guard let new = life.written else { return .refused("nobody can make sense of it") }
            session.pacer.setLimit(new.limit, reason: "rate.limit, read again")
            life.takes(new)
            return .taken(
                self.sources.map { self.options(of: $0, new, once: false) }, applied: ["rate.limit"],
                needingRestart: [])
        }
        let group = ServiceGroup(configuration: .init(services: [service, reload], logger: session.log))
        life.isService = true
        timeline.add(at: end) {
            guard !life.isDead && !life.isDone else { return }
            session.stop.stop()
            Task { await group.triggerGracefulShutdown() }
        }
        Task {
            do { try await group.run() } catch { life.failure = error }
            await service.close()
            await session.endRun()
            life.isDone = true
        }
    }

    private func jobs(
        _ life: Life, _ session: StoreSession, _ settings: LifeSettings, once: Bool
    ) throws -> ServiceJobs {
        let jobs = try sources.map { (options(of: $0, settings, once: once), try jobSource($0, life)) }
        return try ServiceJobs(jobs, session, once: once)
    }

    private func options(of source: String, _ settings: LifeSettings, once: Bool) -> JobOptions {
        JobOptions(
            name: source, run: options("serve", source, settings), poll: settings.poll,
            settle: once ? .zero : settings.settle, remember: .seconds(400 * 86_400), metricsFile: nil)
    }

    private func jobSource(_ source: String, _ life: Life) throws -> JobSource {
        guard let bucket = buckets[source] else { return .folder(inbox(of: source)) }
        return .remote(try bucket.source(for: life), mostBytes: 1 << 30, kept: 1_000_000)
    }

    // MARK: - By hand

    /// A person takes a run back; a plan that the guards refuse is left.
    func undo(_ run: RunRecord, _ life: Life, _ settings: LifeSettings, _ store: SimulatedStore) throws {
        let session = try session(life, settings, store)
        let options = options("runs undo", run.source, settings)
        Task {
            do {
                let planned = try await RunPlanner(options, session.beginRun()).plan(undoing: run)
                if planned.view.refusals.isEmpty { _ = try await planned.apply() } else { planned.discard() }
            } catch {
                life.failure = error
            }
            await session.endRun()
            life.isDone = true
        }
    }

    /// A person saves the plan of an export, and applies it from the file after a while.
    func applySaved(
        _ export: String, _ source: String, after wait: Duration, _ life: Life, _ settings: LifeSettings,
        _ store: SimulatedStore
    ) throws {
        let session = try session(life, settings, store)
        var options = options("sync", source, settings)
        options.exports = [export]
        options.missingFinalNewline = .makesNoDeletes
        let (file, made) = (export + ".plan", options)
        Task { [timeline] in
            do {
                let planned = try await RunPlanner(made, session.beginRun()).plan(keepingRejects: false)
                let isAllowed = planned.view.refusals.isEmpty
                try planned.save(to: file)
                await session.endRun()
                try await timeline.sleep(for: wait)
                let saved = try await RunPlanner(made, session.beginRun()).plan(saved: file)
                if isAllowed, saved.view.refusals.isEmpty { _ = try await saved.apply() } else { saved.discard() }
            } catch {
                life.failure = error
            }
            await session.endRun()
            life.isDone = true
        }
    }
}
