import DurableFiles
import Foundation
import GRDB

/// What a new ledger keeps of the old one: which exports the sources have applied, and what was seen of them.
///
/// Without it the versions of exports that are still at a source would be new: changes would be applied again.
package struct KeptMemory: Sendable, Hashable, Codable {
    /// Runs whose exports are known to be applied.
    package var runs = 0
    /// Versions of exports that were seen.
    package var seen = 0
    /// Why nothing is kept, or not all, without a full stop; nil if everything is.
    package var problem: String?

    package init(runs: Int = 0, seen: Int = 0, problem: String? = nil) {
        (self.runs, self.seen, self.problem) = (runs, seen, problem)
    }
}

extension LedgerReplacement {
    private struct Run {
        let record: RunRecord
        let creates: Int
        let deletes: Int
        let exports: [Row]
    }

    /// Takes what the old ledger knows of exports into the new one, which has no run yet. The old one is only read.
    ///
    /// Throws if the new one cannot be written.
    ///
    /// - Parameter run: the run of the new ledger, which takes the place of those that were stopped.
    package func keepMemory(inPlaceOf run: String) throws(LedgerError) -> KeptMemory {
        guard FileSystem.exists(files.database) else { return KeptMemory(problem: "the old ledger is gone") }
        var runs: [Run]
        let seen: [Row]
        let removed: [Row]
        let problem: String?
        do {
            var configuration = Configuration()
            configuration.readonly = true
            let old = try DatabaseQueue(path: files.database, configuration: configuration)
            guard let identity = try old.read({ try LedgerIdentity.fetch($0) }), identity.store == ledger.store else {
                return KeptMemory(problem: "the old ledger belongs to another store")
            }
            let marker = (try? LedgerMarker.read(files)) ?? nil
            guard marker.map({ $0.ledger == identity.ledger }) ?? true else {
                return KeptMemory(problem: "what lies in its place is another ledger")
            }
            let revision = try ledger.revision()
            let isOlder = identity.ledger == ledger.id && identity.revision < revision
            problem =
                isOlder
                ? "the old ledger is older than the backup" : Self.doubt(marker, revision: identity.revision)
            runs = try old.read(Self.appliedRuns)
            seen = try old.read { db in
                try db.tableExists("seen_export") ? Row.fetchAll(db, sql: "SELECT * FROM seen_export") : []
            }
            removed = try old.read { db in
                try db.tableExists("removed_history") ? Row.fetchAll(db, sql: "SELECT * FROM removed_history") : []
            }
            try old.close()
        } catch {
            return KeptMemory(problem: "the old ledger cannot be read")
        }
        // A backup that is put back has its own, up to the day when it was made.
        var since: [Run] = []
        for run in runs where try ledger.run(run.record.id) == nil { since.append(run) }
        runs = since
        try ledger.writing("keep what the old ledger knows of exports") { db in
            for old in runs { try Self.insert(old, inPlaceOf: run, db) }
            for row in seen { try Self.insert(row, into: "seen_export", db) }
            for row in removed {
                try Ledger.noteRemoval(db, of: row["source"], newest: row["newest"], exportsUntil: row["exports_until"])
            }
        }
        try ledger.advanceMarker()
        return KeptMemory(runs: runs.count, seen: seen.count, problem: problem)
    }

    /// Why a ledger that can be read may not know everything.
    private static func doubt(_ marker: LedgerMarker.Contents?, revision: Int64) -> String? {
        guard let marker else { return "its marker is gone, so that it may be an older copy" }
        return marker.revision > revision ? "the old ledger is an older copy, and does not know what came later" : nil
    }

    /// The runs that wrote to the store, oldest first, with their exports.
    private static func appliedRuns(_ db: Database) throws -> [Run] {
        try Row.fetchAll(db, sql: "SELECT number, creates, deletes, record FROM run ORDER BY number").compactMap {
            row in
            let text: String = row["record"]
            guard let record = try? JSONDecoder().decode(RunRecord.self, from: Data(text.utf8)),
                [.finished, .applying, .stopped].contains(record.state)
            else { return nil }
            let exports = try Row.fetchAll(
                db, sql: "SELECT * FROM export WHERE run = ? ORDER BY id", arguments: [row["number"] as Int64])
            return Run(record: record, creates: row["creates"], deletes: row["deletes"], exports: exports)
        }
    }

    private static func insert(_ old: Run, inPlaceOf run: String, _ db: Database) throws {
        var record = old.record
        if record.state != .finished {
            // Its journal is gone, so nobody can go on with it.
            (record.state, record.supersededBy) = (.stopped, record.supersededBy ?? run)
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try db.execute(
            sql:
                "INSERT INTO run (id, source, state, saved_plan, creates, deletes, record) VALUES (?, ?, ?, ?, ?, ?, ?)",
            arguments: [
                record.id, record.source, record.state.rawValue, record.savedPlan, old.creates, old.deletes,
                String(decoding: try encoder.encode(record), as: UTF8.self),
            ])
        let number = db.lastInsertedRowID
        for export in old.exports { try insert(export, into: "export", changing: ["id": nil, "run": number], db) }
    }

    /// Inserts a row with the columns that both tables have: an older ledger has fewer.
    private static func insert(
        _ row: Row, into table: String, changing changes: [String: Int64?] = [:], _ db: Database
    ) throws {
        let columns = Set(try db.columns(in: table).map(\.name))
        let values = row.filter { columns.contains($0.0) }
        let names = values.map(\.0).joined(separator: ", ")
        let marks = values.map { _ in "?" }.joined(separator: ", ")
        let arguments = values.map { name, value in changes[name].map { $0?.databaseValue ?? .null } ?? value }
        try db.execute(
            sql: "INSERT OR REPLACE INTO \(table) (\(names)) VALUES (\(marks))",
            arguments: StatementArguments(arguments))
    }
}
