import TestSupport
import Testing

@testable import SyncService

@Suite("The size of the state folder")
struct StateSizeTests {
    @Test("a folder beyond its limit is warned of, and looked through now and then")
    func limit() throws {
        let folder = try TemporaryFolder()
        let clock = HandTurnedClock()
        try folder.write([UInt8](repeating: 0, count: 2_500_000), to: "ledger.sqlite")
        let size = StateSize(folder.path, limit: 3_000_000, time: clock.time)
        #expect(size.bytes() == 2_500_000 && size.warning == nil)
        try folder.createFolder("runs/r")
        try folder.write([UInt8](repeating: 0, count: 1_500_000), to: "runs/r/results.csv")
        #expect(size.bytes() == 2_500_000, "it was looked through just now")
        clock.advance(StateSize.freshness)
        #expect(size.bytes() == 4_000_000)
        #expect(
            size.warning
                == "the state folder \(folder.path) has 4 MB, more than the 3 MB of state.max-size; lower "
                + "state.keep or state.keep-runs, or raise it")
        #expect(StateSize(folder.path("none"), limit: 1, time: clock.time).warning == nil)
    }
}
