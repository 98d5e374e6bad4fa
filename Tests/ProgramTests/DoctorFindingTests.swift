import CallPacing
import CartAssociations
import CommerceAPI
import Foundation
import SyncEngine
import Testing

@testable import cartsync

@Suite("what doctor makes of what it sees")
struct DoctorFindingTests {
    @Test(
        "versions of SQLite that can damage a ledger are known",
        arguments: [
            ("3.40.1", true), ("3.7.0", true), ("3.6.23", false), ("3.44.5", true), ("3.44.6", false), ("3.45.0", true),
            ("3.50.6", true), ("3.50.7", false), ("3.51.2", true), ("3.51.3", false), ("3.53.0", false),
            ("4.0.0", false),
        ])
    func sqlite(version: String, isFaulty: Bool) {
        #expect((SQLiteFault.sentence(of: version) != nil) == isFaulty)
    }

    @Test(
        "a certificate that ends soon is a warning",
        arguments: [(365, "ok"), (21, "ok"), (20, "warning"), (-1, "warning")])
    func certificate(days: Int, state: String) {
        let now = Date(timeIntervalSince1970: 1_795_000_000)
        let finding = StoreCheck.certificate(now.addingTimeInterval(Double(days) * 86_400 + 60), now: now)
        #expect(finding.state.rawValue == state)
        #expect(finding.found.contains("\(days) day"))
    }

    @Test(
        "a clock that is off by more than half a minute is a warning",
        arguments: [
            (0, "ok", "as the"), (30, "ok", "ahead"), (-31, "warning", "31 s behind"), (3600, "warning", "ahead of"),
        ])
    func clock(ahead: Int, state: String, words: String) {
        let finding = StoreCheck.clock(ahead)
        #expect(finding.state.rawValue == state)
        #expect(finding.found.contains(words))
        #expect(StoreCheck.clock(nil).state == .skipped)
    }

    @Test(
        "the rate is judged by the documented limits",
        arguments: [(20, "ok"), (25, "ok"), (26, "note"), (100, "note"), (101, "warning")])
    func rate(rate: Int, state: String) {
        let finding = StoreCheck.rate(rate)
        #expect(finding.state.rawValue == state)
        #expect(finding.advice?.contains("reserved rate") == true)
    }

    @Test("the highest rate of a schedule is judged as the usual one is, and named")
    func schedule() throws {
        let highest = try #require(try RateSchedule("22:00-06:00 180, 12:00-13:00 off, 13:00-14:00 20").highest)
        let finding = StoreCheck.rate(try #require(highest.limit), of: "rate.schedule, \(highest)")
        #expect(finding.state.rawValue == "warning")
        #expect(finding.found.contains("180 a second") && finding.found.contains("rate.schedule, 22:00-06:00"))
        #expect(try RateSchedule("12:00-13:00 off").highest == nil)
    }

    @Test("each default that is shown is the one that the program has")
    func defaults() {
        let words = Dictionary(uniqueKeysWithValues: Setting.all.map { ($0.key, $0.usual) })
        let settings = Settings()
        #expect(words["rate.limit"] == "\(settings.rate)")
        #expect(words["rate.concurrency"] == "\(settings.concurrency)")
        #expect(words["api.largest-offset"] == "\(settings.largestOffset)")
        #expect(words["api.authentication"] == settings.authentication.rawValue)
        #expect(words["sync.deletes"] == settings.scope.rawValue)
        #expect(words["run.canary"] == "\(settings.canary)")
        #expect(words["api.base-url"] == .some(nil))
    }
}
