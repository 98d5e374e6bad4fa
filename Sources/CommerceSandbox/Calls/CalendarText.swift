/// Dates as text, without a calendar library in the busy calls.
enum CalendarText {
    /// `2026-02-21T15:07:25Z` of seconds since 1970.
    static func timestamp(_ seconds: Int) -> String {
        let date = Date(seconds)
        return "\(pad(date.year, 4))-\(pad(date.month, 2))-\(pad(date.day, 2))T\(date.clock)Z"
    }

    /// `Sat, 21 Feb 2026 15:07:25 GMT` of seconds since 1970, the form of HTTP.
    static func header(_ seconds: Int) -> String {
        let date = Date(seconds)
        let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        return "\(weekdays[date.dayNumber % 7]), \(pad(date.day, 2)) \(months[date.month - 1]) "
            + "\(pad(date.year, 4)) \(date.clock) GMT"
    }

    private struct Date {
        let dayNumber: Int
        let year: Int
        let month: Int
        let day: Int
        let clock: String

        /// The Gregorian date by days since 1970 (Howard Hinnant, chrono-compatible low-level date algorithms).
        init(_ seconds: Int) {
            dayNumber = seconds / 86_400
            let shifted = dayNumber + 719_468
            let era = shifted / 146_097
            let dayOfEra = shifted % 146_097
            let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
            let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
            let shiftedMonth = (5 * dayOfYear + 2) / 153
            day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
            month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
            year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
            let rest = seconds % 86_400
            clock = "\(pad(rest / 3600, 2)):\(pad(rest / 60 % 60, 2)):\(pad(rest % 60, 2))"
        }
    }

    private static func pad(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
