import CartAssociations
import Foundation
import GRDB

extension Ledger {
    /// Records the exports of a run and whether its plan was accepted; recording the same run again replaces it.
    ///
    /// `isSnapshot` is false for a delta, whose volume says nothing about the next one's.
    package func recordExports(
        _ exports: [RunRecord.Export], source: String, run: String, isSnapshot: Bool, isAccepted: Bool
    ) throws(LedgerError) {
        try writing("record an export") { db in
            let number = try Self.number(db, of: run)
            try db.execute(sql: "DELETE FROM export WHERE run = ?", arguments: [number])
            for export in exports {
                try db.execute(
                    sql: """
                        INSERT INTO export (source, digest, run, records, bytes, is_snapshot, is_accepted)
                        VALUES (?, ?, ?, ?, ?, ?, ?)
                        """,
                    arguments: [source, export.digest, number, export.records, export.bytes, isSnapshot, isAccepted])
            }
        }
    }

    /// The records of the last accepted snapshots of a source, newest first; the exports of one run count together.
    package func acceptedVolumes(of source: String, limit: Int = Guard.volumeHistory) throws(LedgerError) -> [Int] {
        try reading("read the volumes of earlier exports") { db in
            try Int.fetchAll(
                db,
                sql: """
                    SELECT sum(records) FROM export WHERE source = ? AND is_accepted AND is_snapshot
                    GROUP BY run ORDER BY run DESC LIMIT ?
                    """,
                arguments: [source, limit])
        }
    }
}
