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
final class Session {
    let settings: Settings
    let loaded: LoadedSettings
    let ledger: Ledger
    let client: CommerceClient
    /// Records the calls of the run at hand.
    private let recording: Recording
    let stop = StopRequest()
    let log: Logger

    /// Opens the ledger and prepares the client; no call is made yet.
    ///
    /// Throws the `Ending` where a setting is missing or the ledger cannot be used.
    static func open(_ loaded: LoadedSettings, log: Logger = .forProgram()) throws -> Session {
        let access = try StoreAccess(loaded.settings)
        do {
            let baseURL = try BaseURL(access.baseURL)
            let ledger = try Ledger.open(
                folder: StateFolder.path(loaded.settings),
                store: StoreIdentity(baseURL: baseURL.text, clientID: access.clientID))
            return Session(loaded, access, baseURL, ledger, log)
        } catch let error as InvalidBaseURL {
            throw Ending(
                status: .badSettings, details: "cartsync: api.base-url: \(error.description)",
                next: "correct it and run the command again")
        } catch let error as LedgerError {
            throw Ending(error, again: "run the command again")
        }
    }

    private init(_ loaded: LoadedSettings, _ access: StoreAccess, _ baseURL: BaseURL, _ ledger: Ledger, _ log: Logger) {
        let recording = Recording()
        let observe: @Sendable (CallEvent) -> Void = { recording.now.record($0, now: .now) }
        self.loaded = loaded
        settings = loaded.settings
        self.ledger = ledger
        self.recording = recording
        self.log = log
        let pacer = Pacer(limit: settings.rate, isAdaptive: settings.adaptiveRate) { change in
            observe(.rate(Double(change.rate), reason: change.reason))
            log.notice("the rate changed", metadata: ["rate": "\(change.rate)", "reason": "\(change.reason)"])
        }
        var options = APIOptions(
            baseURL: baseURL,
            credentials: Credentials(clientID: access.clientID, clientSecret: access.clientSecret))
        options.concurrency = settings.concurrency
        options.readOnly = settings.readOnly
        options.userAgent = "cartsync/\(Version.text)"
        let client = CommerceClient(
            options: options, pacer: pacer, retry: RetryPolicy(), logger: log, observe: observe)
        self.client = client
        stop.onRequest { client.stop() }
    }

    /// Ends the connections and the ledger; what cannot be closed is said and is no failure of the run.
    func close() async {
        do { try await client.shutdown() } catch { log.debug("the client did not close: \(error)") }
        do { try ledger.close() } catch { Terminal.message("cartsync: warning: \(error)") }
    }
}

extension Session {
    /// The recorder of the run at hand.
    var recorder: LatencyRecorder { recording.now }

    /// A run of these settings, with a recorder of its own.
    func run(
        command: String, exports: [String], missingFinalNewline: RunOptions.MissingFinalNewline
    ) throws -> SyncRun {
        let options = RunOptions(
            command: command, exports: exports, reading: settings.readingOptions,
            source: settings.source ?? "default", scope: settings.deletes, current: settings.current,
            planGuard: settings.planGuard, oneOwnerPerCart: settings.oneOwnerPerCart,
            missingFinalNewline: missingFinalNewline, concurrency: settings.concurrency, rateLimit: settings.rate,
            settings: loaded.used)
        return SyncRun(options, ledger: ledger, client: client, recorder: recording.begin(), stop: stop, log: log)
    }
}

/// The recorder of the run at hand; the client outlives a run.
private final class Recording: Sendable {
    private let recorder = Mutex(LatencyRecorder(started: .now, wallClock: Date()))

    var now: LatencyRecorder { recorder.withLock { $0 } }

    func begin() -> LatencyRecorder {
        recorder.withLock { recorder in
            recorder = LatencyRecorder(started: .now, wallClock: Date())
            return recorder
        }
    }
}
