package import Foundation

/// The wait that an answer's `Retry-After` asks for (RFC 9110, 10.2.3): a number of seconds or a date.
package enum RetryAfter {
    /// - Parameters:
    ///   - answerDate: the answer's own `Date`, which a date is measured from: a wrong clock here does no harm.
    /// - Returns: nil for a text that is neither; never negative.
    package static func wait(_ text: String?, answerDate: String?, now: Date) -> Duration? {
        guard let text = text.map({ $0.drop { $0 == " " } }), !text.isEmpty else { return nil }
        if text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) {
            return .seconds(Int64(text) ?? Int64(Int32.max))
        }
        guard let date = Date(http: String(text)) else { return nil }
        let wait = date.timeIntervalSince(answerDate.flatMap { Date(http: $0) } ?? now)
        return .seconds(max(0, min(wait, Double(Int32.max))))
    }
}
