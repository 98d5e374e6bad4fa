package import Foundation

extension Date {
    /// Reads `Sun, 06 Nov 1994 08:49:37 GMT`, the one form of a date that HTTP may send today (RFC 9110, 5.6.7).
    ///
    /// Returns nil for every other form.
    package init?(http text: String) {
        let parts = text.split { $0 == " " || $0 == ":" }
        guard parts.count == 8, parts[7] == "GMT", let day = Int(parts[1]), let year = Int(parts[3]),
            let month = Self.months.firstIndex(of: parts[2].lowercased()), let hour = Int(parts[4]),
            let minute = Int(parts[5]), let second = Int(parts[6]), (0...23).contains(hour),
            (0...59).contains(minute), (0...60).contains(second), (1...31).contains(day), (1970...9999).contains(year)
        else { return nil }
        // Days since 1970 by the civil calendar, counted in years that begin in March.
        let (y, m) = month < 2 ? (year - 1, month + 10) : (year, month - 2)
        let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719_468
        self.init(timeIntervalSince1970: Double(((days * 24 + hour) * 60 + minute) * 60 + second))
    }

    private static let months = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ]
}
