package import CallPacing
package import Foundation

extension TimeSource {
    /// A clock that goes so many times faster than that of the machine, for pauses between real calls on the loopback
    /// interface. Deadlines come sooner, too: not for tests of deadlines.
    package static func fast(_ factor: Int, date: Date = Date()) -> TimeSource {
        let start = ContinuousClock.now
        let now: @Sendable () -> ContinuousClock.Instant = { start + (ContinuousClock.now - start) * factor }
        return TimeSource(
            now: now, wall: { date.addingTimeInterval((now() - start) / .seconds(1)) },
            wake: { instant, tolerance in
                try await Task.sleep(
                    until: start + (instant - start) / factor, tolerance: tolerance.map { $0 / factor },
                    clock: .continuous)
            })
    }
}
