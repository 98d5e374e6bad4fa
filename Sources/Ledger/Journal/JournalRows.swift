import CartAssociations
import Foundation
import GRDB

/// Writes planned changes, several with one statement.
struct EntryWriter {
    private let db: Database
    /// By their number of rows, as they are needed.
    private var statements: [Int: PreparedStatement] = [:]
    private let withhold: PreparedStatement
    private let now: Int64

    private static let mostRows = 32
    private static let columns = [
        "id", "cart", "kind", "owner_kind", "owner", "fingerprint", "export", "record", "line", "cart_name",
        "cart_description",
    ]

    /// - Parameter now: when changes that are withheld have ended.
    init(_ db: Database, now: Date) throws {
        self.db = db
        self.now = Int64((now.timeIntervalSince1970 * 1000).rounded())
        withhold = try PreparedStatement(
            db, "INSERT INTO outcome (entry, kind, outcome, attempts, at, message) VALUES (?, ?, ?, 0, ?, ?)")
    }

    /// Writes records of a `PlanDraft`, whose ids follow each other; a change that is withheld has its outcome at once.
    mutating func write(_ records: ByteRecords, firstID: Int64) throws {
        var next = 0
        while next < records.count {
            let rows = records.count - next < Self.mostRows ? 1 : Self.mostRows
            try write(records, from: next, rows: rows, firstID: firstID)
            next += rows
        }
    }

    private mutating func write(_ records: ByteRecords, from first: Int, rows: Int, firstID: Int64) throws {
        let insert = try statement(rows: rows)
        var withheld: [(id: Int64, kind: Int, reason: ArraySlice<UInt8>)] = []
        for row in 0..<rows {
            let parameter = Int32(row * Self.columns.count + 1)
            let id = firstID + Int64(first + row)
            var fields = ByteRecord.Reader(records[first + row])
            insert.bind(id, at: parameter)
            fields.bindText(to: insert, at: parameter + 1)
            let kind = Int(fields.byte())
            insert.bind(kind, at: parameter + 2)
            insert.bind(Int(fields.byte()), at: parameter + 3)
            fields.bindText(to: insert, at: parameter + 4)
            fields.bindFingerprint(to: insert, at: parameter + 5)
            fields.bindPlace(to: insert, from: parameter + 6)
            fields.bindNewCart(to: insert, from: parameter + 9)
            let reason = fields.text()
            if !reason.isEmpty { withheld.append((id, kind, reason)) }
        }
        // What is bound stays in the records.
        try withExtendedLifetime(records) { try insert.run() }
        for (id, kind, reason) in withheld {
            withhold.bind(id, at: 1)
            withhold.bind(kind, at: 2)
            withhold.bind(StoredCodes.code(.withheld), at: 3)
            withhold.bind(now, at: 4)
            withhold.bind(staying: reason.span, at: 5)
            try withExtendedLifetime(reason) { try withhold.run() }
        }
    }

    private mutating func statement(rows: Int) throws -> PreparedStatement {
        if let statement = statements[rows] { return statement }
        // With FAIL a statement of several rows needs no way back of its own: an error ends the whole transaction.
        let statement = try PreparedStatement(
            db,
            """
            INSERT OR FAIL INTO entry (\(Self.columns.joined(separator: ", ")))
            VALUES \(PreparedStatement.rows(rows, columns: Self.columns.count))
            """)
        statements[rows] = statement
        return statement
    }
}

/// Reads planned changes with their outcomes, in the order of the journal.
struct EntryReader {
    private let select: PreparedStatement

    /// - Parameter onlyEnded: whether entries without an outcome are passed over, which costs nothing then.
    init(_ db: Database, _ range: Range<Int64>, onlyEnded: Bool = false) throws {
        // With CROSS, SQLite goes through the outcomes and looks for their entries.
        let rows =
            onlyEnded
            ? "outcome CROSS JOIN entry ON entry.id = outcome.entry WHERE outcome.entry >= ? AND outcome.entry < ?"
            : "entry LEFT JOIN outcome ON outcome.entry = entry.id WHERE entry.id >= ? AND entry.id < ?"
        select = try PreparedStatement(
            db,
            """
            SELECT entry.id, entry.kind, owner_kind, owner, cart, fingerprint, export, record, line,
                outcome.outcome, status, attempts, service, response, at, message, cart_name, cart_description, answer
            FROM \(rows) ORDER BY \(onlyEnded ? "outcome.entry" : "entry.id")
            """, isKept: true)
        select.bind(range.lowerBound, at: 1)
        select.bind(range.upperBound, at: 2)
    }

    func entries(run: String, limit: Int) throws -> [JournalEntry] {
        defer { select.reset() }
        var entries: [JournalEntry] = []
        while entries.count < limit, try select.step() { entries.append(try entry(run: run)) }
        return entries
    }

