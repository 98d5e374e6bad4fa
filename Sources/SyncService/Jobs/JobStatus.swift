import CallPacing

/// What one job of the service is doing.
struct JobStatus: Sendable, Hashable {
    let name: String
    /// Where its exports come from, in words.
    let source: String
    var inbox: InboxStatus
    /// Why exports cannot be fetched from elsewhere; nil if they can.
    var trouble: SourceTrouble?
    /// What is passed over and holds up nothing else, a sentence each.
    var notes: [String]
    /// The time until the next look for exports, zero if it is due; nil before the first.
    var nextPoll: Duration?
    /// For how long no export is taken because runs failed in a row; nil if exports are taken.
    var pause: Duration?
    var health: ServiceHealth
    /// Exports of which parts are missing for long, a sentence each.
    var overdue: [String]

    /// What keeps the job from taking the next export, in words; nil if nothing does.
    var heldBy: String? {
        if let trouble { return "the source: \(trouble.problem)" }
        if inbox.pollFailure != nil { return "the inbox, which cannot be read" }
        if !inbox.awaiting.isEmpty {
            return "\(inbox.waiting.names), which \(inbox.waiting.count == 1 ? "waits" : "wait") for a person"
        }
        return pause.map { "\(inbox.backoff.failures) failures in a row, for \($0.inWords)" }
    }
}

extension ServiceHealth {
    /// Judges all jobs: alive if each is, with the reasons of each, under its name if there are several.
    init(_ jobs: [JobStatus]) {
        self.init(
            isAlive: jobs.allSatisfy(\.health.isAlive),
            sinceLastPoll: jobs.compactMap(\.health.sinceLastPoll).max(),
            reasons: Self.named(jobs, \.health.reasons), attention: Self.named(jobs, \.health.attention))
    }

    /// Sentences of all jobs, with the name of the job in front if there are several.
    private static func named(_ jobs: [JobStatus], _ sentences: (JobStatus) -> [String]) -> [String] {
        jobs.flatMap { job in
            jobs.count == 1 ? sentences(job) : sentences(job).map { "job \(job.name): \($0)" }
        }
    }
}
