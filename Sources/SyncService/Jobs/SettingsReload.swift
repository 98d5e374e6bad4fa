import CallPacing
import Dispatch
import DurableFiles
import Logging
import ServiceLifecycle
import SyncEngine

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Reads the settings of a service again on SIGHUP and when their file has changed.
///
/// Settings that cannot be used change nothing: the old ones stay.
package final class SettingsReload: Service {
    /// What reading the settings again led to.
    package enum Outcome: Sendable {
        /// They cannot be used, and why.
        case refused(String)
        /// The options of the jobs from now on, with the keys whose new values hold at once, and those that need a
        /// restart.
        case taken([JobOptions], applied: [String], needingRestart: [String])
    }

    /// The time between two looks at the file.
    static let look: Duration = .seconds(2)

    private let file: String
    private let jobs: ServiceJobs
    private var log: Logger { jobs.session.log }
    private let read: @Sendable () async -> Outcome

    /// - Parameters:
    ///   - file: the settings file, whether it exists or not.
    ///   - read: reads and checks all settings, as at the start.
    package init(
        _ file: String, _ jobs: ServiceJobs, read: @escaping @Sendable () async -> Outcome
    ) {
        self.file = file
        self.jobs = jobs
        self.read = read
    }

    package func run() async throws {
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
        while (try? await jobs.session.time.sleep(for: Self.look, tolerance: .milliseconds(500))) != nil {
            let stamp = FileStamp(file)
            if stamp != last { continuation.yield("\(file) has changed") }
            last = stamp
        }
    }

    private func reload(_ reason: String) async {
        switch await read() {
        case .refused(let problem):
            log.error(
                "the settings are refused and the old ones stay",
                metadata: ["reason": "\(reason)", "problem": "\(problem)"])
        case .taken(let options, let applied, let needingRestart):
            jobs.take(options)
            var metadata: Logger.Metadata = ["reason": "\(reason)"]
            if !applied.isEmpty { metadata["changed"] = "\(applied.joined(separator: " "))" }
            if !needingRestart.isEmpty { metadata["needs-restart"] = "\(needingRestart.joined(separator: " "))" }
            log.notice(
                applied.isEmpty && needingRestart.isEmpty
                    ? "the settings are read again and the same" : "the settings are read again",
                metadata: metadata)
        }
    }
}

/// What tells whether a file has changed.
private struct FileStamp: Equatable {
    private let modified: Duration?
    private let size: Int?
    private let inode: UInt64?

    init(_ path: String) {
        let status = (try? FileSystem.status(path)) ?? nil
        (modified, size, inode) = (status?.modified, status?.size, status?.inode)
    }
}
