/// Cells of a CSV file that a person may open in a spreadsheet.
///
/// A spreadsheet takes a cell that begins with `=`, `+`, `-`, `@`, a tab or a line end for a formula (OWASP, CSV
/// Injection), full-width forms of these included. Such a cell gets a `'` in front, and so does one that begins with
/// `'`, so that taking one leading `'` away gives back every text: also a cart id that begins with `-`.
package enum CSVCell {
    static let separator = UInt8(ascii: ",")
    static let lineEnd: [UInt8] = [UInt8(ascii: "\r"), UInt8(ascii: "\n")]

    private static let guardMark = UInt8(ascii: "'")
    private static let quote = UInt8(ascii: "\"")

    /// The text that a cell stands for, once its CSV quotes are gone.
    package static func text(ofCell cell: String) -> String {
        cell.utf8.first == guardMark ? String(cell.unicodeScalars.dropFirst()) : cell
    }

    static func append(_ text: String, to line: inout [UInt8]) {
        let bytes = text.utf8
        let isGuarded = text.unicodeScalars.first.map(isTrigger) ?? false
        guard bytes.contains(where: needsQuotes) else {
            if isGuarded { line.append(guardMark) }
            line.append(contentsOf: bytes)
            return
        }
        line.append(quote)
        if isGuarded { line.append(guardMark) }
        for byte in bytes {
            if byte == quote { line.append(quote) }
            line.append(byte)
        }
        line.append(quote)
    }

    private static func isTrigger(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "=", "+", "-", "@", "\t", "\r", "\n", "'", "＝", "＋", "－", "＠": true
        default: false
        }
    }

    private static func needsQuotes(_ byte: UInt8) -> Bool {
        switch byte {
        case quote, separator, UInt8(ascii: "\r"), UInt8(ascii: "\n"), UInt8(ascii: ";"), UInt8(ascii: "\t"): true
        default: false
        }
    }
}
