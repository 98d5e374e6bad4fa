import Foundation

/// The wait that an answer's `Retry-After` asks for (RFC 9110, 10.2.3): a number of seconds or a date.
enum RetryAfter {
    /// - Parameters:
    ///   - answerDate: the answer's own `Date`, which a date is measured from, so that a wrong clock here does no harm.
    /// - Returns: nil for a text that is neither; never negative.
    static func wait(_ text: String?, answerDate: String?, now: Date) -> Duration? {
        guard let text = text.map({ $0.drop { $0 == " " } }), !text.isEmpty else { return nil }
        if text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) {
            return .seconds(Int64(text) ?? Int64(Int32.max))
        }
        guard let date = httpDate(String(text)) else { return nil }
        let wait = date.timeIntervalSince(answerDate.flatMap(httpDate) ?? now)
        return .seconds(max(0, min(wait, Double(Int32.max))))
    }

    /// Reads `Sun, 06 Nov 1994 08:49:37 GMT`, the one form of a date that may be sent today.
    static func httpDate(_ text: String) -> Date? {
        let parts = text.split { $0 == " " || $0 == ":" }
        guard parts.count == 8, parts[7] == "GMT", let day = Int(parts[1]), let year = Int(parts[3]),
            let month = months.firstIndex(of: parts[2].lowercased()), let hour = Int(parts[4]),
            let minute = Int(parts[5]), let second = Int(parts[6]), (0...23).contains(hour),
            (0...59).contains(minute), (0...60).contains(second), (1...31).contains(day), (1970...9999).contains(year)
        else { return nil }
        // Days since 1970 by the civil calendar, counted in years that begin in March.
        let (y, m) = month < 2 ? (year - 1, month + 10) : (year, month - 2)
        let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719_468
        return Date(timeIntervalSince1970: Double(((days * 24 + hour) * 60 + minute) * 60 + second))
    }

    private static let months = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ]
}
