import CartAssociations

import struct Foundation.Date

/// The rate of a run. Seconds count from its start, without the time in which it stood still.
struct RateReport: Codable, Sendable, Equatable {
    /// The limit that was set, in calls a second.
    var limit: Double
    /// Attempts a second, from the first one being sent to the last one being answered.
    var achieved: Double
    /// Answers 429.
    var rateLimited: Int
    var pauses: Int
    var pausedSeconds: Double
    /// All changes of the rate; of more than a thousand, `steps` leaves out those that another one followed soon.
    var changes: Int
    var steps: [RateStep]
    /// At most the first thousand pauses.
    var held: [RatePause]

    init(_ snapshot: LatencySnapshot, limit: Double, ended: Date) {
        self.limit = limit
        let rate = snapshot.rate.ended(at: max(.zero, .seconds(ended.timeIntervalSince(snapshot.started))))
        achieved = snapshot.attemptsASecond(limit: limit)
        rateLimited = Operation.allCases.reduce(0) { $0 + snapshot.attempts($1, .rateLimited) }
        pauses = rate.pauseCount
        pausedSeconds = rate.paused.inSeconds
        changes = rate.changes
        steps = rate.steps.map {
            RateStep(seconds: snapshot.worked($0.moment).inSeconds, rate: $0.rate, reason: $0.reason)
        }
        held = rate.pauses.map { pause in
            let start = snapshot.worked(pause.span.lowerBound)
            return RatePause(
                seconds: start.inSeconds, length: (snapshot.worked(pause.span.upperBound) - start).inSeconds,
                reason: pause.reason)
        }
    }
}

/// One change of the rate.
struct RateStep: Codable, Sendable, Equatable {
    var seconds: Double
    /// The rate from then on, in calls a second; 0 lets only probes through.
    var rate: Double
    var reason: String
}

/// One stretch in which calls were held back.
struct RatePause: Codable, Sendable, Equatable {
    var seconds: Double
    var length: Double
    var reason: String
}

extension LatencySnapshot {
    /// Attempts a second while attempts were made; 0 without any.
    fileprivate func attemptsASecond(limit: Double) -> Double {
        guard let attempted, limit > 0 else { return 0 }
        let span = worked(attempted.upperBound) - worked(attempted.lowerBound)
        // The last attempt takes up its place of the rate, too: twenty in 0.95 s are 20 a second.
        return Double(attempts) / (span.inSeconds + 1 / limit)
    }
}
