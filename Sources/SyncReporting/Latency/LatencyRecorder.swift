package import CartAssociations
import Synchronization

package import struct Foundation.Date

/// Records what the calls of a run took, from any thread.
///
/// A recording is a lock, an addition in two histograms and no suspension, under 200 ns.
package final class LatencyRecorder: Sendable {
    private let started: ContinuousClock.Instant
    private let wallClock: Date
    private let recording: Mutex<LatencyRecording>

    /// - Parameters:
    ///   - started: the zero of every offset in the snapshot.
    ///   - wallClock: the same moment in calendar time, for the log and the plots.
    package init(started: ContinuousClock.Instant, wallClock: Date) {
        self.started = started
        self.wallClock = wallClock
        recording = Mutex(LatencyRecording())
    }

    /// Records an event at the moment it happened.
    package func record(_ event: CallEvent, now: ContinuousClock.Instant) {
        recording.withLock { $0.record(event, at: now - started) }
    }

    /// Notes that the run stood still from one moment to another, because a person was asked.
    ///
    /// The store is not slow while a person thinks: rates and plots leave this time out.
    package func recordApprovalWait(from asked: ContinuousClock.Instant, to answered: ContinuousClock.Instant) {
        recording.withLock { $0.idle.append(asked - started..<max(asked, answered) - started) }
    }

    /// What holds calls back at a moment, for a progress line.
    package func pace(now: ContinuousClock.Instant) -> (rate: Double?, reason: String?, pauseLeft: Duration?) {
        recording.withLock { recording in
            let rate = recording.rate
            return (rate.steps.last?.rate, rate.latestReason, rate.pauseLeft(at: now - started))
        }
    }

    /// Requests on the wire so far, and those that are repeated.
    package var counts: (attempts: Int, retries: Int) {
        recording.withLock { ($0.attempts, $0.retries) }
    }

    /// Attempts a second in about the last half minute.
    package func recentRate(now: ContinuousClock.Instant) -> Double {
        recording.withLock { $0.recentRate(at: now - started) }
    }

    /// Everything recorded so far.
    package func snapshot() -> LatencySnapshot {
        let copy = recording.withLock { $0 }
        return copy.snapshot(wallClock: wallClock)
    }

    /// The memory of all histograms, in bytes.
    package var bytes: Int { recording.withLock { $0.bytes } }
}

/// The recording itself: a value that is told when things happen.
struct LatencyRecording: Sendable {
    /// The length of one interval of the log.
    static let logInterval: Duration = .seconds(10)
    /// A short run is kept second by second: its plots would show nothing otherwise.
    static let mostShortIntervals = 240
    /// What all histograms may take together; intervals get what the totals leave, and `leastForIntervals`.
    static let mostBytes = 8_000_000
    static let leastForIntervals = 1 << 14

    private var totals = [OperationTotals](repeating: OperationTotals(), count: Operation.allCases.count)
    private var closed: [LatencyInterval] = []
    private var closedBytes = 0
    private var open = OpenInterval(start: .zero)
    /// The length of the intervals from now on.
    private var length: Duration = .seconds(1)
    private var openEnd: Duration = .seconds(1)
    private(set) var rate = RateHistory()
    fileprivate var idle: [Range<Duration>] = []
    private var latest: Duration = .zero
    private(set) var attempts = 0
    private(set) var retries = 0
    /// When the first attempt was sent and the last one was answered.
    private var attempted: ClosedRange<Duration>?

    mutating func record(_ event: CallEvent, at moment: Duration) {
        latest = max(latest, moment)
        if moment >= openEnd { closeInterval(before: moment) }
        switch event {
        case .attempt(let attempt):
            attempts += 1
            let sent = min(moment, max(.zero, moment - attempt.service))
            attempted = min(attempted?.lowerBound ?? sent, sent)...moment
            let service = LatencyRange.microseconds(attempt.service)
            totals[attempt.operation.index].record(attempt, service: service)
            open.record(attempt, service: service)
        case .finished(let call):
            let response = LatencyRange.microseconds(call.response)
            totals[call.operation.index].record(call, response: response)
            open.record(call, response: response)
        case .retry(let operation, after: _):
            retries += 1
            totals[operation.index].recordRetry()
        case .rate(let limit, let reason):
            rate.record(limit, reason: reason, at: moment)
        case .pause(let duration):
            rate.pause(for: duration, at: moment)
        }
    }

    /// Closes the open interval and opens the one that the moment falls in; stretches without calls are skipped.
    private mutating func closeInterval(before moment: Duration) {
        if !open.isEmpty {
            let interval = open.closed(length: length)
            closed.append(interval)
            closedBytes += interval.bytes
            if length < Self.logInterval, closed.count >= Self.mostShortIntervals {
                join(into: Self.logInterval)
            }
            let room = max(Self.leastForIntervals, Self.mostBytes - totalBytes)
            while closedBytes > room, closed.count > 1 { join(into: length * 2) }
        }
        open.restart(at: length * Int((moment / length).rounded(.down)))
        openEnd = open.start + length
    }

    /// Joins neighbours: a run of days keeps exact totals, with longer intervals if it must.
    private mutating func join(into longer: Duration) {
        length = longer
        closed = LatencyInterval.joined(closed, into: longer)
        closedBytes = closed.reduce(0) { $0 + $1.bytes }
    }

    func snapshot(wallClock: Date) -> LatencySnapshot {
        var intervals = closed
        if !open.isEmpty {
            intervals.append(open.closed(length: min(length, max(latest - open.start, .milliseconds(1)))))
        }
        return LatencySnapshot(
            started: wallClock, totals: totals, intervals: LatencyInterval.joined(intervals, into: length),
            rate: rate, attempted: attempted, idle: idle)
    }

    func recentRate(at moment: Duration) -> Double {
        let since = max(.zero, moment - .seconds(30))
        guard openEnd > since else { return 0 }
        let recent = closed.reversed().prefix { $0.end > since }
        let start = recent.last?.start ?? open.start
        let count = recent.reduce(open.attempts) { $0 + $1.attempts }
        return Double(count) / max(1, (moment - max(start, since)).inSeconds)
    }

    private var totalBytes: Int { totals.reduce(open.bytes) { $0 + $1.bytes } }
    var bytes: Int { totalBytes + closedBytes }
}
