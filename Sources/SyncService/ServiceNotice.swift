package import CallPacing
import ServiceLifecycle

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Tells the service manager that the service is ready, alive, and stopping.
///
/// The protocol is that of sd_notify(3): each notice is one datagram to the socket that `$NOTIFY_SOCKET` names.
package struct ServiceNotice: Service {
    /// Where the manager listens; nil if there is no manager.
    private let socket: String?
    /// How often the manager wants to hear that the service is alive; nil for never.
    private let interval: Duration?
    private let isAlive: @Sendable () -> Bool
    private let time: TimeSource

    /// The time between two looks at a service that is not ready yet.
    private static let firstLook = Duration.milliseconds(100)

    /// - Parameters:
    ///   - environment: that of the process: `NOTIFY_SOCKET`, and `WATCHDOG_USEC` if the manager restarts a service
    ///     that it does not hear from.
    ///   - isAlive: whether the service polls; it is ready when it first does.
    package init(
        environment: [String: String], time: TimeSource, isAlive: @escaping @Sendable () -> Bool
    ) {
        socket = environment["NOTIFY_SOCKET"]
        // Twice in each period, as sd_watchdog_enabled(3) recommends.
        interval = environment["WATCHDOG_USEC"].flatMap(Int64.init).map { .microseconds($0 / 2) }
        self.isAlive = isAlive
        self.time = time
    }

    /// Tells until graceful shutdown or cancellation; a notice that cannot be sent is lost, as with sd_notify.
    package func run() async throws {
        try? await cancelWhenGracefulShutdown {
            while !isAlive() { try await time.sleep(for: Self.firstLook) }
            tell("READY=1")
            guard let interval else { return try await gracefulShutdown() }
            while true {
                // A service that hangs says nothing, and is restarted.
                if isAlive() { tell("WATCHDOG=1") }
                try await time.sleep(for: interval)
            }
        }
        tell("STOPPING=1")
    }

    private func tell(_ notice: String) {
        guard let socket, var address = Self.address(of: socket) else { return }
        #if canImport(Glibc)
            let descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        #else
            let descriptor = Darwin.socket(AF_UNIX, SOCK_DGRAM, 0)
        #endif
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let bytes = Array(notice.utf8)
        // An abstract name has no final zero, so its length is part of it.
        let length = socklen_t(MemoryLayout<sa_family_t>.size + socket.utf8.count)
        // Both pointers are used by the call alone; the address is a whole sockaddr_un.
        _ = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe sendto(descriptor, bytes, bytes.count, 0, pointer, length)
            }
        }
    }

    /// The address of a path, or of an abstract name that begins with `@`; nil if it is too long.
    private static func address(of name: String) -> sockaddr_un? {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(name.utf8)
        if bytes.first == UInt8(ascii: "@") { bytes[0] = 0 }
        // The array is a tuple in Swift; its bytes are written in place, and there is room for a final zero.
        let fits = unsafe withUnsafeMutableBytes(of: &address.sun_path) { path in
            guard !bytes.isEmpty, bytes.count < path.count else { return false }
            unsafe path.copyBytes(from: bytes)
            return true
        }
        return fits ? address : nil
    }
}
