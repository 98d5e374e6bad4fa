import GRDB

/// The sets of sources that assert associations: each set has a number, which every row of it holds.
///
/// Many associations share few sets, so that a row costs one small integer however many sources assert it.
struct SourceSets {
    private var names: [Int64: String] = [:]
    private var ids: [String: Int64] = [:]
    private var members: [Int64: Set<Int64>] = [empty: []]
    private var numbers: [Set<Int64>: Int64] = [[]: empty]

    /// The number of the empty set.
    static let empty: Int64 = 0

    init(_ db: Database) throws {
        for row in try Row.fetchAll(db.cachedStatement(sql: "SELECT id, name FROM source")) {
            names[row["id"]] = row["name"]
            ids[row["name"]] = row["id"]
        }
        for row in try Row.fetchAll(db.cachedStatement(sql: "SELECT id, members FROM source_set")) {
            let set = Set((row["members"] as String).split(separator: ",").compactMap { Int64($0) })
            members[row["id"]] = set
            numbers[set] = row["id"]
        }
    }

    /// The names of a set's sources, in order.
    func sources(of set: Int64) -> [String] {
        (members[set] ?? []).compactMap { names[$0] }.sorted()
    }

    func contains(_ source: String, in set: Int64) -> Bool {
        guard let id = ids[source] else { return false }
        return members[set]?.contains(id) ?? false
    }

    /// Whether a set holds any source but this one.
    func containsOthers(than source: String, in set: Int64) -> Bool {
        let count = members[set]?.count ?? 0
        return contains(source, in: set) ? count > 1 : count > 0
    }

    /// The set with one source more; recorded if it is new.
    mutating func adding(_ source: String, to set: Int64, _ db: Database) throws -> Int64 {
        if contains(source, in: set) { return set }
        let id = try id(of: source, db)
        return try number((members[set] ?? []).union([id]), db)
    }

    /// The set with all sources of two; recorded if it is new.
    mutating func joining(_ set: Int64, to other: Int64, _ db: Database) throws -> Int64 {
        try number((members[set] ?? []).union(members[other] ?? []), db)
    }

    /// The set with one source less; recorded if it is new.
    mutating func removing(_ source: String, from set: Int64, _ db: Database) throws -> Int64 {
        guard let id = ids[source], let present = members[set], present.contains(id) else { return set }
        return try number(present.subtracting([id]), db)
    }

    private mutating func id(of source: String, _ db: Database) throws -> Int64 {
        if let id = ids[source] { return id }
        try db.execute(sql: "INSERT INTO source (name) VALUES (?)", arguments: [source])
        ids[source] = db.lastInsertedRowID
        names[db.lastInsertedRowID] = source
        return db.lastInsertedRowID
    }

    private mutating func number(_ set: Set<Int64>, _ db: Database) throws -> Int64 {
        if let number = numbers[set] { return number }
        let text = set.sorted().map(String.init).joined(separator: ",")
        try db.execute(sql: "INSERT INTO source_set (members) VALUES (?)", arguments: [text])
        numbers[set] = db.lastInsertedRowID
        members[db.lastInsertedRowID] = set
        return db.lastInsertedRowID
    }
}

/// The sets of rows that get more sources, each looked up once.
final class SetUnions {
    private let db: Database
    private let added: [[String]]
    private var sets: SourceSets
    /// The number of each set that is added, once it is needed.
    private var numbers: [Int64?]
    private var unions: [Union: Int64] = [:]
    /// The last union and its number: neighbouring rows mostly have the same.
    private var last: (union: Union, number: Int64)?

    private struct Union: Hashable {
        let known: Int64
        let added: Int64
    }

    /// - Parameter added: the sources that are added, in sets that are known by their index.
    init(_ db: Database, added: [[String]]) throws {
        self.db = db
        self.added = added
        numbers = Array(repeating: nil, count: added.count)
        sets = try SourceSets(db)
    }

    /// The number of an added set.
    func set(of index: Int) throws -> Int64 {
        if let number = numbers[index] { return number }
        var number = SourceSets.empty
        for source in added[index] { number = try sets.adding(source, to: number, db) }
        numbers[index] = number
        return number
    }

    /// The number of the set with the sources of a known one and of an added one.
    func union(of known: Int64, with added: Int64) throws -> Int64 {
        if known == added || added == SourceSets.empty { return known }
        let union = Union(known: known, added: added)
        if let last, last.union == union { return last.number }
        let number = try unions[union] ?? sets.joining(added, to: known, db)
        unions[union] = number
        last = (union, number)
        return number
    }
}
