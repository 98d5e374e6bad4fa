import CartAssociations

/// The two clocks of a latency.
package enum LatencyClock: String, Sendable, Hashable, CaseIterable, Codable {
    /// From the request being sent to the response being read, per attempt.
    case service
    /// From when the pacer's schedule had the call due to its final answer, per call.
    case response
}

/// Everything measured of one operation.
struct OperationTotals: Sendable {
    /// Service time of each attempt, by the class of its answer.
    private(set) var service = [LatencyTally](repeating: LatencyTally(), count: AnswerClass.allCases.count)
    /// Response time of each call, by the class of its final answer.
    private(set) var response = [LatencyTally](repeating: LatencyTally(), count: AnswerClass.allCases.count)
    private(set) var pacerWait = LatencyTally()
    private(set) var backoff = LatencyTally()
    private(set) var retries = 0

    /// - Parameter service: the attempt's service time in microseconds.
    mutating func record(_ attempt: AttemptMeasure, service microseconds: UInt64?) {
        service[attempt.answer.index].record(microseconds)
    }

    /// - Parameter response: the call's response time in microseconds.
    mutating func record(_ call: CallMeasure, response microseconds: UInt64?) {
        response[call.answer.index].record(microseconds)
        pacerWait.record(LatencyRange.microseconds(call.paced))
        backoff.record(LatencyRange.microseconds(call.backoff))
    }

    mutating func recordRetry() { retries += 1 }

    mutating func add(_ other: OperationTotals) {
        for index in service.indices {
            service[index].add(other.service[index])
            response[index].add(other.response[index])
        }
        pacerWait.add(other.pacerWait)
        backoff.add(other.backoff)
        retries += other.retries
    }

    func tally(_ clock: LatencyClock, _ answer: AnswerClass) -> LatencyTally {
        clock == .service ? service[answer.index] : response[answer.index]
    }

    /// All answers together.
    func tally(_ clock: LatencyClock) -> LatencyTally {
        var all = LatencyTally()
        for tally in clock == .service ? service : response { all.add(tally) }
        return all
    }

    func count(_ clock: LatencyClock, _ answer: AnswerClass) -> Int {
        let tally = tally(clock, answer)
        return tally.count + tally.outOfRange
    }

    var attempts: Int { AnswerClass.allCases.reduce(0) { $0 + count(.service, $1) } }
    var calls: Int { AnswerClass.allCases.reduce(0) { $0 + count(.response, $1) } }
    var isEmpty: Bool { attempts == 0 && calls == 0 && retries == 0 }

    var bytes: Int {
        service.reduce(0) { $0 + $1.bytes } + response.reduce(0) { $0 + $1.bytes } + pacerWait.bytes + backoff.bytes
    }
}

extension AnswerClass {
    /// The position in `allCases`, without building it: this is on the path of every recording.
    var index: Int {
        switch self {
        case .success: 0
        case .rateLimited: 1
        case .unauthorized: 2
        case .forbidden: 3
        case .refused: 4
        case .serverError: 5
        case .connection: 6
        case .unknown: 7
        }
    }
}

extension Operation {
    /// The position in `allCases`.
    var index: Int {
        switch self {
        case .create: 0
        case .delete: 1
        case .list: 2
        case .token: 3
        case .createCart: 4
        }
    }
}
