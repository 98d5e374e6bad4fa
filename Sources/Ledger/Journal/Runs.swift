package import CartAssociations
package import Foundation
import GRDB

extension Ledger {
    /// Records that a run begins. Its id must be new.
    package func beginRun(_ run: RunRecord) throws(LedgerError) {
        try writing("record a run") { db in
            try db.execute(
                sql: "INSERT INTO run (id, source, state, saved_plan, record) VALUES (?, ?, ?, ?, ?)",
                arguments: [run.id, run.source, run.state.rawValue, run.savedPlan, try Self.encode(run)])
        }
        try advanceMarker()
    }

    /// Changes what is known about a run, in one transaction, and returns it as it is then; nil for an unknown run.
    @discardableResult
    package func updateRun(_ id: String, _ change: (inout RunRecord) -> Void) throws(LedgerError) -> RunRecord? {
        let changed: RunRecord? = try writing("record a run's state") { db in
            guard var run = try Self.fetchRun(db, id) else { return nil }
            change(&run)
            try db.execute(
                sql: "UPDATE run SET source = ?, state = ?, saved_plan = ?, record = ? WHERE id = ?",
                arguments: [run.source, run.state.rawValue, run.savedPlan, try Self.encode(run), id])
            return run
        }
        try advanceMarker()
        return changed
    }

    /// Records a run that ended before it changed anything. One that the ledger knows already is changed only if it was still
    /// planning.
    ///
    /// The revision stays as it is: what was planned or stopped before is as good as it was.
    package func recordFailure(of run: RunRecord) throws(LedgerError) {
        do {
            try database.write { db in
                let known = try Self.fetchRun(db, run.id)
                guard known == nil || known?.state == .planning else { return }
                try db.execute(
                    sql: """
                        INSERT INTO run (id, source, state, record) VALUES (?, ?, ?, ?)
                        ON CONFLICT (id) DO UPDATE SET state = excluded.state, record = excluded.record
                        """,
                    arguments: [run.id, run.source, run.state.rawValue, try Self.encode(run)])
            }
        } catch {
            throw LedgerError(error, doing: "record a run that failed", folder: folder)
        }
    }

    /// One run; nil if the ledger does not have it.
    package func run(_ id: String) throws(LedgerError) -> RunRecord? {
        try reading("read a run") { try Self.fetchRun($0, id) }.map(asItIs)
    }

    /// The number of the newest run that there ever was, see `StoredAssociation.runNumber`; 0 before the first.
    package func newestRunNumber() throws(LedgerError) -> Int64 {
        try reading("read the runs") { try Self.newestRunNumber($0) }
    }

    static func newestRunNumber(_ db: Database) throws -> Int64 {
        try Int64.fetchOne(db, sql: "SELECT seq FROM sqlite_sequence WHERE name = 'run'") ?? 0
    }

    /// Runs, newest first, from the one before `before` on, or from the newest.
    package func runs(limit: Int = 100, before: String? = nil) throws(LedgerError) -> [RunRecord] {
        try reading("read the runs") { db in
            let end = try before.map { try Self.number(db, of: $0) } ?? Int64.max
            return try Self.fetchRuns(
                db, sql: "WHERE number < ? ORDER BY number DESC LIMIT ?", arguments: [end, limit])
        }.map(asItIs)
    }

    /// The ids of the runs before and after one; nil if there is none, or the ledger does not have it.
    package func neighbours(of run: String) throws(LedgerError) -> (before: String?, after: String?) {
        try reading("read the runs") { db in
            func id(_ comparison: String, _ order: String) throws -> String? {
                try String.fetchOne(
                    db,
                    sql: """
                        SELECT id FROM run WHERE number \(comparison) (SELECT number FROM run WHERE id = ?)
                        ORDER BY number \(order) LIMIT 1
                        """,
                    arguments: [run])
            }
            return (try id("<", "DESC"), try id(">", "ASC"))
        }
    }

    /// Runs in one of these states, oldest first: those to be resumed, or waiting for approval.
    package func runs(in states: Set<RunRecord.State>) throws(LedgerError) -> [RunRecord] {
        try reading("read the runs") { db in
            let names = states.map(\.rawValue).sorted()
            let marks = names.map { _ in "?" }.joined(separator: ", ")
            return try Self.fetchRuns(
                db, sql: "WHERE state IN (\(marks)) ORDER BY number", arguments: StatementArguments(names))
        }.map(asItIs)
    }

    /// When the last run of a source that did all it had to ended; nil if there was none.
    package func lastSuccess(of source: String) throws(LedgerError) -> Date? {
        try lastSuccessfulRun(of: source)?.ended
    }

    /// The last run of a source that has ended in one way or another; nil if there was none.
    package func lastEndedRun(of source: String) throws(LedgerError) -> RunRecord? {
        try reading("read the runs") { db in
            try Self.fetchRuns(
                db, sql: "WHERE source = ? AND \(Self.isEnded) ORDER BY number DESC LIMIT 1", arguments: [source]
            ).first
        }
    }

