package import CartAssociations
package import Foundation
import GRDB

/// Associations from elsewhere before they are in the ledger: any number, in about 25 MB of memory.
///
/// It does not touch the ledger, so that everything can be read and judged before anything is written.
package final class ImportDraft {
    let sorter: RecordSorter
    private(set) var sets: [[String]] = []
    private var numbers: [[String]: Int] = [:]
    private var record = ByteRecord()

    init(sorter: RecordSorter) { self.sorter = sorter }

    package var count: Int { sorter.count }

    /// The number that stands for these sources in `add`.
    package func set(of sources: [String]) -> Int {
        if let number = numbers[sources] { return number }
        sets.append(sources)
        numbers[sources] = sets.count - 1
        return sets.count - 1
    }

    /// Adds an association: the UTF-8 of valid ids, how it is known to exist, and the number of its set of sources.
    ///
    /// Throws where the temporary file cannot be written.
    package func add(
        _ kind: OwnerKind, owner: Span<UInt8>, cart: Span<UInt8>, _ fingerprint: Fingerprint,
        confirmation: Ledger.Confirmation?, set: Int, place: RecordPlace?
    ) throws(LedgerError) {
        record.removeAll()
        record.append(text: cart)
        record.append(UInt8(StoredCodes.code(kind)))
        record.append(text: owner)
        record.append(fingerprint)
        record.append(UInt8(confirmation?.rawValue ?? 0))
        record.append(UInt64(set))
        record.append(place)
        try sorter.add(record)
    }
}

/// What an import did to the ledger.
package struct ImportCounts: Sendable, Hashable, Codable {
    /// Associations that the ledger did not know.
    package var added = 0
    /// Associations that are asserted by more sources now, or known to exist.
    package var changed = 0
    /// Associations of which nothing new was said; a repeated one counts here, too.
    package var kept = 0

    package init() {}
}

extension Ledger {
    /// An empty list of associations from elsewhere, to be filled in any order and handed to `importAll`.
    package func draftImport() -> ImportDraft {
        ImportDraft(sorter: RecordSorter(memoryBudget: 16 << 20, folder: folder))
    }

    /// Adds associations: their sources to those that assert them already, and how they are known to exist where
    /// that was not known. The draft is empty afterwards.
    ///
    /// Written in transactions of many rows: after a crash in between, doing it again completes it.
    package func importAll(_ draft: ImportDraft, run: String, at: Date) throws(LedgerError) -> ImportCounts {
        var records = try draft.sorter.sorted()
        var counts = ImportCounts()
        var more = true
        while more {
            more = try writing("import associations") { db in
                var writer = try ImportWriter(db, sets: draft.sets, run: run, at: at, counts: counts)
                defer { counts = writer.counts }
                for _ in 0..<Self.rowsPerTransaction {
                    guard try records.takeNext({ try writer.write($0) }) else { return false }
                }
                return true
            }
        }
        return counts
    }
}

/// Merges the records of an `ImportDraft` with the rows that are there.
private struct ImportWriter {
    private(set) var counts: ImportCounts
    private let db: Database
    private var sets: SourceSets
    private let select: PreparedStatement
    private let insert: PreparedStatement
    private let update: PreparedStatement
    private let imported: [[String]]
    /// The set of a row that gets the sources of an imported set.
    private var unions: [Union: Int64] = [:]
    /// Whether the next row is probably not there yet, because the last one was not.
    private var expectsNew = true

    private struct Union: Hashable {
        let known: Int64
        let imported: Int
    }

    init(_ db: Database, sets imported: [[String]], run: String, at: Date, counts: ImportCounts) throws {
        self.db = db
        self.imported = imported
        self.counts = counts
        sets = try SourceSets(db)
        let key = "cart = ?1 AND owner_kind = ?2 AND owner = ?3"
        select = try PreparedStatement(db, "SELECT standing FROM association WHERE \(key)")
        insert = try PreparedStatement(
            db,
            """
            INSERT INTO association
                (cart, owner_kind, owner, fingerprint, standing, export, record, line, since, run)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING
            """)
        update = try PreparedStatement(
            db,
            """
            UPDATE association SET fingerprint = ?4, standing = ?5, export = ?6, record = ?7, line = ?8, since = ?9,
                run = ?10 WHERE \(key)
            """)
        let number = try Ledger.number(db, of: run)
        for statement in [insert, update] {
            statement.bind(Int64(at.timeIntervalSince1970), at: 9)
            statement.bind(number, at: 10)
        }
    }

    mutating func write(_ record: ArraySlice<UInt8>) throws {
        if expectsNew {
            _ = try bind(record, to: insert, known: nil)
            try insert.run()
            if db.changesCount == 1 {
                counts.added += 1
                return
            }
            expectsNew = false
        }
        var fields = ByteRecord.Reader(record)
        select.bind(text: fields.text(), at: 1)
        select.bind(Int(fields.byte()), at: 2)
        select.bind(text: fields.text(), at: 3)
        guard try select.step() else {
            select.reset()
            expectsNew = true
            return try write(record)
        }
        let known = PackedStanding(code: select.integer(0))
        select.reset()
        if try bind(record, to: update, known: known) == known {
            counts.kept += 1
        } else {
            try update.run()
            counts.changed += 1
        }
    }

    /// Binds a record and returns the row's new standing.
    private mutating func bind(
        _ record: ArraySlice<UInt8>, to statement: PreparedStatement, known: PackedStanding?
    ) throws -> PackedStanding {
        var fields = ByteRecord.Reader(record)
        statement.bind(text: fields.text(), at: 1)
        let kind = Int(fields.byte())
        statement.bind(kind, at: 2)
        statement.bind(text: fields.text(), at: 3)
        fields.bindFingerprint(to: statement, at: 4)
        let confirmation = Ledger.Confirmation(rawValue: Int(fields.byte()))
        let sources = try union(of: Int(fields.number()), with: known?.sources ?? SourceSets.empty)
        let standing = PackedStanding(
            StoredCodes.ownerKind(kind), known?.confirmation ?? confirmation, sources: sources)
        statement.bind(standing.code, at: 5)
        fields.bindPlace(to: statement, from: 6)
        return standing
    }

    private mutating func union(of set: Int, with known: Int64) throws -> Int64 {
        let union = Union(known: known, imported: set)
        if let number = unions[union] { return number }
        var number = known
        for source in imported[set] { number = try sets.adding(source, to: number, db) }
        unions[union] = number
        return number
    }
}
