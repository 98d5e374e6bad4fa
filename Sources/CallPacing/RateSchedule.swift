/// The limits of the hours of a day, as a person writes them: `22:00-06:00 80, 12:00-13:30 off`.
///
/// A pure value: which time it is, is an argument. What no span covers has the usual limit.
package struct RateSchedule: Sendable, Hashable {
    /// Some hours of every day; they may go over midnight.
    package struct Span: Sendable, Hashable {
        /// The minute of the day at which it begins.
        let start: Int
        /// The minute at which it is over; at most the start if the span goes over midnight.
        let end: Int
        /// Calls in any one second; nil for quiet hours, in which no call is made.
        package let limit: Int?

        func contains(_ minute: Int) -> Bool {
            start < end ? (start..<end).contains(minute) : minute >= start || minute < end
        }
    }

    /// Why a text is not a schedule; completes the sentence "KEY is 'TEXT': …".
    package struct Unreadable: Error, Equatable {
        package let reason: String
    }

    let spans: [Span]

    /// Reads spans with commas between them, each `HH:MM-HH:MM` with a limit from 1 to 10,000 or `off`.
    ///
    /// - Throws: `Unreadable` if a span is not written like this, or if two of them overlap.
    package init(_ text: String) throws(Unreadable) {
        var spans: [Span] = []
        for part in text.split(separator: ",") {
            let span = try Self.span(part)
            if let other = spans.first(where: { Self.overlap($0, span) }) {
                throw Unreadable(reason: "\(span) and \(other) overlap")
            }
            spans.append(span)
        }
        guard !spans.isEmpty else { throw Unreadable(reason: "empty; an example is 22:00-06:00 80, 12:00-13:30 off") }
        self.spans = spans
    }

    /// The span with the highest limit; nil if all are quiet hours.
    package var highest: Span? { spans.filter { $0.limit != nil }.max { $0.limit ?? 0 < $1.limit ?? 0 } }

    /// The span that contains a minute of the day; nil if the usual limit holds.
    package func span(atMinute minute: Int) -> Span? { spans.first { $0.contains(minute) } }

    private static func span(_ text: Substring) throws(Unreadable) -> Span {
        let words = text.split(separator: " ")
        let times = words.first?.split(separator: "-").map { minute($0) } ?? []
        guard words.count == 2, times.count == 2, let start = times[0], let end = times[1] else {
            let shown = words.joined(separator: " ")
            throw Unreadable(reason: "'\(shown)' is not a span; write it as 22:00-06:00 80, or 12:00-13:30 off")
        }
        guard start % 1440 != end % 1440 || (start == 0 && end == 1440) else {
            throw Unreadable(reason: "\(words[0]) has no minute; the whole day is 00:00-24:00")
        }
        if words[1] == "off" { return Span(start: start, end: end, limit: nil) }
        guard let limit = Int(words[1]), (1...10_000).contains(limit) else {
            throw Unreadable(reason: "'\(words[1])' is not a limit; use 1 to 10000, or off")
        }
        return Span(start: start, end: end, limit: limit)
    }

    private static func minute(_ text: Substring) -> Int? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ $0.utf8.count == 2 }), let hour = Int(parts[0]),
            let minute = Int(parts[1]), (0...24).contains(hour), (0..<60).contains(minute),
            hour < 24 || minute == 0
        else { return nil }
        return hour * 60 + minute
    }

    private static func overlap(_ one: Span, _ other: Span) -> Bool {
        one.contains(other.start) || other.contains(one.start)
    }
}

extension RateSchedule.Span: CustomStringConvertible {
    package var description: String { "\(Self.time(start))-\(Self.time(end))" }

    private static func time(_ minute: Int) -> String {
        func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : String(number) }
        return "\(twoDigits(minute / 60)):\(twoDigits(minute % 60))"
    }
}
