/// Keeps a spreadsheet from calculating what a rejected record holds.
///
/// A cell that begins with `=`, `+`, `@`, a tab or a carriage return, or with `-` and is no plain id, gets an
/// apostrophe before it. A file with the columns of a rejects file is read with those apostrophes taken away, so an
/// import after mending sees the original value.
enum FormulaGuard {
    static let mark = UInt8(ascii: "'")

    /// Whether a spreadsheet could calculate a cell with these bytes, or the cell could be mistaken for a marked one.
    static func needsMark(_ cell: Span<UInt8>) -> Bool {
        guard let first = cell.indices.first(where: { cell[$0] != mark }), isTrigger(cell[first]) else { return false }
        // A dash before letters and digits alone can call nothing, and ids may begin with one.
        return !(first == 0 && cell[0] == UInt8(ascii: "-") && IdentifierBytes.isCart(cell))
    }

    static func isTrigger(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "="), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "@"), 0x09, 0x0D: true
        default: false
        }
    }

    /// The cell without the mark that `needsMark` asked for.
    static func unmarked(_ cell: ByteRange, in bytes: Span<UInt8>) -> ByteRange {
        guard cell.count >= 2, bytes[Int(cell.start)] == mark,
            let first = cell.range.first(where: { bytes[$0] != mark }), isTrigger(bytes[first])
        else { return cell }
        return ByteRange(cell.range.dropFirst())
    }

    static func unmarked(_ cell: String) -> String {
        let bytes = Array(cell.utf8)
        return unmarked(ByteRange(0..<bytes.count), in: bytes.span).start == 0 ? cell : String(cell.dropFirst())
    }

    static func remove(from fields: inout RecordFields, in bytes: Span<UInt8>) {
        fields.cart = unmarked(fields.cart, in: bytes)
        fields.customer = unmarked(fields.customer, in: bytes)
        fields.account = unmarked(fields.account, in: bytes)
        fields.owner = unmarked(fields.owner, in: bytes)
        fields.ownerType = unmarked(fields.ownerType, in: bytes)
        fields.action = unmarked(fields.action, in: bytes)
    }
}
