package import CartAssociations
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
                        INSERT INTO export
                            (source, digest, run, records, bytes, is_snapshot, is_accepted, time, owner_kinds, orders)
                        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                        """,
                    arguments: [
                        source, export.digest, number, export.records, export.bytes, isSnapshot, isAccepted,
                        export.time?.milliseconds, export.ownerKinds.map(StoredCodes.code), export.orders?.rawValue,
                    ])
            }
        }
    }

    /// The usable records of the last snapshots of a source that were applied, newest first.
    ///
    /// A run that was stopped, or that had nothing to use, says nothing about what is usual.
    package func appliedVolumes(of source: String, limit: Int = Guard.volumeHistory) throws(LedgerError) -> [Int] {
        try reading("read the volumes of earlier exports") { db in
            try Int.fetchAll(
                db,
                sql: """
                    SELECT json_extract(record, '$.figures.usable') FROM run
                    WHERE source = ? AND \(Self.hasVolume) ORDER BY number DESC LIMIT ?
                    """,
                arguments: [source, limit])
        }
    }

    /// The orders that the last accepted snapshot of a source was in that spoke for any of some owner kinds; those that all
    /// exports of its run were in. Nil if there was none, or its orders are not known.
    package func lastOrders(of source: String, kinds: Set<OwnerKind>) throws(LedgerError) -> RecordOrders? {
        try reading("read the order of earlier exports") { db in
            let codes = StoredCodes.code(kinds)
            let found = try Int?.fetchAll(
                db,
                sql: """
                    SELECT orders FROM export WHERE owner_kinds & ? AND is_accepted AND run = (
                        SELECT max(run) FROM export
                        WHERE source = ? AND is_accepted AND is_snapshot AND owner_kinds & ?)
                    """,
                arguments: [codes, source, codes])
            let known = found.compactMap { $0.map(RecordOrders.init(rawValue:)) }
            guard let first = known.first else { return nil }
            return known.dropFirst().reduce(first) { $0.intersection($1) }
        }
    }

    /// What a source has applied, as far as it decides about another export, whose files have these digests.
    package func applied(by source: String, digests: [String]) throws(LedgerError) -> AppliedExports {
        try reading("read the exports that were applied") { db in
            var applied = AppliedExports()
            applied.last = try Self.lastApplied(db, by: source)
            let same = try Row.fetchOne(
                db,
                sql: """
                    SELECT max(export.time) AS time, run.id AS run FROM export JOIN run ON run.number = export.run
                    WHERE export.source = ? AND export.digest = ? AND is_accepted AND run.state = ?
                        AND export.time IS NOT NULL
                        AND (SELECT count(DISTINCT digest) FROM export AS other WHERE other.run = export.run
                            AND other.source = export.source
                            AND other.digest IN (SELECT value FROM json_each(?))) = ?
                    """,
                arguments: [
                    source, digests.first ?? "", RunRecord.State.finished.rawValue,
                    String(decoding: try JSONEncoder().encode(digests), as: UTF8.self), Set(digests).count,
                ])
            if let same, let time: Int64 = same["time"] {
                applied.sameBytes = .init(run: same["run"], time: .milliseconds(time))
            }
            applied.removedUntil = try Int64.fetchOne(
                db, sql: "SELECT exports_until FROM removed_history WHERE source = ?", arguments: [source]
            ).map(Duration.milliseconds)
            applied.snapshots = try Row.fetchAll(db, sql: Self.newestSnapshots, arguments: [source]).map { row in
                .init(
                    export: .init(run: row["run"], time: .milliseconds(row["time"] as Int64)),
                    ownerKinds: StoredCodes.ownerKinds(row["owner_kinds"]))
            }
            return applied
        }
    }

    /// The last run of a source that wrote to the store, also if it took an earlier one back; nil if it is not over.
    private static func lastApplied(_ db: Database, by source: String) throws -> AppliedExports.Last? {
        let text = try String.fetchOne(
            db, sql: "SELECT record FROM run WHERE source = ? AND \(hasWritten) ORDER BY number DESC LIMIT 1",
            arguments: [source])
        guard let text, let run = try? JSONDecoder().decode(RunRecord.self, from: Data(text.utf8)),
            run.state == .finished
        else { return nil }
        let digests = try String.fetchAll(
            db, sql: "SELECT digest FROM export WHERE run = ? AND is_accepted ORDER BY id",
            arguments: [try Self.number(db, of: run.id)])
        return .init(run: run.id, digests: digests, exitStatus: run.exitStatus)
    }

    /// What the row of a run says if the run wrote to the store.
    private static let hasWritten = "state IN ('applying', 'finished', 'stopped')"
    /// What the row of a run says if the run tells of the usual volume of snapshots.
    private static let hasVolume = """
        state = 'finished' AND json_extract(record, '$.figures.isSnapshot')
            AND json_extract(record, '$.figures.usable') > 0
        """
    /// The newest snapshot of a source for each set of owner kinds, with its run.
    private static let newestSnapshots = """
        SELECT max(export.time) AS time, owner_kinds, run.id AS run, run.number AS number
        FROM export JOIN run ON run.number = export.run
        WHERE export.source = ? AND is_accepted AND is_snapshot AND export.time IS NOT NULL AND owner_kinds IS NOT NULL
        GROUP BY owner_kinds
        """

    /// The numbers of the runs by which the next export of a source is judged, and by which it is told how the source fares.
    static func decidingRuns(_ db: Database, of source: String) throws -> Set<Int64> {
        var numbers: Set<Int64> = []
        for (condition, limit) in [(hasWritten, 1), (isEnded, 1), (isSuccess, 1), (hasVolume, Guard.volumeHistory)] {
            numbers.formUnion(
                try Int64.fetchAll(
                    db, sql: "SELECT number FROM run WHERE source = ? AND \(condition) ORDER BY number DESC LIMIT ?",
                    arguments: [source, limit]))
        }
        numbers.formUnion(
            try Row.fetchAll(db, sql: newestSnapshots, arguments: [source]).map { $0["number"] as Int64 })
        // `lastOrders` asks for any of some kinds, which is the newest of those of each set.
        numbers.formUnion(
            try Int64.fetchAll(
                db,
                sql: """
                    SELECT max(run) FROM export WHERE source = ? AND is_accepted AND is_snapshot AND owner_kinds IS NOT NULL
                    GROUP BY owner_kinds
                    """,
                arguments: [source]))
        return numbers
    }
}

/// What a source has applied, as far as it decides about another export. A run counts once its plan was accepted.
package struct AppliedExports: Sendable, Hashable {
    /// An export that was applied.
    package struct Export: Sendable, Hashable {
        package let run: String
        /// The time that counts for its order, since 1970.
        package let time: Duration

        package init(run: String, time: Duration) {
            self.run = run
            self.time = time
        }
    }

    /// The last run of the source that wrote to the store.
    package struct Last: Sendable, Hashable {
        package let run: String
        /// The SHA-256 of the exports that it applied; empty if it took another run back.
        package let digests: [String]
        package let exitStatus: ExitStatus?

        package init(run: String, digests: [String], exitStatus: ExitStatus?) {
            self.run = run
            self.digests = digests
            self.exitStatus = exitStatus
        }
    }

    /// The newest snapshot of some owner kinds.
    package struct Snapshot: Sendable, Hashable {
        package let export: Export
        package let ownerKinds: Set<OwnerKind>

        package init(export: Export, ownerKinds: Set<OwnerKind>) {
            self.export = export
            self.ownerKinds = ownerKinds
        }
    }

    /// Nil if nothing was applied, or the last run is not over.
    package var last: Last?
    /// The newest run that is over and applied the same bytes, also if it applied more with them.
    package var sameBytes: Export?
    /// The newest snapshot of each set of owner kinds, also if its run is not over.
    package var snapshots: [Snapshot] = []
    /// Until when exports, since 1970, may have been applied by runs that are removed; nil if none is.
    package var removedUntil: Duration?

    package init() {}
}
