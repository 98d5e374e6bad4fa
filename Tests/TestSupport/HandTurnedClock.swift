package import CallPacing
package import Foundation
import Synchronization

/// A clock that goes on when a test says so, and whose sleepers wake then.
package final class HandTurnedClock: Sendable {
    private struct State {
        var now = Duration.zero
        var sleepers: [Int: (due: Duration, wake: CheckedContinuation<Void, any Error>)] = [:]
        /// Resumed when something sleeps.
        var watchers: [CheckedContinuation<Void, Never>] = []
        var next = 0
    }

    private let state = Mutex(State())
    private let start = ContinuousClock.now
    private let date: Date

    /// - Parameter date: the wall clock's date at the beginning.
    package init(date: Date = Date(timeIntervalSince1970: 1_795_262_400)) { self.date = date }

    /// What has passed since the beginning.
    package var now: Duration { state.withLock { $0.now } }

    /// The clock as the program takes it.
    package var time: TimeSource {
        TimeSource(
            now: { self.start + self.now }, wall: { self.date.addingTimeInterval(self.now / .seconds(1)) },
            wake: { instant, _ in try await self.sleep(until: instant - self.start) })
    }

    package func advance(_ duration: Duration) {
        let woken = state.withLock { state in
            state.now += duration
            let due = state.sleepers.filter { $0.value.due <= state.now }
            for ticket in due.keys { state.sleepers[ticket] = nil }
            return due.values.map(\.wake)
        }
        for sleeper in woken { sleeper.resume() }
    }

    /// Waits until something sleeps, then lets the time pass.
    package func advanceSleepers(_ duration: Duration) async {
        await waitForSleeper()
        advance(duration)
    }

    /// Waits until something sleeps.
    package func waitForSleeper() async {
        await withCheckedContinuation { continuation in
            let isAsleep = state.withLock { state in
                if state.sleepers.isEmpty { state.watchers.append(continuation) }
                return !state.sleepers.isEmpty
            }
            if isAsleep { continuation.resume() }
        }
    }

    /// Lets the time pass to where the next sleeper wakes, again and again, until the body has ended.
    ///
    /// No real time is waited for: an hour of the body's waits is over in a moment.
    package func passing<Value: Sendable>(
        _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                while !Task.isCancelled {
                    let next = self.state.withLock { $0.sleepers.values.map(\.due).min() }
                    if let next { self.advance(max(next - self.now, .zero)) }
                    try? await Task.sleep(for: .milliseconds(1))
                }
            }
            defer { group.cancelAll() }
            return try await body()
        }
    }

    package func sleep(for duration: Duration) async throws { try await sleep(until: now + duration) }

    /// A sleep that is due already ends at once, as it does on the clocks of a machine.
    private func sleep(until due: Duration) async throws {
        let ticket = state.withLock { state in
            state.next += 1
            return state.next
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (sleeper: CheckedContinuation<Void, any Error>) in
                let (isDue, watchers) = state.withLock { state in
                    if Task.isCancelled || due <= state.now { return (true, [CheckedContinuation<Void, Never>]()) }
                    state.sleepers[ticket] = (due, sleeper)
                    defer { state.watchers = [] }
                    return (false, state.watchers)
                }
                for watcher in watchers { watcher.resume() }
                guard isDue else { return }
                if Task.isCancelled { sleeper.resume(throwing: CancellationError()) } else { sleeper.resume() }
            }
        } onCancel: {
            state.withLock { $0.sleepers.removeValue(forKey: ticket) }?.wake.resume(throwing: CancellationError())
        }
    }
}
