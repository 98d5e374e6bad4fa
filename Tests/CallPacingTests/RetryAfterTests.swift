import Foundation
import Testing

@testable import CallPacing

@Suite("Retry-After")
struct RetryAfterTests {
    private let now = Date(timeIntervalSince1970: 784_111_777)  // Sun, 06 Nov 1994 08:49:37 GMT

    @Test(
        "seconds and dates are understood, anything else is not",
        arguments: [
            ("0", Duration.seconds(0)), ("2", .seconds(2)), (" 3", .seconds(3)), ("120", .seconds(120)),
            ("Sun, 06 Nov 1994 08:49:40 GMT", .seconds(3)), ("Sun, 06 Nov 1994 08:49:37 GMT", .zero),
            ("Sat, 05 Nov 1994 08:49:37 GMT", .zero), ("Mon, 07 Nov 1994 08:49:37 GMT", .seconds(86_400)),
            ("99999999999999999999", .seconds(Int64(Int32.max))),
            ("", nil), ("soon", nil), ("-1", nil), ("1.5", nil), ("Sun, 06 Nov 1994", nil),
            ("Sun, 06 Nuv 1994 08:49:40 GMT", nil), ("Sun, 06 Nov 1994 28:49:40 GMT", nil), (nil, nil),
        ] as [(String?, Duration?)])
    func forms(text: String?, wait: Duration?) {
        #expect(RetryAfter.wait(text, answerDate: nil, now: now) == wait)
    }

    @Test("a date is measured from the answer's own date, so that a wrong clock here does no harm")
    func ownDate() {
        let wait = RetryAfter.wait(
            "Sun, 06 Nov 1994 08:49:40 GMT", answerDate: "Sun, 06 Nov 1994 08:49:30 GMT",
            now: now.addingTimeInterval(-1_000_000))
        #expect(wait == .seconds(10))
    }

    @Test("dates agree with Foundation's calendar")
    func calendar() {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(identifier: "GMT")
        formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
        for day in stride(from: 0, to: 60_000, by: 13) {
            let date = Date(timeIntervalSince1970: Double(day) * 86_400 + Double(day % 86_400))
            #expect(Date(http: formatter.string(from: date)) == date)
        }
    }
}
