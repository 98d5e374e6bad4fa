import CartAssociations
import Foundation
import GRDB

/// Finds and changes single rows of the associations' table.
struct AssociationRows {
    private let select: PreparedStatement
    fileprivate let update: PreparedStatement
    fileprivate let delete: PreparedStatement

    private static let key = "WHERE cart = ?1 AND owner_kind = ?2 AND owner = ?3"

    init(_ db: Database) throws {
        select = try PreparedStatement(db, "SELECT sources, confirmation FROM association \(Self.key)")
        update = try PreparedStatement(
            db, "UPDATE association SET sources = ?4, confirmation = ?5 \(Self.key)")
        delete = try PreparedStatement(db, "DELETE FROM association \(Self.key)")
    }

    func find(_ association: CartAssociations.Association) throws -> AssociationRow? {
        select.bind(key: association)
        defer { select.reset() }
        guard try select.step() else { return nil }
        return AssociationRow(
            table: self, association: association, sources: select.integer(0),
            confirmation: Ledger.Confirmation(rawValue: select.int(1)))
    }

    func remove(_ association: CartAssociations.Association) throws {
        delete.bind(key: association)
        try delete.run()
    }
}

/// What one row says, and changes to it.
struct AssociationRow {
    fileprivate let table: AssociationRows
    let association: CartAssociations.Association
    let sources: Int64
    let confirmation: Ledger.Confirmation?

    func update(sources: Int64, confirmation: Ledger.Confirmation?) throws {
        table.update.bind(key: association)
        table.update.bind(sources, at: 4)
        table.update.bind(confirmation?.rawValue, at: 5)
        try table.update.run()
    }

    func delete() throws { try table.remove(association) }
}

/// Makes rows say that their associations exist.
struct ConfirmationWriter {
    private let upsert: PreparedStatement

    init(_ db: Database, run: Int64?) throws {
        upsert = try PreparedStatement(
            db,
            """
            INSERT INTO association
                (cart, owner_kind, owner, high, low, sources, confirmation, since, run, export, record, line)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
            ON CONFLICT (cart, owner_kind, owner) DO UPDATE SET confirmation = ?7, since = ?8, run = ?9
            """)
        upsert.bind(run, at: 9)
    }

    /// `sources` and `place` only count where the ledger does not know the association yet.
    func confirm(
        _ association: CartAssociations.Association, _ fingerprint: Fingerprint, as confirmation: Ledger.Confirmation,
        sources: Int64,
        place: RecordPlace? = nil, at: Date
    ) throws {
        upsert.bind(key: association)
        upsert.bind(bits: fingerprint.high, at: 4)
        upsert.bind(bits: fingerprint.low, at: 5)
        upsert.bind(sources, at: 6)
        upsert.bind(confirmation.rawValue, at: 7)
        upsert.bind(Int64(at.timeIntervalSince1970), at: 8)
        upsert.bind(place?.export, at: 10)
        upsert.bind(place?.record, at: 11)
        upsert.bind(place?.line, at: 12)
        try upsert.run()
    }
}

/// Adds a source to the rows of a draft, and makes those that are missing.
struct AssertionWriter {
    private let db: Database
    private let source: String
    private var sets: SourceSets
    private let select: PreparedStatement
    private let insert: PreparedStatement
    private let update: PreparedStatement
    private let alone: Int64
    /// Whether the next row is probably not there yet, because the last one was not: new rows come in masses, and
    /// looking for each first would cost as much as making it.
    private var expectsNew = true

    init(_ db: Database, source: String, run: String, at: Date) throws {
        self.db = db
        self.source = source
        sets = try SourceSets(db)
        alone = try sets.adding(source, to: SourceSets.empty, db)
        let key = "WHERE cart = ?1 AND owner_kind = ?2 AND owner = ?3"
        select = try PreparedStatement(db, "SELECT sources, confirmation FROM association \(key)")
        insert = try PreparedStatement(
            db,
            """
            INSERT INTO association
                (cart, owner_kind, owner, high, low, confirmation, export, record, line, sources, since, run)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) ON CONFLICT DO NOTHING
            """)
        update = try PreparedStatement(
            db,
            """
            UPDATE association SET high = ?4, low = ?5, confirmation = ?6, export = ?7, record = ?8, line = ?9, sources = ?10, since = ?11,
                run = ?12 \(key)
            """)
        let number = try Ledger.number(db, of: run)
        for statement in [insert, update] {
            statement.bind(Int64(at.timeIntervalSince1970), at: 11)
            statement.bind(number, at: 12)
        }
    }

    /// Writes one record of an `AssertionDraft`.
    mutating func write(_ record: ArraySlice<UInt8>) throws {
        if expectsNew {
            bind(record, to: insert, known: nil)
            insert.bind(alone, at: 10)
            try insert.run()
            if db.changesCount == 1 { return }
            expectsNew = false
        }
        var fields = ByteRecord.Reader(record)
        select.bind(text: fields.text(), at: 1)
        select.bind(Int(fields.byte()), at: 2)
        select.bind(text: fields.text(), at: 3)
        guard try select.step() else {
            select.reset()
            expectsNew = true
            return try write(record)
        }
        let (sources, confirmation) = (select.integer(0), select.int(1))
        select.reset()
        bind(record, to: update, known: confirmation)
        update.bind(try sets.adding(source, to: sources, db), at: 10)
        try update.run()
    }

    /// Binds everything but the sources; a known confirmation stays where the record has none.
    private func bind(_ record: ArraySlice<UInt8>, to statement: PreparedStatement, known: Int?) {
        var fields = ByteRecord.Reader(record)
        statement.bind(text: fields.text(), at: 1)
        statement.bind(Int(fields.byte()), at: 2)
        statement.bind(text: fields.text(), at: 3)
        fields.bindFingerprint(to: statement, from: 4)
        let asserted = Int(fields.byte())
        let confirmation = asserted == 0 ? known ?? 0 : asserted
        statement.bind(confirmation == 0 ? nil : confirmation, at: 6)
        fields.bindPlace(to: statement, from: 7)
    }
}

extension PreparedStatement {
    /// Binds the key of an association's row to the first three parameters.
    fileprivate func bind(key association: CartAssociations.Association) {
        bind(association.cart.text, at: 1)
        bind(StoredCodes.code(association.owner.kind), at: 2)
        bind(association.owner.id.text, at: 3)
    }
}
