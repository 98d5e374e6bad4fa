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
}

extension ServiceHealth {
    /// Judges all jobs: alive if each is, with the reasons of each, under its name if there are several.
    init(_ jobs: [JobStatus]) {
        self.init(
            isAlive: jobs.allSatisfy(\.health.isAlive),
            sinceLastPoll: jobs.compactMap(\.health.sinceLastPoll).max(),
            reasons: jobs.flatMap { job in
                jobs.count == 1 ? job.health.reasons : job.health.reasons.map { "job \(job.name): \($0)" }
            })
    }
}
