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
        var standings: [Standing] = []
        var wanted: [StoredAssociation] = []
        /// Where the next page begins; nil after the last one.
        var last: Key?
    }

    private let source: String
    private let sets: SourceSets
    private let runs: [Int64: String]
    private let scan: PreparedStatement
    private let point: PreparedStatement
    /// For each set of sources met so far, whether it holds the source, and any other.
    private var views: [Int64: (isAsserted: Bool, isAssertedByOthers: Bool)] = [:]

    private static let pageRows = 20_000

    init(_ db: Database, source: String) throws {
        self.source = source
        sets = try SourceSets(db)
        var runs: [Int64: String] = [:]
        for row in try Row.fetchAll(db, sql: "SELECT number, id FROM run") { runs[row[0]] = row[1] }
        self.runs = runs
        scan = try PreparedStatement(
            db,
            """
            SELECT high, low, owner_kind, sources, confirmation, cart, owner FROM association
            WHERE (cart, owner_kind, owner) > (?, ?, ?) ORDER BY cart, owner_kind, owner LIMIT \(Self.pageRows)
            """)
        point = try PreparedStatement(
            db,
            """
            SELECT high, low, sources, confirmation, since, run, export, record, line FROM association
            WHERE cart = ? AND owner_kind = ? AND owner = ?
            """)
    }

    /// The rows behind a key, or the first ones: the standing of each, and in full those that are wanted.
    mutating func page(after key: Key?, _ isWanted: (Standing) throws -> Bool) throws -> Page {
        var page = Page()
        page.standings.reserveCapacity(Self.pageRows)
        // No cart has an empty id: this is before the first row.
        bind(key ?? Key(cart: "", ownerKind: 0, owner: ""), to: scan)
        while try scan.step() {
            let standing = standing()
            page.standings.append(standing)
            if try isWanted(standing), let association = try association(at: scannedKey) {
                page.wanted.append(association)
            }
            if page.standings.count == Self.pageRows { page.last = scannedKey }
        }
        scan.reset()
        return page
    }

    /// One row in full; nil where there is none.
    func association(at key: Key) throws -> StoredAssociation? {
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
            since: Date(timeIntervalSince1970: TimeInterval(point.integer(4))), run: runs[point.integer(5)],
            place: place)
    }

    private var scannedKey: Key { Key(cart: scan.text(5), ownerKind: scan.int(2), owner: scan.text(6)) }

    private mutating func standing() -> Standing {
        let set = scan.integer(3)
        let view: (isAsserted: Bool, isAssertedByOthers: Bool)
        if let known = views[set] {
            view = known
        } else {
            view = (sets.contains(source, in: set), sets.containsOthers(than: source, in: set))
            views[set] = view
        }
        return Standing(
            fingerprint: Fingerprint(high: scan.bits(0), low: scan.bits(1)),
            ownerKind: StoredCodes.ownerKind(scan.int(2)), confirmation: Ledger.Confirmation(rawValue: scan.int(4)),
            isAsserted: view.isAsserted, isAssertedByOthers: view.isAssertedByOthers)
    }

    private func bind(_ key: Key, to statement: PreparedStatement) {
        statement.bind(key.cart, at: 1)
        statement.bind(key.ownerKind, at: 2)
        statement.bind(key.owner, at: 3)
    }
}
