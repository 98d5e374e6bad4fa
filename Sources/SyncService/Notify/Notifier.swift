import CallPacing
import DurableFiles
import ExportSources
import Foundation
import Ledger
import Logging
import ServiceLifecycle
import SyncEngine
import Synchronization

/// Tells people what has begun and what is over, once for each change, never in the way of a run.
///
/// What each receiver was told is in a file of the state folder, so that a restart tells nothing twice.
package final class Notifier: Service {
    private static let interval = Duration.seconds(5)
    private static let fileName = "notices.json"
    /// How long the last messages may take when the service ends.
    private static let lastPatience = Duration.seconds(8)

    private let jobs: ServiceJobs
    private let status: ServiceStatus
    private let version: String
    private let receivers: [Receiver]
    private let once: Bool
    private let memories: Mutex<[String: NoticeMemory]>
    private let origin: ContinuousClock.Instant

    /// - Parameters:
    ///   - version: that of the program.
    ///   - once: whether the service looks once, so that nothing heals by itself.
    package init(_ jobs: ServiceJobs, version: String, receivers: [Receiver], once: Bool) {
        self.jobs = jobs
        self.version = version
        self.receivers = receivers
        self.once = once
        status = ServiceStatus(jobs, version: version, takesApprovals: false)
        memories = Mutex(Self.read(jobs.session.ledger.folder))
        origin = jobs.session.time.now()
    }

    private var time: TimeSource { jobs.session.time }
    private var log: Logger { jobs.session.log }
    private var now: Double { (time.now() - origin) / .seconds(1) }

    /// Tells until graceful shutdown, and at last what is still to be told.
    package func run() async throws {
        guard !receivers.isEmpty else {
            try? await gracefulShutdown()
            return
        }
        try? await cancelWhenGracefulShutdown {
            while true {
                await self.look()
                try await self.time.sleep(for: Self.interval, tolerance: .seconds(1))
            }
        }
        let last = Task { await self.look(isLast: true) }
        let limit = Task { [time] in
            try? await time.sleep(for: Self.lastPatience)
            last.cancel()
        }
        await last.value
        limit.cancel()
    }

    /// Looks once, and tells each receiver what it has to know.
    func look(isLast: Bool = false) async {
        let view = status.service(withOwners: false)
        let conditions = view.conditions().map { condition in
            var condition = condition
            if once { condition.patience = 0 }
            return condition
        }
        await withTaskGroup(of: Void.self) { group in
            for (number, receiver) in receivers.enumerated() {
                let name = "\(number + 1) \(receiver.name)"
                let due = memories.withLock { memories in
                    memories[name, default: NoticeMemory()].due(conditions, now: now, isLast: isLast)
                }
                guard let due else { continue }
                var notice = Notice(version: version, store: view.store, time: view.time)
                (notice.began, notice.ended) = due
                group.addTask { [notice] in await self.send(notice, to: receiver, name) }
            }
        }
    }

    private func send(_ notice: Notice, to receiver: Receiver, _ name: String) async {
        do throws(NoticeError) {
            try await receiver.send(notice, time: time)
            let memories = memories.withLock { memories in
                memories[name]?.arrived(notice.began, notice.ended)
                return memories
            }
            write(memories)
            log.info("people are told", metadata: ["receiver": "\(receiver.name)", "message": .quoted(notice.title)])
        } catch {
            let wait = memories.withLock { $0[name]?.failed(now: now) } ?? 0
            log.warning(
                "a message did not arrive and is sent again",
                metadata: ["receiver": "\(receiver.name)", "error": .quoted("\(error)"), "seconds": "\(Int(wait))"])
        }
    }

    private static func read(_ folder: String) -> [String: NoticeMemory] {
        guard let bytes = try? FileSystem.contents("\(folder)/\(fileName)", limit: 1 << 20) else { return [:] }
        return (try? JSONDecoder().decode([String: NoticeMemory].self, from: Data(bytes))) ?? [:]
    }

    private func write(_ memories: [String: NoticeMemory]) {
        do {
            try DurableFile.write(
                try JSONEncoder().encode(memories), to: "\(jobs.session.ledger.folder)/\(Self.fileName)")
        } catch {
            log.warning("what people were told is not written down", metadata: ["error": "\(error)"])
        }
    }
}
