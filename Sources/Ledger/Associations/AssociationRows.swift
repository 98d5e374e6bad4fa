import CartAssociations
import Foundation
import GRDB

/// Finds and changes single rows of the associations' table.
struct AssociationRows {
    private let select: PreparedStatement
    fileprivate let update: PreparedStatement
    private let delete: PreparedStatement

    fileprivate static let key = "WHERE cart = ?1 AND owner_kind = ?2 AND owner = ?3"
    /// Makes a row; its parameters are the columns in this order.
    fileprivate static let insert = """
        INSERT INTO association (cart, owner_kind, owner, fingerprint, export, record, line, standing, since, run)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
        """

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
            \(AssociationRows.insert) ON CONFLICT (cart, owner_kind, owner) DO UPDATE SET
                standing = CASE WHEN standing & \(PackedStanding.confirmationBits) = \(PackedStanding.bits(of: .created))
                    THEN standing ELSE (standing & ~\(PackedStanding.confirmationBits)) | ?11 END,
                since = ?9, run = ?10,
                export = CASE WHEN run IS ?10 THEN export ELSE ?5 END,
                record = CASE WHEN run IS ?10 THEN record ELSE ?6 END,
                line = CASE WHEN run IS ?10 THEN line ELSE ?7 END
            """, isKept: true)
    }

    /// `sources` only counts if the ledger does not know the association yet, and `place` if it does not know
    /// it from this run: a place is a record of the run's own exports.
    func confirm(
        _ association: CartAssociations.Association, _ fingerprint: Fingerprint, as confirmation: Ledger.Confirmation,
        sources: Int64, run: Int64?, place: RecordPlace? = nil, at: Date
    ) throws {
        upsert.bind(key: association)
        upsert.bind(fingerprint, at: 4)
        upsert.bind(place?.export, at: 5)
        upsert.bind(place?.record, at: 6)
        upsert.bind(place?.line, at: 7)
        upsert.bind(PackedStanding(association.owner.kind, confirmation, sources: sources).code, at: 8)
        upsert.bind(Int64(at.timeIntervalSince1970), at: 9)
        upsert.bind(run, at: 10)
        upsert.bind(PackedStanding.bits(of: confirmation), at: 11)
        try upsert.run()
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
