import CallPacing
import Foundation

extension Session {
    /// How often to look whether other hours have begun.
    private static let look: Duration = .seconds(1)

    /// Does some work while the limit follows `rate.schedule`.
    func onSchedule<Value>(_ work: () async throws -> Value) async rethrows -> Value {
        guard settings.rateSchedule != nil else { return try await work() }
        // The child task ends with this scope.
        async let _ = {
            var minute = settings.minuteOfDay(Date())
            while (try? await Task.sleep(for: Self.look, tolerance: .milliseconds(100))) != nil {
                let now = settings.minuteOfDay(Date())
                if now != minute { followSchedule(since: minute) }
                minute = now
            }
        }()
        return try await work()
    }

    /// Sets the limit of this minute if it differs from that of an earlier one, or at the beginning.
    func followSchedule(since earlier: Int?) {
        guard let schedule = settings.rateSchedule else { return }
        let span = schedule.span(atMinute: settings.minuteOfDay(Date()))
        if let earlier, schedule.span(atMinute: earlier) == span { return }
        let zone = settings.calendar.timeZone.identifier
        switch span {
        case nil:
            if earlier != nil { pacer.setLimit(settings.rate, reason: "rate.limit, outside of rate.schedule") }
        case let span? where span.limit == nil:
            pacer.hold(reason: "quiet hours, \(span) \(zone) (rate.schedule)")
        case let span?:
            pacer.setLimit(span.limit ?? settings.rate, reason: "rate.schedule \(span) \(zone)")
        }
    }
}

extension Settings {
    /// The calendar that times of the day are of.
    var calendar: Calendar {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = timeZone ?? .current
        return calendar
    }

    /// Minutes since midnight, in the time zone of the schedule.
    func minuteOfDay(_ date: Date) -> Int {
        let parts = calendar.dateComponents([.hour, .minute], from: date)
        return (parts.hour ?? 0) * 60 + (parts.minute ?? 0)
    }
}
