import CallPacing
import CartAssociations
import CommerceAPI
import Foundation
import Ledger
import Logging
import SyncEngine
import SyncReporting
import Synchronization

/// The objects that a command with a store works with, built once from the settings.
///
/// Ledger and pacer are one for the process; client and recorder belong to the run at hand.
final class Session: Sendable {
    let ledger: Ledger
    let stop: StopRequest
    let log: Logger

    private let loaded: Mutex<LoadedSettings>
    private let api: APIOptions
    let pacer: Pacer
    private let current: CurrentRun

    /// Opens the ledger and prepares the pacer; no call is made yet.
    ///
    /// Throws the `Ending` where a setting is missing or the ledger cannot be used.
    static func open(_ loaded: LoadedSettings, logLevel: Logger.Level = .warning) throws -> Session {
        let log = Logger.forProgram(loaded.settings, usual: logLevel)
        let access = try StoreAccess(loaded.settings)
        let api = try APIOptions.checked(access, loaded.settings)
        do {
            let ledger = try Ledger.open(
                folder: StateFolder.path(loaded.settings),
                store: StoreIdentity(baseURL: api.baseURL.text, clientID: access.clientID))
            try ledger.stopInterruptedRuns()
            return Session(loaded, api, ledger, log)
        } catch {
            throw Ending(error, again: "run the command again")
        }
    }

    private init(_ loaded: LoadedSettings, _ api: APIOptions, _ ledger: Ledger, _ log: Logger) {
        let current = CurrentRun()
        let settings = loaded.settings
        self.loaded = Mutex(loaded)
        stop = StopRequest()
        self.ledger = ledger
        self.log = log
        self.current = current
        pacer = Pacer(limit: settings.rate, isAdaptive: settings.adaptiveRate, time: .system) { change in
            current.note(change)
            log.log(
                level: change.isTrouble ? .warning : .notice, "the rate changed",
                metadata: ["rate": "\(change.rate)", "reason": "\(change.reason)"])
        }
        self.api = api
        stop.onRequest { current.stop() }
        followSchedule(since: nil)
    }

    private init(_ other: Session, _ loaded: LoadedSettings, job: String) {
        self.loaded = Mutex(loaded)
        var log = other.log
        log[metadataKey: "job"] = "\(job)"
        self.log = log
        (ledger, stop, api) = (other.ledger, other.stop, other.api)
        (pacer, current) = (other.pacer, other.current)
    }

    /// The same store, ledger and pacer with the settings of one job; runs of both must not go on at the same time.
    func sharing(_ loaded: LoadedSettings, job: String) -> Session { Session(self, loaded, job: job) }

    /// The settings in force.
    var settings: Settings { loaded.withLock { $0.settings } }

    /// Takes other settings for the runs that begin from now on. Those of the store and of the ledger stay as they were.
    func take(_ settings: LoadedSettings) { loaded.withLock { $0 = settings } }

    /// The rate in force, in calls a second.
    var rate: Int { pacer.rate }

    /// The recorder of the run at hand.
    var recorder: LatencyRecorder { current.recorder }

    /// Asks one run to stop, and the process to go on. False where that run does not go on.
    func stopRun(_ id: String) -> Bool { current.stop(run: id) }

    /// Whether the run at hand was asked to stop, and the process was not.
    var runIsStopped: Bool { current.isStopRequested && !stop.isRequested }

    /// A run of these settings, with a client and a recorder of its own; `endRun` closes them.
    func run(
        command: String, exports: [String], missingFinalNewline: RunOptions.MissingFinalNewline,
        listingUnmanaged: Bool = false, approvedDeletes: Int? = nil
    ) -> SyncRun {
        let (client, recorder, stop) = begin()
        var options = options(command, exports, missingFinalNewline)
        options.listsUnmanaged = listingUnmanaged
        if let approvedDeletes { options.planGuard.approvedDeletes = approvedDeletes }
        let run = SyncRun(options, ledger: ledger, client: client, recorder: recorder, stop: stop, log: log)
        current.name(run.id)
        return run
    }

    /// A run that applies a saved plan.
    func run(applying plan: SavedPlan) -> SyncRun {
        let (client, recorder, stop) = begin()
        var options = options("apply", plan.exports.map(\.path), .makesNoDeletes)
        options.take(plan)
        return SyncRun(options, ledger: ledger, client: client, recorder: recorder, stop: stop, log: log)
    }

    /// A run that takes back what an earlier one changed.
    func run(undoing record: RunRecord) -> SyncRun {
        let (client, recorder, stop) = begin()
        var options = options("undo", [], .makesNoDeletes)
        options.source = record.source
        // What is deleted is what that run created, whatever the scope of exports is.
        options.scope = .owned
        return SyncRun(options, ledger: ledger, client: client, recorder: recorder, stop: stop, log: log)
    }

