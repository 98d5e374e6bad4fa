import Foundation

/// Times as sources write them.
enum SourceTime {
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// The calendar that sources count in.
    static var calendar: Calendar {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        return calendar
    }

    /// The number of an English month, from 1.
    static func month(_ name: some StringProtocol) -> Int? { months.firstIndex(of: String(name)).map { $0 + 1 } }

    /// Seconds since 1970; nil where there is no such time.
    static func since1970(_ parts: DateComponents) -> Duration? {
        calendar.date(from: parts).map { .seconds(Int64($0.timeIntervalSince1970)) }
    }

    /// The time of a header such as `Fri, 24 May 2013 00:00:00 GMT` (RFC 9110, 5.6.7); nil for other forms.
    static func header(_ text: String?) -> Duration? {
        guard
            let match = text?.wholeMatch(
                of: #/[A-Z][a-z]{2}, (\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT/#),
            let month = month(match.2)
        else { return nil }
        return since1970(
            DateComponents(
                year: Int(match.3), month: month, day: Int(match.1), hour: Int(match.4), minute: Int(match.5),
                second: Int(match.6)))
    }
}
