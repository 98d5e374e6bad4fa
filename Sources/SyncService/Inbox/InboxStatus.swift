/// What an inbox service is doing, for those who watch it.
package struct InboxStatus: Sendable, Hashable {
    /// Exports by how they ended since the service began.
    package struct Tally: Sendable, Hashable {
        package var done = 0
        package var failed = 0
        package var waiting = 0
        package var superseded = 0
        /// Runs that can go on later; an export counts each time.
        package var interrupted = 0

        package init() {}

        mutating func add(_ place: InboxName.Folder) {
            switch place {
            case .done: done += 1
            case .failed: failed += 1
            case .waiting: waiting += 1
            case .superseded: superseded += 1
            case .working: interrupted += 1
            }
        }
    }

    /// When the service began to poll, by its clock; nil before that.
    package var started: Duration?
    /// When the last look at the inbox succeeded or failed, by the service's clock.
    package var lastPoll: Duration?
    /// Why the last look at the inbox failed.
    package var pollFailure: String?
    /// The export that is being synced.
    package var current: String?
    /// The id of its run, as soon as there is one.
    package var run: String?
    /// The exports in `waiting/` at the last look: a guard refused their plans, and nothing else of the job is synced
    /// until somebody decides.
    package var awaiting: [String] = []
    /// Runs that failed in a row, and what follows from it.
    package var backoff = JobBackoff()
    package var view = InboxWatch.View()
    package var tally = Tally()
    /// Exports in `working/` that will be synced again, with the reason.
    package var interruptions: [String: String] = [:]
    /// What could not be moved at the last attempt, with the reason.
    package var troubles: [String: String] = [:]

    package init() {}
}

/// Whether a service is alive, and whether it can do its work.
package struct ServiceHealth: Sendable, Hashable {
    package var isAlive: Bool
    /// The time since the last poll; nil before the first.
    package var sinceLastPoll: Duration?
    /// Why it cannot do its work now; empty where it can.
    package var reasons: [String]

    package init(isAlive: Bool, sinceLastPoll: Duration?, reasons: [String]) {
        self.isAlive = isAlive
        self.sinceLastPoll = sinceLastPoll
        self.reasons = reasons
    }
}

extension ServiceHealth {
    /// Intervals without a poll that mean that the service hangs.
    package static let missedPolls = 3
    /// Shorter silences never do, however short the interval is.
    package static let shortestSilence = Duration.seconds(5)

    /// Judges a service that polls every `interval`.
    package init(_ status: InboxStatus, interval: Duration, now: Duration) {
        let patience = max(Self.shortestSilence, interval * Self.missedPolls)
        let since = status.lastPoll.map { now - $0 }
        var reasons: [String] = []
        if status.started == nil { reasons.append("the service has not begun to poll") }
        if let failure = status.pollFailure { reasons.append("the inbox cannot be read: \(failure)") }
        let silence = since ?? status.started.map { now - $0 } ?? .zero
        if silence > patience { reasons.append("no poll for \(silence.inWords), the interval is \(interval.inWords)") }
        if status.backoff.failures >= JobBackoff.patience {
            let rest = status.backoff.rest(now: now).map { "the next one begins in \($0.inWords) at the earliest" }
            reasons.append(
                "the last \(status.backoff.failures) runs failed; \(rest ?? "the next export decides"); see the log")
        }
        for problems in [status.interruptions, status.troubles] {
            for (name, problem) in problems.sorted(by: { $0.key < $1.key }) { reasons.append("\(name): \(problem)") }
        }
        self.init(isAlive: silence <= patience, sinceLastPoll: since, reasons: reasons)
    }
}
