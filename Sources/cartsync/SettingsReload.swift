import CallPacing
import Dispatch
import Foundation
import Logging
import ServiceLifecycle
import SyncEngine
import SyncService
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Reads the settings of a service again on SIGHUP and when their file has changed.
///
/// Settings that are refused change nothing: the old ones stay.
final class SettingsReload: Service {
    /// The time between two looks at the file.
    static let look: Duration = .seconds(2)

    private let session: Session
    private let jobs: ServiceJobs
    private let file: String
    private let load: @Sendable () async throws -> LoadedSettings
    /// What holds now, with the jobs.
    private let current: Mutex<LoadedSettings>

    /// - Parameters:
    ///   - file: the settings file, whether it is there or not.
    ///   - load: reads and checks all settings, as at the start.
    init(
        _ loaded: LoadedSettings, _ session: Session, _ jobs: ServiceJobs, file: String,
        load: @escaping @Sendable () async throws -> LoadedSettings
    ) {
        self.session = session
        self.jobs = jobs
        self.file = file
        self.load = load
        current = Mutex(loaded)
    }

    func run() async throws {
        let (reasons, continuation) = AsyncStream.makeStream(of: String.self, bufferingPolicy: .bufferingNewest(1))
        // The default action ends the process before the source sees the signal.
        _ = signal(SIGHUP, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: SIGHUP, queue: .global())
        source.setEventHandler { continuation.yield("SIGHUP") }
        source.resume()
        defer { source.cancel() }
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask { await self.watch(continuation) }
                for await reason in reasons { await self.reload(reason) }
                group.cancelAll()
            }
        }
    }

    private func watch(_ continuation: AsyncStream<String>.Continuation) async {
        var last = FileStamp(file)
        while (try? await Task.sleep(for: Self.look, tolerance: .milliseconds(500))) != nil {
            let stamp = FileStamp(file)
            if stamp != last { continuation.yield("\(file) has changed") }
            last = stamp
        }
    }

    private func reload(_ reason: String) async {
        let log = session.log
        let new: LoadedSettings
        do {
            new = try await load()
            _ = try ServiceJobs.settings(new)
        } catch {
            let problem = (error as? Ending)?.details.replacing("\n", with: "; ") ?? "\(error)"
            log.error(
                "the settings are refused and the old ones stay",
                metadata: ["reason": "\(reason)", "problem": "\(problem)"])
            return
        }
        let (change, taken) = current.withLock { current in
            let change = SettingsChange(from: current, to: new)
            current = current.taking(new)
            return (change, current)
        }
        take(taken)
        var metadata: Logger.Metadata = ["reason": "\(reason)"]
        if !change.applied.isEmpty { metadata["changed"] = "\(change.applied.joined(separator: " "))" }
        if !change.needingRestart.isEmpty {
            metadata["needs-restart"] = "\(change.needingRestart.joined(separator: " "))"
        }
        log.notice(
            change.isEmpty ? "the settings are read again and the same" : "the settings are read again",
            metadata: metadata)
    }

    private func take(_ taken: LoadedSettings) {
        let isOtherRate = session.settings.rate != taken.settings.rate
        session.take(taken)
        if isOtherRate {
            if session.settings.rateSchedule == nil {
                session.pacer.setLimit(taken.settings.rate, reason: "rate.limit, read again")
            } else {
                session.followSchedule(since: nil)
            }
        }
        jobs.take(taken)
    }
}

/// What tells whether a file has changed.
private struct FileStamp: Equatable {
    private var modified: Date?
    private var size: Int?
    private var number: Int?

    init(_ path: String) {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        modified = attributes?[.modificationDate] as? Date
        size = (attributes?[.size] as? NSNumber)?.intValue
        number = (attributes?[.systemFileNumber] as? NSNumber)?.intValue
    }
}
