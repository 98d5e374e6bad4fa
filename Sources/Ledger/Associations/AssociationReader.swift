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
    /// The set of sources of the last row, and whether it holds the source, and any other: neighbouring rows
    /// mostly have the same.
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
            SELECT fingerprint, standing, cart, owner FROM association
            WHERE cart > ? ORDER BY cart, owner_kind, owner
            """)
        point = try PreparedStatement(
            db,
            """
            SELECT fingerprint, standing, since, run, export, record, line FROM association
            WHERE cart = ? AND owner_kind = ? AND owner = ?
            """)
    }

    /// Goes through the rows of the carts behind a cart, or of the first ones; those that `isWanted` picks are read in
    /// full.
    ///
    /// Pages end with a cart because SQLite compares a single column only at the start of a page, and more columns at
    /// every row.
    mutating func page(
        after cart: String?, _ names: inout RunNames, _ isWanted: (() throws -> Standing) throws -> Bool
    ) throws -> Page {
        var page = Page()
        var rows = 0
        // No cart has an empty id: this is before the first row.
        scan.bind(cart ?? "", at: 1)
        defer { scan.reset() }
        while try scan.step() {
            rows += 1
            if rows >= Self.pageRows {
                let cart = scan.text(2)
                if let last = page.last, last != cart { return page }
                page.last = cart
            }
            guard try isWanted({ try standing() }) else { continue }
            guard let association = try association(at: scannedKey, &names) else {
                throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a row is there and is not found by its key")
            }
            page.wanted.append(association)
        }
        page.last = nil
        return page
    }

    /// Goes through all rows and shows the owners of those that `isWanted` picks.
    mutating func forEachOwner(
        _ isWanted: (Standing) throws -> Bool, _ visit: (OwnerKind, Span<UInt8>) throws -> Void
    ) throws {
        scan.bind("", at: 1)
        defer { scan.reset() }
        while try scan.step() {
            let standing = try standing()
            if try isWanted(standing) { try scan.withBytes(3) { try visit(standing.ownerKind, $0) } }
        }
    }

    /// One row in full; nil if there is no such row.
    func association(at key: Key, _ names: inout RunNames) throws -> StoredAssociation? {
        bind(key, to: point)
        defer { point.reset() }
        guard try point.step() else { return nil }
        guard let cart = CartID(key.cart), let owner = OwnerID(key.owner) else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "an association's ids are not usable ids")
        }
        let standing = PackedStanding(code: point.integer(1))
        let run = point.isNull(3) ? nil : point.integer(3)
        return StoredAssociation(
            association: CartAssociations.Association(StoredCodes.ownerKind(key.ownerKind), owner, cart),
            fingerprint: try point.fingerprint(0), sources: sets.sources(of: standing.sources),
            confirmation: standing.confirmation,
            since: point.date(2), run: try run.flatMap { try names.name(of: $0, db) }, runNumber: run,
            place: point.place(from: 4))
    }

    private var scannedKey: Key {
        let ownerKind = PackedStanding(code: scan.integer(1)).ownerKind
        return Key(cart: scan.text(2), ownerKind: StoredCodes.code(ownerKind), owner: scan.text(3))
    }

    private mutating func standing() throws -> Standing {
        let packed = PackedStanding(code: scan.integer(1))
        if packed.sources != lastSet {
            lastSet = packed.sources
            lastView = (sets.contains(source, in: lastSet), sets.containsOthers(than: source, in: lastSet))
        }
        return Standing(
            fingerprint: try scan.fingerprint(0), ownerKind: packed.ownerKind, confirmation: packed.confirmation,
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
