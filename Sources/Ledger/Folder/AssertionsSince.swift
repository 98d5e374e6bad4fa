import DurableFiles
import GRDB

extension LedgerReplacement {
    /// Makes the sources of the new ledger, a copy of an earlier one, assert what they assert by the old ledger: what they have
    /// let go of since is theirs no longer, since somebody else may have made it again, and what they have asserted since keeps
    /// others from deleting it. The old ledger is only read.
    ///
    /// Throws if the new one cannot be written.
    ///
    /// - Returns: how many associations have lost a source, and how many have got one; nil if the old ledger cannot be read, or is
    ///   another one.
    package func takeAssertions() throws(LedgerError) -> AssertionsSince? {
        do {
            var configuration = Configuration()
            configuration.readonly = true
            let old = try DatabaseQueue(path: files.database, configuration: configuration)
            let identity = try old.read { try LedgerIdentity.fetch($0) }
            guard let identity, identity.ledger == ledger.id else { return nil }
            let copy = try DatabaseQueue(path: files.replacement.database, configuration: configuration)
            return try old.read { old in
                try copy.read { copy in
                    try ledger.writing("take what is asserted since") { db in
                        try Ledger.copyOldAssertions(from: old, into: db)
                        return try Self.take(from: old, inPlaceOf: copy, into: db)
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
        let row: Row

        init(_ row: Row) {
            (cart, ownerKind, owner) = (row["cart"], row["owner_kind"], row["owner"])
            standing = PackedStanding(code: row["standing"])
            // The cursor uses its row again.
            self.row = row.copy()
        }

        static func cursor(_ db: Database) throws -> RowCursor {
            try Row.fetchCursor(
                db,
                sql: """
                    SELECT cart, owner_kind, owner, fingerprint, standing, since FROM association WHERE standing >> 5 != 0
                    ORDER BY cart, owner_kind, owner
                    """)
        }

        /// Whether it comes before another one in the order of SQLite, which goes by the texts' bytes.
        func isBefore(_ other: Asserted) -> Bool {
            if cart != other.cart { return cart.utf8.lexicographicallyPrecedes(other.cart.utf8) }
            if ownerKind != other.ownerKind { return ownerKind < other.ownerKind }
            return owner.utf8.lexicographicallyPrecedes(other.owner.utf8)
        }
    }

    /// - Parameter copy: the new ledger as it was, which is read while `db` is written.
    private static func take(
        from old: Database, inPlaceOf copy: Database, into db: Database
    ) throws -> AssertionsSince {
        let (oldSets, copySets) = (try SourceSets(old), try SourceSets(copy))
        var sets = try SourceSets(db)
        let (rows, olds) = (try Asserted.cursor(copy), try Asserted.cursor(old))
        var (row, other) = (try rows.next().map(Asserted.init), try olds.next().map(Asserted.init))
        var since = AssertionsSince()
        while let first = [row, other].compactMap(\.self).min(by: { $0.isBefore($1) }) {
            let known = row.flatMap { first.isBefore($0) ? nil : $0 }
            let found = other.flatMap { first.isBefore($0) ? nil : $0 }
            let before = known.map { copySets.sources(of: $0.standing.sources) } ?? []
            let now = found.map { oldSets.sources(of: $0.standing.sources) } ?? []
            if before != now {
                var number = SourceSets.empty
                for source in now { number = try sets.adding(source, to: number, db) }
                try assert(first, by: number, isKnown: known != nil, db)
                if !Set(now).isSuperset(of: before) { since.letGo += 1 }
                if !Set(before).isSuperset(of: now) { since.taken += 1 }
            }
            if known != nil { row = try rows.next().map(Asserted.init) }
            if found != nil { other = try olds.next().map(Asserted.init) }
        }
        return since
    }

    private static func assert(_ row: Asserted, by sources: Int64, isKnown: Bool, _ db: Database) throws {
        guard !isKnown else {
            // Its other columns are those of the copy.
            let standing = PackedStanding(row.standing.ownerKind, row.standing.confirmation, sources: sources)
            try db.cachedStatement(
                sql: "UPDATE association SET standing = ? WHERE cart = ? AND owner_kind = ? AND owner = ?"
            ).execute(arguments: [standing.code, row.cart, row.ownerKind, row.owner])
            return
        }
        // That nobody asserted it is no reason for the copy to lack it.
        let standing = PackedStanding(row.standing.ownerKind, nil, sources: sources)
        try db.cachedStatement(
            sql: """
                INSERT INTO association (cart, owner_kind, owner, fingerprint, standing, since) VALUES (?, ?, ?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET standing = excluded.standing
                """
        ).execute(
            arguments: [
                row.cart, row.ownerKind, row.owner, row.row["fingerprint"], standing.code, row.row["since"],
            ])
    }
}

/// How what the sources assert has changed since a backup.
package struct AssertionsSince: Sendable, Hashable {
    /// Associations that a source has let go of.
    package var letGo = 0
    /// Associations that a source has asserted.
    package var taken = 0
}
