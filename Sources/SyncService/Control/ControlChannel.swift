import CProcess
import Dispatch
import DurableFiles
import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// One end of a connection between a service and a process beside it: messages, each a length and JSON, some with a
/// descriptor.
///
/// The first message of each end is its greeting. Both `onMessage` and `onEnd` are called on the channel's queue, one after
/// the other, until the end.
package final class ControlChannel: Sendable {
    /// How a connection ended.
    package enum End: Sendable {
        /// The other end is gone, or this one has let go of it.
        case closed
        /// The other end has another version of the messages.
        case otherVersion(program: String)
    }

    /// The largest message, in bytes.
    static let mostBytes = 4 << 20

    private struct State {
        var bytes: [UInt8] = []
        var descriptors: [Int32] = []
        var isStarted = false
        var isGreeted = false
        var isOver = false
    }

    private let socket: Int32
    private let queue: DispatchQueue
    /// Unsafe because its protocol does not say what holds for every source of Dispatch: any thread may use it.
    private nonisolated(unsafe) let source: any DispatchSourceRead
    private let state = Mutex(State())
    /// Held while one message is written.
    private let writing = Mutex(())

    /// Takes a connected socket.
    init(_ socket: Int32, queue: DispatchQueue) {
        self.socket = socket
        self.queue = queue
        unsafe source = DispatchSource.makeReadSource(fileDescriptor: socket, queue: queue)
    }

    deinit {
        guard !state.withLock({ $0.isStarted }) else { return }
        // A source that has never begun cannot be let go of.
        unsafe source.setCancelHandler { [socket] in close(socket) }
        unsafe source.resume()
        unsafe source.cancel()
    }

    /// The number of the user at the other end; nil if the system does not say it.
    package var peer: UInt32? {
        var user = uid_t.max
        // The address is used during the call alone.
        return unsafe cartsync_peer(socket, &user) == 0 ? user : nil
    }

    /// Greets, and hands over every message that comes, with its descriptor, which the receiver closes.
    package func start<Message: Decodable>(
        program: String, _ type: Message.Type, onMessage: @escaping @Sendable (Message, Int32?) -> Void,
        onEnd: @escaping @Sendable (End) -> Void
    ) {
        state.withLock { $0.isStarted = true }
        unsafe source.setEventHandler { [self] in
            guard let end = read(type, onMessage) else { return }
            let isFirst = state.withLock { state in
                defer { state.isOver = true }
                return !state.isOver
            }
            guard isFirst else { return }
            unsafe source.cancel()
            onEnd(end)
        }
        unsafe source.setCancelHandler { [self] in
            for descriptor in state.withLock({ $0.descriptors }) { close(descriptor) }
            // Nobody writes any more: a number that is free may be another file's a moment later.
            writing.withLock { _ in _ = close(socket) }
        }
        unsafe source.resume()
        _ = send(ControlGreeting(program: program))
    }

    /// Lets go of the connection; what was sent still arrives, and who waits in `send` does so no longer. `start` was called.
    package func end() {
        let isFirst = state.withLock { state in
            defer { state.isOver = true }
            return !state.isOver
        }
        guard isFirst else { return }
        shutdown(socket, Int32(SHUT_RDWR))
        unsafe source.cancel()
    }

    /// Sends a message, and waits until there is room for it; returns false if the connection is over.
    ///
    /// - Parameter descriptor: what the other end gets a copy of.
    package func send(_ message: some Encodable, descriptor: Int32? = nil) -> Bool {
        guard let json = try? JSONEncoder().encode(message) else { return false }
        let length = UInt32(json.count)
        let frame = (0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - 8 * $0)) } + Array(json)
        return writing.withLock { _ in
            guard !state.withLock({ $0.isOver }) else { return false }
            var rest = frame[...]
            var descriptor = descriptor ?? -1
            while !rest.isEmpty {
                // The bytes outlive the call, which keeps no reference to them.
                let sent = unsafe rest.withUnsafeBytes { bytes in
                    unsafe cartsync_send(socket, bytes.baseAddress, bytes.count, descriptor, 1)
                }
                guard sent > 0 else { return false }
                rest = rest.dropFirst(sent)
                descriptor = -1
            }
            return true
        }
    }

    // MARK: - Reading

    /// Takes what is there; returns how the connection ended if it did.
    private func read<Message: Decodable>(
        _ type: Message.Type, _ onMessage: (Message, Int32?) -> Void
    ) -> End? {
        var block = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            var descriptor: Int32 = -1
            // Both addresses are used during the call alone.
            let count = unsafe block.withUnsafeMutableBytes { bytes in
                unsafe cartsync_receive(socket, bytes.baseAddress, bytes.count, &descriptor)
            }
            if count < 0 { return [EAGAIN, EWOULDBLOCK].contains(errno) ? nil : .closed }
            if count == 0 { return .closed }
            let received = block[..<count]
            state.withLock { state in
                state.bytes += received
                if descriptor >= 0 { state.descriptors.append(descriptor) }
            }
            if let end = takeMessages(type, onMessage) { return end }
        }
    }

    private func takeMessages<Message: Decodable>(
        _ type: Message.Type, _ onMessage: (Message, Int32?) -> Void
    ) -> End? {
        while true {
            let (frame, isGreeting) = state.withLock { state in (Self.takeFrame(&state.bytes), !state.isGreeted) }
            switch frame {
            case .none: return nil
            case .failure: return .closed
            case .success(let json):
                if isGreeting {
                    guard let greeting = try? JSONDecoder().decode(ControlGreeting.self, from: json) else {
                        return .closed
                    }
                    guard greeting.version == Control.version else {
                        return .otherVersion(program: greeting.program)
                    }
                    state.withLock { $0.isGreeted = true }
                } else {
                    guard let message = try? JSONDecoder().decode(type, from: json) else { return .closed }
                    onMessage(message, carries(message) ? takeDescriptor() : nil)
                }
            }
        }
    }

    private func carries(_ message: some Any) -> Bool {
        if case .file(code: 0)? = message as? ClientMessage { true } else { false }
    }

    private func takeDescriptor() -> Int32? {
        state.withLock { $0.descriptors.isEmpty ? nil : $0.descriptors.removeFirst() }
    }

    /// A frame that is too large to be believed.
    private struct Oversize: Error {}

    /// Removes the first whole frame; nil if there is none yet.
    private static func takeFrame(_ bytes: inout [UInt8]) -> Result<Data, Oversize>? {
        guard bytes.count >= 4 else { return nil }
        let length = bytes[..<4].reduce(0) { $0 << 8 | Int($1) }
        guard length <= mostBytes else { return .failure(Oversize()) }
        guard bytes.count >= 4 + length else { return nil }
        let frame = Data(bytes[4..<(4 + length)])
        bytes.removeFirst(4 + length)
        return .success(frame)
    }
}
