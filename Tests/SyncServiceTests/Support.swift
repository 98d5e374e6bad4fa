import Foundation
import Logging
import Synchronization

@testable import SyncService

/// A clock that goes on when told to, and whose sleepers wake then.
final class HandTurnedClock: Sendable {
    private struct State {
        var now = Duration.zero
        var sleepers: [Int: (due: Duration, wake: CheckedContinuation<Void, any Error>)] = [:]
        var next = 0
    }

    private let state = Mutex(State())

    var now: Duration { state.withLock { $0.now } }

    var clock: ServiceClock {
        ServiceClock(now: { self.now }, sleep: { try await self.sleep($0) })
    }

    func advance(_ duration: Duration) {
        let woken = state.withLock { state in
            state.now += duration
            let due = state.sleepers.filter { $0.value.due <= state.now }
            for ticket in due.keys { state.sleepers[ticket] = nil }
            return due.values.map(\.wake)
        }
        for sleeper in woken { sleeper.resume() }
    }

    /// Waits until somebody sleeps, then lets the time pass.
    func advanceSleepers(_ duration: Duration) async {
        await waitForSleeper()
        advance(duration)
    }

    /// Waits until somebody sleeps.
    func waitForSleeper() async {
        while state.withLock({ $0.sleepers.isEmpty }) { await Task.yield() }
    }

    private func sleep(_ duration: Duration) async throws {
        let ticket = state.withLock { state in
            state.next += 1
            return state.next
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let isCancelled = state.withLock { state in
                    guard !Task.isCancelled else { return true }
                    state.sleepers[ticket] = (state.now + duration, continuation)
                    return false
                }
                if isCancelled { continuation.resume(throwing: CancellationError()) }
            }
        } onCancel: {
            state.withLock { $0.sleepers.removeValue(forKey: ticket) }?.wake.resume(throwing: CancellationError())
        }
    }
}

/// Values that several tasks add to.
final class Recorder<Value: Sendable>: Sendable {
    private let recorded = Mutex<[Value]>([])

    var values: [Value] { recorded.withLock { $0 } }

    func add(_ value: Value) {
        recorded.withLock { $0.append(value) }
    }
}

extension Logger {
    /// Says nothing.
    static var silent: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}

/// An entry as a look at the inbox gives it.
func entry(
    _ name: String, kind: InboxEntryKind = .regular, size: Int = 10, modified: Int = 1000, inode: UInt64 = 1
) -> InboxEntry {
    InboxEntry(name: name, kind: kind, size: size, modified: .seconds(modified), inode: inode)
}
