package import CallPacing
import DurableFiles
import Synchronization

/// The pace of the service that works on a state folder, for a process beside it whose calls go to the same store.
///
/// While there is no service, calls go by the process's own pacer alone; one that comes up meanwhile is found at the next call.
package final class ServicePace: Sendable {
    private struct State {
        var channel: ControlChannel?
        /// Calls that wait to be let go, by their number.
        var waiting: [Int: CheckedContinuation<SharedPace.Turn?, any Error>] = [:]
        var last = 0
        var isTold = false
    }

    private let folder: String
    private let version: String
    private let tell: @Sendable (String) -> Void
    private let state = Mutex(State())

    private init(_ folder: String, version: String, tell: @escaping @Sendable (String) -> Void) {
        self.folder = folder
        self.version = version
        self.tell = tell
    }

    /// - Parameters:
    ///   - folder: the state folder.
    ///   - version: that of the program.
    ///   - tell: told once, as a sentence, if the service cannot be asked.
    package static func shared(
        _ folder: String, version: String, tell: @escaping @Sendable (String) -> Void
    ) -> SharedPace {
        let pace = ServicePace(folder, version: version, tell: tell)
        return SharedPace { signal in
            guard let signal else { return try await pace.admit() }
            return try await signal.cancelling { try await pace.admit() }
        } complete: { number, call in
            pace.complete(number, call)
        }
    }

    private func admit() async throws -> SharedPace.Turn? {
        guard let channel = connected() else { return nil }
        let number = state.withLock { state in
            state.last += 1
            return state.last
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                // A task that is cancelled after this lock is found among those that wait.
                let isCancelled = state.withLock { state in
                    if !Task.isCancelled { state.waiting[number] = continuation }
                    return Task.isCancelled
                }
                guard !isCancelled else { return continuation.resume(throwing: CancellationError()) }
                if !channel.send(ClientMessage.admit(number)) { lose(channel) }
            }
        } onCancel: {
            take(number)?.resume(throwing: CancellationError())
        }
    }

    private func complete(_ number: Int, _ call: PacedCall?) {
        guard let channel = state.withLock({ $0.channel }) else { return }
        if !channel.send(ClientMessage.complete(number, call)) { lose(channel) }
    }

    private func take(_ number: Int) -> CheckedContinuation<SharedPace.Turn?, any Error>? {
        state.withLock { $0.waiting.removeValue(forKey: number) }
    }

    // MARK: - The connection

    private func connected() -> ControlChannel? {
        let (channel, isRefused) = state.withLock { ($0.channel, $0.isTold) }
        if channel != nil || isRefused { return channel }
        do {
            guard let channel = try ControlSocket.connect(folder) else { return nil }
            state.withLock { $0.channel = channel }
            channel.start(program: version, ServiceMessage.self) { [self] message, _ in
                hear(message, channel)
            } onEnd: { [self] end in
                if case .otherVersion(let program) = end {
                    tellOnce("it is cartsync \(program), and this is cartsync \(version)")
                }
                lose(channel)
            }
            return channel
        } catch {
            tellOnce(error.sentence)
            return nil
        }
    }

    private func hear(_ message: ServiceMessage, _ channel: ControlChannel) {
        switch message {
        case .admitted(let number, let granted):
            if let waiting = take(number) {
                waiting.resume(returning: SharedPace.Turn(number: number, granted: granted))
            } else {
                _ = channel.send(ClientMessage.complete(number, nil))
            }
        case .refused(let sentence):
            tellOnce(sentence)
            lose(channel)
        default: break
        }
    }

    /// Lets go of a service that is gone: the calls that wait are this process's own affair now.
    private func lose(_ channel: ControlChannel) {
        let waiting = state.withLock { state -> [CheckedContinuation<SharedPace.Turn?, any Error>] in
            guard state.channel === channel else { return [] }
            defer { (state.channel, state.waiting) = (nil, [:]) }
            return Array(state.waiting.values)
        }
        channel.end()
        for continuation in waiting { continuation.resume(returning: nil) }
    }

    private func tellOnce(_ problem: String) {
        let isFirst = state.withLock { state in
            defer { state.isTold = true }
            return !state.isTold
        }
        if isFirst { tell("the service cannot be asked for the pace of calls: \(problem)") }
    }
}
