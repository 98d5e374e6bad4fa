import CallPacing
import CartAssociations
import CommerceAPI
import Foundation
import Ledger
import Logging
import SyncEngine
import SyncReporting
import Synchronization

/// The store that a command works with, and the settings in force.
final class Session: Sendable {
    let store: StoreSession
    private let loaded: Mutex<LoadedSettings>

    var ledger: Ledger { store.ledger }
    var stop: StopSignal { store.stop }
    var log: Logger { store.log }
    var pacer: Pacer { store.pacer }

    /// Opens the ledger and prepares the pacer; no call is made yet.
    ///
    /// Throws the `Ending` if a setting is missing or the ledger cannot be used.
    ///
    /// - Parameter isReading: whether the ledger is only read, beside whoever works on it; a missing one is made.
    static func open(
        _ loaded: LoadedSettings, isReading: Bool = false, logLevel: Logger.Level = .warning
    ) throws -> Session {
        let settings = loaded.settings
        let log = Logger.forProgram(settings, usual: logLevel)
        let access = try StoreAccess(settings)
        let api = try APIOptions.checked(access, settings)
        do {
            let identity = StoreIdentity(baseURL: api.baseURL.text, clientID: access.clientID)
            let ledger = try open(settings.stateFolder, identity, isReading: isReading)
            var store = StoreSession(
                ledger, api, rate: settings.rate, isAdaptive: settings.adaptiveRate, share: settings.rateShare,
                shared: isReading ? .ofService(settings) : nil, time: .system, log: log)
            if !isReading { store.oldRuns = OldRuns(RunRetention(loaded)) }
            let session = Session(store, loaded)
            session.followSchedule(since: nil)
            return session
        } catch {
            throw Ending(error)
        }
    }

    private static func open(
        _ folder: String, _ store: StoreIdentity, isReading: Bool
    ) throws(LedgerError) -> Ledger {
        if isReading {
            do {
                return try Ledger.openForReading(folder: folder, store: store, now: Date())
            } catch {
                guard error.kind == .absent else { throw error }
            }
        }
        let ledger = try Ledger.open(folder: folder, store: store, now: Date())
        try ledger.endInterruptedRuns()
        return ledger
    }

    init(_ store: StoreSession, _ loaded: LoadedSettings) {
        self.store = store
        self.loaded = Mutex(loaded)
    }

    /// The settings in force.
    var settings: Settings { loaded.withLock { $0.settings } }

    /// Takes other settings for the runs that begin from now on. Those of the store and of the ledger stay as they were.
    func take(_ settings: LoadedSettings) { loaded.withLock { $0 = settings } }

    /// The planner of a new run by these settings; `store.endRun` closes its connections.
    func newRun(command: String, exports: [String] = [], adjust: (inout RunOptions) -> Void = { _ in }) -> RunPlanner {
        var options = options(command, exports)
        adjust(&options)
        return RunPlanner(options, store.beginRun())
    }

    /// A run that was stopped, with what is left of it.
    ///
    /// Throws `RunFailure.notResumable` if the run is over or a later one has taken its place.
    func resumedRun(_ record: RunRecord) throws(RunFailure) -> StoppedRun {
        try RunPlanner(options(record.command, []), store.beginRun(resuming: record)).resume(record)
    }

    /// The options of a run by these settings, or by those of a job.
    func options(of job: LoadedSettings? = nil, _ command: String, _ exports: [String]) -> RunOptions {
        let loaded = job ?? loaded.withLock { $0 }
        let settings = loaded.settings
        var options = RunOptions(
            command: command, exports: exports, settings: settings.run, concurrency: settings.concurrency,
            rateLimit: pacer.limit)
        options.used = loaded.used
        // A service goes on at once with what its deadline stops: it has quiet hours instead.
        if command != "serve" {
            options.deadline = settings.deadline?.moment(
                now: store.time.wall(), instant: store.time.now(), calendar: settings.calendar)
        }
        options.resumeCommand = TypedCommand(name: "").resuming
        return options
    }

    /// Closes the connections and the ledger; if the ledger does not close, that is said and is no failure of the run.
    func close() async {
        do { try await store.close() } catch { Terminal.message("cartsync: warning: \(error)") }
    }
}

extension RunRetention {
    /// How long runs are kept by these settings, with the windows of the guards of all jobs.
    fileprivate init(_ loaded: LoadedSettings) {
        self = loaded.settings.keptRuns
        window = loaded.settings.run.planGuard.window
        for job in loaded.jobs {
            windows[job.loaded.settings.source] = job.loaded.settings.run.planGuard.window
        }
    }
}

extension Session {
    /// Removes runs that are no longer kept, for a moment; what is left is for the next command.
    func tidy() {
        let end = store.time.now() + .seconds(1)
        while store.time.now() < end, !stop.isStopped, store.removeOldRuns() {}
    }

    /// Writes the metrics of a run if the settings name a file for them; a service counts the run among its own, too.
    ///
    /// - Returns: the ending of the command if they cannot be written.
    func writeMetrics(_ run: MetricsFile.LastRun) -> Ending? {
        Handed.current?.count(run)
        guard let path = settings.metricsFile else { return nil }
        do {
            try run.write(to: path, ledger)
            return nil
        } catch {
            return Ending(
                status: .stateUnwritable, details: "cartsync: \(error)", summary: "report.metrics-file is not written",
                next: "set it to a file that can be written, then \(TypedCommand.asTyped)")
        }
    }
}
