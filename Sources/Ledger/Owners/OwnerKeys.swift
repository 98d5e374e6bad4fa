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
        /// A crosswalk said so, which may be gone or say something else now.
        case crosswalk = 3
    }

    /// What is remembered of a key.
    package struct RememberedOwner: Sendable {
        package let at: Date
        /// Nil for an origin that a later version has written.
        package let origin: OwnerKeyOrigin?
    }

    /// Rows that are passed over before the next key is searched for.
    private static let rowsPassed = 12

    /// Looks up keys: in the time of their number if they are few, and in that of one reading if they are many.
    ///
    /// - Parameters:
    ///   - keys: those to look up; the ascending order of their fingerprints is by far the fastest.
    ///   - visit: gets the position of a key that is remembered, and the bytes of the owner's id. It may not ask the
    ///     ledger.
    package func forEachOwner(
        of keys: some Sequence<(position: Int, fingerprint: Fingerprint)>,
        _ visit: (_ position: Int, _ owner: Span<UInt8>, RememberedOwner) throws -> Void
    ) throws {
        try visiting("read the owners' keys") { db in
            // Each page is needed once, and the owners are held in memory beside them.
            try db.execute(sql: "PRAGMA cache_size = -512")
            defer { try? db.execute(sql: "PRAGMA cache_size = \(LedgerSchema.cacheSize)") }
            let rows = try PreparedStatement(
                db, "SELECT key, owner, at, origin FROM owner_key WHERE key >= ? ORDER BY key")
            var next: Fingerprint?
            var (last, isAtEnd) = (Fingerprint?.none, false)
            for (position, wanted) in keys {
                if let last, wanted.precedes(last) { (next, isAtEnd) = (nil, false) }
                last = wanted
                guard !isAtEnd else { continue }
                var passed = 0
                while next?.precedes(wanted) ?? true {
                    if next == nil || passed == Self.rowsPassed {
                        rows.reset()
                        rows.bind(wanted, at: 1)
                    }
                    passed += 1
                    guard try rows.step() else {
                        (next, isAtEnd) = (nil, true)
                        break
                    }
                    next = try rows.fingerprint(0)
                }
                guard next == wanted else { continue }
                let remembered = RememberedOwner(at: rows.date(2), origin: OwnerKeyOrigin(rawValue: rows.int(3)))
                try rows.withBytes(1) { try visit(position, $0, remembered) }
            }
            rows.reset()
        }
    }

    /// Remembers which owners keys were found to stand for, in one transaction.
    ///
    /// What a crosswalk says is written only where something else was remembered or nothing.
    package func rememberOwners(
        _ found: some Sequence<(key: Fingerprint, owner: OwnerID)>, _ origin: OwnerKeyOrigin, at date: Date
    ) throws(LedgerError) {
        try noting("remember the owners' keys") { db in
            let statement = try PreparedStatement(
                db,
                """
                INSERT INTO owner_key (key, owner, origin, at) VALUES (?, ?, ?, ?)
                ON CONFLICT (key) DO UPDATE SET owner = excluded.owner, origin = excluded.origin, at = excluded.at
                \(origin == .crosswalk ? "WHERE owner_key.owner <> excluded.owner" : "")
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

    /// Notes that the store does not know owners any more, so that their keys are looked up again; returns how many keys.
    ///
    /// They stay known: what a damaged export may say of these owners is still in doubt.
    @discardableResult
    package func outdateOwnerKeys(of owners: some Collection<OwnerID>) throws(LedgerError) -> Int {
        guard !owners.isEmpty else { return 0 }
        var outdated = 0
        try noting("note which owners are gone") { db in
            // Few owners are gone, and keys are many: the table is read once.
            let gone = "(\(owners.map { _ in "?" }.joined(separator: ",")))"
            try db.execute(
                sql: "UPDATE owner_key SET at = 0 WHERE owner IN \(gone) AND at <> 0",
                arguments: StatementArguments(owners.map(\.text)))
            outdated = db.changesCount
        }
        return outdated
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

    private static let unknownFact = "unknown owners are accepted"

    /// Whether a probe found that the store makes associations for owners who do not exist; nil if that is unknown.
    package func acceptsUnknownOwners() throws(LedgerError) -> Bool? {
        try ownerFact(Self.unknownFact).map { $0 == "yes" }
    }

    /// Remembers whether the store makes associations for owners who do not exist.
    package func rememberAcceptsUnknownOwners(_ accepts: Bool) throws(LedgerError) {
        try rememberOwnerFact(Self.unknownFact, accepts ? "yes" : "no")
    }

    /// Whether what is found can be remembered: not in a ledger that was opened for reading.
    package var canRemember: Bool { !isForReading }
}

// MARK: - A list that is not read to its end yet

extension Ledger {
    /// Who was found in the part of a list that has been read: a key that several owners have has no owner here.
    package typealias ListedKey = (key: Fingerprint, owner: OwnerID?, count: Int)

    /// Remembers how far a list was read, and what was found in the part that was; nothing of it is believed before the
    /// list is read to its end.
    ///
    /// - Parameters:
    ///   - found: those whose count is another one than was remembered.
    ///   - progress: which list and how far, in the caller's words.
    package func rememberReading(
        _ found: some Sequence<ListedKey>, progress: String
    ) throws(LedgerError) {
        try noting("remember how far a list was read") { db in
            let statement = try PreparedStatement(
                db, "INSERT OR REPLACE INTO listed_key (key, owner, owners) VALUES (?, ?, ?)")
            for (key, owner, count) in found {
                statement.bind(key, at: 1)
                statement.bind(owner?.text ?? "", at: 2)
                statement.bind(count, at: 3)
                try statement.run()
            }
            try db.execute(
                sql: "INSERT OR REPLACE INTO owner_fact (name, value) VALUES (?, ?)",
                arguments: [Self.readingFact, progress])
        }
    }

    /// Which list was not read to its end, and how far it was, in the words of `rememberReading`; nil if none is.
    package func listReading() throws(LedgerError) -> String? { try ownerFact(Self.readingFact) }

    private static var readingFact: String { "list being read" }

    /// Visits what was found in a list that has not been read to its end: the bytes of the owner's id, and how many owners.
    package func forEachListedKey(
        _ visit: (_ key: Fingerprint, _ owner: Span<UInt8>, _ count: Int) throws -> Void
    ) throws {
        try visiting("read what was found in a list") { db in
            let rows = try PreparedStatement(db, "SELECT key, owner, owners FROM listed_key")
            while try rows.step() {
                let (key, count) = (try rows.fingerprint(0), rows.int(2))
                try rows.withBytes(1) { try visit(key, $0, count) }
            }
            rows.reset()
        }
    }

    /// Forgets how far a list was read.
    package func forgetReading() throws(LedgerError) {
        try noting("forget how far a list was read") { db in
            try db.execute(sql: "DELETE FROM listed_key")
            try db.execute(sql: "DELETE FROM owner_fact WHERE name = ?", arguments: [Self.readingFact])
        }
    }
}

extension Fingerprint {
    /// Whether it comes before another one in the order of the ledger's keys.
    fileprivate func precedes(_ other: Fingerprint) -> Bool {
        high != other.high ? high < other.high : low < other.low
    }
}
