import CallPacing
import CartAssociations
import CommerceAPI
import ExportFiles
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

    var words: String {
        "deletes \(scope.rawValue), current \(current.rawValue), \(limit) calls a second by \(concurrency)"
            + (isAdaptive ? "" : ", not adaptive") + (canary > 0 ? ", canary \(canary)" : "")
    }
}

/// One process of the program, from its start to its end, whichever that is.
final class Life: @unchecked Sendable {
    /// Calls that it may make in any one second.
    let limit: Int
    let ledger: Ledger
    fileprivate(set) var isDone = false
    /// It is no more: nothing of it runs, and nothing leaves it.
    var isDead = false
    fileprivate(set) var failure: (any Error)?
    /// Whether it is a service, which nothing but its end may end.
    fileprivate(set) var isService = false

    fileprivate init(_ ledger: Ledger, limit: Int) { (self.ledger, self.limit) = (ledger, limit) }
}

/// Starts processes on the files of a world.
struct Machine {
    let home: String
    let sources: [String]
    let timeline: Timeline
    let random: SeededRandom

    var state: String { home + "/state" }
    func inbox(of source: String) -> String { "\(home)/inbox-\(source)" }

    /// Opens the ledger as a process does that starts.
    func life(_ settings: LifeSettings) throws -> Life {
        let store = StoreIdentity(baseURL: SimulatedStore.url, clientID: SimulatedStore.clientID)
        return Life(try Ledger.open(folder: state, store: store, now: timeline.date), limit: settings.limit)
    }

    func session(_ life: Life, _ settings: LifeSettings, _ store: SimulatedStore) throws -> StoreSession {
        let log = Logger(label: "world") { _ in SwiftLogNoOpLogHandler() }
        var session = StoreSession(
            life.ledger, try store.options(for: life), rate: settings.limit, isAdaptive: settings.isAdaptive,
            time: timeline.time, log: log)
        session.random = random.source
        return session
    }

    private func options(_ command: String, _ source: String, _ settings: LifeSettings) -> RunOptions {
        var run = RunOptions(
            command: command, exports: [], settings: RunSettings(), concurrency: settings.concurrency,
            rateLimit: settings.limit)
        run.source = source
        run.scope = settings.scope
        run.current = settings.current
        run.canary = settings.canary
        run.listingLag = settings.listingLag
        run.missingFinalNewline = .refused
        return run
    }

    /// The service, which looks once into each inbox.
    func serve(_ life: Life, _ settings: LifeSettings, _ store: SimulatedStore) throws {
        let session = try session(life, settings, store)
        let service = try jobs(session, settings, once: true)
        life.isService = true
        Task {
            do { try await service.run() } catch { life.failure = error }
            await session.endRun()
            life.isDone = true
        }
    }

    /// The service, which polls until it is asked to stop.
    func poll(_ life: Life, _ settings: LifeSettings, _ store: SimulatedStore, until end: Duration) throws {
        let session = try session(life, settings, store)
        let service = try jobs(session, settings, once: false)
        let group = ServiceGroup(configuration: .init(services: [service], logger: session.log))
        life.isService = true
        timeline.add(at: end) {
            guard !life.isDead && !life.isDone else { return }
            session.stop.stop()
            Task { await group.triggerGracefulShutdown() }
        }
        Task {
            do { try await group.run() } catch { life.failure = error }
            await session.endRun()
            life.isDone = true
        }
    }

    private func jobs(_ session: StoreSession, _ settings: LifeSettings, once: Bool) throws -> ServiceJobs {
        let jobs = sources.map { source in
            (
                JobOptions(
                    name: source, run: options("serve", source, settings), poll: .seconds(20),
                    settle: once ? .zero : .seconds(5), remember: .seconds(400 * 86_400), metricsFile: nil),
                JobSource.folder(inbox(of: source))
            )
        }
        return try ServiceJobs(jobs, session, once: once)
    }

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
