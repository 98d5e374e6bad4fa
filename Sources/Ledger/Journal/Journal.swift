package import CartAssociations
package import Foundation
import GRDB

extension Ledger {
    /// Writes a run's plan into its journal, in the order of carts, creates before deletes. The draft is empty
    /// afterwards. A run's plan is written once.
    ///
    /// Written in transactions of many rows, while the run's state is `planning`: a run that is interrupted then
    /// has no plan. Changes that are withheld have their outcome at once, and are no part of `counts`.
    package func appendPlan(_ draft: PlanDraft, at now: Date) throws(LedgerError) {
        let batches = SortedBatches(try draft.sorter.sorted())
        var next: Int64?
        var more = true
        while more {
            more = try writing("write the plan") { db in
                let range = try Self.entries(db, of: draft.run)
                if next == nil {
                    guard try Self.lastEntry(db, in: range) == nil else {
                        throw DatabaseError(resultCode: .SQLITE_MISUSE, message: "run \(draft.run) has a plan already")
                    }
                    try db.execute(
                        sql: "UPDATE run SET creates = ?, deletes = ? WHERE id = ?",
                        arguments: [draft.creates, draft.deletes, draft.run])
                }
                var id = next ?? range.lowerBound
                var writer = try EntryWriter(db, now: now)
                let end = id + Int64(Self.rowsPerTransaction)
                defer { next = id }
                while id < end {
                    guard let batch = try batches.next() else { return false }
                    try writer.write(batch, firstID: id)
                    id += Int64(batch.count)
                }
                return true
            }
        }
    }

    /// The next carts of a run's journal that have pending changes, in the order of their ids: those after a
    /// cart, or the first ones.
    ///
    /// Finding the first ones takes about a second for each ten million outcomes that the run has already.
    package func pendingCarts(
        of run: String, after cart: CartID? = nil, limit: Int
    ) throws(LedgerError) -> [CartChanges] {
        try reading("read the journal") { db in
            let range = try Self.entries(db, of: run)
            let start: Int64
            if let cart {
                start = try Self.firstEntry(db, in: range, afterCart: cart.text)
            } else {
                start = try Self.firstOpenCart(db, in: range)
            }
            let reader = try EntryReader(db, start..<range.upperBound)
            return try reader.pendingCarts(run: run, limit: limit)
        }
    }

    /// Records entries that have ended, and what their outcomes say about the associations, in one transaction.
    ///
    /// Entries without an outcome are passed over. A created association, or one that was there already, is confirmed;
    /// a deleted one, or one that was gone, is forgotten with all assertions. An entry keeps the first outcome that was
    /// recorded.
    package func record(_ entries: [JournalEntry]) throws(LedgerError) {
        guard !entries.isEmpty else { return }
        try writing("record outcomes") { db in
            var writer = try OutcomeWriter(db)
            for entry in entries { try writer.write(entry) }
        }
    }

    /// What a run planned and what became of it, in numbers.
    package func counts(of run: String) throws(LedgerError) -> JournalCounts {
        try reading("count outcomes") { db in
            let range = try Self.entries(db, of: run)
            var counts = JournalCounts()
            if let row = try Row.fetchOne(db, sql: "SELECT creates, deletes FROM run WHERE id = ?", arguments: [run]) {
                counts.planned = [.create: row[0], .delete: row[1]].filter { $0.value > 0 }
            }
            let rows = try Row.fetchAll(
                db, sql: "SELECT kind, outcome, count(*) FROM outcome WHERE entry >= ? AND entry < ? GROUP BY 1, 2",
                arguments: [range.lowerBound, range.upperBound])
            for row in rows {
                guard let outcome = StoredCodes.outcome(row[1]), outcome != .withheld else { continue }
                counts.outcomes[StoredCodes.changeKind(row[0]), default: [:]][outcome] = row[2]
            }
            return counts
        }
    }

    /// Visits every entry of a run's journal in its order. The visitor may use the ledger.
    package func forEachEntry(of run: String, visit: (JournalEntry) throws -> Void) throws {
        try forEachEntry(of: run, onlyEnded: false, visit)
    }

    /// Visits the entries of a run's journal that have an outcome, in its order. The visitor may use the ledger.
    ///
    /// Those of a run that was stopped early are found at once, however many it planned.
    package func forEachEnded(of run: String, visit: (JournalEntry) throws -> Void) throws {
        try forEachEntry(of: run, onlyEnded: true, visit)
    }

    /// How many entries of a run's journal have no outcome.
    ///
    /// - Parameter ended: how many have one, as `forEachEnded` shows them: if these are all, nothing more is read.
    package func pending(of run: String, besides ended: Int) throws(LedgerError) -> [ChangeKind: Int] {
        try reading("read the journal") { db in
            let range = try Self.entries(db, of: run)
            // Ids have no gaps; if they had, the entries would be counted one by one.
            guard let last = try Self.lastEntry(db, in: range), last - range.lowerBound + 1 != Int64(ended) else {
                return [:]
            }
            let kinds = ChangeKind.allCases
            let counts = kinds.map { "count(*) FILTER (WHERE kind = \(StoredCodes.code($0)))" }
            let row = try Row.fetchOne(
                db,
                sql: """
                    SELECT \(counts.joined(separator: ", ")) FROM entry WHERE id >= ? AND id < ?
                        AND NOT EXISTS (SELECT 1 FROM outcome WHERE outcome.entry = entry.id)
                    """, arguments: [range.lowerBound, range.upperBound])
            return Dictionary(
                uniqueKeysWithValues: zip(kinds, kinds.indices.map { row?[$0] ?? 0 })
            ).filter { $0.value > 0 }
        }
    }

