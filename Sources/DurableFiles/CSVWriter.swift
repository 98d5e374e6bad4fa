/// Rows of a CSV file as bytes: RFC 4180 and UTF-8, with quotes where any reader might need them.
///
/// `FormulaGuard` marks the cells that a spreadsheet would calculate. Control characters (C0, DEL and C1) become U+FFFD:
/// no id has one, and whoever shows the file on a terminal is not at the mercy of what a store or a name says.
package struct CSVWriter: Sendable {
    package enum Kind: Sendable {
        /// A table for a person: lines end in CRLF.
        case table
        /// Records that a program reads back: lines end in LF, and no cell is taken apart at a `|`.
        case records
    }

    private let kind: Kind
    /// The rows that were not taken away yet.
    package private(set) var bytes: [UInt8] = []
    private var isRowBegun = false

    package init(_ kind: Kind, columns: [String]) {
        self.kind = kind
        for column in columns { add(column) }
        endRow()
    }

    /// Forgets the rows that are there, which their reader has taken.
    package mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

    /// Adds a cell to the present row.
    package mutating func add(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            // Unsafe because the bytes belong to the string, which lives until the closure returns.
            unsafe add(bytes.span)
        }
    }

    /// Adds a cell to the present row, from its UTF-8.
    package mutating func add(_ text: Span<UInt8>) {
        beginCell()
        var isPlain = true
        let start = bytes.count
        // A tab or a line end at the beginning is replaced, and asks for no mark then.
        if text.count > 0, text[0] >= 0x20, FormulaGuard.needsMark(text) { bytes.append(FormulaGuard.mark) }
        var index = 0
        while index < text.count {
            let width = Self.controlWidth(text, at: index)
            if width > 0 {
                bytes.append(contentsOf: Self.replacement)
            } else {
                if needsQuotes(text[index]) { isPlain = false }
                bytes.append(text[index])
            }
            index += max(1, width)
        }
        if !isPlain { quote(from: start) }
    }

    /// Adds a number to the present row; an empty cell if there is none.
    package mutating func add(_ number: Int?) {
        beginCell()
        if let number { bytes.append(contentsOf: String(number).utf8) }
    }

    /// Ends the present row.
    package mutating func endRow() {
        if kind == .table { bytes.append(UInt8(ascii: "\r")) }
        bytes.append(UInt8(ascii: "\n"))
        isRowBegun = false
    }

    private mutating func beginCell() {
        if isRowBegun { bytes.append(UInt8(ascii: ",")) }
        isRowBegun = true
    }

    /// Puts the cell that begins at an offset into quotes, with two for each that is in it.
    private mutating func quote(from start: Int) {
        let text = Array(bytes[start...])
        bytes.removeSubrange(start...)
        bytes.append(Self.quote)
        for byte in text {
            if byte == Self.quote { bytes.append(Self.quote) }
            bytes.append(byte)
        }
        bytes.append(Self.quote)
    }

    private static let quote = UInt8(ascii: "\"")
    /// U+FFFD.
    private static let replacement: [UInt8] = [0xEF, 0xBF, 0xBD]

    /// The bytes of the control character that begins at an offset; 0 if another character does.
    private static func controlWidth(_ text: Span<UInt8>, at offset: Int) -> Int {
        switch text[offset] {
        case 0...0x1F, 0x7F: 1
        // U+0080 to U+009F.
        case 0xC2 where offset + 1 < text.count && (0x80...0x9F).contains(text[offset + 1]): 2
        default: 0
        }
    }

    private func needsQuotes(_ byte: UInt8) -> Bool {
        switch byte {
        // All that a reader might take for a delimiter.
        case Self.quote, UInt8(ascii: ","), UInt8(ascii: ";"): true
        case UInt8(ascii: "|"): kind == .records
        default: false
        }
    }
}

/// The one rule against spreadsheets that calculate what a cell holds (OWASP, CSV Injection).
///
/// A cell that begins with `=`, `+`, `-`, `@`, a full-width form of these, a tab or a line end gets a `'` in front. So
/// does one whose first other character behind any number of `'` is one of these, so that taking one `'` away from
/// each such cell gives back every text.
package enum FormulaGuard {
    package static let mark = UInt8(ascii: "'")

    /// Whether a cell with this UTF-8 gets a mark.
    package static func needsMark(_ cell: Span<UInt8>) -> Bool {
        var first = 0
        while first < cell.count && cell[first] == mark { first += 1 }
        return isTrigger(cell, at: first)
    }

    /// Whether the cell has a mark that `needsMark` asked for.
    package static func isMarked(_ cell: Span<UInt8>) -> Bool {
        cell.count > 1 && cell[0] == mark && needsMark(cell)
    }

    /// The text of a cell without the mark that `needsMark` asked for.
    package static func unmarked(_ cell: String) -> String {
        isMarked(Array(cell.utf8).span) ? String(decoding: cell.utf8.dropFirst(), as: UTF8.self) : cell
    }

    /// Whether a spreadsheet takes the character at this offset, as a cell's first one, for the beginning of a formula.
    package static func isTrigger(_ bytes: Span<UInt8>, at offset: Int) -> Bool {
        guard offset < bytes.count else { return false }
        switch bytes[offset] {
        case UInt8(ascii: "="), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "@"), 0x09, 0x0A, 0x0D: return true
        case 0xEF:
            guard offset + 2 < bytes.count, bytes[offset + 1] == 0xBC else { return false }
            // The third bytes of `＝`, `＋`, `－` and `＠`.
            return [0x9D, 0x8B, 0x8D, 0xA0].contains(bytes[offset + 2])
        default: return false
        }
    }
}
