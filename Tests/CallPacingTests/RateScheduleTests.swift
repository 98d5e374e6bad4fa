import TestSupport
import Testing

@testable import CallPacing

@Suite("limits of the hours of the day")
struct RateScheduleTests {
    @Test("each minute has the limit of its span, over midnight too, and the usual one where there is none")
    func spans() throws {
        let schedule = try RateSchedule("22:00-06:00 80, 12:00-13:30 off")
        func limit(_ hour: Int, _ minute: Int) -> Int?? { schedule.span(atMinute: hour * 60 + minute).map(\.limit) }
        #expect(limit(22, 0) == 80 && limit(23, 59) == 80 && limit(0, 0) == 80 && limit(5, 59) == 80)
        #expect(limit(6, 0) == Int??.none && limit(11, 59) == Int??.none && limit(21, 59) == Int??.none)
        #expect(limit(12, 0) == Int??.some(nil) && limit(13, 29) == Int??.some(nil) && limit(13, 30) == Int??.none)
        #expect(schedule.spans.map(\.description) == ["22:00-06:00", "12:00-13:30"])
    }

    @Test("the whole day is a span")
    func wholeDay() throws {
        let schedule = try RateSchedule("00:00-24:00 7")
        #expect((0..<1440).allSatisfy { schedule.span(atMinute: $0)?.limit == 7 })
    }

    @Test(
        "what is not a schedule is said to be none",
        arguments: [
            ("", "empty"), ("22:00 80", "not a span"), ("22-06 80", "not a span"), ("22:00-06:00", "not a span"),
            ("22:00-06:00 80 off", "not a span"), ("25:00-06:00 80", "not a span"), ("22:60-06:00 80", "not a span"),
            ("24:01-06:00 80", "not a span"), ("06:00-06:00 80", "no minute"), ("22:00-06:00 0", "not a limit"),
            ("22:00-06:00 10001", "not a limit"), ("22:00-06:00 many", "not a limit"),
            ("22:00-06:00 80, 05:00-07:00 10", "overlap"), ("08:00-18:00 10, 09:00-10:00 off", "overlap"),
        ])
    func unreadable(text: String, reason: String) {
        let error = #expect(throws: RateSchedule.Unreadable.self) { try RateSchedule(text) }
        #expect(error?.reason.contains(reason) == true, "\(error?.reason ?? "")")
    }

    @Test("held callers wait, and go when a limit is set again")
    func held() async throws {
        let changes = Collected<RateChange>()
        let pacer = Pacer(limit: 100, time: .system) { change in changes.add(change) }
        pacer.hold(reason: "quiet hours")
        pacer.hold(reason: "quiet hours")
        let caller = Task { try await pacer.admit() }
        try await wait { pacer.waiting >= 1 }
        let released = ContinuousClock.now
        pacer.setLimit(50, reason: "over")
        #expect(try await caller.value.granted >= released)
        #expect(changes.all.map(\.rate) == [0, 50])
        #expect(changes.all.map(\.reason) == ["quiet hours", "over"])
    }
}
