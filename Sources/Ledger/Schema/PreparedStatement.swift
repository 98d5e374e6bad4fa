import CartAssociations
import Foundation
import GRDB
import GRDBSQLite

/// A statement that is bound and read without boxing each value: rows by the million cost a third of what they do
/// through `Row` and `StatementArguments`.
///
/// Parameters and columns are numbered as in SQL: parameters from 1, columns from 0. Every `unsafe` below passes
/// `pointer` to SQLite, which is valid as long as `statement` lives; this value keeps it alive.
@safe struct PreparedStatement {
    private let statement: Statement
    let pointer: OpaquePointer

    /// - Parameter isKept: whether the connection keeps the statement for the next who asks for the same SQL. In a
    ///   transaction of few rows preparing costs as much as running. Only one may use it at a time, and leaves it
    ///   reset.
    init(_ db: Database, _ sql: String, isKept: Bool = false) throws {
        statement = try isKept ? db.cachedStatement(sql: sql) : db.makeStatement(sql: sql)
        unsafe pointer = statement.sqliteStatement
    }

    /// SQLite's version, for instance `3.40.1`.
    static var libraryVersion: String {
        // Unsafe because the text belongs to the C library, for ever.
        unsafe String(cString: sqlite3_libversion())
    }

    /// The rows of a statement's `VALUES`: each has parameters of its own, row behind row, and all share those behind them.
    static func rows(_ count: Int, columns: Int, shared: Int = 0) -> String {
        (0..<count).map { row in
            let own = (1...columns).map { row * columns + $0 }
            let all = own + (0..<shared).map { count * columns + $0 + 1 }
            return "(\(all.map { "?\($0)" }.joined(separator: ", ")))"
        }.joined(separator: ", ")
    }

    func bind(_ value: Int64, at parameter: Int32) {
        unsafe sqlite3_bind_int64(pointer, parameter, value)
    }

    func bind(_ value: Int, at parameter: Int32) { bind(Int64(value), at: parameter) }

    /// Binds the 64 bits as they are; SQLite's integers are signed.
    func bind(bits value: UInt64, at parameter: Int32) { bind(Int64(bitPattern: value), at: parameter) }

    func bind(_ value: Int64?, at parameter: Int32) {
        if let value { bind(value, at: parameter) } else { bindNull(at: parameter) }
    }

    func bind(_ value: Int?, at parameter: Int32) { bind(value.map(Int64.init), at: parameter) }

    func bindNull(at parameter: Int32) {
        unsafe sqlite3_bind_null(pointer, parameter)
    }

    func bind(_ text: String, at parameter: Int32) {
        var text = text
        // SQLite copies the bytes before the call returns, as the destructor -1 (SQLITE_TRANSIENT) asks.
        text.withUTF8 { bytes in
            let start = unsafe UnsafeRawPointer(bytes.baseAddress)?.assumingMemoryBound(to: CChar.self)
            unsafe sqlite3_bind_text(pointer, parameter, start, Int32(bytes.count), Self.copied)
        }
    }

    func bind(_ text: String?, at parameter: Int32) {
        if let text { bind(text, at: parameter) } else { bindNull(at: parameter) }
    }

    /// Binds valid UTF-8 that SQLite does not copy: its bytes must stay where they are until the statement has been reset.
    func bind(staying text: Span<UInt8>, at parameter: Int32) {
        // No bytes may be at no address, which would be null.
        guard !text.isEmpty else { return bind("", at: parameter) }
        unsafe text.withUnsafeBytes { bytes in
            let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
            unsafe sqlite3_bind_text(pointer, parameter, start, Int32(bytes.count), nil)
        }
    }

    /// Binds the bytes of a fingerprint as `bind(staying:at:)` binds text.
    func bind(stayingFingerprint bytes: Span<UInt8>, at parameter: Int32) {
        _ = unsafe bytes.withUnsafeBytes { bytes in
            unsafe sqlite3_bind_blob(pointer, parameter, bytes.baseAddress, Int32(bytes.count), nil)
        }
    }

