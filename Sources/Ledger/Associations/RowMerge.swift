import CartAssociations
import Foundation
import GRDB

/// Merges sorted records with the rows of associations that are there: a record is the row's key, its fingerprint, its
/// place, and what its standing is made from.
///
/// One statement writes several rows, for SQLite spends more on running a statement than on a row.
struct RowMerge {
    private let db: Database
    private let since: Int64
    private let run: Int64
    private let standing: (inout ByteRecord.Reader, OwnerKind) throws -> PackedStanding
    private let join: StandingJoin
    /// By their number of rows, as they are needed: preparing costs as much as running.
    private var statements: [Int: PreparedStatement] = [:]
    /// Whether the next rows are probably not there yet, because the last ones were not: new rows come in masses.
    private var expectsNew = true
    /// Records that were written.
    private(set) var count = 0
    /// Rows that were made.
    private(set) var added = 0
    /// Rows that were changed.
    var changed: Int { join.changes }

    /// Rows of a statement that makes those that are not there and looks at no others.
    private static let newRows = 32
    /// Rows of a statement that makes or changes them. SQLite keeps every page that it changes as it was, in a temporary file
    /// if these are more than 64 KiB.
    private static let mergedRows = 5
    private static let columns = 8
    private static let names = "cart, owner_kind, owner, fingerprint, export, record, line, standing, since, run"

    /// - Parameters:
    ///   - standing: a new row's standing, from the rest of the record behind its place.
    ///   - join: makes the standing of a row that is there already.
    init(
        _ db: Database, run: String, at: Date, join: StandingJoin,
        standing: @escaping (inout ByteRecord.Reader, OwnerKind) throws -> PackedStanding
    ) throws {
        self.db = db
        self.run = try Ledger.number(db, of: run)
        since = Int64(at.timeIntervalSince1970)
        self.join = join
        self.standing = standing
    }

    /// Writes records, of which several may be of one row.
    mutating func write(_ records: ByteRecords) throws {
        var next = 0
        while next < records.count {
            let left = records.count - next
            if expectsNew && left >= Self.newRows {
                try write(records, from: next, rows: Self.newRows)
                added += db.changesCount
                expectsNew = db.changesCount == Self.newRows
                if expectsNew {
                    next += Self.newRows
                    continue
                }
                // Which ones were there is not known: all are merged, and nothing is added to those that were made.
            }
            let rows = left < Self.mergedRows ? 1 : Self.mergedRows
            let changed = join.changes
            try write(records, from: next, rows: rows)
            let new = db.changesCount - (join.changes - changed)
            added += new
            expectsNew = new == rows
            next += rows
        }
        count += records.count
    }

    private mutating func write(_ records: ByteRecords, from first: Int, rows: Int) throws {
        let statement = try statement(rows: rows)
        for row in 0..<rows {
            let parameter = Int32(row * Self.columns + 1)
            var fields = ByteRecord.Reader(records[first + row])
            fields.bindText(to: statement, at: parameter)
            let kind = Int(fields.byte())
            statement.bind(kind, at: parameter + 1)
            fields.bindText(to: statement, at: parameter + 2)
            fields.bindFingerprint(to: statement, at: parameter + 3)
            fields.bindPlace(to: statement, from: parameter + 4)
            let standing = try standing(&fields, StoredCodes.ownerKind(kind))
            statement.bind(standing.code, at: parameter + 7)
        }
        // What is bound stays in the records.
        try withExtendedLifetime((records, join)) { try join.run(statement) }
    }

    private mutating func statement(rows: Int) throws -> PreparedStatement {
        if let statement = statements[rows] { return statement }
        let isNew = rows == Self.newRows
        let shared = Int32(rows * Self.columns + 1)
        // With FAIL a statement of several rows needs no way back of its own: an error ends the whole transaction.
        let statement = try PreparedStatement(
            db,
            """
            INSERT OR FAIL INTO association (\(Self.names))
            VALUES \(PreparedStatement.rows(rows, columns: Self.columns, shared: 2))
            ON CONFLICT (cart, owner_kind, owner) DO \(isNew ? "NOTHING" : update(join: shared + 2))
            """)
        statement.bind(since, at: shared)
        statement.bind(run, at: shared + 1)
        if !isNew { statement.bind(join, at: shared + 2) }
        statements[rows] = statement
        return statement
    }

    /// - Parameter join: the parameter that has the `StandingJoin`.
    private func update(join parameter: Int32) -> String {
        let columns = ["fingerprint", "export", "record", "line", "since", "run"]
        let standings = "(?\(parameter), standing, excluded.standing)"
        return """
            UPDATE SET \(columns.map { "\($0) = excluded.\($0)" }.joined(separator: ", ")), standing = joined\(standings)
            \(join.keepsEqual ? "WHERE joins\(standings)" : "")
            """
    }
}

extension Ledger {
    /// Merges all records of a sorter with the associations, in transactions of many rows; the sorter is empty afterwards.
    ///
    /// - Parameter begin: makes what merges the records of one transaction.
    func merge(
        _ sorter: RecordSorter, _ action: String, _ begin: (Database) throws -> RowMerge
    ) throws(LedgerError) -> ImportCounts {
        let batches = SortedBatches(try sorter.sorted())
        var counts = ImportCounts()
        var more = true
        while more {
            more = try writing(action) { db in
                var rows = try begin(db)
                defer { counts.add(rows) }
                while rows.count < Self.rowsPerTransaction {
                    guard let batch = try batches.next() else { return false }
                    try rows.write(batch)
                }
                return true
            }
        }
        return counts
    }
}
