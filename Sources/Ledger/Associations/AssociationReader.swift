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

    private let source: String
    private let sets: SourceSets
    private let db: Database
    /// The set of sources of the last row, and whether it holds the source, and any other: neighbouring rows
    /// mostly have the same.
    private var lastSet = SourceSets.empty
    private var lastView = (isAsserted: false, isAssertedByOthers: false)

    private static let pageRows = 20_000

    init(_ db: Database, source: String) throws {
        self.source = source
        sets = try SourceSets(db)
        self.db = db
    }

    /// A piece of the table, which ends with a cart because SQLite compares a single column only at the start of a piece,
    /// and more columns at every row.
    struct Page {
        /// The number of the next row.
        var next: Int
        /// The last cart of the piece, whose rows are all in it; nil for the last piece, and before the first.
        var cart: String?

        init() { next = 0 }

        /// No cart has an empty id: this is before the first row.
        fileprivate var start: String { cart ?? "" }
    }

    /// Shows what all rows of the next piece say.
    mutating func standings(_ page: inout Page, _ visit: (Int, Standing) throws -> Void) throws {
        let scan = try PreparedStatement(
            db, "SELECT fingerprint, standing, cart FROM association WHERE cart > ? ORDER BY cart, owner_kind, owner")
        scan.bind(page.start, at: 1)
        defer { scan.reset() }
        let end = page.next + Self.pageRows
        var last: String?
        while try scan.step() {
            if page.next >= end {
                let cart = scan.text(2)
                if let last, last != cart { return page.cart = last }
                last = cart
            }
            try visit(page.next, try standing(scan))
            page.next += 1
        }
        page.cart = nil
    }

    /// Reads those rows of the next piece that are picked by their number and then by their standing.
    mutating func associations(
        _ page: inout Page, _ names: inout RunNames, rows: @escaping (Int) -> Bool,
        where isWanted: (Int, Standing) throws -> Bool
    ) throws -> [(row: Int, stored: StoredAssociation)] {
        let scan = try PreparedStatement(
            db,
            """
            SELECT \(Self.columns), cart, owner, owner_kind FROM association
            WHERE cart > ? AND picks(?) ORDER BY cart, owner_kind, owner
            """)
        let end = page.next + Self.pageRows
        // Behind the piece's size each row is looked at for its cart.
        let pick = RowPick(first: page.next) { $0 >= end || rows($0) }
        defer { withExtendedLifetime(pick) { scan.reset() } }
        scan.bind(page.start, at: 1)
        scan.bind(pick, at: 2)
        var found: [(row: Int, stored: StoredAssociation)] = []
        var last: String?
        while try scan.step() {
            page.next = pick.number
            if pick.number >= end {
                let cart = scan.text(7)
                if let last, last != cart {
                    page.cart = last
                    return found
                }
                last = cart
                guard rows(pick.number) else { continue }
            }
            let standing = try standing(scan)
            guard standing.ownerKind == StoredCodes.ownerKind(scan.int(9)) else {
                throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a row says two kinds of owner")
            }
            guard try isWanted(pick.number, standing) else { continue }
            let stored = try association(scan, owner: scan.text(8), cart: scan.text(7), &names)
            found.append((pick.number, stored))
        }
        page.next = pick.number + 1
        page.cart = nil
        return found
    }

    /// Goes through all rows and shows the owners of those that `isWanted` picks.
    mutating func forEachOwner(
        _ isWanted: (Standing) throws -> Bool, _ visit: (OwnerKind, Span<UInt8>) throws -> Void
    ) throws {
        let scan = try PreparedStatement(
            db, "SELECT fingerprint, standing, owner FROM association ORDER BY cart, owner_kind, owner")
        defer { scan.reset() }
        while try scan.step() {
            let standing = try standing(scan)
            if try isWanted(standing) { try scan.withBytes(2) { try visit(standing.ownerKind, $0) } }
        }
    }

    /// One row in full; nil if there is no such row.
    mutating func association(at key: Key, _ names: inout RunNames) throws -> StoredAssociation? {
        let point = try PreparedStatement(
            db, "SELECT \(Self.columns) FROM association WHERE cart = ? AND owner_kind = ? AND owner = ?", isKept: true)
        point.bind(key.cart, at: 1)
        point.bind(key.ownerKind, at: 2)
        point.bind(key.owner, at: 3)
        defer { point.reset() }
        guard try point.step() else { return nil }
        return try association(point, owner: key.owner, cart: key.cart, &names)
    }

    /// What a row says without its key.
    private static let columns = "fingerprint, standing, since, run, export, record, line"

    private mutating func association(
        _ row: PreparedStatement, owner: String, cart: String, _ names: inout RunNames
    ) throws -> StoredAssociation {
        guard let cart = CartID(cart), let owner = OwnerID(owner) else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "an association's ids are not usable ids")
        }
        let standing = PackedStanding(code: row.integer(1))
        let run = row.isNull(3) ? nil : row.integer(3)
        return StoredAssociation(
            association: CartAssociations.Association(standing.ownerKind, owner, cart),
            fingerprint: try row.fingerprint(0), sources: sets.sources(of: standing.sources),
            confirmation: standing.confirmation, since: row.date(2),
            run: try run.flatMap { try names.name(of: $0, db) }, runNumber: run, place: row.place(from: 4))
    }

    private mutating func standing(_ row: PreparedStatement) throws -> Standing {
        let packed = PackedStanding(code: row.integer(1))
        if packed.sources != lastSet {
            lastSet = packed.sources
            lastView = (sets.contains(source, in: lastSet), sets.containsOthers(than: source, in: lastSet))
        }
        return Standing(
            fingerprint: try row.fingerprint(0), ownerKind: packed.ownerKind, confirmation: packed.confirmation,
            isAsserted: lastView.isAsserted, isAssertedByOthers: lastView.isAssertedByOthers)
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
