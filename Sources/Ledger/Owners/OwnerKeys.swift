package import CartAssociations
package import Foundation
import GRDB

/// What a ledger remembers of owners' keys: which owner a key was found to stand for, and when.
///
/// The key itself is not kept, only its fingerprint.
extension Ledger {
    /// How an owner was found.
    package enum OwnerKeyOrigin: Int, Sendable {
        /// The store was asked for this key.
        case asked = 1
        /// The store's whole list was read.
        case directory = 2
    }

    /// Looks up keys, in the time of the number of keys, not of those that are remembered.
    ///
    /// - Parameters:
    ///   - keys: those to look up; the order of their fingerprints is fastest.
    ///   - visit: gets the position of a key that is remembered, the bytes of the owner's id, and when it was found.
    package func forEachOwner(
        of keys: some Sequence<(position: Int, fingerprint: Fingerprint)>,
        _ visit: (_ position: Int, _ owner: Span<UInt8>, _ at: Date) throws -> Void
    ) throws {
        try visiting("read the owners' keys") { db in
            let statement = try PreparedStatement(db, "SELECT owner, at FROM owner_key WHERE key = ?")
            for (position, fingerprint) in keys {
                statement.bind(fingerprint, at: 1)
                if try statement.step() {
                    let at = statement.date(1)
                    try statement.withBytes(0) { try visit(position, $0, at) }
                }
                statement.reset()
            }
        }
    }

    /// Remembers which owners keys were found to stand for, in one transaction.
    package func rememberOwners(
        _ found: some Sequence<(key: Fingerprint, owner: OwnerID)>, _ origin: OwnerKeyOrigin, at date: Date
    ) throws(LedgerError) {
        try noting("remember the owners' keys") { db in
            let statement = try PreparedStatement(
                db,
                """
                INSERT INTO owner_key (key, owner, origin, at) VALUES (?, ?, ?, ?)
                ON CONFLICT (key) DO UPDATE SET owner = excluded.owner, origin = excluded.origin, at = excluded.at
                """)
            for (key, owner) in found {
                statement.bind(key, at: 1)
                statement.bind(owner.text, at: 2)
                statement.bind(origin.rawValue, at: 3)
                statement.bind(Int64(date.timeIntervalSince1970), at: 4)
                try statement.run()
            }
        }
    }

    /// Forgets which keys stand for owners that the store does not know any more; returns how many keys.
    @discardableResult
    package func forgetOwnerKeys(of owners: some Collection<OwnerID>) throws(LedgerError) -> Int {
        guard !owners.isEmpty else { return 0 }
        var forgotten = 0
        try noting("forget owners' keys") { db in
            // Few owners are gone, and keys are many: the table is read once.
            let gone = "(\(owners.map { _ in "?" }.joined(separator: ",")))"
            try db.execute(
                sql: "DELETE FROM owner_key WHERE owner IN \(gone)",
                arguments: StatementArguments(owners.map(\.text)))
            forgotten = db.changesCount
        }
        return forgotten
    }

    /// What is known of the store's owners as a whole, under a name of the caller's; nil if it is unknown.
    package func ownerFact(_ name: String) throws(LedgerError) -> String? {
        try reading("read what is known of the store's owners") { db in
            try String.fetchOne(db, sql: "SELECT value FROM owner_fact WHERE name = ?", arguments: [name])
        }
    }

    /// Remembers what is known of the store's owners as a whole.
    package func rememberOwnerFact(_ name: String, _ value: String) throws(LedgerError) {
        try noting("remember what is known of the store's owners") { db in
            try db.execute(
                sql: "INSERT OR REPLACE INTO owner_fact (name, value) VALUES (?, ?)", arguments: [name, value])
        }
    }

    /// Whether what is found can be remembered: not in a ledger that was opened for reading.
    package var canRemember: Bool { !isForReading }
}
