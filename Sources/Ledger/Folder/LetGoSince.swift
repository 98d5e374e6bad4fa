import DurableFiles
import GRDB

extension LedgerReplacement {
    /// Takes from the sources of the new ledger, a copy of an earlier one, what they have let go of since by the old ledger: who
    /// made such an association again is not a source of ours, so no export may delete it. The old ledger is only read.
    ///
    /// Throws if the new one cannot be written.
    ///
    /// - Returns: how many associations have fewer sources now; nil if the old ledger cannot be read, or is another one.
    package func dropWhatWasLetGo() throws(LedgerError) -> Int? {
        do {
            var configuration = Configuration()
            configuration.readonly = true
            let old = try DatabaseQueue(path: files.database, configuration: configuration)
            let identity = try old.read { try LedgerIdentity.fetch($0) }
            guard let identity, identity.ledger == ledger.id else { return nil }
            let copy = try DatabaseQueue(path: files.replacement.database, configuration: configuration)
            return try old.read { old in
                try copy.read { copy in
                    try ledger.writing("take back what was let go of") { db in
                        try Self.drop(from: copy, by: old, into: db)
                    }
                }
            }
        } catch let error as LedgerError {
            throw error
        } catch {
            return nil
        }
    }

    /// One row of a table of associations.
    private struct Asserted {
        let cart: String
        let ownerKind: Int
        let owner: String
        let standing: PackedStanding

        init(_ row: Row) {
            (cart, ownerKind, owner) = (row["cart"], row["owner_kind"], row["owner"])
            standing = PackedStanding(code: row["standing"])
        }

        static func cursor(_ db: Database) throws -> RowCursor {
            try Row.fetchCursor(
                db,
                sql: """
                    SELECT cart, owner_kind, owner, standing FROM association WHERE standing >> 5 != 0
                    ORDER BY cart, owner_kind, owner
                    """)
        }

        /// Whether it comes before another one in the order of SQLite, which goes by the texts' bytes.
        func isBefore(_ other: Asserted) -> Bool {
            if cart != other.cart { return cart.utf8.lexicographicallyPrecedes(other.cart.utf8) }
            if ownerKind != other.ownerKind { return ownerKind < other.ownerKind }
            return owner.utf8.lexicographicallyPrecedes(other.owner.utf8)
        }

        func isSame(_ other: Asserted) -> Bool {
            cart == other.cart && ownerKind == other.ownerKind && owner == other.owner
        }
    }

    /// - Parameter copy: the new ledger as it was, which is read while `db` is written.
    private static func drop(from copy: Database, by old: Database, into db: Database) throws -> Int {
        let (oldSets, copySets) = (try SourceSets(old), try SourceSets(copy))
        var sets = try SourceSets(db)
        let (rows, olds) = (try Asserted.cursor(copy), try Asserted.cursor(old))
        var current = try olds.next().map(Asserted.init)
        var dropped = 0
        while let row = try rows.next().map(Asserted.init) {
            while let other = current, other.isBefore(row) { current = try olds.next().map(Asserted.init) }
            let kept = current.flatMap { $0.isSame(row) ? oldSets.sources(of: $0.standing.sources) : nil } ?? []
            var left = row.standing.sources
            for source in copySets.sources(of: left) where !kept.contains(source) {
                left = try sets.removing(source, from: left, db)
            }
            guard left != row.standing.sources else { continue }
            dropped += 1
            let standing = PackedStanding(row.standing.ownerKind, row.standing.confirmation, sources: left)
            try db.cachedStatement(
                sql: "UPDATE association SET standing = ? WHERE cart = ? AND owner_kind = ? AND owner = ?"
            ).execute(arguments: [standing.code, row.cart, row.ownerKind, row.owner])
        }
        return dropped
    }
}
