import GRDB
import GRDBSQLite

/// Makes one standing from what a row says and what is added to it, while SQLite goes through the rows of one statement:
/// `joined(?1, standing, excluded.standing)` is what the row is to say, and `joins(...)` whether that is something else.
///
/// Unsafe because C gets a pointer to this object: it is valid while the statement runs, as whoever binds it keeps it.
@safe final class StandingJoin {
    /// Rows that were changed.
    private(set) var changes = 0
    /// Whether a row whose standing stays the same is left alone: then `joins` has to be asked first.
    let keepsEqual: Bool
    private let join: (_ known: PackedStanding, _ added: PackedStanding) throws -> PackedStanding
    /// What made a join fail: SQLite only learns that one did.
    private var error: (any Error)?

    /// - Parameter join: the standing of a row that is there already; twice the same adds nothing.
    init(
        keepsEqual: Bool,
        _ join: @escaping (_ known: PackedStanding, _ added: PackedStanding) throws -> PackedStanding
    ) {
        self.keepsEqual = keepsEqual
        self.join = join
    }

    /// Runs a statement that uses it; throws what made a join fail.
    func run(_ statement: PreparedStatement) throws {
        do {
            try statement.run()
        } catch {
            throw self.error ?? error
        }
    }

    private func joined(_ values: Values) throws -> PackedStanding {
        changes += 1
        return try join(values.known, values.added)
    }

    private func joins(_ values: Values) throws -> Bool { try join(values.known, values.added) != values.known }

    private func answer(_ values: Values, _ body: (Values) throws -> Int64) -> Int64? {
        do {
            return try body(values)
        } catch {
            self.error = error
            return nil
        }
    }

    private struct Values {
        let known: PackedStanding
        let added: PackedStanding
    }

    /// Makes both functions known to a connection.
    static func register(in db: Database) throws {
        try unsafe register("joins", in: db) { context, _, values in
            unsafe StandingJoin.call(context, values) { join, values in try join.joins(values) ? 1 : 0 }
        }
        try unsafe register("joined", in: db) { context, _, values in
            unsafe StandingJoin.call(context, values) { join, values in try join.joined(values).code }
        }
    }

    private typealias Function =
        @convention(c) (OpaquePointer?, Int32, UnsafeMutablePointer<OpaquePointer?>?) -> Void

    private static func register(_ name: String, in db: Database, _ function: @escaping Function) throws {
        let code = unsafe sqlite3_create_function_v2(
            db.sqliteConnection, name, 3, SQLITE_UTF8 | SQLITE_DIRECTONLY, nil, function, nil, nil, nil)
        guard code == SQLITE_OK else { throw DatabaseError(resultCode: ResultCode(rawValue: code)) }
    }

    private static func call(
        _ context: OpaquePointer?, _ values: UnsafeMutablePointer<OpaquePointer?>?,
        _ body: (StandingJoin, Values) throws -> Int64
    ) {
        guard let values = unsafe values, let pointer = unsafe sqlite3_value_pointer(values[0], Self.type) else {
            return unsafe sqlite3_result_error_code(context, SQLITE_MISUSE)
        }
        let join = unsafe Unmanaged<StandingJoin>.fromOpaque(pointer).takeUnretainedValue()
        let both = unsafe Values(
            known: PackedStanding(code: sqlite3_value_int64(values[1])),
            added: PackedStanding(code: sqlite3_value_int64(values[2])))
        let answer = join.answer(both) { try body(join, $0) }
        guard let answer else { return unsafe sqlite3_result_error_code(context, SQLITE_ERROR) }
        unsafe sqlite3_result_int64(context, answer)
    }

    /// The name that SQLite compares: what is bound is a `StandingJoin`.
    fileprivate static var type: UnsafePointer<CChar> {
        unsafe UnsafeRawPointer(typeName.utf8Start).assumingMemoryBound(to: CChar.self)
    }
    private static let typeName: StaticString = "cartsync.StandingJoin"
}

extension PreparedStatement {
    /// Binds what joins standings; it has to live until the statement is reset.
    func bind(_ join: StandingJoin, at parameter: Int32) {
        unsafe sqlite3_bind_pointer(
            pointer, parameter, Unmanaged.passUnretained(join).toOpaque(), StandingJoin.type, nil)
    }
}
