import CallPacing
import CartAssociations

/// What an inbox service is doing. Times are of the job's own clock.
struct InboxStatus: Sendable, Hashable {
    /// Exports by how they ended since the service began.
    struct Tally: Sendable, Hashable {
        var done = 0
        var failed = 0
        var waiting = 0
        var superseded = 0
        /// Runs that can go on later; an export counts each time.
        var interrupted = 0

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

    /// When the service began to poll; nil before that.
    var started: Duration?
    /// When the last look at the inbox succeeded or failed.
    var lastPoll: Duration?
    /// Why the last look at the inbox failed.
    var pollFailure: String?
    /// The export that is being synced.
    var current: String?
    /// The id of its run, as soon as there is one.
    var run: String?
    /// The exports in `waiting/` at the last look: a guard refused their plans, and nothing else of the job is synced
    /// until a person decides.
    var awaiting: [String] = []
    /// What lies in `failed/` and `waiting/`.
    var failed = LyingExports()
    var waiting = LyingExports()
    /// Runs that failed in a row, and what follows from it.
    var backoff = JobBackoff()
    var view = InboxWatch.View()
    var tally = Tally()
    /// Exports in `working/` that will be synced again, with the reason.
    var interruptions: [String: String] = [:]
    /// What could not be moved at the last attempt, with the reason.
    var troubles: [String: String] = [:]

    /// Grows with each run that begins or ends.
    var runsSeen: Int {
        2 * (tally.done + tally.failed + tally.waiting + tally.superseded + tally.interrupted) + (run == nil ? 0 : 1)
    }
}

/// Whether a service is alive, and whether it can do its work.
struct ServiceHealth: Sendable, Hashable {
    var isAlive: Bool
    /// The time since the last poll; nil before the first.
    var sinceLastPoll: Duration?
    /// Why it cannot do its work now; empty if it can.
    var reasons: [String]
    /// What a person has to look at although it can do its work, a sentence each.
    var attention: [String] = []
}

extension ServiceHealth {
    /// Intervals without a poll that mean that the service hangs.
    static let missedPolls = 3
    /// Shorter silences never do, however short the interval is.
    static let shortestSilence = Duration.seconds(5)

    /// Judges a service that polls once in each interval.
    init(_ status: InboxStatus, interval: Duration, now: Duration) {
        let patience = max(Self.shortestSilence, interval * Self.missedPolls)
        let since = status.lastPoll.map { now - $0 }
        var reasons: [String] = []
        if status.started == nil { reasons.append("the service has not begun to poll") }
        if let failure = status.pollFailure { reasons.append("the inbox cannot be read: \(failure)") }
        let silence = since ?? status.started.map { now - $0 } ?? .zero
        if silence > patience { reasons.append("no poll for \(silence.inWords), the interval is \(interval.inWords)") }
        if let rest = status.backoff.rest(now: now) {
            reasons.append(
                "the last \(status.backoff.failures) runs failed; the next one begins in \(rest.inWords) at the earliest; "
                    + "see the log")
        }
        for (name, problem) in status.troubles.sorted(by: { $0.key < $1.key }) {
            reasons.append("\(name): \(problem)")
        }
        self.init(
            isAlive: silence <= patience, sinceLastPoll: since, reasons: reasons, attention: Self.attention(status, now)
        )
    }

    private static func attention(_ status: InboxStatus, _ now: Duration) -> [String] {
        var attention: [String] = []
        if status.failed.count > 0 {
            attention.append("\(Count.text(status.failed.count, "export")) in failed/: \(status.failed.names)")
        }
        if status.waiting.count > 0 {
            attention.append("\(Count.text(status.waiting.count, "export")) in waiting/: \(status.waiting.names)")
        }
        attention += status.interruptions.sorted { $0.key < $1.key }.map { "\($0.key) is tried again: \($0.value)" }
        if status.backoff.failures >= JobBackoff.patience, status.backoff.rest(now: now) == nil {
            attention.append("the last \(status.backoff.failures) runs failed; the next export decides; see the log")
        }
        return attention
    }
}
