import CallPacing
import CommerceAPI
package import Foundation

/// When a run starts no more calls, as a person says it.
package enum Deadline: Sendable, Hashable {
    /// So long after the run began.
    case after(Duration)
    /// The next time that the clock on the wall shows this.
    case clock(hour: Int, minute: Int)
    case at(Date)

    /// The deadline of a run that begins now.
    package func moment(
        now: Date, instant: ContinuousClock.Instant, calendar: Calendar = .current
    ) -> DeadlineMoment {
        switch self {
        case .after(let duration):
            return DeadlineMoment(limit: .instant(instant + duration), words: "the deadline has passed")
        case .clock(let hour, let minute):
            let time = DateComponents(hour: hour, minute: minute, second: 0)
            let next = calendar.nextDate(after: now, matching: time, matchingPolicy: .nextTime) ?? now
            return Self.at(next).moment(now: now, instant: instant, calendar: calendar)
        case .at(let date):
            return DeadlineMoment(
                limit: .date(date), words: "the deadline, \(date.formatted(.iso8601)), has passed")
        }
    }
}

/// One run's deadline. A duration is measured by a clock that cannot be set; a time of the day by the wall clock.
package struct DeadlineMoment: Sendable, Hashable {
    enum Limit: Sendable, Hashable {
        case instant(ContinuousClock.Instant)
        case date(Date)
    }

    let limit: Limit
    /// That it has passed, as the beginning of a sentence.
    package let words: String

    /// The time until then; negative if it has passed.
    func left(now: Date, instant: ContinuousClock.Instant) -> Duration {
        switch limit {
        case .instant(let end): end - instant
        case .date(let end): .seconds(end.timeIntervalSince(now))
        }
    }
}

extension RunTools {
    /// Does some work of the run; if the deadline passes before its end, no further call is made.
    func within<Value>(_ deadline: DeadlineMoment?, _ work: () async throws -> Value) async rethrows -> Value {
        guard let deadline else { return try await work() }
        let (client, time) = (client, time)
        // The child task ends with this scope.
        async let _ = {
            while !Task.isCancelled {
                let left = deadline.left(now: time.wall(), instant: time.now())
                if left <= .zero { return client.stop(atDeadline: deadline.words) }
                // Short sleeps, since the wall clock may be set.
                try? await time.sleep(for: min(left, .seconds(1)))
            }
        }()
        return try await work()
    }
}
