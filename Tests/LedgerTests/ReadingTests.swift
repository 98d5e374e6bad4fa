import CartAssociations
import Foundation
import GRDB
import TestSupport
import Testing

@testable import Ledger

@Suite("a ledger is read beside the process that works on it")
struct ReadingTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func reader(_ store: StoreIdentity? = testStore) throws -> Ledger {
        try Ledger.openForReading(folder: folder.state, store: store, now: noon)
    }

    @Test("it is read as it was when it was opened, and what the other records goes on")
    func moment() throws {
        let ledger = try Ledger.open(in: folder, run: makeRun("r-1"))
        let reading = try reader()
        #expect(reading.moment == noon)
        #expect(reading.fingerprintKey == ledger.fingerprintKey)
        for number in 2...20 { try ledger.beginRun(makeRun("r-\(number)")) }
        #expect(try ledger.runs().count == 20)
        #expect(try reading.runs().map(\.id) == ["r-1"])
        #expect(try reader().runs().count == 20)
        try ledger.close()
        #expect(try reading.runs().map(\.id) == ["r-1"])
        try reading.close()
        try Ledger.open(in: folder).close()
    }

    @Test("a reader holds up nobody who opens the ledger, and records nothing")
    func recordsNothing() throws {
        try Ledger.open(in: folder, run: makeRun("r-1")).close()
        let reading = try reader()
        #expect(reading.moment == nil)
        #expect(throws: LedgerError.self) { try reading.beginRun(makeRun("r-2")) }
        let ledger = try Ledger.open(in: folder)
        try ledger.beginRun(makeRun("r-3"))
        try ledger.close()
        try reading.close()
        #expect(try reader().runs().map(\.id) == ["r-3", "r-1"])
    }

    @Test("a run is under way as long as its process lives, and interrupted afterwards")
    func interrupted() throws {
        let ledger = try Ledger.open(in: folder, run: makeRun("r-1"))
        try ledger.updateRun("r-1") { $0.state = .applying }
        try ledger.beginRun(makeRun("r-2"))
        #expect(try reader().runs().map(\.state) == [.planning, .applying])
        try ledger.close()
        let reading = try reader()
        #expect(try reading.runs().map(\.state) == [.failed, .stopped])
        #expect(try reading.run("r-1")?.isResumable == true)
        #expect(try reading.runs(in: [.applying]).map(\.reason) == ["its process ended in the middle of the run"])
    }

    @Test("a ledger of another store, a newer one and one that is none are refused as they are for writing")
    func refused() throws {
        try Ledger.open(in: folder, run: makeRun("r-1")).close()
        let other = StoreIdentity(baseURL: "https://useast.api.elasticpath.com", clientID: "client-2")
        #expect(try #require(throws: LedgerError.self) { try reader(other) }.kind == .otherStore)
        try change { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('later')") }
        #expect(try #require(throws: LedgerError.self) { try reader() }.kind == .newer)
        try change { try $0.execute(sql: "PRAGMA application_id = 7") }
        #expect(try #require(throws: LedgerError.self) { try reader() }.kind == .damaged)
        try Data().write(to: URL(fileURLWithPath: folder.database))
        #expect(try #require(throws: LedgerError.self) { try reader() }.kind == .missing)
    }

    @Test("a ledger of an earlier version is brought up to date first, unless another process holds it")
    func earlierVersion() throws {
        try Ledger.open(in: folder, run: makeRun("r-1")).close()
        try change { db in
            try db.execute(
                sql: """
                    DROP TABLE seen_export;
                    ALTER TABLE export DROP COLUMN time;
                    ALTER TABLE export DROP COLUMN owner_kinds;
                    DELETE FROM grdb_migrations WHERE identifier = 'exports seen';
                    """)
        }
        let lock = try FolderLock(path: LedgerFiles(folder: folder.state).lock, folder: folder.state)
        #expect(try #require(throws: LedgerError.self) { try reader() }.kind == .locked)
        lock.release()
        #expect(try reader().runs().map(\.id) == ["r-1"])
    }

    private func change(_ body: (Database) throws -> Void) throws {
        let database = try DatabaseQueue(path: folder.database)
        try database.write(body)
        try database.close()
    }
}
