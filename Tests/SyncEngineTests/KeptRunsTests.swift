import CartAssociations
import Foundation
import Ledger
import TestSupport
import Testing

@testable import SyncEngine

@Suite("the folders of runs")
struct KeptRunsTests {
    private let folder: TemporaryFolder
    private let ledger: Ledger

    init() throws {
        folder = try TemporaryFolder()
        ledger = try Ledger.open(
            folder: folder.path("state"), store: StoreIdentity(baseURL: "http://127.0.0.1:1", clientID: "t"),
            now: Date())
    }

    private func addRun(_ number: Int, _ state: RunRecord.State, supersededBy later: String? = nil) throws -> String {
        let id = "20261121-101500-\(1000 + number)"
        try ledger.beginRun(
            RunRecord(id: id, command: "serve", source: "nightly", scope: .owned, started: Date()))
        try ledger.updateRun(id) {
            $0.state = state
            $0.supersededBy = later
        }
        try folder.createFolder("state/runs/\(id)")
        try folder.write("{}", to: "state/runs/\(id)/report.json")
        return id
    }

    private var left: [String] { folder.names(in: "state/runs") }

    @Test("of runs that are over the newest are kept, and there is room for one more", arguments: [1, 3, 9, 10, 11])
    func newest(most: Int) throws {
        let over: [RunRecord.State] = [.finished, .failed, .refused]
        let runs = try (0..<10).map { try addRun($0, over[$0 % over.count]) }
        KeptRuns(most: most, ledger: ledger).makeRoomForOne()
        #expect(left == runs.suffix(most - 1))
        #expect(try ledger.runs().count == 10, "the ledger keeps what they did")
    }

    @Test("what can go on, waits for a person, or is no run of this ledger stays, however old it is")
    func needed() throws {
        let stopped = try addRun(0, .stopped)
        let refused = try addRun(1, .refused)
        let applying = try addRun(2, .applying)
        let replaced = try addRun(3, .stopped, supersededBy: "20261121-101500-1004")
        let rest = try (4..<8).map { try addRun($0, .finished) }
        try folder.createFolder("state/runs/20200101-000000-abcd")
        try WaitingRuns(ledger).add(
            WaitingRun(
                id: refused, cause: .refused, job: "nightly", export: "a.csv", digest: "abc", bytes: 1, since: Date()))
        KeptRuns(most: 6, ledger: ledger).makeRoomForOne()
        #expect(left == ["20200101-000000-abcd", stopped, refused, applying, rest[3]])
        #expect(!left.contains(replaced))
        KeptRuns(most: 1, ledger: ledger).makeRoomForOne()
        #expect(left == ["20200101-000000-abcd", stopped, refused, applying])
    }

    @Test("a link among them is removed, and what it leads to is not")
    func link() throws {
        let id = try addRun(0, .finished)
        try FileManager.default.removeItem(atPath: folder.path("state/runs/\(id)"))
        try folder.createFolder("elsewhere")
        try folder.write("x", to: "elsewhere/kept.txt")
        try FileManager.default.createSymbolicLink(
            atPath: folder.path("state/runs/\(id)"), withDestinationPath: folder.path("elsewhere"))
        KeptRuns(most: 1, ledger: ledger).makeRoomForOne()
        #expect(left.isEmpty)
        #expect(folder.names(in: "elsewhere") == ["kept.txt"])
    }
}
