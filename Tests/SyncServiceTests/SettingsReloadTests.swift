import CallPacing
import CommerceAPI
import Foundation
import Ledger
import Logging
import ServiceLifecycle
import SyncEngine
import Synchronization
import TestSupport
import Testing

@testable import SyncService

/// Keeps the lines of a log, with their fields.
private struct KeptLog: LogHandler {
    let lines: Recorder<String>
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .info

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let fields = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }
        lines.add("\(event.level): \(event.message)\(fields.joined())")
    }
}

@Suite("settings that are read again", .timeLimit(.minutes(10)))
struct SettingsReloadTests {
    @Test("a changed file is read again: what holds at once is taken, and settings that cannot be used change nothing")
    func changes() async throws {
        let folder = try TemporaryFolder()
        let file = try folder.write("a", to: "settings.yaml")
        let lines = Recorder<String>()
        let clock = HandTurnedClock()
        let ledger = try Ledger.open(
            folder: folder.path("state"), store: StoreIdentity(baseURL: "http://127.0.0.1:1", clientID: "t"),
            now: Date())
        let api = APIOptions(
            baseURL: try BaseURL("http://127.0.0.1:1"), credentials: Credentials(clientID: "t", clientSecret: "s"))
        let session = StoreSession(
            ledger, api, rate: 20, isAdaptive: false, time: clock.time,
            log: Logger(label: "test") { _ in KeptLog(lines: lines) })
        func options(poll: Duration) -> JobOptions {
            JobOptions(
                name: "nightly",
                run: RunOptions(command: "serve", exports: [], settings: RunSettings(), concurrency: 4, rateLimit: 20),
                poll: poll, settle: .zero, remember: .seconds(86_400), metricsFile: nil)
        }
        let jobs = try ServiceJobs(
            [(options(poll: .seconds(10)), .folder(folder.path("inbox")))], session, once: false)
        let next = options(poll: .seconds(3))
        let outcomes = Mutex<[SettingsReload.Outcome]>([
            .taken([next], applied: ["source.poll"], needingRestart: ["api.base-url"]), .refused("rate.limit is 'x'"),
        ])
        let reload = SettingsReload(file, jobs) { outcomes.withLock { $0.removeFirst() } }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await reload.run() }
            for text in ["bb", "ccc"] {
                await clock.waitForSleeper()
                try folder.write(text, to: "settings.yaml")
                let before = lines.values.count
                clock.advance(SettingsReload.look)
                try await wait { lines.values.count > before }
            }
            group.cancelAll()
        }
        jobs.logPolling()
        #expect(
            lines.values == [
                "notice: the settings are read again changed=source.poll needs-restart=api.base-url "
                    + "reason=\(file) has changed",
                "error: the settings are refused and the old ones stay problem=rate.limit is 'x' "
                    + "reason=\(file) has changed",
                "notice: polling job=nightly seconds=3.0 source=folder \(folder.path("inbox"))",
            ])
        try ledger.close()
    }
}
