import CartAssociations
import Foundation
import GRDB

/// Finds and changes single rows of the associations' table.
struct AssociationRows {
    private let select: PreparedStatement
    fileprivate let update: PreparedStatement
    private let delete: PreparedStatement

    private static let key = "WHERE cart = ?1 AND owner_kind = ?2 AND owner = ?3"

    init(_ db: Database) throws {
        select = try PreparedStatement(db, "SELECT standing FROM association \(Self.key)", isKept: true)
        update = try PreparedStatement(db, "UPDATE association SET standing = ?4 \(Self.key)", isKept: true)
        delete = try PreparedStatement(db, "DELETE FROM association \(Self.key)", isKept: true)
    }

    func find(_ association: CartAssociations.Association) throws -> AssociationRow? {
        select.bind(key: association)
        defer { select.reset() }
        guard try select.step() else { return nil }
        return AssociationRow(
            table: self, association: association, standing: PackedStanding(code: select.integer(0)))
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
    let standing: PackedStanding

    var sources: Int64 { standing.sources }
    var confirmation: Ledger.Confirmation? { standing.confirmation }

    func update(sources: Int64, confirmation: Ledger.Confirmation?) throws {
        table.update.bind(key: association)
        table.update.bind(PackedStanding(standing.ownerKind, confirmation, sources: sources).code, at: 4)
        try table.update.run()
    }

    func delete() throws { try table.remove(association) }
}

/// Makes rows say that their associations exist.
struct ConfirmationWriter {
    private let upsert: PreparedStatement

    init(_ db: Database) throws {
        upsert = try PreparedStatement(
            db,
            """
            INSERT INTO association
                (cart, owner_kind, owner, fingerprint, standing, since, run, export, record, line)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
            ON CONFLICT (cart, owner_kind, owner) DO UPDATE SET
                standing = (standing & ~\(PackedStanding.confirmationBits)) | ?11, since = ?6, run = ?7,
                export = CASE WHEN run IS ?7 THEN export ELSE ?8 END,
                record = CASE WHEN run IS ?7 THEN record ELSE ?9 END,
                line = CASE WHEN run IS ?7 THEN line ELSE ?10 END
            """, isKept: true)
    }

    /// `sources` only counts where the ledger does not know the association yet, and `place` where it does not know
    /// it from this run: a place is a record of the run's own exports.
    func confirm(
        _ association: CartAssociations.Association, _ fingerprint: Fingerprint, as confirmation: Ledger.Confirmation,
        sources: Int64, run: Int64?, place: RecordPlace? = nil, at: Date
    ) throws {
        upsert.bind(key: association)
        upsert.bind(fingerprint, at: 4)
        upsert.bind(PackedStanding(association.owner.kind, confirmation, sources: sources).code, at: 5)
        upsert.bind(Int64(at.timeIntervalSince1970), at: 6)
        upsert.bind(run, at: 7)
        upsert.bind(place?.export, at: 8)
        upsert.bind(place?.record, at: 9)
        upsert.bind(place?.line, at: 10)
        upsert.bind(PackedStanding.bits(of: confirmation), at: 11)
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
        select = try PreparedStatement(db, "SELECT standing FROM association \(key)")
        insert = try PreparedStatement(
            db,
            """
            INSERT INTO association
                (cart, owner_kind, owner, fingerprint, export, record, line, standing, since, run)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING
            """)
        update = try PreparedStatement(
            db,
            """
            UPDATE association SET fingerprint = ?4, export = ?5, record = ?6, line = ?7, standing = ?8, since = ?9,
                run = ?10 \(key)
            """)
        let number = try Ledger.number(db, of: run)
        for statement in [insert, update] {
            statement.bind(Int64(at.timeIntervalSince1970), at: 9)
            statement.bind(number, at: 10)
        }
    }

    /// Writes one record of an `AssertionDraft`.
    mutating func write(_ record: ArraySlice<UInt8>) throws {
        if expectsNew {
            bind(record, to: insert, known: nil, sources: alone)
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
        let known = PackedStanding(code: select.integer(0))
        select.reset()
        bind(record, to: update, known: known, sources: try sets.adding(source, to: known.sources, db))
        try update.run()
    }

    /// Binds a record; how the row is already known to exist stays where the record does not say.
    private func bind(
        _ record: ArraySlice<UInt8>, to statement: PreparedStatement, known: PackedStanding?, sources: Int64
    ) {
        var fields = ByteRecord.Reader(record)
        statement.bind(text: fields.text(), at: 1)
        let ownerKind = Int(fields.byte())
        statement.bind(ownerKind, at: 2)
        statement.bind(text: fields.text(), at: 3)
        fields.bindFingerprint(to: statement, at: 4)
        let confirmation = Ledger.Confirmation(rawValue: Int(fields.byte())) ?? known?.confirmation
        fields.bindPlace(to: statement, from: 5)
        statement.bind(
            PackedStanding(StoredCodes.ownerKind(ownerKind), confirmation, sources: sources).code, at: 8)
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
