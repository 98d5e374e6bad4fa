/// When a job whose runs fail takes the next export: the third failure in a row and each one after it make it wait,
/// a minute at first, then twice as long each time, at most an hour.
package struct JobBackoff: Sendable, Hashable {
    /// Failures in a row from which on a job waits.
    package static let patience = 3
    package static let shortest = Duration.seconds(60)
    package static let longest = Duration.seconds(3600)

    /// Runs that failed since the last one that did not.
    package private(set) var failures = 0
    /// When the job goes on, by the clock that is passed in; nil where it does not wait.
    package private(set) var until: Duration?

    package init() {}

    package mutating func succeeded() {
        self = JobBackoff()
    }

    package mutating func failed(now: Duration) {
        failures += 1
        guard failures >= Self.patience else { return }
        // Beyond this many doublings any wait is the longest.
        let doublings = min(failures - Self.patience, 10)
        until = now + min(Self.longest, Self.shortest * (1 << doublings))
    }

    /// How long the job still waits; nil where it does not.
    package func rest(now: Duration) -> Duration? {
        guard let until, until > now else { return nil }
        return until - now
    }
}