    /// The last run of a source that did all it had to; nil if there was none.
    package func lastSuccessfulRun(of source: String) throws(LedgerError) -> RunRecord? {
        try reading("read the runs") { db in
            try Self.fetchRuns(
                db, sql: "WHERE source = ? AND \(Self.isSuccess) ORDER BY number DESC LIMIT 1", arguments: [source]
            ).first
        }
    }

    /// What accepted runs of a source deleted, or may yet delete, since a time, without those that a person allowed; nil if
    /// nothing.
    package func deletes(of source: String, since: Date) throws(LedgerError) -> PlanFigures.DeletesBefore? {
        let runs = try reading("read the runs") { db in
            // Ids begin with the time, so that runs without end cost nothing.
            try Self.fetchRuns(
                db, sql: "WHERE source = ? AND id >= ? AND deletes > 0 ORDER BY number",
                arguments: [source, RunRecord.time(of: since)])
        }
        let accepted = runs.filter {
            [.applying, .finished, .stopped].contains($0.state) && $0.approvedDeletes == nil && $0.undone == nil
        }
        guard let first = accepted.first else { return nil }
        return PlanFigures.DeletesBefore(
            runs: accepted.map(\.id), deletes: accepted.reduce(0) { $0 + $1.counts.deletes },
            inScope: first.figures?.inScope ?? 0)
    }

    /// Records that runs which ended in the middle are stopped, and ends those that were planning: their process was
    /// killed, or the ledger could not be written. The lock says that no other process works on them. To be called while no
    /// run is under way.
    package func endInterruptedRuns() throws(LedgerError) {
        try tidyInterruptedPlans()
        for run in try runs(in: [.applying]) { try updateRun(run.id) { $0.interrupt() } }
    }

    /// A run as the next process that works on the ledger will find it: one under way is interrupted if nobody works on
    /// the ledger that is read.
    private func asItIs(_ run: RunRecord) -> RunRecord {
        var run = run
        if isAbandoned { run.interrupt() }
        return run
    }

    /// Makes every stopped run of a source void, because a later run knows what the source wants now.
    package func supersedeRuns(of source: String, by later: String) throws(LedgerError) {
        for run in try runs(in: [.stopped, .applying])
        where run.source == source && run.id != later && run.supersededBy == nil {
            try updateRun(run.id) {
                $0.state = .stopped
                $0.supersededBy = later
            }
        }
    }

    /// The run that applied a saved plan, which may be applied only once.
    package func run(applying savedPlan: String) throws(LedgerError) -> RunRecord? {
        try reading("read a run") { db in
            try Self.fetchRuns(db, sql: "WHERE saved_plan = ? LIMIT 1", arguments: [savedPlan]).first
        }
    }

    /// Ends the runs that were planning when their process ended, and removes their half-written journals and assertions: they
    /// wrote nothing to the store. The lock says that no such process lives.
    func tidyInterruptedPlans() throws(LedgerError) {
        for run in try runs(in: [.planning]) {
            try removeJournal(of: run.id)
            try retractAssertions(of: run)
            try updateRun(run.id) { $0.interrupt() }
        }
    }

    /// What the row of a run says if the run has ended in one way or another.
    static let isEnded = "state NOT IN ('planning', 'applying')"
    /// What the row of a run says if the run did all it had to.
    static let isSuccess =
        "state = 'finished' AND json_extract(record, '$.exitStatus') = \(ExitStatus.done.rawValue)"

    private static func fetchRun(_ db: Database, _ id: String) throws -> RunRecord? {
        try fetchRuns(db, sql: "WHERE id = ?", arguments: [id]).first
    }

    private static func fetchRuns(
        _ db: Database, sql: String, arguments: StatementArguments
    ) throws -> [RunRecord] {
        let select = try db.cachedStatement(sql: "SELECT record FROM run " + sql)
        return try String.fetchAll(select, arguments: arguments).map { text in
            do {
                return try JSONDecoder().decode(RunRecord.self, from: Data(text.utf8))
            } catch {
                throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a run's record cannot be read: \(error)")
            }
        }
    }

    /// Takes a text out of the reason of a run.
    static func redactReason(of id: String, _ db: Database, _ redact: (String) -> String) throws {
        guard var run = try fetchRun(db, id), let reason = run.reason else { return }
        run.reason = redact(reason)
        try db.execute(sql: "UPDATE run SET record = ? WHERE id = ?", arguments: [try encode(run), id])
    }

    private static func encode(_ run: RunRecord) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(run), as: UTF8.self)
    }

    /// The number that a run's id stands for inside the ledger.
    static func number(_ db: Database, of run: String) throws -> Int64 {
        guard let number = try Int64.fetchOne(db, sql: "SELECT number FROM run WHERE id = ?", arguments: [run]) else {
            throw DatabaseError(resultCode: .SQLITE_NOTFOUND, message: "there is no run \(run)")
        }
        return number
    }
}

extension RunRecord {
    /// Ends a run whose process ended in the middle; does nothing to one that is over.
    fileprivate mutating func interrupt() {
        switch state {
        case .planning:
            state = .failed
            reason = "interrupted while planning; nothing was written to the store"
        case .applying:
            state = .stopped
            reason = "its process ended in the middle of the run"
        default: break
        }
    }
}