    private func forEachEntry(of run: String, onlyEnded: Bool, _ visit: (JournalEntry) throws -> Void) throws {
        let range = try reading("read the journal") { try Self.entries($0, of: run) }
        var start = range.lowerBound
        while start < range.upperBound {
            let page = try reading("read the journal") { db in
                try EntryReader(db, start..<range.upperBound, onlyEnded: onlyEnded)
                    .entries(run: run, limit: Self.entriesPerPage)
            }
            for entry in page { try visit(entry) }
            guard page.count == Self.entriesPerPage, let last = page.last else { return }
            start = last.id + 1
        }
    }

    /// Every change that runs newer than the one with this number planned, in the order of runs and journals; nil if these are
    /// more than `most`, or if one of these runs is removed.
    package func entries(after run: Int64, most: Int) throws(LedgerError) -> [JournalEntry]? {
        try reading("read the newest journals") { db in
            var found: [JournalEntry] = []
            let newest = try Self.newestRunNumber(db)
            let runs = try Row.fetchAll(
                db, sql: "SELECT number, id FROM run WHERE number > ? ORDER BY number", arguments: [run])
            guard newest - run == Int64(runs.count) else { return nil }
            for row in runs {
                let range = Self.entries(of: row[0])
                found += try EntryReader(db, range).entries(run: row[1], limit: most + 1 - found.count)
                guard found.count <= most else { return nil }
            }
            return found
        }
    }

    /// Every change that any run planned for a cart, oldest first; reads all journals.
    package func entries(of cart: CartID) throws(LedgerError) -> [JournalEntry] {
        try history("cart = ?", [cart.text])
    }

    /// Every change that any run planned for an owner, oldest first; reads all journals.
    package func entries(of owner: Owner) throws(LedgerError) -> [JournalEntry] {
        try history("owner = ? AND owner_kind = ?", [owner.id.text, StoredCodes.code(owner.kind)])
    }

    /// Removes a run's journal; the run itself stays known.
    func removeJournal(of run: String) throws(LedgerError) {
        var removed = 1
        while removed > 0 {
            removed = try writing("remove a journal") { db in
                let range = try Self.entries(db, of: run)
                guard
                    let first = try Int64.fetchOne(
                        db, sql: "SELECT min(id) FROM entry WHERE id >= ? AND id < ?",
                        arguments: [range.lowerBound, range.upperBound])
                else { return 0 }
                let end = min(first + Int64(Self.rowsPerTransaction), range.upperBound)
                try db.execute(
                    sql: "DELETE FROM outcome WHERE entry >= ? AND entry < ?", arguments: [range.lowerBound, end])
                try db.execute(sql: "DELETE FROM entry WHERE id >= ? AND id < ?", arguments: [first, end])
                return db.changesCount
            }
        }
    }

    private static let entriesPerPage = 5_000

    private func history(_ condition: String, _ arguments: StatementArguments) throws(LedgerError) -> [JournalEntry] {
        try reading("read the journals") { db in
            let ids = try Int64.fetchAll(
                db, sql: "SELECT id FROM entry WHERE \(condition) ORDER BY id", arguments: arguments)
            var found: [JournalEntry] = []
            var names = RunNames()
            for id in ids {
                // What is left of a run that is removed is no longer known.
                guard let run = try names.name(of: id >> 32, db) else { continue }
                found += try EntryReader(db, id..<(id + 1)).entries(run: run, limit: 1)
            }
            return found
        }
    }
}

extension Ledger {
    /// The ids that a run's entries have.
    fileprivate static func entries(_ db: Database, of run: String) throws -> Range<Int64> {
        entries(of: try number(db, of: run))
    }

    /// The ids that the entries of the run with this number have.
    static func entries(of number: Int64) -> Range<Int64> { (number << 32)..<((number + 1) << 32) }

    private static func lastEntry(_ db: Database, in range: Range<Int64>) throws -> Int64? {
        try Int64.fetchOne(
            db, sql: "SELECT max(id) FROM entry WHERE id >= ? AND id < ?",
            arguments: [range.lowerBound, range.upperBound])
    }

    /// The first entry of the first cart that has an entry without an outcome.
    ///
    /// Carts are worked on in their order, so that the outcomes of a run are nearly without gaps: the first gap is
    /// found in the narrow table of outcomes alone.
    private static func firstOpenCart(_ db: Database, in range: Range<Int64>) throws -> Int64 {
        let outcomes = try PreparedStatement(
            db, "SELECT entry FROM outcome WHERE entry >= ? AND entry < ? ORDER BY entry")
        outcomes.bind(range.lowerBound, at: 1)
        outcomes.bind(range.upperBound, at: 2)
        var open = range.lowerBound
        while try outcomes.step(), outcomes.integer(0) == open { open += 1 }
        outcomes.reset()
        guard let cart = try cart(db, of: open) else { return open }
        while open > range.lowerBound, try self.cart(db, of: open - 1) == cart { open -= 1 }
        return open
    }

    /// The first entry of a later cart, found by bisection: ids have no gaps and carts are in order.
    private static func firstEntry(_ db: Database, in range: Range<Int64>, afterCart cart: String) throws -> Int64 {
        var low = range.lowerBound
        var high = try (lastEntry(db, in: range) ?? low - 1) + 1
        while low < high {
            let middle = low + (high - low) / 2
            if try Array((self.cart(db, of: middle) ?? "").utf8).lexicographicallyPrecedes(Array(cart.utf8))
                || self.cart(db, of: middle) == cart
            {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }

    private static func cart(_ db: Database, of entry: Int64) throws -> String? {
        try String.fetchOne(db, sql: "SELECT cart FROM entry WHERE id = ?", arguments: [entry])
    }
}
