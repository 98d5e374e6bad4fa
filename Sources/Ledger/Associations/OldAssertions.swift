package import CartAssociations
import GRDB

/// Assertions of an earlier moment: what a backup says of sources whose later runs are lost.
///
/// A source may have let go of some of them since, and somebody else may have made such an association again. So they keep
/// other sources from deleting, and are no reason to delete until the source has named them again. It may also have asserted
/// others since, which are lost: until it has named them, other sources delete nothing without a person.
extension Ledger {
    /// Marks what all sources assert now as known up to an earlier moment.
    package func markAssertionsOld() throws(LedgerError) {
        try writing("mark what the sources assert as old") { db in
            let sets = try SourceSets(db)
            let rows = try Row.fetchAll(
                db, sql: "SELECT DISTINCT standing >> 5 AS sources, standing & 1 AS kind FROM association")
            for row in rows {
                for source in sets.sources(of: row["sources"]) {
                    try Self.insertOld(db, source: source, kind: row["kind"])
                }
            }
        }
    }

    /// The sources whose assertions are of an earlier moment, by the kind of owner.
    package func oldAssertions() throws(LedgerError) -> [OwnerKind: Set<String>] {
        try reading("read whose assertions are old") { db in
            try Row.fetchAll(db, sql: "SELECT source, owner_kind FROM old_assertion").reduce(into: [:]) {
                $0[StoredCodes.ownerKind($1["owner_kind"]), default: []].insert($1["source"])
            }
        }
    }

    /// Takes the mark from sources whose assertions of some owner kinds are known again.
    package func renewAssertions(_ sources: [OwnerKind: Set<String>]) throws(LedgerError) {
        try writing("record that what a source asserts is new") { db in
            for (kind, names) in sources {
                for name in names {
                    try db.execute(
                        sql: "DELETE FROM old_assertion WHERE source = ? AND owner_kind = ?",
                        arguments: [name, StoredCodes.code(kind)])
                }
            }
        }
    }

    /// Copies the marks of another ledger.
    static func copyOldAssertions(from other: Database, into db: Database) throws {
        // An older ledger has no such table.
        guard try other.tableExists("old_assertion") else { return }
        for row in try Row.fetchAll(other, sql: "SELECT source, owner_kind FROM old_assertion") {
            try insertOld(db, source: row["source"], kind: row["owner_kind"])
        }
    }

    private static func insertOld(_ db: Database, source: String, kind: Int) throws {
        try db.execute(
            sql: "INSERT OR IGNORE INTO old_assertion (source, owner_kind) VALUES (?, ?)", arguments: [source, kind])
    }
}
