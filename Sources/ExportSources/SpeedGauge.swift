/// How slow a fetch may be before it is given up; it goes on at a later look.
package struct FetchPatience: Sendable, Hashable {
    /// The least bytes a second, over each `span`.
    var leastSpeed = 1000
    /// The time over which the speed is taken.
    var span = Duration.seconds(60)
    /// How long an answer may take to come.
    var silence = Duration.seconds(60)
    /// How long one fetch may take.
    var whole = Duration.seconds(4 * 3600)

    package init(leastSpeed: Int = 1000) { self.leastSpeed = leastSpeed }
}

/// Measures whether what comes from a source comes fast enough.
struct SpeedGauge: Sendable {
    private let patience: FetchPatience
    private let start: ContinuousClock.Instant
    private var spanStart: ContinuousClock.Instant
    private var bytes = 0

    init(_ patience: FetchPatience, now: ContinuousClock.Instant) {
        self.patience = patience
        (start, spanStart) = (now, now)
    }

    mutating func add(_ count: Int) { bytes += count }

    /// Why the fetch is to be given up; completes "NAME …". Nil if it goes on.
    mutating func problem(now: ContinuousClock.Instant) -> String? {
        if now - start > patience.whole { return "takes longer than \(patience.whole.components.seconds / 3600) h" }
        guard now - spanStart >= patience.span else { return nil }
        let speed = Double(bytes) / ((now - spanStart) / .seconds(1))
        guard speed >= Double(patience.leastSpeed) else {
            return "comes with \(Int(speed)) bytes a second, and source.least-speed is \(patience.leastSpeed)"
        }
        (spanStart, bytes) = (now, 0)
        return nil
    }
}
