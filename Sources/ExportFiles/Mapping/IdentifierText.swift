/// What stands in the place of an identifier, freed of what spreadsheets and databases put around or in place of one.
enum IdentifierText {
    /// The words and error values that mean that there is no value.
    private static let missing: Set<String> = [
        "null", "(null)", "<null>", "[null]", "nil", "none", "nan", "na", "n/a", "undefined", "\\n", "#n/a", "#ref!",
        "#null!",
        "#value!", "#name?", "#num!", "#div/0!",
    ]
    private static let longestMissing = 9
    /// No longer text is a number that a spreadsheet has written with an exponent.
    private static let longestNumber = 24

    /// Whether a value that is an identifier by its characters may be none, or more than one; cheap, and true too often.
    @inline(__always)
    static func isOdd(_ bytes: Span<UInt8>) -> Bool {
        guard !bytes.isEmpty else { return false }
        if bytes.count > longestNumber {
            // As ids of the store are: their first digit is a letter or not, which no processor can foresee.
            return bytes[0] == UInt8(ascii: "'") || bytes[0] == UInt8(ascii: "=") || bytes[0] == UInt8(ascii: "\"")
        }
        switch bytes[0] {
        case UInt8(ascii: "'"), UInt8(ascii: "="), UInt8(ascii: "\""): return true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
            return isDestroyed(bytes)
        case UInt8(ascii: "N"), UInt8(ascii: "n"), UInt8(ascii: "("), UInt8(ascii: "<"), UInt8(ascii: "["),
            UInt8(ascii: "u"), UInt8(ascii: "U"), UInt8(ascii: "\\"), UInt8(ascii: "#"):
            return bytes.count <= longestMissing
        default: return false
        }
    }

    /// The part of a value that is the identifier: without blanks, a spreadsheet's apostrophe, quotes or `="..."` around
    /// it; empty for a word that means that there is none.
    static func plain(_ value: ByteRange, in bytes: Span<UInt8>) -> ByteRange {
        let range = unwrapped(value.range, in: bytes)
        if range.count <= longestMissing,
            missing.contains(String(decodingBytesOf: bytes.extracting(range)).lowercased())
        {
            return ByteRange()
        }
        return range.isEmpty ? ByteRange() : ByteRange(range)
    }

    /// The same of a name, which may have words of any kind, and apostrophes around it of its own.
    static func plainName(_ value: Range<Int>, in bytes: Span<UInt8>) -> Range<Int> {
        let range = trimmed(value, in: bytes)
        let hasOwn =
            range.count > 1 && bytes[range.lowerBound] == UInt8(ascii: "'")
            && bytes[range.upperBound - 1] == UInt8(ascii: "'")
        return hasOwn ? range : unwrapped(range, in: bytes)
    }

    /// A value without blanks, a spreadsheet's apostrophe, quotes or `="..."` around it.
    static func unwrapped(_ value: Range<Int>, in bytes: Span<UInt8>) -> Range<Int> {
        var range = trimmed(value, in: bytes)
        if range.count > 2, bytes[range.lowerBound] == UInt8(ascii: "="), isQuoted(range.dropFirst(), bytes) {
            range = trimmed(range.lowerBound + 2..<range.upperBound - 1, in: bytes)
        } else if isQuoted(range, bytes) {
            range = trimmed(range.lowerBound + 1..<range.upperBound - 1, in: bytes)
        }
        if !range.isEmpty, bytes[range.lowerBound] == UInt8(ascii: "'") {
            range = trimmed(range.lowerBound + 1..<range.upperBound, in: bytes)
        }
        return range
    }

    /// Whether quotes stand at both ends of a range and nowhere else.
    private static func isQuoted(_ range: Range<Int>, _ bytes: Span<UInt8>) -> Bool {
        range.count >= 2 && bytes[range.lowerBound] == CSVFramer.quote && bytes[range.upperBound - 1] == CSVFramer.quote
            && !range.dropFirst().dropLast().contains { bytes[$0] == CSVFramer.quote }
    }

