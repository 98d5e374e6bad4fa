package import CartAssociations

package import struct Foundation.Date

/// What a recorder held at one moment.
package struct LatencySnapshot: Sendable {
    /// When the recording began.
    package let started: Date
    private(set) var totals: [OperationTotals]
    private(set) var intervals: [LatencyInterval]
    private(set) var rate: RateHistory

    init(started: Date, totals: [OperationTotals], intervals: [LatencyInterval], rate: RateHistory) {
        self.started = started
        self.totals = totals
        self.intervals = intervals
        self.rate = rate
    }

    /// A snapshot of nothing, to merge others into.
    package static func empty(started: Date) -> LatencySnapshot {
        LatencyRecording().snapshot(wallClock: started)
    }

    /// Adds the totals of another snapshot, cell by cell.
    ///
    /// Its intervals stay behind: they belong to the run they were recorded in.
    package mutating func merge(_ other: LatencySnapshot) {
        for index in totals.indices { totals[index].add(other.totals[index]) }
        rate.add(other.rate)
    }

    /// This snapshot and a later one of the same run as one: the intervals follow each other.
    package func followed(by later: LatencySnapshot) -> LatencySnapshot {
        let offset = Duration.seconds(max(0, later.started.timeIntervalSince(started)))
        var whole = self
        whole.merge(later.moved(by: offset))
        whole.intervals += later.intervals.map { interval in
            var moved = interval
            moved.start += offset
            return moved
        }
        return whole
    }

    private func moved(by offset: Duration) -> LatencySnapshot {
        var moved = self
        moved.rate.move(by: offset)
        return moved
    }

    /// Calls with a final answer.
    package func calls(_ operation: Operation) -> Int { totals[operation.index].calls }

    /// Attempts, each one request on the wire.
    package func attempts(_ operation: Operation) -> Int { totals[operation.index].attempts }

    /// Attempts with one class of answer.
    package func attempts(_ operation: Operation, _ answer: AnswerClass) -> Int {
        totals[operation.index].count(.service, answer)
    }

    /// Attempts of all operations.
    package var attempts: Int { totals.reduce(0) { $0 + $1.attempts } }

    /// Attempts that will be or were repeated.
    package var retries: Int { totals.reduce(0) { $0 + $1.retries } }

    /// The latest rate that was set, in calls a second.
    package var currentRate: Double? { rate.steps.last?.rate }

    /// A percentile (0 to 100) of some operations in milliseconds; nil where nothing was recorded.
    package func milliseconds(
        atPercentile percentile: Double, of operations: [Operation], _ clock: LatencyClock
    ) -> Double? {
        var all = LatencyTally()
        for operation in operations { all.add(totals[operation.index].tally(clock)) }
        return all.count == 0 ? nil : Double(all.value(atPercentile: percentile)) / 1000
    }

    /// Why that rate was set.
    package var currentRateReason: String? { rate.steps.last?.reason }

    func operationTotals(_ operation: Operation) -> OperationTotals { totals[operation.index] }
}
