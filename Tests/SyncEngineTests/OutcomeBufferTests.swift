import CallPacing
import CartAssociations
import Foundation
import GRDB
import Ledger
import TestSupport
import Testing

@testable import SyncEngine

@Suite("outcomes on their way to the ledger")
struct OutcomeBufferTests {
    private let folder: TemporaryFolder
    private let ledger: Ledger
    private let entries: [JournalEntry]

    init() throws {
        folder = try TemporaryFolder()
        ledger = try Ledger.open(
            folder: folder.path("state"), store: StoreIdentity(baseURL: "https://store", clientID: "client"),
            now: Date())
        try ledger.beginRun(
            RunRecord(id: "r", command: "sync", source: "default", scope: .owned, started: Self.noon))
        let plan = ledger.draftPlan(for: "r")
        for number in 0..<4 {
            let association = Association(
                .customer, try #require(OwnerID("c-\(number)")), try #require(CartID("cart-\(number)")))
            try plan.add(Change(.create, association), Fingerprint(high: UInt64(number), low: 0))
        }
        try ledger.appendPlan(plan, at: Date())
        var entries: [JournalEntry] = []
        try ledger.forEachEntry(of: "r") { entries.append($0) }
        self.entries = entries
    }

    private static let noon = Date(timeIntervalSince1970: 1_795_262_400)

    private func ended(_ number: Int) -> JournalEntry {
        entries[number].ended(ChangeOutcome(.created, status: 200, attempts: 1), at: Self.noon)
    }

    private func recorded() throws -> [Bool] {
        var recorded: [Bool] = []
        try ledger.forEachEntry(of: "r") { recorded.append($0.outcome != nil) }
        return recorded
    }

    @Test("are written together, each once, and those that could not be written again with the next")
    func failedWrite() throws {
        let buffer = OutcomeBuffer(ledger: ledger, time: .system)
        try buffer.flush()
        try buffer.add(ended(0))
        #expect(try recorded() == [false, false, false, false])
        try buffer.flush()
        #expect(try recorded() == [true, false, false, false])

        let other = try DatabaseQueue(path: folder.path("state/ledger.sqlite"))
        try other.write { db in
            try db.execute(
                sql: """
                    CREATE TRIGGER full BEFORE INSERT ON outcome WHEN new.entry = \(entries[2].id)
                    BEGIN SELECT RAISE(ABORT, 'no room'); END
                    """)
        }
        try buffer.add(ended(1))
        try buffer.add(ended(2))
        for _ in 0..<2 { #expect(throws: LedgerError.self) { try buffer.flush() } }
        #expect(try recorded() == [true, false, false, false])

        try buffer.add(ended(3))
        try other.write { try $0.execute(sql: "DROP TRIGGER full") }
        try buffer.flush()
        #expect(try recorded() == [true, true, true, true])
        #expect(try ledger.counts(of: "r").outcomes == [.create: [.created: 4]])
    }
}