    /// A range without blanks at its ends: spaces, tabs, line ends, no-break spaces and byte order marks.
    static func trimmed(_ range: Range<Int>, in bytes: Span<UInt8>) -> Range<Int> {
        var range = range
        while let count = blank(atStartOf: range, bytes) { range = range.lowerBound + count..<range.upperBound }
        while let count = blank(atEndOf: range, bytes) { range = range.lowerBound..<range.upperBound - count }
        return range
    }

    /// The characters of more than one byte that are blanks: U+00A0, U+2007, U+202F and U+FEFF.
    private static let longBlanks: [[UInt8]] = [
        [0xC2, 0xA0], [0xE2, 0x80, 0x87], [0xE2, 0x80, 0xAF], [0xEF, 0xBB, 0xBF],
    ]

    private static func blank(atStartOf range: Range<Int>, _ bytes: Span<UInt8>) -> Int? {
        guard !range.isEmpty else { return nil }
        if XMLSpace.contains(bytes[range.lowerBound]) { return 1 }
        guard bytes[range.lowerBound] >= 0x80 else { return nil }
        return longBlank(at: range.lowerBound, of: range, bytes)
    }

    /// How many bytes the blank of several bytes has that begins at an index of a range; nil if there is none.
    static func longBlank(at index: Int, of range: Range<Int>, _ bytes: Span<UInt8>) -> Int? {
        longBlanks.first { blank in
            range.upperBound - index >= blank.count && blank.indices.allSatisfy { bytes[index + $0] == blank[$0] }
        }?.count
    }

    private static func blank(atEndOf range: Range<Int>, _ bytes: Span<UInt8>) -> Int? {
        guard !range.isEmpty else { return nil }
        if XMLSpace.contains(bytes[range.upperBound - 1]) { return 1 }
        guard bytes[range.upperBound - 1] >= 0x80 else { return nil }
        return longBlanks.first { blank in
            range.count >= blank.count
                && blank.indices.allSatisfy { bytes[range.upperBound - blank.count + $0] == blank[$0] }
        }?.count
    }

    /// Whether a value is what a spreadsheet makes of a long number: a decimal point or comma before the E, or a sign
    /// behind it, as in `1.23457E+15`.
    static func isDestroyed(_ bytes: Span<UInt8>) -> Bool {
        func isDigit(_ index: Int) -> Bool { bytes[index] >= 0x30 && bytes[index] <= 0x39 }
        func digits(_ start: Int) -> Int {
            var index = start
            while index < bytes.count, isDigit(index) { index &+= 1 }
            return index
        }
        var index = bytes.isEmpty || bytes[0] != UInt8(ascii: "-") ? 0 : 1
        let whole = digits(index)
        guard whole > index, whole < bytes.count else { return false }
        index = whole
        var isFraction = false
        if bytes[index] == UInt8(ascii: ".") || bytes[index] == UInt8(ascii: ",") {
            isFraction = true
            index = digits(index + 1)
        }
        guard index < bytes.count, bytes[index] | 0x20 == UInt8(ascii: "e") else { return false }
        index += 1
        guard index < bytes.count else { return false }
        let isSigned = bytes[index] == UInt8(ascii: "+") || bytes[index] == UInt8(ascii: "-")
        if isSigned { index += 1 }
        return (isFraction || isSigned) && index < bytes.count && digits(index) == bytes.count
    }

    /// The first character that only looks like a digit or a hyphen; nil without one.
    static func lookAlike(in bytes: Span<UInt8>) -> (scalar: Unicode.Scalar, isHyphen: Bool)? {
        for scalar in String(decodingBytesOf: bytes).unicodeScalars where !scalar.isASCII {
            switch scalar.value {
            case 0x2010...0x2015, 0x2212, 0x2043, 0xFE58, 0xFE63, 0xFF0D, 0x00AD: return (scalar, true)
            default: if scalar.properties.numericType == .decimal { return (scalar, false) }
            }
        }
        return nil
    }
}

extension Unicode.Scalar {
    /// The number of a character as it is written about, for instance `U+00A0`.
    var number: String {
        let digits = String(value, radix: 16, uppercase: true)
        return "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}
