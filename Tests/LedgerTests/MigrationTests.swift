import CartAssociations
import Foundation
import GRDB
import Ledger
import TestSupport
import Testing

@Suite("Ledgers of earlier versions")
struct MigrationTests {
    /// What version 1 wrote, statement by statement. It never changes: such ledgers are in use.
    private static let version1 = """
        PRAGMA application_id = 1667330676;
        CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY);
        INSERT INTO grdb_migrations VALUES('1');
        CREATE TABLE identity (one INTEGER PRIMARY KEY CHECK (one = 1), ledger TEXT NOT NULL, base_url TEXT NOT NULL,
            client_id TEXT NOT NULL, created INTEGER NOT NULL, fingerprint_key BLOB NOT NULL, revision INTEGER NOT NULL);
        INSERT INTO identity VALUES(1,'00112233445566778899aabbccddeeff','https://euwest.api.elasticpath.com','client-1',
            1795262400,X'000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',7);
        CREATE TABLE run (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, source TEXT NOT NULL,
            state TEXT NOT NULL, saved_plan TEXT, creates INTEGER NOT NULL DEFAULT 0,
            deletes INTEGER NOT NULL DEFAULT 0, record TEXT NOT NULL);
        INSERT INTO run VALUES(1,'20261121-120000-4f2a','night','stopped',NULL,1,1,'{"command":"sync","counts":{
            "creates":1,"deletes":1,"duplicates":0,"kept":0,"protected":0,"rejected":0,"unmanaged":0,"withheld":0},
            "exports":[{"bytes":70,"digest":"d1","path":"a.csv","records":1}],"id":"20261121-120000-4f2a",
            "scope":"owned","settings":{},"source":"night","started":816955200,"state":"stopped"}');
        CREATE TABLE source (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
        INSERT INTO source VALUES(1,'night');
        INSERT INTO source VALUES(2,'day');
        CREATE TABLE source_set (id INTEGER PRIMARY KEY, members TEXT NOT NULL UNIQUE);
        INSERT INTO source_set VALUES(1,'1');
        INSERT INTO source_set VALUES(2,'1,2');
        CREATE TABLE association (cart TEXT NOT NULL, owner_kind INTEGER NOT NULL, owner TEXT NOT NULL,
            fingerprint BLOB NOT NULL, standing INTEGER NOT NULL, since INTEGER NOT NULL, run INTEGER, export INTEGER, record INTEGER, line INTEGER,
            PRIMARY KEY (cart, owner_kind, owner)) WITHOUT ROWID;
        INSERT INTO association VALUES('cart-1',0,'c-1',X'ffffffffffffffff0000000000000005',66,
            1795262400,1,0,1,2);
        INSERT INTO association VALUES('cart-2',1,'a-1',X'00000000000000030000000000000004',33,
            1795262401,NULL,NULL,NULL,NULL);
        CREATE TABLE entry (id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, owner_kind INTEGER NOT NULL,
            owner TEXT NOT NULL, cart TEXT NOT NULL, fingerprint BLOB NOT NULL, export INTEGER, record INTEGER, line INTEGER);
        INSERT INTO entry VALUES(4294967296,0,0,'c-1','cart-1',X'ffffffffffffffff0000000000000005',0,1,2);
        INSERT INTO entry VALUES(4294967297,1,1,'a-1','cart-2',X'00000000000000030000000000000004',NULL,NULL,NULL);
        CREATE TABLE outcome (entry INTEGER PRIMARY KEY, kind INTEGER NOT NULL, outcome INTEGER NOT NULL,
            status INTEGER, attempts INTEGER NOT NULL, service INTEGER, response INTEGER, at INTEGER NOT NULL,
            message TEXT);
        INSERT INTO outcome VALUES(4294967296,0,1,200,1,41000,42000,1795262400000,NULL);
        CREATE TABLE export (id INTEGER PRIMARY KEY, source TEXT NOT NULL, digest TEXT NOT NULL, run INTEGER NOT NULL,
            records INTEGER NOT NULL, bytes INTEGER NOT NULL, is_snapshot INTEGER NOT NULL, is_accepted INTEGER NOT NULL);
        INSERT INTO export VALUES(1,'night','d1',1,1,70,1,1);
        CREATE INDEX export_source ON export (source, digest);
        """

    @Test("version 1 opens and says all that it knew")
    func version1() throws {
        let folder = try TemporaryFolder()
        try FileManager.default.createDirectory(atPath: folder.state, withIntermediateDirectories: true)
        let queue = try DatabaseQueue(path: folder.database)
        try queue.writeWithoutTransaction { try $0.execute(sql: Self.version1) }
        try queue.close()

        let ledger = try Ledger.open(folder: folder.state, store: testStore)
        #expect(ledger.fingerprintKey == [UInt8](0..<32) && ledger.created == noon)
        let run = try #require(try ledger.run("20261121-120000-4f2a"))
        #expect(run.state == .stopped && run.started == noon && run.counts.deletes == 1)
        #expect(try ledger.acceptedExport(digest: "d1", source: "night") == run)

        let stored = try ledger.allAssociations()
        #expect(
            try stored.map(\.association) == [association("c-1", "cart-1"), association(.account, "a-1", "cart-2")])
        #expect(stored.map(\.sources) == [["day", "night"], ["night"]])
        #expect(stored.map(\.confirmation) == [.created, nil])
        #expect(stored.map(\.fingerprint) == [Fingerprint(high: .max, low: 5), Fingerprint(high: 3, low: 4)])
        #expect(stored.map(\.place) == [RecordPlace(export: 0, record: 1, line: 2), nil])

        #expect(try ledger.allEntries(of: run.id).map(\.outcome?.outcome) == [.created, nil])
        #expect(try ledger.counts(of: run.id).pending == 1)
        let pending = try #require(try ledger.pendingCarts(of: run.id, limit: 9).first?.entries.first)
        #expect(try pending.change == Change(.delete, association(.account, "a-1", "cart-2")))
        try ledger.record([pending.ended(ChangeOutcome(.deleted, attempts: 1, at: noon))])
        #expect(try ledger.allAssociations().count == 1)
        // What later versions know can be added to it.
        let named = Change(
            .create, try association("c-9", "cart-9"), newCart: NewCart(name: "Nine", description: nil))
        try ledger.beginRun(makeRun("later"))
        try ledger.plan([named], for: "later")
        #expect(try ledger.allEntries(of: "later").map(\.change) == [named])
        #expect(try ledger.check().isEmpty)
    }
}
