package import CartAssociations
import Foundation
import GRDB

extension Ledger {
    /// Rows that one transaction writes at most, so that the write-ahead log stays small.
    static let rowsPerTransaction = 50_000

    /// Shows what all associations say, as seen from one source, by their numbers in the order of carts, from 0.
    ///
    /// The visitor must not use the ledger; others may, between two pieces of it.
    package func forEachStanding(from source: String, visit: (Int, Standing) throws -> Void) throws {
        var page = AssociationReader.Page()
        repeat {
            try visiting("read associations") { db in
                var reader = try AssociationReader(db, source: source)
                try reader.standings(&page, visit)
            }
        } while page.cart != nil
    }

    /// Visits the associations that `isWanted` picks by their number and standing, as seen from one source, in the
    /// order of carts.
    ///
    /// `isWanted` must not use the ledger. The visitor may: it is called between two pieces of the ledger, so that
    /// what is changed between two pieces may or may not be visited.
    ///
    /// - Parameters:
    ///   - rows: picks rows by their number in the order of carts, from 0, before anything of them is read.
    ///   - visit: given the number and the row.
    package func forEachAssociation(
        from source: String = "", rows: @escaping (Int) -> Bool = { _ in true },
        where isWanted: (Int, Standing) throws -> Bool = { _, _ in true },
        visit: (Int, StoredAssociation) throws -> Void
    ) throws {
        var page = AssociationReader.Page()
        var names = RunNames()
        repeat {
            let found = try visiting("read associations") { db in
                var reader = try AssociationReader(db, source: source)
                return try reader.associations(&page, &names, rows: rows, where: isWanted)
            }
            for (row, association) in found { try visit(row, association) }
        } while page.cart != nil
    }

    /// Visits the owners of the associations that `isWanted` picks, as seen from one source: their ids' UTF-8, valid
    /// during the call only. Neither closure may use the ledger.
    package func forEachOwner(
        from source: String, where isWanted: (Standing) throws -> Bool,
        visit: (OwnerKind, Span<UInt8>) throws -> Void
    ) throws {
        try visiting("read associations") { db in
            var reader = try AssociationReader(db, source: source)
            try reader.forEachOwner(isWanted, visit)
        }
    }

    /// One association; nil if the ledger does not know it.
    package func association(_ association: CartAssociations.Association) throws(LedgerError) -> StoredAssociation? {
        try associations(
            where: "cart = ? AND owner_kind = ? AND owner = ?",
            [
                association.cart.text, StoredCodes.code(association.owner.kind), association.owner.id.text,
            ]
        ).first
    }

    /// All that is known of a cart's associations.
    package func associations(of cart: CartID) throws(LedgerError) -> [StoredAssociation] {
        try associations(where: "cart = ?", [cart.text])
    }

    /// All that is known of an owner's associations; reads the whole ledger.
    package func associations(of owner: Owner) throws(LedgerError) -> [StoredAssociation] {
        try associations(where: "owner = ? AND owner_kind = ?", [owner.id.text, StoredCodes.code(owner.kind)])
    }

    /// How many associations a source asserts, by owner kind.
    package func assertedCounts(by source: String) throws(LedgerError) -> [OwnerKind: Int] {
        try reading("count a source's associations") { db in
            let sets = try SourceSets(db)
            var counts: [OwnerKind: Int] = [:]
            for row in try Row.fetchAll(db, sql: "SELECT standing, count(*) FROM association GROUP BY standing") {
                let standing = PackedStanding(code: row[0])
                if sets.contains(source, in: standing.sources) { counts[standing.ownerKind, default: 0] += row[1] }
            }
            return counts
        }
    }

    private func associations(
        where condition: String, _ arguments: StatementArguments
    ) throws(LedgerError) -> [StoredAssociation] {
        try reading("read associations") { db in
            var reader = try AssociationReader(db, source: "")
            let keys = try Row.fetchAll(
                db, sql: "SELECT cart, owner_kind, owner FROM association WHERE " + condition, arguments: arguments)
            var found: [StoredAssociation] = []
            var names = RunNames()
            for row in keys {
                let key = AssociationReader.Key(cart: row[0], ownerKind: row[1], owner: row[2])
                if let association = try reader.association(at: key, &names) { found.append(association) }
            }
            return found
        }
    }
}
