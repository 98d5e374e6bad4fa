import CartAssociations
import Foundation
import GRDB

/// Reads rows of the associations' table, as seen from one source.
struct AssociationReader {
    /// A row's place in the table.
    struct Key: Hashable {
        let cart: String
        let ownerKind: Int
        let owner: String
    }

    /// A piece of the table.
    struct Page {
        var wanted: [StoredAssociation] = []
        /// The page's last cart, whose rows are all in it; nil after the last page.
        var last: String?
    }

    private let source: String
    private let sets: SourceSets
    private let db: Database
    private let scan: PreparedStatement
    private let point: PreparedStatement
    /// The set of sources of the last row, and whether it holds the source, and any other: rows in a row mostly
    /// have the same.
    private var lastSet = SourceSets.empty
    private var lastView = (isAsserted: false, isAssertedByOthers: false)

    private static let pageRows = 20_000

    init(_ db: Database, source: String) throws {
        self.source = source
        sets = try SourceSets(db)
        self.db = db
        scan = try PreparedStatement(
            db,
            """
            SELECT high, low, owner_kind, sources, confirmation, cart, owner FROM association
            WHERE cart > ? ORDER BY cart, owner_kind, owner
            """)
        point = try PreparedStatement(
            db,
            """
            SELECT high, low, sources, confirmation, since, run, export, record, line FROM association
            WHERE cart = ? AND owner_kind = ? AND owner = ?
            """)
    }

    /// Goes through the rows of the carts behind a cart, or of the first ones; those that `isWanted` picks are read in
    /// full.
    ///
    /// Pages end with a cart because SQLite compares a single column only where a page begins, and more columns at
    /// every row.
    mutating func page(
        after cart: String?, _ names: inout RunNames, _ isWanted: (Standing) throws -> Bool
    ) throws -> Page {
        var page = Page()
        var rows = 0
        // No cart has an empty id: this is before the first row.
        scan.bind(cart ?? "", at: 1)
        defer { scan.reset() }
        while try scan.step() {
            rows += 1
            if rows >= Self.pageRows {
                let cart = scan.text(5)
                if let last = page.last, last != cart { return page }
                page.last = cart
            }
            if try isWanted(standing()), let association = try association(at: scannedKey, &names) {
                page.wanted.append(association)
            }
        }
        page.last = nil
        return page
    }

    /// One row in full; nil where there is none.
    func association(at key: Key, _ names: inout RunNames) throws -> StoredAssociation? {
        bind(key, to: point)
        defer { point.reset() }
        guard try point.step() else { return nil }
        guard let cart = CartID(key.cart), let owner = OwnerID(key.owner) else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "an association's ids are not usable ids")
        }
        let place =
            point.isNull(6)
            ? nil : RecordPlace(export: point.int(6), record: point.int(7), line: point.int(8))
        return StoredAssociation(
            association: CartAssociations.Association(StoredCodes.ownerKind(key.ownerKind), owner, cart),
            fingerprint: Fingerprint(high: point.bits(0), low: point.bits(1)),
            sources: sets.sources(of: point.integer(2)),
            confirmation: Ledger.Confirmation(rawValue: point.int(3)),
            since: Date(timeIntervalSince1970: TimeInterval(point.integer(4))),
            run: try names.name(of: point.integer(5), db),
            place: place)
    }

    private var scannedKey: Key { Key(cart: scan.text(5), ownerKind: scan.int(2), owner: scan.text(6)) }

    private mutating func standing() -> Standing {
        let set = scan.integer(3)
        if set != lastSet {
            lastSet = set
            lastView = (sets.contains(source, in: set), sets.containsOthers(than: source, in: set))
        }
        return Standing(
            fingerprint: Fingerprint(high: scan.bits(0), low: scan.bits(1)),
            ownerKind: StoredCodes.ownerKind(scan.int(2)), confirmation: Ledger.Confirmation(rawValue: scan.int(4)),
            isAsserted: lastView.isAsserted, isAssertedByOthers: lastView.isAssertedByOthers)
    }

    private func bind(_ key: Key, to statement: PreparedStatement) {
        statement.bind(key.cart, at: 1)
        statement.bind(key.ownerKind, at: 2)
        statement.bind(key.owner, at: 3)
    }
}

/// The ids of runs by their numbers, looked up as they are met: there may be thousands of runs.
struct RunNames {
    private var names: [Int64: String] = [:]

    mutating func name(of number: Int64, _ db: Database) throws -> String? {
        if let name = names[number] { return name }
        let name = try String.fetchOne(db, sql: "SELECT id FROM run WHERE number = ?", arguments: [number])
        names[number] = name
        return name
    }
}
