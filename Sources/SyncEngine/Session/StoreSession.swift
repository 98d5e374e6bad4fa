package import CallPacing
import CartAssociations
package import CommerceAPI
import DurableFiles
import Foundation
package import Ledger
package import Logging
package import SyncReporting
import Synchronization
import Tracing

/// A store as one process works with it: the ledger, the pacer, and the run at hand.
///
/// Ledger and pacer are one for the process. Runs come one after the other, each with a client, a recorder and a
/// request to stop of its own. A copy is the same session, with a log of its own.
package struct StoreSession: Sendable {
    package let ledger: Ledger
    package let pacer: Pacer
    /// Stops the run at hand and every later one.
    package private(set) var stop = StopSignal()
    package let time: TimeSource
    package var log: Logger
    /// What becomes of runs that are no longer kept; nil if none is removed.
    package var oldRuns: OldRuns?
    /// Draws the waits before repetitions and the ends of runs' ids.
    package var random = RandomSource.system

    private let api: APIOptions
    private let current: CurrentRun
    private let tokens: TokenKeeper
    private let listing = SharedListing()
    private var began: @Sendable (RunTools) -> Void = { _ in }

    /// No call is made yet.
    ///
    /// - Parameters:
    ///   - rate: the limit, in calls a second.
    ///   - isAdaptive: whether the pacer lowers the rate when the store is in trouble.
    ///   - share: see `Pacer`.
    ///   - shared: another process's pacer, if one works with the same store.
    package init(
        _ ledger: Ledger, _ api: APIOptions, rate: Int, isAdaptive: Bool, share: Double = 1,
        shared: SharedPace? = nil, time: TimeSource, log: Logger
    ) {
        let current = CurrentRun(time)
        self.ledger = ledger
        self.api = api
        self.time = time
        self.log = log
        self.current = current
        tokens = TokenKeeper(time)
        pacer = Pacer(limit: rate, isAdaptive: isAdaptive, share: share, time: time, shared: shared) { change in
            current.note(change)
            log.log(
                level: change.isRoutine ? .debug : change.isTrouble ? .warning : .notice, "the rate changed",
                metadata: ["rate": "\(change.rate)", "reason": "\(change.reason)"])
        }
    }

    /// The tools of a run, which is the run at hand until `endRun`.
    ///
    /// - Parameter record: the run to be resumed; nil for a new run.
    package func beginRun(resuming record: RunRecord? = nil) -> RunTools {
        let now = time.wall()
        var random = random
        let stop = StopSignal(within: stop)
        let recorder = LatencyRecorder(started: time.now(), wallClock: now)
        // A run of before goes on with changes that later ones do not have.
        if record != nil { listing.forget() }
        // A client that had to give up makes no more calls, so each run has its own.
        let client = CommerceClient(options: api, pacer: pacer, tokens: tokens, stop: stop, logger: log, random: random)
        { [time] in
            recorder.record($0, now: time.now())
        }
        let tools = RunTools(
            run: record?.id ?? RunRecord.makeID(at: now, using: &random), started: record?.started ?? now,
            ledger: ledger, client: client, listing: listing, recorder: recorder, progress: RunProgress(), stop: stop,
            time: time, log: log,
            span: InstrumentationSystem.tracer.startSpan(
                record == nil ? "run" : "resumed run", context: .topLevel, at: time.traced))
        current.begin(tools)
        began(tools)
        return tools
    }

    /// The same session for one command among others: its runs stop with the signal, and each is told of when it begins.
    package func lent(until stop: StopSignal, began: @escaping @Sendable (RunTools) -> Void) -> StoreSession {
        var session = self
        listing.forget()
        (session.stop, session.began) = (stop, began)
        return session
    }

    /// Removes a part of the runs that are no longer kept, which takes some milliseconds; to be called while no run is under
    /// way. Returns whether there may be more.
    package func removeOldRuns() -> Bool {
        listing.forgetOld(now: time.now())
        do {
            return try oldRuns?.removeSome(from: ledger, now: time.wall(), log: log) ?? false
        } catch {
            log.warning("runs that are no longer kept cannot be removed", metadata: ["error": "\(error)"])
            return false
        }
    }

    /// Closes the connections of the run at hand.
    package func endRun() async {
        oldRuns?.wake()
        guard let tools = current.end() else { return }
        tools.span.end(at: time.traced)
        do {
            try await tools.client.shutdown()
        } catch {
            log.debug("the client did not close", metadata: ["error": "\(error)"])
        }
    }

    /// The calls of the run at hand that wait for their answer.
    package var callsInFlight: Int { current.callsInFlight }

    /// Asks one run to stop, and the process to go on; false if that run is not the run at hand.
    package func stopRun(_ id: String) -> Bool { current.stop(run: id) }

    /// Whether the run at hand was asked to stop, and the process was not.
    package var runIsStopped: Bool { current.isStopped && !stop.isStopped }

    /// Closes the connections of the run at hand and the ledger.
    ///
    /// Throws `LedgerError` if the ledger does not close.
    package func close() async throws(LedgerError) {
        await endRun()
        try ledger.close()
    }
}

