package import Dispatch
package import Foundation

/// The clocks that the program reads. The command passes them in; a test or a simulation passes in its own.
package struct TimeSource: Sendable {
    /// The time that measures how long something takes; it never goes back.
    package let now: @Sendable () -> ContinuousClock.Instant
    /// The date and time of day; it jumps when the machine's clock is set.
    package let wall: @Sendable () -> Date
    private let wake: @Sendable (_ at: ContinuousClock.Instant, _ tolerance: Duration?) async throws -> Void
    private let isSimulated: Bool

    /// - Parameters:
    ///   - wake: returns at an instant of `now`, or later by the tolerance; throws `CancellationError` if the task is
    ///     cancelled first.
    ///   - isSimulated: whether no time passes but by `wake`, so that what blocks a thread takes none.
    package init(
        now: @escaping @Sendable () -> ContinuousClock.Instant, wall: @escaping @Sendable () -> Date,
        wake: @escaping @Sendable (_ at: ContinuousClock.Instant, _ tolerance: Duration?) async throws -> Void,
        isSimulated: Bool = false
    ) {
        self.now = now
        self.wall = wall
        self.wake = wake
        self.isSimulated = isSimulated
    }

    /// The clocks of this machine. `now` goes on while the machine sleeps.
    package static let system = TimeSource(
        now: { .now }, wall: { Date() },
        wake: { try await Task.sleep(until: $0, tolerance: $1, clock: .continuous) })

    /// Waits for a duration.
    ///
    /// - Parameter tolerance: how much longer it may take, to let the machine wake up less often.
    /// - Throws: `CancellationError` if the task is cancelled before the end.
    package func sleep(for duration: Duration, tolerance: Duration? = nil) async throws {
        try await wake(now() + duration, tolerance)
    }

    /// Does work that blocks for milliseconds: on one of the few threads of all tasks it would delay calls.
    ///
    /// - Parameter queue: has a thread for it.
    package func blocking(on queue: DispatchQueue, _ work: @escaping @Sendable () throws -> Void) async throws {
        if isSimulated { return try work() }
        try await withCheckedThrowingContinuation { (done: CheckedContinuation<Void, any Error>) in
            queue.async { done.resume(with: Result { try work() }) }
        }
    }

    /// Waits until an instant of `now`; see `sleep(for:tolerance:)`.
    package func sleep(until instant: ContinuousClock.Instant, tolerance: Duration? = nil) async throws {
        try await wake(instant, tolerance)
    }
}