    /// SQLITE_TRANSIENT, a macro that Swift does not import.
    nonisolated(unsafe) private static let copied = unsafe unsafeBitCast(-1, to: sqlite3_destructor_type.self)

    /// Binds a fingerprint as 16 bytes, the high half first, each half big-endian.
    func bind(_ fingerprint: Fingerprint, at parameter: Int32) {
        var bytes = (fingerprint.high.bigEndian, fingerprint.low.bigEndian)
        // SQLite copies the bytes before the call returns, as the destructor -1 (SQLITE_TRANSIENT) asks.
        _ = unsafe withUnsafeBytes(of: &bytes) { bytes in
            unsafe sqlite3_bind_blob(pointer, parameter, bytes.baseAddress, Int32(bytes.count), Self.copied)
        }
    }

    /// Moves to the next row; false at the end.
    func step() throws -> Bool {
        switch unsafe sqlite3_step(pointer) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        case let code:
            // Unsafe because the text belongs to the connection; it is copied at once.
            let message = unsafe String(cString: sqlite3_errmsg(sqlite3_db_handle(pointer)))
            unsafe sqlite3_reset(pointer)
            throw DatabaseError(resultCode: ResultCode(rawValue: code), message: message, sql: statement.sql)
        }
    }

    /// Makes it ready to run again; what is bound stays bound.
    func reset() {
        unsafe sqlite3_reset(pointer)
    }

    /// Runs a statement that returns no rows, and makes it ready to run again.
    func run() throws {
        _ = try step()
        reset()
    }

    func integer(_ column: Int32) -> Int64 { unsafe sqlite3_column_int64(pointer, column) }

    func int(_ column: Int32) -> Int { Int(truncatingIfNeeded: integer(column)) }

    /// The column's fingerprint; throws if it does not have 16 bytes, which only damage explains.
    func fingerprint(_ column: Int32) throws -> Fingerprint {
        // Unsafe because the bytes belong to SQLite until the next step; they are copied at once.
        guard let start = unsafe sqlite3_column_blob(pointer, column),
            unsafe sqlite3_column_bytes(pointer, column) == 16
        else { throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a fingerprint does not have 16 bytes") }
        let high = unsafe start.loadUnaligned(as: UInt64.self)
        let low = unsafe start.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
        return Fingerprint(high: UInt64(bigEndian: high), low: UInt64(bigEndian: low))
    }

    func isNull(_ column: Int32) -> Bool { unsafe sqlite3_column_type(pointer, column) == SQLITE_NULL }

    /// The place in three columns that follow each other; nil if the first is null.
    func place(from column: Int32) -> RecordPlace? {
        isNull(column) ? nil : RecordPlace(export: int(column), record: int(column + 1), line: int(column + 2))
    }

    /// The column's number of seconds from 1970 on.
    func date(_ column: Int32) -> Date { Date(timeIntervalSince1970: TimeInterval(integer(column))) }

    /// Shows the bytes of the column's text.
    func withBytes(_ column: Int32, _ body: (Span<UInt8>) throws -> Void) rethrows {
        // Unsafe because the bytes belong to SQLite until the next step, which the closure cannot make.
        let start = unsafe sqlite3_column_text(pointer, column)
        let count = unsafe Int(sqlite3_column_bytes(pointer, column))
        let bytes = unsafe UnsafeBufferPointer(start: start, count: start == nil ? 0 : count)
        try unsafe body(bytes.span)
    }

    /// The column's text; empty for null, and repaired if the bytes are not UTF-8.
    func text(_ column: Int32) -> String {
        // Unsafe because the bytes belong to SQLite until the next step; they are copied at once.
        guard let start = unsafe sqlite3_column_text(pointer, column) else { return "" }
        let count = unsafe Int(sqlite3_column_bytes(pointer, column))
        return unsafe String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    }
}
