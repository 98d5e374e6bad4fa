package import CartAssociations

package import struct Foundation.Date

/// What a recorder held at one moment.
package struct LatencySnapshot: Sendable {
    /// When the recording began.
    package let started: Date
    private(set) var totals: [OperationTotals]
    private(set) var intervals: [LatencyInterval]
    private(set) var rate: RateHistory

    /// When the first attempt was sent and the last one was answered; nil without any.
    private(set) var attempted: ClosedRange<Duration>?
    /// When the run stood still, because a person was asked or because it was interrupted.
    private(set) var idle: [Range<Duration>]

    /// A moment of the run in the time that the run worked: without the time in which it stood still.
    func worked(_ moment: Duration) -> Duration {
        idle.reduce(moment) { worked, wait in
            worked - max(.zero, min(moment, wait.upperBound) - wait.lowerBound)
        }
    }

    /// This snapshot and a later one of the same run as one; in between the run stood still.
    package func followed(by later: LatencySnapshot) -> LatencySnapshot {
        let offset = Duration.seconds(max(0, later.started.timeIntervalSince(started)))
        var whole = self
        for index in totals.indices { whole.totals[index].add(later.totals[index]) }
        whole.intervals += later.intervals.map { interval in
            var moved = interval
            moved.start += offset
            return moved
        }
        whole.rate = rate.followed(by: later.rate, after: offset)
        let ended = min(offset, max(attempted?.upperBound ?? .zero, intervals.last?.end ?? .zero))
        whole.idle += [ended..<offset] + later.idle.map { $0.lowerBound + offset..<$0.upperBound + offset }
        if let attempts = later.attempted {
            let first = attempted?.lowerBound ?? attempts.lowerBound + offset
            whole.attempted = min(first, attempts.upperBound + offset)...(attempts.upperBound + offset)
        }
        return whole
    }

    /// Attempts, each one request on the wire.
    func attempts(_ operation: Operation) -> Int { totals[operation.index].attempts }

    /// Attempts with one class of answer.
    func attempts(_ operation: Operation, _ answer: AnswerClass) -> Int {
        totals[operation.index].count(.service, answer)
    }

    /// Attempts of all operations.
    var attempts: Int { totals.reduce(0) { $0 + $1.attempts } }

    /// Attempts that will be or were repeated.
    var retries: Int { totals.reduce(0) { $0 + $1.retries } }

    /// A percentile (0 to 100) of some operations in milliseconds; nil if nothing was recorded.
    package func milliseconds(
        atPercentile percentile: Double, of operations: [Operation], _ clock: LatencyClock
    ) -> Double? {
        var all = LatencyTally()
        for operation in operations { all.add(totals[operation.index].tally(clock)) }
        return all.count == 0 ? nil : Double(all.value(atPercentile: percentile)) / 1000
    }

    func operationTotals(_ operation: Operation) -> OperationTotals { totals[operation.index] }
}