    /// Carts with pending entries; the range must begin with a cart's first entry.
    func pendingCarts(run: String, limit: Int) throws -> [CartChanges] {
        defer { select.reset() }
        var carts: [CartChanges] = []
        var cart: String?
        var pending: [JournalEntry] = []
        var hasFailedCreate = false
        func finish() {
            if let first = pending.first {
                carts.append(
                    CartChanges(
                        cart: first.change.association.cart, entries: pending, hasFailedCreate: hasFailedCreate))
            }
            pending = []
            hasFailedCreate = false
        }
        while try select.step() {
            let next = select.text(4)
            if next != cart {
                finish()
                if carts.count == limit { break }
                cart = next
            }
            if select.isNull(9) {
                pending.append(try entry(run: run))
            } else if select.int(1) == StoredCodes.code(.create),
                let outcome = StoredCodes.outcome(select.int(9)), !outcome.isSuccess, outcome != .withheld
            {
                hasFailedCreate = true
            }
        }
        if carts.count < limit { finish() }
        return carts
    }

    private func entry(run: String) throws -> JournalEntry {
        guard let cart = CartID(select.text(4)), let owner = OwnerID(select.text(3)) else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a journal entry's ids are not usable ids")
        }
        let id = select.integer(0)
        let change = Change(
            StoredCodes.changeKind(select.int(1)),
            CartAssociations.Association(StoredCodes.ownerKind(select.int(2)), owner, cart),
            place: select.place(from: 6),
            newCart: select.isNull(16)
                ? nil
                : NewCart(name: select.text(16), description: select.isNull(17) ? nil : select.text(17)))
        return JournalEntry(
            id: id, run: run, change: change, fingerprint: try select.fingerprint(5),
            outcome: outcome,
            endedAt: select.isNull(14) ? nil : Date(timeIntervalSince1970: TimeInterval(select.integer(14)) / 1000))
    }

    private var outcome: ChangeOutcome? {
        guard !select.isNull(9), let outcome = StoredCodes.outcome(select.int(9)) else { return nil }
        return ChangeOutcome(
            outcome, answer: select.isNull(18) ? nil : StoredCodes.answer(select.int(18)),
            status: select.isNull(10) ? nil : select.int(10), attempts: select.int(11),
            service: select.isNull(12) ? nil : .microseconds(select.integer(12)),
            response: select.isNull(13) ? nil : .microseconds(select.integer(13)),
            message: select.isNull(15) ? nil : select.text(15))
    }
}

/// Writes outcomes, and what they say about associations.
struct OutcomeWriter {
    private let db: Database
    private let insert: PreparedStatement
    private let rows: AssociationRows
    private let confirmations: ConfirmationWriter
    private var sets: SourceSets
    /// The sources of the run that the last entry was of.
    private var last: (run: String, sources: Int64)?

    init(_ db: Database) throws {
        self.db = db
        insert = try PreparedStatement(
            db,
            """
            INSERT INTO outcome (entry, kind, outcome, status, attempts, service, response, at, message, answer)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
            """, isKept: true)
        rows = try AssociationRows(db)
        confirmations = try ConfirmationWriter(db)
        sets = try SourceSets(db)
    }

    mutating func write(_ entry: JournalEntry) throws {
        guard let outcome = entry.outcome, let endedAt = entry.endedAt else { return }
        let sources = try sources(of: entry)
        insert.bind(entry.id, at: 1)
        insert.bind(StoredCodes.code(entry.change.kind), at: 2)
        insert.bind(StoredCodes.code(outcome.outcome), at: 3)
        insert.bind(outcome.status, at: 4)
        insert.bind(outcome.attempts, at: 5)
        insert.bind(outcome.service.map(\.wholeMicroseconds), at: 6)
        insert.bind(outcome.response.map(\.wholeMicroseconds), at: 7)
        insert.bind(Int64((endedAt.timeIntervalSince1970 * 1000).rounded()), at: 8)
        insert.bind(outcome.message, at: 9)
        insert.bind(outcome.answer.map(StoredCodes.code), at: 10)
        try insert.run()
        guard db.changesCount == 1 else { return }
        switch outcome.outcome {
        case .created: try confirm(entry, as: .created, sources, at: endedAt)
        case .alreadyThere: try confirm(entry, as: .alreadyThere, sources, at: endedAt)
        case .deleted, .alreadyGone: try rows.remove(entry.change.association)
        case .rejected, .failed, .skipped, .withheld: break
        }
    }

    private func confirm(
        _ entry: JournalEntry, as confirmation: Ledger.Confirmation, _ sources: Int64, at: Date
    ) throws {
        try confirmations.confirm(
            entry.change.association, entry.fingerprint, as: confirmation, sources: sources, run: entry.id >> 32,
            place: entry.change.place, at: at)
    }

    /// The set of the one source that an entry's run is for; throws if the ledger has no such run, as for an entry
    /// of another ledger.
    private mutating func sources(of entry: JournalEntry) throws -> Int64 {
        if let last, last.run == entry.run { return last.sources }
        guard
            let source = try String.fetchOne(
                db.cachedStatement(sql: "SELECT source FROM run WHERE number = ? AND id = ?"),
                arguments: [entry.id >> 32, entry.run])
        else { throw DatabaseError(resultCode: .SQLITE_MISUSE, message: "entry \(entry.id) is of no run here") }
        let sources = try sets.adding(source, to: SourceSets.empty, db)
        last = (entry.run, sources)
        return sources
    }
}
