/// When exports whose runs were interrupted are tried again: after one interval, then after twice as long each time,
/// at most ten minutes.
package struct RetryTimes: Sendable {
    package static let longest = Duration.seconds(600)
    private var waits: [String: (due: Duration, wait: Duration)] = [:]

    package init() {}

    package func isDue(_ name: String, now: Duration) -> Bool { waits[name].map { now >= $0.due } ?? true }

    package mutating func postpone(_ name: String, now: Duration, interval: Duration) {
        let wait = min(waits[name].map { $0.wait * 2 } ?? interval, max(Self.longest, interval))
        waits[name] = (now + wait, wait)
    }

    package mutating func forget(_ name: String) {
        waits[name] = nil
    }
}
