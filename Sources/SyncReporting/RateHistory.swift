/// The changes of the rate in a run, and the time that calls were paused.
package struct RateHistory: Sendable, Equatable {
    /// One change of the rate.
    package struct Step: Codable, Sendable, Equatable {
        /// Seconds from the start of the run.
        package var seconds: Double
        /// The rate from then on, in calls a second; 0 is a pause.
        package var rate: Double
        package var reason: String

        package init(seconds: Double, rate: Double, reason: String) {
            self.seconds = seconds
            self.rate = rate
            self.reason = reason
        }
    }

    /// A rate that swings for days must not fill the report; later changes are counted, not kept.
    static let mostSteps = 1000

    private(set) var steps: [Step] = []
    private(set) var changes = 0
    private(set) var pauses = 0
    private(set) var paused: Duration = .zero
    private var pausedSince: Duration?
    private var pausedUntil: Duration = .zero

    mutating func record(_ rate: Double, reason: String, at moment: Duration) {
        changes += 1
        if let since = pausedSince {
            paused += moment - since
            pausedSince = nil
        }
        if rate <= 0 {
            pauses += 1
            pausedSince = moment
        }
        guard steps.count < Self.mostSteps else { return }
        steps.append(Step(seconds: moment.inSeconds, rate: rate, reason: reason))
    }

    /// Counts a pause; one that begins during another only lengthens it.
    mutating func pause(for duration: Duration, at moment: Duration) {
        if moment >= pausedUntil { pauses += 1 }
        paused += max(.zero, moment + duration - max(moment, pausedUntil))
        pausedUntil = max(pausedUntil, moment + duration)
    }

    /// Makes every step later.
    mutating func move(by offset: Duration) {
        for index in steps.indices { steps[index].seconds += offset.inSeconds }
    }

    mutating func add(_ other: RateHistory) {
        steps = Array((steps + other.steps).prefix(Self.mostSteps))
        changes += other.changes
        pauses += other.pauses
        paused += other.paused
    }
}

extension Duration {
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
