import CallPacing
import CartAssociations
import CommerceAPI
import Foundation
import Ledger
import Logging
import SyncEngine
import Synchronization

/// The store that a command works with, and the settings in force.
final class Session: Sendable {
    let store: StoreSession
    private let loaded: Mutex<LoadedSettings>

    var ledger: Ledger { store.ledger }
    var stop: StopRequest { store.stop }
    var log: Logger { store.log }
    var pacer: Pacer { store.pacer }

    /// Opens the ledger and prepares the pacer; no call is made yet.
    ///
    /// Throws the `Ending` if a setting is missing or the ledger cannot be used.
    static func open(_ loaded: LoadedSettings, logLevel: Logger.Level = .warning) throws -> Session {
        let settings = loaded.settings
        let log = Logger.forProgram(settings, usual: logLevel)
        let access = try StoreAccess(settings)
        let api = try APIOptions.checked(access, settings)
        do {
            let ledger = try Ledger.open(
                folder: StateFolder.path(settings),
                store: StoreIdentity(baseURL: api.baseURL.text, clientID: access.clientID))
            try ledger.stopInterruptedRuns()
            let store = StoreSession(
                ledger, api, rate: settings.rate, isAdaptive: settings.adaptiveRate, time: .system, log: log)
            let session = Session(store, loaded)
            session.followSchedule(since: nil)
            return session
        } catch {
            throw Ending(error, again: "run the command again")
        }
    }

    private init(_ store: StoreSession, _ loaded: LoadedSettings) {
        self.store = store
        self.loaded = Mutex(loaded)
    }

    /// The settings in force.
    var settings: Settings { loaded.withLock { $0.settings } }

    /// Takes other settings for the runs that begin from now on. Those of the store and of the ledger stay as they were.
    func take(_ settings: LoadedSettings) { loaded.withLock { $0 = settings } }

    /// A run of these settings; `store.endRun` closes its connections.
    func run(
        command: String, exports: [String], missingFinalNewline: RunOptions.MissingFinalNewline,
        listingUnmanaged: Bool = false, approvedDeletes: Int? = nil
    ) -> SyncRun {
        var options = options(command, exports, missingFinalNewline)
        options.listsUnmanaged = listingUnmanaged
        if let approvedDeletes { options.planGuard.approvedDeletes = approvedDeletes }
        return SyncRun(options, store.beginRun())
    }

    /// A run that applies a saved plan.
    func run(applying plan: SavedPlan) -> SyncRun {
        var options = options("apply", plan.exports.map(\.path), .makesNoDeletes)
        options.take(plan)
        return SyncRun(options, store.beginRun())
    }

    /// A run that takes back what an earlier one changed.
    func run(undoing record: RunRecord) -> SyncRun {
        var options = options("undo", [], .makesNoDeletes)
        options.source = record.source
        // What is deleted is what that run created, whatever the scope of exports is.
        options.scope = .owned
        return SyncRun(options, store.beginRun())
    }

    /// A run that was stopped, to be resumed.
    func run(resuming record: RunRecord) -> SyncRun {
        var options = options(record.command, record.exports.map(\.path), .makesNoDeletes)
        options.source = record.source
        options.scope = record.scope
        return SyncRun(options, store.beginRun(resuming: record))
    }

    /// The options of a run by these settings, or by those of a job.
    func options(
        of job: LoadedSettings? = nil, _ command: String, _ exports: [String],
        _ missingFinalNewline: RunOptions.MissingFinalNewline
    ) -> RunOptions {
        let loaded = job ?? loaded.withLock { $0 }
        let settings = loaded.settings
        var options = RunOptions(
            command: command, exports: exports, settings: settings.run, missingFinalNewline: missingFinalNewline,
            concurrency: settings.concurrency, rateLimit: pacer.limit)
        options.used = loaded.used
        // A service goes on at once with what its deadline stops: it has quiet hours instead.
        if command != "serve" {
            options.deadline = settings.deadline?.moment(now: Date(), instant: .now, calendar: settings.calendar)
        }
        options.resumeCommand = { TypedCommand(name: "").next($0) }
        return options
    }

    /// Closes the connections and the ledger; if the ledger does not close, that is said and is no failure of the run.
    func close() async {
        do { try await store.close() } catch { Terminal.message("cartsync: warning: \(error)") }
    }
}
