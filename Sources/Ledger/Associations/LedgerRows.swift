package import CartAssociations
package import Foundation
import GRDB

/// One association of the ledger without its ids, as a whole reading shows it.
package struct LedgerRow: Sendable, Hashable {
    package let ownerKind: OwnerKind
    package let confirmation: Ledger.Confirmation?
    /// The sources that assert it, in order of their names.
    package let sources: [String]
    /// See `StoredAssociation`.
    package let since: Date
    package let run: String?
    package let place: RecordPlace?
}

extension Ledger {
    /// Visits every association in the order of carts, with the UTF-8 of its owner and its cart, valid during the
    /// call only. The visitor must not use the ledger.
    ///
    /// One read transaction: later changes are not seen.
    package func forEachRow(
        visit: (LedgerRow, _ owner: Span<UInt8>, _ cart: Span<UInt8>) throws -> Void
    ) throws {
        try visiting("read associations") { db in
            let sets = try SourceSets(db)
            var names = RunNames()
            var last: (set: Int64, sources: [String]) = (SourceSets.empty, [])
            let scan = try PreparedStatement(
                db,
                """
                SELECT cart, owner, standing, since, run, export, record, line FROM association
                ORDER BY cart, owner_kind, owner
                """)
            defer { scan.reset() }
            while try scan.step() {
                let standing = PackedStanding(code: scan.integer(2))
                if standing.sources != last.set { last = (standing.sources, sets.sources(of: standing.sources)) }
                let row = LedgerRow(
                    ownerKind: standing.ownerKind, confirmation: standing.confirmation, sources: last.sources,
                    since: scan.date(3), run: scan.isNull(4) ? nil : try names.name(of: scan.integer(4), db),
                    place: scan.place(from: 5))
                try scan.withBytes(1) { owner in
                    try scan.withBytes(0) { cart in try visit(row, owner, cart) }
                }
            }
        }
    }

    /// How many associations the ledger knows.
    package func associationCount() throws(LedgerError) -> Int {
        try reading("count associations") { try Int.fetchOne($0, sql: "SELECT count(*) FROM association") ?? 0 }
    }
}
