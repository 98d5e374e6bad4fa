package import Foundation
import GRDB

/// How long runs are kept, with their journals and reports.
package struct RunRetention: Sendable, Hashable {
    /// The most runs that are kept, at least 1.
    package var most = 10_000
    /// The age from which on a run is no longer kept.
    package var age = Duration.seconds(400 * 86_400)
    /// How long ago the deletes of a source count in its guards.
    package var window: Duration
    /// The same for single sources, by their names.
    package var windows: [String: Duration] = [:]

    /// So many of the newest runs are kept, however old they are.
    package static let least = 50

    package init(window: Duration) { self.window = window }
}

extension Ledger {
    /// Runs that one transaction looks at; each takes a fraction of a millisecond.
    private static let runsPerStep = 20
    /// Rows of a journal that one transaction removes, which takes some milliseconds.
    private static let entriesPerStep = 1000

    /// Forgets the oldest runs that are no longer kept, with their exports, in one short transaction. What is left of them
    /// then, journals and folders, is for `removedRuns` and `removeJournals`.
    ///
    /// However old a run is, it stays if it is not over or can go on, if it waits for a person, if it is one of the newest, if
    /// its deletes still count in the guards, if the next export of its source is judged by it, if it applied an export with a
    /// time that is still to come, or if a run that can go on takes it back. The revision does not move, since nothing is
    /// decided differently without the others: until when their exports were made is remembered.
    ///
    /// - Parameters:
    ///   - waiting: runs that wait for a person.
    ///   - id: where the last look ended; empty for the oldest run.
    /// - Returns: where the next look begins; nil if there is nothing more to remove now.
    package func forgetRuns(
        by retention: RunRetention, waiting: Set<String>, now: Date, after id: String = ""
    ) throws(LedgerError) -> String? {
        try noting("forget runs that are no longer kept") { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT number, id, source, state, json_extract(record, '$.supersededBy') AS later,
                        deletes > 0 AND json_extract(record, '$.approvedDeletes') IS NULL AS counts
                    FROM run WHERE id > ? ORDER BY id LIMIT ?
                    """,
                arguments: [id, Self.runsPerStep])
            // Ids begin with the time.
            let oldest = RunRecord.time(of: now - retention.age / .seconds(1))
            var excess = (try Int.fetchOne(db, sql: "SELECT count(*) FROM run") ?? 0) - retention.most
            guard let first = rows.first, first["id"] < oldest || excess > 0 else { return nil }
            var needed = try NeededRuns(db, retention, waiting, now)
            for row in rows {
                guard row["id"] < oldest || excess > 0 else { return nil }
                guard try !needed.contains(row) else { continue }
                try Self.forget(row, db)
                excess -= 1
            }
            return rows.count < Self.runsPerStep ? nil : rows.last.map { $0["id"] }
        }
    }

    private static func forget(_ run: Row, _ db: Database) throws {
        let number: Int64 = run["number"]
        // Only what was applied to the end counts as applied, see `applied`.
        let until = try Int64.fetchOne(
            db, sql: "SELECT max(time) FROM export WHERE run = ? AND is_accepted AND ? = 'finished'",
            arguments: [number, run["state"]])
        try noteRemoval(db, of: run["source"], newest: run["id"], exportsUntil: until)
        try db.execute(sql: "DELETE FROM export WHERE run = ?", arguments: [number])
        try db.execute(sql: "DELETE FROM run WHERE number = ?", arguments: [number])
        try db.execute(sql: "INSERT INTO removed_run (number, id) VALUES (?, ?)", arguments: [number, run["id"]])
    }

    /// Remembers of a source which runs are gone, as far as something follows from it; what is known already stays.
    static func noteRemoval(
        _ db: Database, of source: String, newest: String, exportsUntil: Int64?
    ) throws {
        try db.execute(
            sql: """
                INSERT INTO removed_history (source, newest, exports_until) VALUES (?, ?, ?)
                ON CONFLICT (source) DO UPDATE SET
                    newest = max(newest, excluded.newest),
                    exports_until = max(
                        ifnull(exports_until, excluded.exports_until), ifnull(excluded.exports_until, exports_until))
                """,
            arguments: [source, newest, exportsUntil])
    }

    /// Forgotten runs of which a journal or a folder may be left, the oldest first; some of them.
    package func removedRuns() throws(LedgerError) -> [String] {
        try reading("look for what is left of runs") { db in
            try String.fetchAll(
                db, sql: "SELECT id FROM removed_run ORDER BY number LIMIT ?", arguments: [Self.runsPerStep])
        }
    }

    /// Removes a piece of what is left of the journals of forgotten runs, in one short transaction. A run of which nothing is
    /// left is no longer one of `removedRuns`.
    package func removeJournals(of runs: [String]) throws(LedgerError) {
        try noting("remove journals of runs that are no longer kept") { db in
            var left = Self.entriesPerStep
            for run in runs where left > 0 {
                guard
                    let number = try Int64.fetchOne(
                        db, sql: "SELECT number FROM removed_run WHERE id = ?", arguments: [run])
                else { continue }
                let all = Self.entries(of: number)
                let last = try Int64.fetchOne(
                    db, sql: "SELECT id FROM entry WHERE id >= ? AND id < ? ORDER BY id LIMIT 1 OFFSET ?",
                    arguments: [all.lowerBound, all.upperBound, left])
                let end = last ?? all.upperBound
                try db.execute(
                    sql: "DELETE FROM outcome WHERE entry >= ? AND entry < ?", arguments: [all.lowerBound, end])
                try db.execute(sql: "DELETE FROM entry WHERE id >= ? AND id < ?", arguments: [all.lowerBound, end])
                left -= db.changesCount
                if last == nil {
                    try db.execute(sql: "DELETE FROM removed_run WHERE number = ?", arguments: [number])
                }
            }
        }
    }

    /// How many runs are kept, with how many planned changes.
    package func contents() throws(LedgerError) -> (runs: Int, changes: Int) {
        try reading("count runs") { db in
            func count(_ table: String) throws -> Int {
                try Int.fetchOne(db, sql: "SELECT count(*) FROM \(table)") ?? 0
            }
            return (try count("run"), try count("entry"))
        }
    }

    /// The newest run that is no longer kept; nil if all are there.
    package func newestRemovedRun() throws(LedgerError) -> String? {
        try reading("look for runs that are gone") { db in
            try String.fetchOne(db, sql: "SELECT max(newest) FROM removed_history")
        }
    }
}

/// The runs that stay however old they are.
private struct NeededRuns {
    private let db: Database
    private let retention: RunRetention
    private let waiting: Set<String>
    private let now: Date
    /// From this number on all stay.
    private let newest: Int64
    /// The newest of those that had a plan: `latest` and `previous` mean them.
    private let planned: Set<Int64>
    /// Taken back by a run that can go on.
    private let undone: Set<String>
    /// By source, as they are asked for.
    private var deciding: [String: Set<Int64>] = [:]
    private var windows: [String: String] = [:]

    init(_ db: Database, _ retention: RunRetention, _ waiting: Set<String>, _ now: Date) throws {
        (self.db, self.retention, self.waiting, self.now) = (db, retention, waiting, now)
        let least = min(RunRetention.least, retention.most)
        newest =
            try Int64.fetchOne(
                db, sql: "SELECT number FROM run ORDER BY number DESC LIMIT 1 OFFSET ?", arguments: [least - 1]) ?? .min
        planned = Set(
            try Int64.fetchAll(
                db, sql: "SELECT number FROM run WHERE state <> 'failed' ORDER BY number DESC LIMIT ?",
                arguments: [least]))
        undone = Set(
            try String.fetchAll(
                db,
                sql: """
                    SELECT json_extract(record, '$.undone') FROM run
                    WHERE state IN ('planning', 'applying', 'stopped') AND json_extract(record, '$.undone') IS NOT NULL
                        AND json_extract(record, '$.supersededBy') IS NULL
                    """))
    }

    mutating func contains(_ run: Row) throws -> Bool {
        let (number, id, source, state): (Int64, String, String, String) = (
            run["number"], run["id"], run["source"], run["state"]
        )
        if number >= newest || planned.contains(number) || waiting.contains(id) || undone.contains(id) { return true }
        if ["planning", "applying"].contains(state) || state == "stopped" && (run["later"] as String?) == nil {
            return true
        }
        if run["counts"], id >= window(of: source) { return true }
        if try decides(number, source) { return true }
        return try Bool.fetchOne(
            db, sql: "SELECT EXISTS (SELECT 1 FROM export WHERE run = ? AND time > ?)",
            arguments: [number, Int64(now.timeIntervalSince1970 * 1000)]) ?? true
    }

    /// The time from which on the deletes of a source count, as ids of runs begin with it.
    private mutating func window(of source: String) -> String {
        if let window = windows[source] { return window }
        let window = RunRecord.time(of: now - (retention.windows[source] ?? retention.window) / .seconds(1))
        windows[source] = window
        return window
    }

    private mutating func decides(_ number: Int64, _ source: String) throws -> Bool {
        if let known = deciding[source] { return known.contains(number) }
        let runs = try Ledger.decidingRuns(db, of: source)
        deciding[source] = runs
        return runs.contains(number)
    }
}
