import GRDB
import GRDBSQLite

/// Picks rows by their number while SQLite goes through them, before anything of them is read: `picks(?1)` in SQL.
///
/// A row that is not picked costs a fifth of one that SQLite returns.
///
/// Unsafe because C gets a pointer to this object: it is valid while the statement runs, as whoever binds it keeps it.
@safe final class RowPick {
    /// The number of the row that SQLite asked about last.
    private(set) var number: Int
    private let picks: (Int) -> Bool

    /// - Parameters:
    ///   - first: the number of the first row.
    ///   - picks: asked once for each row.
    init(first: Int, _ picks: @escaping (Int) -> Bool) {
        number = first - 1
        self.picks = picks
    }

    private func picksNext() -> Bool {
        number += 1
        return picks(number)
    }

    /// Makes `picks` known to a connection.
    static func register(in db: Database) throws {
        let code = unsafe sqlite3_create_function_v2(
            db.sqliteConnection, "picks", 1, SQLITE_UTF8 | SQLITE_DIRECTONLY, nil,
            { context, _, values in
                guard let value = unsafe values?.pointee, let pick = unsafe sqlite3_value_pointer(value, RowPick.type)
                else { return unsafe sqlite3_result_error_code(context, SQLITE_MISUSE) }
                let picks = unsafe Unmanaged<RowPick>.fromOpaque(pick).takeUnretainedValue().picksNext()
                unsafe sqlite3_result_int(context, picks ? 1 : 0)
            }, nil, nil, nil)
        guard code == SQLITE_OK else { throw DatabaseError(resultCode: ResultCode(rawValue: code)) }
    }

    /// The name that SQLite compares: what is bound is a `RowPick`.
    fileprivate static var type: UnsafePointer<CChar> {
        unsafe UnsafeRawPointer(typeName.utf8Start).assumingMemoryBound(to: CChar.self)
    }
    private static let typeName: StaticString = "cartsync.RowPick"
}

extension PreparedStatement {
    /// Binds what picks the rows; it has to live until the statement is reset.
    func bind(_ pick: RowPick, at parameter: Int32) {
        unsafe sqlite3_bind_pointer(pointer, parameter, Unmanaged.passUnretained(pick).toOpaque(), RowPick.type, nil)
    }
}
