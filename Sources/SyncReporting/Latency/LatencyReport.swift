import CartAssociations

package import struct Foundation.Date

/// Latencies and rates of a run, ready to be shown. Milliseconds, calls a second, seconds from the start.
package struct LatencyReport: Codable, Sendable, Equatable {
    /// The operations that were called, in the order of `Operation.allCases`.
    var operations: [OperationLatency]
    var rate: RateReport
    /// The run in at most `mostPoints` stretches of equal length.
    var timeline: [TimelinePoint]

    /// The most points of a plot: as many as a wide screen can tell apart.
    static let mostPoints = 240

    /// - Parameters:
    ///   - rateLimit: the limit that was set, in calls a second.
    ///   - ended: when the run ended.
    package init(_ snapshot: LatencySnapshot, rateLimit: Double, ended: Date) {
        operations = Operation.allCases.compactMap { operation in
            let totals = snapshot.operationTotals(operation)
            return totals.isEmpty ? nil : OperationLatency(operation, totals)
        }
        rate = RateReport(snapshot, limit: rateLimit, ended: ended)
        timeline = TimelinePoint.line(through: snapshot, limit: rateLimit, steps: rate.steps)
    }

    subscript(_ operation: Operation) -> OperationLatency? {
        operations.first { $0.operation == operation }
    }
}

/// What the calls of one operation took.
struct OperationLatency: Codable, Sendable, Equatable {
    var operation: Operation
    /// Calls with a final answer.
    var calls: Int
    /// Final answers by class.
    var callAnswers: [String: Int]
    /// Requests on the wire; more than calls if some were repeated.
    var attempts: Int
    /// Answers of attempts by class.
    var attemptAnswers: [String: Int]
    var retries: Int
    var service: LatencyFigures
    var response: LatencyFigures
    var pacerWait: LatencyFigures
    var backoff: LatencyFigures
    /// The same for each class of answer that occurred.
    var byAnswer: [AnswerLatency]

    init(_ operation: Operation, _ totals: OperationTotals) {
        self.operation = operation
        calls = totals.calls
        attempts = totals.attempts
        retries = totals.retries
        var final: [String: Int] = [:]
        var each: [String: Int] = [:]
        for answer in AnswerClass.allCases {
            final[answer.rawValue] = totals.count(.response, answer)
            each[answer.rawValue] = totals.count(.service, answer)
        }
        callAnswers = final
        attemptAnswers = each
        let service = LatencyFigures(totals.tally(.service))
        let response = LatencyFigures(totals.tally(.response))
        (self.service, self.response) = (service, response)
        pacerWait = LatencyFigures(totals.pacerWait)
        backoff = LatencyFigures(totals.backoff)
        byAnswer = AnswerClass.allCases.compactMap { answer in
            guard totals.count(.service, answer) + totals.count(.response, answer) > 0 else { return nil }
            return AnswerLatency(
                answer: answer, service: service.percentiles(of: totals.tally(.service, answer)),
                response: response.percentiles(of: totals.tally(.response, answer)))
        }
    }

    /// Attempts whose answer is of one class.
    func attempts(_ answer: AnswerClass) -> Int { attemptAnswers[answer.rawValue] ?? 0 }
}

/// What calls with one class of answer took.
struct AnswerLatency: Codable, Sendable, Equatable {
    var answer: AnswerClass
    var service: Percentiles
    var response: Percentiles
}

/// The percentiles of one latency, in milliseconds; all 0 if nothing was measured.
struct Percentiles: Codable, Sendable, Equatable {
    var count: Int
    var p50: Double
    var p75: Double
    var p90: Double
    var p95: Double
    var p99: Double
    var p999: Double
    var p9999: Double
    var max: Double

    init(_ tally: LatencyTally) { self.init(tally, tally.sparse) }

    /// - Parameter cells: those of the tally that are not empty.
    init(_ tally: LatencyTally, _ cells: SparseHistogram) {
        func at(_ percentile: Double) -> Double { Double(cells.value(atPercentile: percentile)) / 1000 }
        count = tally.count
        p50 = at(50)
        p75 = at(75)
        p90 = at(90)
        p95 = at(95)
        p99 = at(99)
        p999 = at(99.9)
        p9999 = at(99.99)
        max = Double(tally.maximum) / 1000
    }
}

/// One latency in full: percentiles, histogram and percentile curve.
struct LatencyFigures: Codable, Sendable, Equatable {
    var percentiles: Percentiles
    /// Durations below zero or above one hour: counted, in no percentile.
    var outOfRange: Int
    /// The sum of all durations in milliseconds.
    var sum: Double
    /// The histogram in buckets of `LatencyBuckets.bounds`.
    var buckets: [LatencyBucket]
    /// Points of the percentile curve, denser towards 100 %.
    var curve: [CurvePoint]

    var count: Int { percentiles.count }

    init(_ tally: LatencyTally) {
        let cells = tally.sparse
        percentiles = Percentiles(tally, cells)
        outOfRange = tally.outOfRange
        sum = Double(tally.sum) / 1000
        buckets = LatencyBuckets.count(cells)
        curve = CurvePoint.curve(of: cells)
    }

    /// The percentiles of a part of these durations, which most often is all of them.
    func percentiles(of part: LatencyTally) -> Percentiles { part.count == count ? percentiles : Percentiles(part) }
}

extension LatencyReport {
    var attempts: Int { operations.reduce(0) { $0 + $1.attempts } }
    var retries: Int { operations.reduce(0) { $0 + $1.retries } }
}
