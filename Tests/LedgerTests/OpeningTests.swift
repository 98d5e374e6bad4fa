import CartAssociations
import Foundation
import GRDB
import TestSupport
import Testing

@testable import Ledger

@Suite("Opening the ledger")
struct OpeningTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func refusal(_ store: StoreIdentity = testStore) throws -> LedgerError {
        try #require(throws: LedgerError.self) { try Ledger.open(folder: folder.state, store: store, now: noon) }
    }

    private func mode(_ path: String) throws -> Int {
        try #require(FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
    }

    @Test("a new ledger is readable by nobody else")
    func modes() throws {
        let ledger = try Ledger.open(in: folder, run: makeRun("r"))
        #expect(try mode(folder.state) == 0o700)
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.state)
        #expect(Set(files).isSuperset(of: ["ledger.sqlite", "ledger.sqlite-wal", "ledger.marker", "ledger.lock"]))
        for file in files { #expect(try mode(folder.state + "/" + file) == 0o600, "\(file)") }
        try ledger.close()
    }

    @Test("the key and what was recorded are there when it is opened again")
    func reopened() throws {
        let first = try Ledger.open(in: folder, run: makeRun("r"))
        let key = first.fingerprintKey
        #expect(key.bytes.count == 32 && Set(key.bytes).count > 8)
        #expect(first.created == noon && first.store == testStore)
        let revision = try first.revision()
        try first.updateRun("r") { $0.state = .applying }
        #expect(try first.revision() > revision)
        try first.close()
        let second = try Ledger.open(folder: folder.state, store: testStore, now: noon)
        #expect(second.fingerprintKey == key)
        #expect(second.created == noon)
        #expect(try second.run("r")?.state == .applying)
        #expect(try second.check().isEmpty)
        try second.close()
    }

    @Test("two new ledgers have different keys")
    func randomKeys() throws {
        let other = try TemporaryFolder()
        let first = try Ledger.open(in: folder)
        let second = try Ledger.open(in: other)
        #expect(first.fingerprintKey != second.fingerprintKey)
    }

    @Test("a second holder is refused and told who has the folder, and let in afterwards")
    func locked() throws {
        let ledger = try Ledger.open(in: folder)
        let error = try refusal()
        #expect(error.kind == .locked)
        #expect(error.description.contains("in use by this process"))
        try ledger.close()
        try Ledger.open(in: folder).close()
    }

    @Test("a ledger that holds nothing yet goes to the store it is opened with")
    func rebound() throws {
        let first = try Ledger.open(in: folder)
        let key = first.fingerprintKey
        try first.close()
        let other = StoreIdentity(baseURL: "https://useast.api.elasticpath.com", clientID: "client-2")
        let second = try Ledger.open(folder: folder.state, store: other, now: noon)
        #expect(second.store == other)
        #expect(second.fingerprintKey == key)
        try second.close()
        try Ledger.open(folder: folder.state, store: other, now: noon).close()
    }

    @Test("a ledger of another store is refused, naming both")
    func otherStore() throws {
        try Ledger.open(in: folder, run: makeRun("20261121-101500-4f2a")).close()
        for other in [
            StoreIdentity(baseURL: "https://useast.api.elasticpath.com", clientID: "client-1"),
            StoreIdentity(baseURL: testStore.baseURL, clientID: "client-2"),
        ] {
            let error = try refusal(other)
            #expect(error.kind == .otherStore)
            #expect(error.description.contains("\(testStore)") && error.description.contains("\(other)"))
        }
        try Ledger.open(in: folder).close()
    }

    @Test("a ledger that is there is opened without naming its store")
    func withoutStore() throws {
        try Ledger.open(in: folder, run: makeRun("r")).close()
        let ledger = try Ledger.open(folder: folder.state, store: nil, now: noon)
        #expect(ledger.store == testStore)
        #expect(try ledger.run("r") != nil)
        try ledger.close()
    }

    @Test("where there is no ledger it says so and makes nothing")
    func absent() throws {
        for store in [nil, testStore] {
            let error = try #require(throws: LedgerError.self) {
                try Ledger.openForReading(folder: folder.state, store: store, now: noon)
            }
            #expect(error.kind == .absent)
            #expect(error.description.contains(folder.state) && error.description.contains("--state"))
            #expect(!FileManager.default.fileExists(atPath: folder.state))
        }
        try FileManager.default.createDirectory(atPath: folder.state, withIntermediateDirectories: true)
        try Data().write(to: URL(fileURLWithPath: folder.database))
        let error = try #require(throws: LedgerError.self) {
            try Ledger.open(folder: folder.state, store: nil, now: noon)
        }
        #expect(error.kind == .absent, "what a first run leaves that ended before it recorded anything")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.state) == ["ledger.sqlite"])
    }

    @Test("a ledger that is gone, or empty, is no absent one")
    func goneWithoutStore() throws {
        try Ledger.open(in: folder).close()
        let empty = try DatabaseQueue(path: folder.path + "/empty.sqlite")
        try empty.vacuum()
        try empty.close()
        for replacement in [nil, Data(), try Data(contentsOf: URL(fileURLWithPath: folder.path + "/empty.sqlite"))] {
            try FileManager.default.removeItem(atPath: folder.database)
            try replacement?.write(to: URL(fileURLWithPath: folder.database))
            let error = try #require(throws: LedgerError.self) {
                try Ledger.open(folder: folder.state, store: nil, now: noon)
            }
            #expect(error.kind == .missing)
            if replacement == nil { try Data().write(to: URL(fileURLWithPath: folder.database)) }
        }
    }

    @Test("a ledger that was emptied is not taken for a first run")
    func emptied() throws {
        try Ledger.open(in: folder).close()
        try Data().write(to: URL(fileURLWithPath: folder.database))
        let error = try refusal()
        #expect(error.kind == .missing)
        #expect(error.description.contains("is empty"))
        #expect(error.description.contains("cartsync ledger rebuild --state"))
        #expect(try Data(contentsOf: URL(fileURLWithPath: folder.database)).isEmpty, "nothing was written to it")
    }

    @Test("a ledger that is gone is not taken for a first run")
    func deleted() throws {
        try Ledger.open(in: folder).close()
        try FileManager.default.removeItem(atPath: folder.database)
        let error = try refusal()
        #expect(error.kind == .missing)
        #expect(error.description.contains("is gone"))
        #expect(!FileManager.default.fileExists(atPath: folder.database))
    }

    @Test("an older copy that was put back is refused")
    func olderCopy() throws {
        let copy = folder.path + "/copy.sqlite"
        try Ledger.open(in: folder).close()
        try FileManager.default.copyItem(atPath: folder.database, toPath: copy)
        try Ledger.open(in: folder, run: makeRun("r")).close()
        try FileManager.default.removeItem(atPath: folder.database)
        try FileManager.default.copyItem(atPath: copy, toPath: folder.database)
        let error = try refusal()
        #expect(error.kind == .damaged)
        #expect(error.description.contains("older copy"))
    }

    @Test("another folder's ledger is refused")
    func swapped() throws {
        let other = try TemporaryFolder()
        try Ledger.open(in: folder).close()
        try Ledger.open(in: other, run: makeRun("r")).close()
        try FileManager.default.removeItem(atPath: folder.database)
        try FileManager.default.copyItem(atPath: other.database, toPath: folder.database)
        let error = try refusal()
        #expect(error.kind == .damaged)
        #expect(error.description.contains("another ledger"))
    }

    @Test("a ledger without its marker gets a new one, as after a crash on the first run")
    func markerLost() throws {
        let ledger = try Ledger.open(in: folder, run: makeRun("r"))
        try ledger.updateRun("r") { $0.state = .finished }
        try ledger.close()
        let before = try String(contentsOfFile: folder.marker, encoding: .utf8)
        try FileManager.default.removeItem(atPath: folder.marker)
        try Ledger.open(in: folder).close()
        #expect(try String(contentsOfFile: folder.marker, encoding: .utf8) == before)
    }

    @Test("a damaged marker is refused", arguments: ["", "x", "a\nledger \nrevision 1\n", "a\nledger 1\nrevision x\n"])
    func markerDamaged(text: String) throws {
        try Ledger.open(in: folder).close()
        try text.write(toFile: folder.marker, atomically: true, encoding: .utf8)
        let error = try refusal()
        #expect(error.kind == .damaged)
        #expect(error.description.contains("ledger.marker"))
    }

    @Test("a database of another program is refused and left as it is")
    func foreign() throws {
        try FileManager.default.createDirectory(atPath: folder.state, withIntermediateDirectories: true)
        let other = try DatabaseQueue(path: folder.database)
        try other.write { try $0.execute(sql: "CREATE TABLE mine (x)") }
        try other.close()
        let error = try refusal()
        #expect(error.kind == .damaged)
        #expect(error.description.contains("not a ledger of cartsync"))
        let again = try DatabaseQueue(path: folder.database)
        #expect(try again.read { try String.fetchAll($0, sql: "SELECT name FROM sqlite_schema") } == ["mine"])
    }

    @Test("a ledger of a newer version is refused")
    func newer() throws {
        try Ledger.open(in: folder).close()
        let other = try DatabaseQueue(path: folder.database)
        try other.write { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('999')") }
        try other.close()
        let error = try refusal()
        #expect(error.kind == .newer)
    }

    @Test("a state folder that is a file, or open to everybody, is refused")
    func unsuitableFolders() throws {
        try Data().write(to: URL(fileURLWithPath: folder.state))
        #expect(try refusal().description.contains("is a file"))
        try FileManager.default.removeItem(atPath: folder.state)
        try Ledger.open(in: folder).close()
        try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: folder.state)
        let error = try refusal()
        #expect(error.kind == .storage)
        #expect(error.description.contains("chmod o-w \(folder.state)"))
    }

    @Test("another program that holds the database is named as the cause")
    func databaseInUse() throws {
        try Ledger.open(in: folder).close()
        var configuration = Configuration()
        configuration.prepareDatabase { try $0.execute(sql: "PRAGMA locking_mode = EXCLUSIVE") }
        let other = try DatabaseQueue(path: folder.database, configuration: configuration)
        try other.write { try $0.execute(sql: "UPDATE identity SET created = created") }
        let error = try refusal()
        #expect(error.kind == .locked)
        #expect(error.description.contains("close the program"))
        try other.close()
        try Ledger.open(in: folder).close()
    }

    @Test("the connection survives power cuts: WAL, synchronous FULL, no memory map, one file when closed")
    func settings() throws {
        let ledger = try Ledger.open(in: folder, run: makeRun("r"))
        try ledger.close()
        #expect(!FileManager.default.fileExists(atPath: folder.database + "-wal"))
        let queue = try DatabaseQueue(path: folder.database, configuration: LedgerSchema.configuration())
        func pragma(_ name: String) throws -> String? {
            try queue.read { try String.fetchOne($0, sql: "PRAGMA \(name)") }
        }
        #expect(try pragma("journal_mode") == "wal")
        #expect(try pragma("synchronous") == "2")
        #expect(try pragma("mmap_size") == "0")
        #expect(try pragma("page_size") == "8192")
    }
}