    /// A run that was stopped, to be resumed.
    func run(resuming record: RunRecord) -> SyncRun {
        let (client, recorder, stop) = begin()
        var options = options(record.command, record.exports.map(\.path), .makesNoDeletes)
        options.source = record.source
        options.scope = record.scope
        current.name(record.id)
        return SyncRun(
            resuming: record, options, ledger: ledger, client: client, recorder: recorder, stop: stop, log: log)
    }

    private func options(
        _ command: String, _ exports: [String], _ missingFinalNewline: RunOptions.MissingFinalNewline
    ) -> RunOptions {
        let loaded = loaded.withLock { $0 }
        let settings = loaded.settings
        var options = RunOptions(
            command: command, exports: exports, reading: settings.readingOptions,
            source: settings.source ?? "default", scope: settings.deletes, current: settings.current,
            planGuard: settings.planGuard, oneOwnerPerCart: settings.oneOwnerPerCart,
            missingFinalNewline: missingFinalNewline, concurrency: settings.concurrency, rateLimit: pacer.limit,
            settings: loaded.used)
        options.shard = settings.shard
        // A service goes on at once with what its deadline stops: it has quiet hours instead.
        if command != "serve" {
            options.deadline = settings.deadline?.moment(now: Date(), instant: .now, calendar: settings.calendar)
        }
        options.canary = settings.canary
        options.canaryPatience = settings.listingLag
        options.createsCarts = settings.createsCarts
        options.resumeCommand = { TypedCommand(name: "").next($0) }
        options.objectives = settings.objectives
        options.abortsOnCrossing = settings.abortsOnCrossing
        options.hidesOwners = settings.hidesOwners
        return options
    }

    /// What a run works with: a client, a recorder, and a request to stop of its own.
    private func begin() -> (CommerceClient, LatencyRecorder, StopRequest) {
        let recorder = LatencyRecorder(started: .now, wallClock: Date())
        // A client that had to give up makes no call any more, so each run has its own.
        let client = CommerceClient(options: api, pacer: pacer, retry: RetryPolicy(), logger: log) {
            recorder.record($0, now: .now)
        }
        let runStop = current.begin(client, recorder)
        if stop.isRequested { current.stop() }
        return (client, recorder, runStop)
    }

    /// Closes the connections of the run at hand.
    func endRun() async {
        do {
            try await current.takeClient()?.shutdown()
        } catch {
            log.debug("the client did not close", metadata: ["error": "\(error)"])
        }
    }

    /// Closes the connections and the ledger; what cannot be closed is said and is no failure of the run.
    func close() async {
        await endRun()
        do { try ledger.close() } catch { Terminal.message("cartsync: warning: \(error)") }
    }
}

/// What the run at hand works with.
private final class CurrentRun: Sendable {
    private struct State {
        var id: String?
        var stop = StopRequest()
        var client: CommerceClient?
        var recorder = LatencyRecorder(started: .now, wallClock: Date())
        /// The last change of the rate, which holds for the next run too.
        var rate: RateChange?
    }

    private let state = Mutex(State())

    var isStopRequested: Bool { state.withLock { $0.stop }.isRequested }
    var recorder: LatencyRecorder { state.withLock { $0.recorder } }

    func begin(_ client: CommerceClient, _ recorder: LatencyRecorder) -> StopRequest {
        let stop = StopRequest()
        let rate = state.withLock { state in
            state.id = nil
            state.stop = stop
            state.client = client
            state.recorder = recorder
            return state.rate
        }
        if let rate { recorder.record(.rate(Double(rate.rate), reason: rate.reason), now: .now) }
        return stop
    }

    func name(_ run: String) {
        state.withLock { $0.id = run }
    }

    /// Asks the run at hand to stop, or the one of an id; false where that is another one.
    @discardableResult
    func stop(run id: String? = nil) -> Bool {
        let (stop, client, isMeant) = state.withLock { state in
            (state.stop, state.client, id == nil || (state.id == id && state.client != nil))
        }
        guard isMeant else { return false }
        stop.request()
        client?.stop()
        return true
    }

    /// Takes note of a change of the rate, in the run at hand and for the next one.
    func note(_ change: RateChange) {
        let recorder = state.withLock { state in
            state.rate = change
            return state.recorder
        }
        recorder.record(.rate(Double(change.rate), reason: change.reason), now: .now)
        if let pause = change.pause { recorder.record(.pause(pause), now: .now) }
    }

    func takeClient() -> CommerceClient? {
        state.withLock { state in
            defer { state.client = nil }
            return state.client
        }
    }
}
