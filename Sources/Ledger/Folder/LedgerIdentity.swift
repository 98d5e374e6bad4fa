import CartAssociations
import DurableFiles
import Foundation
import GRDB

/// The one row that says which ledger this is.
struct LedgerIdentity: Sendable {
    /// A random id, in hexadecimal.
    let ledger: String
    let store: StoreIdentity
    let created: Date
    let fingerprintKey: FingerprintKey
    let revision: Int64

    static func insert(_ db: Database, store: StoreIdentity, now: Date) throws {
        var generator = SystemRandomNumberGenerator()
        func random(_ count: Int) -> [UInt8] {
            (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        }
        try db.execute(
            sql: """
                INSERT INTO identity (one, ledger, base_url, client_id, created, fingerprint_key, revision)
                VALUES (1, ?, ?, ?, ?, ?, 1)
                """,
            arguments: [
                Hex.text(random(16)), store.baseURL, store.clientID, Int64(now.timeIntervalSince1970),
                Data(random(FingerprintKey.byteCount)),
            ])
    }

    static func fetch(_ db: Database) throws -> LedgerIdentity? {
        guard let row = try Row.fetchOne(db, sql: "SELECT * FROM identity") else { return nil }
        guard let key = FingerprintKey([UInt8](row["fingerprint_key"] as Data)) else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "the ledger's key does not have 32 bytes")
        }
        return LedgerIdentity(
            ledger: row["ledger"], store: StoreIdentity(baseURL: row["base_url"], clientID: row["client_id"]),
            created: Date(timeIntervalSince1970: TimeInterval(row["created"] as Int64)),
            fingerprintKey: key, revision: row["revision"])
    }

    static func revision(_ db: Database) throws -> Int64 {
        try Int64.fetchOne(db, sql: "SELECT revision FROM identity") ?? 0
    }

    static func advanceRevision(_ db: Database) throws {
        try db.cachedStatement(sql: "UPDATE identity SET revision = revision + 1").execute()
    }

    /// Whether a ledger holds nothing yet, so that it may be given to another store.
    static func isUnbound(_ db: Database) throws -> Bool {
        for table in ["run", "association"] {
            if try Int.fetchOne(db, sql: "SELECT 1 FROM \(table) LIMIT 1") != nil { return false }
        }
        return true
    }

    /// Gives a ledger that holds nothing yet to another store; returns whether it did.
    static func rebind(_ db: Database, to store: StoreIdentity) throws -> Bool {
        guard try isUnbound(db) else { return false }
        try db.execute(
            sql: "UPDATE identity SET base_url = ?, client_id = ?, revision = revision + 1",
            arguments: [store.baseURL, store.clientID])
        return true
    }
}
