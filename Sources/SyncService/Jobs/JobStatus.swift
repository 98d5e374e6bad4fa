/// What one job of the service is doing, for those who watch it.
package struct JobStatus: Sendable, Hashable {
    package let name: String
    /// Where its exports come from, in words.
    package let source: String
    package var inbox: InboxStatus
    /// Why exports cannot be fetched from elsewhere; nil where they can.
    package var trouble: SourceTrouble?
    /// The time until the next look for exports, zero where it is due; nil before the first.
    package var nextPoll: Duration?
    /// The time for which no export is taken because runs failed in a row; nil where it does not wait.
    package var pause: Duration?
    package var health: ServiceHealth

    package init(
        name: String, source: String, inbox: InboxStatus, trouble: SourceTrouble? = nil, nextPoll: Duration? = nil,
        pause: Duration? = nil, health: ServiceHealth
    ) {
        self.name = name
        self.source = source
        self.inbox = inbox
        self.trouble = trouble
        self.nextPoll = nextPoll
        self.pause = pause
        self.health = health
    }
}

extension ServiceHealth {
    /// Judges all jobs: alive where each is, with the reasons of each under its name where there are several.
    package init(_ jobs: [JobStatus]) {
        self.init(
            isAlive: jobs.allSatisfy(\.health.isAlive),
            sinceLastPoll: jobs.compactMap(\.health.sinceLastPoll).max(),
            reasons: jobs.flatMap { job in
                jobs.count == 1 ? job.health.reasons : job.health.reasons.map { "job \(job.name): \($0)" }
            })
    }
}
