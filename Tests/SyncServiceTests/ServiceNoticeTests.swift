import CallPacing
import Foundation
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

@testable import SyncService

#if canImport(Glibc)
    import Glibc
#endif

#if os(Linux)
    /// A service manager's end of the socket.
    private final class NoticeSocket: Sendable {
        let descriptor: Int32

        /// Listens at a path, or at an abstract name that begins with `@`.
        init(_ name: String) throws {
            descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            var bytes = Array(name.utf8)
            if bytes.first == UInt8(ascii: "@") { bytes[0] = 0 }
            // Written in place into the array of C, which is a tuple here.
            unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
            let length = socklen_t(2 + bytes.count)
            // The address lives as long as the call.
            let status = unsafe withUnsafePointer(to: &address) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe bind(descriptor, $0, length) }
            }
            try #require(status == 0, "bind: \(errno)")
        }

        deinit { close(descriptor) }

        /// The next notice; nil where there is none yet.
        func next() -> String? {
            var buffer = [UInt8](repeating: 0, count: 256)
            // The call writes at most as much as there is room for.
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
            return count > 0 ? String(decoding: buffer.prefix(count), as: UTF8.self) : nil
        }
    }

    @Suite("What the service manager is told", .timeLimit(.minutes(10)))
    struct ServiceNoticeTests {
        private func names() throws -> (folder: TemporaryFolder, names: [String]) {
            let folder = try TemporaryFolder()
            return (folder, [folder.path + "/notify", "@cartsync-test-\(UUID().uuidString)"])
        }

        @Test("ready when the service polls and not before, alive while it does, and stopping")
        func life() async throws {
            let (folder, names) = try names()
            defer { withExtendedLifetime(folder) {} }
            for name in names {
                let manager = try NoticeSocket(name)
                let clock = HandTurnedClock()
                let isAlive = Mutex(false)
                let notice = ServiceNotice(
                    environment: ["NOTIFY_SOCKET": name, "WATCHDOG_USEC": "10000000"], time: clock.time,
                    isAlive: { isAlive.withLock { $0 } })
                var configuration = ServiceGroupConfiguration(services: [.init(service: notice)], logger: .silent)
                configuration.maximumGracefulShutdownDuration = .seconds(5)
                let group = ServiceGroup(configuration: configuration)
                try await withThrowingTaskGroup(of: Void.self) { tasks in
                    tasks.addTask { try await group.run() }
                    await clock.waitForSleeper()
                    clock.advance(.seconds(1))
                    await clock.waitForSleeper()
                    #expect(manager.next() == nil)
                    isAlive.withLock { $0 = true }
                    clock.advance(.seconds(1))
                    await clock.waitForSleeper()
                    #expect(manager.next() == "READY=1")
                    #expect(manager.next() == "WATCHDOG=1")
                    clock.advance(.seconds(4))
                    #expect(manager.next() == nil)
                    clock.advance(.seconds(1))
                    await clock.waitForSleeper()
                    #expect(manager.next() == "WATCHDOG=1")
                    // It hangs: the manager hears nothing.
                    isAlive.withLock { $0 = false }
                    clock.advance(.seconds(5))
                    await clock.waitForSleeper()
                    #expect(manager.next() == nil)
                    await group.triggerGracefulShutdown()
                    try await tasks.waitForAll()
                    #expect(manager.next() == "STOPPING=1")
                    #expect(manager.next() == nil)
                }
            }
        }

        @Test("nothing where there is no manager, or none that listens", arguments: [nil, "/nowhere/notify", "", "@"])
        func noManager(name: String?) async throws {
            let notice = ServiceNotice(
                environment: name.map { ["NOTIFY_SOCKET": $0] } ?? [:], time: .system, isAlive: { true })
            let group = ServiceGroup(services: [notice], logger: .silent)
            await #expect(throws: Never.self) {
                try await withThrowingTaskGroup(of: Void.self) { tasks in
                    tasks.addTask { try await group.run() }
                    await group.triggerGracefulShutdown()
                    try await tasks.waitForAll()
                }
            }
        }
    }
#endif
