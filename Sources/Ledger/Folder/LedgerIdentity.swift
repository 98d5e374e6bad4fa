import Foundation
import GRDB

/// The one row that says which ledger this is.
struct LedgerIdentity: Sendable {
    /// A random id, in hexadecimal.
    let ledger: String
    let store: StoreIdentity
    let created: Date
    let fingerprintKey: [UInt8]
    let revision: Int64

    static func insert(_ db: Database, store: StoreIdentity, now: Date) throws {
        var generator = SystemRandomNumberGenerator()
        let ledger = (0..<2).map { _ in
            let digits = String(generator.next() as UInt64, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }
        let key = Data((0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
        try db.execute(
            sql: """
                INSERT INTO identity (one, ledger, base_url, client_id, created, fingerprint_key, revision)
                VALUES (1, ?, ?, ?, ?, ?, 1)
                """,
            arguments: [
                ledger.joined(), store.baseURL, store.clientID, Int64(now.timeIntervalSince1970), key,
            ])
    }

    static func fetch(_ db: Database) throws -> LedgerIdentity? {
        guard let row = try Row.fetchOne(db, sql: "SELECT * FROM identity") else { return nil }
        return LedgerIdentity(
            ledger: row["ledger"], store: StoreIdentity(baseURL: row["base_url"], clientID: row["client_id"]),
            created: Date(timeIntervalSince1970: TimeInterval(row["created"] as Int64)),
            fingerprintKey: [UInt8](row["fingerprint_key"] as Data), revision: row["revision"])
    }

    static func revision(_ db: Database) throws -> Int64 {
        try Int64.fetchOne(db, sql: "SELECT revision FROM identity") ?? 0
    }

    static func advanceRevision(_ db: Database) throws {
        try db.cachedStatement(sql: "UPDATE identity SET revision = revision + 1").execute()
    }

    /// Gives a ledger that holds nothing yet to another store; returns whether it did.
    static func rebind(_ db: Database, to store: StoreIdentity) throws -> Bool {
        for table in ["run", "association"] {
            if try Int.fetchOne(db, sql: "SELECT 1 FROM \(table) LIMIT 1") != nil { return false }
        }
        try db.execute(
            sql: "UPDATE identity SET base_url = ?, client_id = ?, revision = revision + 1",
            arguments: [store.baseURL, store.clientID])
        return true
    }
}
