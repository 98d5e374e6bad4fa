package import CartAssociations
import Foundation
import GRDB

extension Ledger {
    /// The runs that can go on and still have changes of an owner to make.
    package func runsToDo(of owner: Owner) throws(LedgerError) -> [String] {
        let ids = try reading("look for changes of an owner") { db in
            try String.fetchAll(
                db,
                sql: """
                    SELECT DISTINCT run.id FROM entry JOIN run ON run.number = entry.id >> 32
                    LEFT JOIN outcome ON outcome.entry = entry.id
                    WHERE entry.owner = ? AND entry.owner_kind = ? AND outcome.entry IS NULL
                        AND run.state IN ('applying', 'stopped')
                    """,
                arguments: [owner.id.text, StoredCodes.code(owner.kind)])
        }
        var runs: [String] = []
        for id in ids where try run(id)?.isResumable == true { runs.append(id) }
        return runs
    }

    /// Removes an owner: its associations go, and in every journal another name stands in its place. What was there is
    /// overwritten on the disk, and nothing of it stays in the write-ahead log unless somebody reads the ledger meanwhile.
    ///
    /// - Parameters:
    ///   - name: what stands in its place; see `OwnerNames.forgotten`.
    ///   - redact: takes the owner out of a sentence.
    /// - Returns: how many associations are removed, and how many planned changes have another name.
    package func erase(
        _ owner: Owner, as name: OwnerID, redact: (String) -> String
    ) throws(LedgerError) -> (associations: Int, changes: Int) {
        let counts = try writing("remove an owner") { db in
            let key: StatementArguments = [owner.id.text, StoredCodes.code(owner.kind)]
            try db.execute(sql: "DELETE FROM association WHERE owner = ? AND owner_kind = ?", arguments: key)
            let associations = db.changesCount
            for table in ["owner_key", "listed_key"] {
                try db.execute(sql: "DELETE FROM \(table) WHERE owner = ?", arguments: [owner.id.text])
            }
            let entries = try Int64.fetchAll(
                db, sql: "SELECT id FROM entry WHERE owner = ? AND owner_kind = ?", arguments: key)
            for id in entries {
                let message = try String.fetchOne(
                    db, sql: "SELECT message FROM outcome WHERE entry = ?", arguments: [id])
                if let message {
                    try db.execute(
                        sql: "UPDATE outcome SET message = ? WHERE entry = ?", arguments: [redact(message), id])
                }
                try db.execute(
                    sql: "UPDATE entry SET owner = ?, fingerprint = randomblob(16) WHERE id = ?",
                    arguments: [name.text, id])
            }
            let runs = try String.fetchAll(
                db, sql: "SELECT id FROM run WHERE instr(record, ?) > 0", arguments: [owner.id.text])
            for id in runs { try Self.redactReason(of: id, db, redact) }
            return (associations, entries.count)
        }
        try advanceMarker()
        do {
            try database.writeWithoutTransaction { db in
                _ = try Row.fetchAll(db, sql: "PRAGMA wal_checkpoint(TRUNCATE)")
            }
        } catch {
            throw LedgerError(error, doing: "overwrite what is removed", folder: folder)
        }
        return counts
    }
}