/// What one run works with.
package struct RunTools: Sendable {
    /// The run's id.
    package let run: String
    let started: Date
    let ledger: Ledger
    let client: CommerceClient
    /// Also that of later runs.
    let listing: SharedListing
    package let recorder: LatencyRecorder
    package let progress: RunProgress
    /// Stops this run alone.
    let stop: StopSignal
    let time: TimeSource
    let log: Logger
    /// Goes on from the first reading to the report; its stages are parts of it.
    var span: any Tracing.Span = NoOpTracer.NoOpSpan(context: .topLevel)

    /// The folder of the run's report and files, in the state folder.
    package var folder: String { Self.folder(of: run, in: ledger) }

    /// The folder of a run's report and files.
    package static func folder(of run: String, in ledger: Ledger) -> String { ledger.folder + "/runs/" + run }

    /// How reports of the run may show owners.
    func ownerNames(_ options: RunOptions) -> OwnerNames {
        options.hidesOwners ? .hidden(secret: ledger.fingerprintKey.bytes) : .shown
    }

    /// What the run has measured until now.
    func measured(_ options: RunOptions) -> RunReport.Measured {
        .init(recorder.snapshot(), rateLimit: Double(options.rateLimit), ended: time.wall())
    }

    /// Writes all files of the report.
    func write(_ report: RunReport, _ snapshot: LatencySnapshot) throws {
        try Self.makeFolder(folder)
        try ReportFolder(path: folder).write(report, snapshot)
    }

    /// Writes report.json alone.
    func write(_ report: RunReport) throws {
        try Self.makeFolder(folder)
        try ReportFolder(path: folder).write(report)
    }

    /// Makes the folder of a run, and that of all runs, readable by the owner alone.
    static func makeFolder(_ folder: String) throws(FileError) {
        try FileSystem.makeFolder(FileSystem.folder(of: folder), permissions: 0o700)
        try FileSystem.makeFolder(folder, permissions: 0o700)
    }

    /// Throws `RunFailure.noRoom` if the disk of the state folder has no room for so many bytes.
    func requireRoom(_ bytes: Int) throws {
        // What does not say how much is free is not full.
        if let problem = (try? FreeSpace(at: ledger.folder))?.problem(bytes) { throw RunFailure.noRoom(problem) }
    }

    func removeFolder() { try? FileSystem.remove(folder) }

}

/// The run at hand.
private final class CurrentRun: Sendable {
    private struct State {
        var tools: RunTools?
        /// The last change of the rate, which holds for the next run too.
        var rate: RateChange?
    }

    private let time: TimeSource
    private let state = Mutex(State())

    init(_ time: TimeSource) { self.time = time }

    var isStopped: Bool { state.withLock { $0.tools?.stop.isStopped ?? false } }

    var callsInFlight: Int { state.withLock { $0.tools?.client.callsInFlight ?? 0 } }

    func begin(_ tools: RunTools) {
        let rate = state.withLock { state in
            state.tools = tools
            return state.rate
        }
        if let rate { tools.recorder.record(.rate(Double(rate.rate), reason: rate.reason), now: time.now()) }
    }

    func end() -> RunTools? {
        state.withLock { state in
            defer { state.tools = nil }
            return state.tools
        }
    }

    /// Stops the run at hand; false if there is none, or it has another id.
    func stop(run id: String) -> Bool {
        guard let tools = state.withLock({ $0.tools }), tools.run == id else { return false }
        tools.stop.stop()
        return true
    }

    /// Records a change of the rate in the run at hand, and keeps it for the next one.
    func note(_ change: RateChange) {
        let tools = state.withLock { state in
            state.rate = change
            return state.tools
        }
        guard let recorder = tools?.recorder else { return }
        recorder.record(.rate(Double(change.rate), reason: change.reason), now: time.now())
        if let pause = change.pause { recorder.record(.pause(pause), now: time.now()) }
    }
}
