/// The monotonic time of a service, and its sleep.
package struct ServiceClock: Sendable {
    /// The time since any fixed moment; never goes back.
    package var now: @Sendable () -> Duration
    /// Returns after the duration, or throws `CancellationError`.
    package var sleep: @Sendable (Duration) async throws -> Void

    package init(
        now: @escaping @Sendable () -> Duration, sleep: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.now = now
        self.sleep = sleep
    }

    /// The clock of this machine, which goes on while it sleeps.
    package static var continuous: ServiceClock {
        let start = ContinuousClock.now
        return ServiceClock(now: { ContinuousClock.now - start }, sleep: { try await Task.sleep(for: $0) })
    }
}
