import CallPacing
import HTTPTypes
import Hummingbird
import NIOCore
import ServiceLifecycle
import Synchronization

/// Server-sent events (WHATWG HTML, section 9.2): what goes on, once a second, to a limited number of listeners.
struct EventStream: Sendable {
    /// Listeners at the same time.
    static let maxListeners = 32
    static let interval = Duration.seconds(1)
    /// A stream ends after this many events, about a quarter of an hour; a browser asks again by itself.
    static let longest = 900

    /// One event, and whether it is the last of its stream.
    struct Event: Sendable {
        let name: String
        /// One line.
        let data: String
        var isLast = false

        /// As it is on the wire.
        var text: String { "event: \(name)\ndata: \(data)\n\n" }
    }

    private let listeners = ListenerCount()
    private let time: TimeSource

    init(time: TimeSource) {
        self.time = time
    }

    /// The body of a stream; nil if there are too many listeners.
    ///
    /// - Parameter next: the event of this moment; nil if nothing is new: then a comment says that the stream lives.
    func body(_ next: @escaping @Sendable () throws -> Event?) -> ResponseBody? {
        guard let place = listeners.enter() else { return nil }
        let time = time
        return ResponseBody { writer in
            defer { withExtendedLifetime(place) {} }
            // A browser that has lost us asks again after this long.
            try await writer.write(ByteBuffer(string: "retry: 2000\n\n"))
            for _ in 0..<Self.longest where !Task.isShuttingDownGracefully {
                let event = try next()
                try await writer.write(ByteBuffer(string: event?.text ?? ": nothing new\n\n"))
                if event?.isLast == true { break }
                do {
                    try await cancelWhenGracefulShutdown { try await time.sleep(for: Self.interval) }
                } catch is CancellationError {
                    break
                }
            }
            try await writer.finish(nil)
        }
    }
}

/// Counts the listeners.
private final class ListenerCount: Sendable {
    private let count = Mutex(0)

    /// A place among the listeners, which is free again when the object is gone; nil if all are taken.
    func enter() -> Place? {
        let isFree = count.withLock { count in
            guard count < EventStream.maxListeners else { return false }
            count += 1
            return true
        }
        return isFree ? Place(self) : nil
    }

    /// An answer may be dropped before its body is asked for: only the end of this object is certain.
    final class Place: Sendable {
        private let listeners: ListenerCount

        init(_ listeners: ListenerCount) { self.listeners = listeners }

        deinit { listeners.count.withLock { $0 -= 1 } }
    }
}
