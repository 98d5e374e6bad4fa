/// How the last line of a CSV is told that is no record.
package enum ExportTrailer: Sendable, Equatable {
    /// By ids that have another form than all before it.
    case found
    /// There is never one.
    case missing
    /// By its text, which has the number of records.
    case line(TrailerLine)
}

/// The text of a trailer, as `TRL,{count}`.
package struct TrailerLine: Sendable, Equatable {
    private static let placeholder = "{count}"

    private let prefix: [UInt8]
    private let suffix: [UInt8]

    /// nil if the text has not exactly one `{count}` in it, or nothing else.
    package init?(_ text: String) {
        let parts = text.split(separator: Self.placeholder, omittingEmptySubsequences: false)
        guard parts.count == 2, text != Self.placeholder else { return nil }
        prefix = Array(parts[0].utf8)
        suffix = Array(parts[1].utf8)
    }

    /// The text, as it was given.
    package var text: String {
        String(decoding: prefix, as: UTF8.self) + Self.placeholder + String(decoding: suffix, as: UTF8.self)
    }

    /// The number in a line; nil if the line is another.
    func count(in line: Span<UInt8>) -> Int? {
        let digits = prefix.count..<max(prefix.count, line.count - suffix.count)
        guard !digits.isEmpty, digits.count <= 18, line.count >= prefix.count + suffix.count,
            prefix.indices.allSatisfy({ line[$0] == prefix[$0] }),
            suffix.indices.allSatisfy({ line[digits.upperBound + $0] == suffix[$0] })
        else { return nil }
        return Int(String(decodingBytesOf: line.extracting(digits)))
    }
}

/// Tells a last line that is no record from the records before it, by the form of their identifiers.
///
/// If the owners or carts of all earlier records have one form, and those of the last line have another, the line is
/// a total or a footer.
struct CSVTrailer: Sendable {
    /// The form that all identifiers of a column have had so far.
    private enum Form: Sendable, Equatable {
        case unknown
        case uuid
        case number
        /// Some text with a number behind it.
        case numbered(prefix: [UInt8])
        case any
    }

    /// What the identifiers of a column have shown so far.
    private struct Column: Sendable {
        /// Fewer different identifiers than this show no form.
        private static let fewest = 3

        private(set) var form = Form.unknown
        /// The first ones that differ.
        private var first: [[UInt8]] = []

        /// Whether an identifier of another form is no chance.
        var isKnown: Bool { first.count == Self.fewest }

        func fits(_ id: Span<UInt8>) -> Bool { CSVTrailer.fits(id, form) }

        mutating func take(_ id: Span<UInt8>) {
            if form == .unknown {
                form = CSVTrailer.form(id)
            } else if !fits(id) {
                form = .any
            }
            guard !isKnown,
                !first.contains(where: { known in
                    id.count == known.count && known.indices.allSatisfy { id[$0] == known[$0] }
                })
            else { return }
            var copy: [UInt8] = []
            copy.append(id)
            first.append(copy)
        }
    }

    private var owners = Column()
    private var carts = Column()
    /// Whether either column still has a form.
    var isTracking = true

    /// Whether a record's identifiers have the forms of those before it; they are remembered if so.
    @inline(__always)
    mutating func fits(owner: Span<UInt8>, cart: Span<UInt8>) -> Bool {
        guard isTracking else { return true }
        return check(owner, cart)
    }

    private mutating func check(_ owner: Span<UInt8>, _ cart: Span<UInt8>) -> Bool {
        if owners.isKnown && !owners.fits(owner) || carts.isKnown && !carts.fits(cart) { return false }
        // Identifiers that fit known forms say nothing new.
        if !owners.isKnown || !carts.isKnown { accept(owner: owner, cart: cart) }
        return true
    }

    /// Takes a record for one like any other, also one that does not fit, because others follow.
    mutating func accept(owner: Span<UInt8>, cart: Span<UInt8>) {
        owners.take(owner)
        carts.take(cart)
        isTracking = owners.form != .any || carts.form != .any
    }

    /// What stands in the place of an identifier in a line that counts the records above it.
    private static let totals: Set<String> = [
        "total", "totals", "totaal", "totale", "gesamt", "sum", "summe", "somme", "suma", "count", "records", "rows",
        "lines",
        "trl", "tlr", "trailer", "footer", "end", "ende", "eof",
    ]
    private static let longestTotal = 8

    /// Whether a line that is no record counts those above it, or the lines with it and the header: a word for a total, and
    /// their number.
    @inline(__always)
    static func isTotal(_ first: Span<UInt8>, _ second: Span<UInt8>, records: Int) -> Bool {
        isTotal(word: first, number: second, records) || isTotal(word: second, number: first, records)
    }

    @inline(__always)
    private static func isTotal(word: Span<UInt8>, number: Span<UInt8>, _ records: Int) -> Bool {
        guard !word.isEmpty, word.count <= longestTotal + 1, number.count <= 9, word[0] >= 0x41,
            areDigits(number, from: 0), let count = Int(String(decodingBytesOf: number))
        else { return false }
        let text = String(decodingBytesOf: word).lowercased()
        return (records...records + 2).contains(count)
            && totals.contains(text.hasSuffix(":") ? String(text.dropLast()) : text)
    }

    private static func fits(_ id: Span<UInt8>, _ form: Form) -> Bool {
        switch form {
        case .unknown, .any: true
        case .uuid: isUUID(id)
        case .number: areDigits(id, from: 0)
        case .numbered(let prefix):
            id.count > prefix.count && prefix.indices.allSatisfy { id[$0] == prefix[$0] }
                && areDigits(id, from: prefix.count)
                || isNumbered(id, like: prefix)
        }
    }

    /// Whether an identifier is a number behind a text that has the same letters and digits as another.
    private static func isNumbered(_ id: Span<UInt8>, like prefix: [UInt8]) -> Bool {
        guard case .numbered(let other) = form(id) else { return false }
        func letters(_ bytes: [UInt8]) -> [UInt8] {
            bytes.filter { $0 != UInt8(ascii: "-") && $0 != UInt8(ascii: "_") && $0 != UInt8(ascii: ".") }
        }
        return letters(other) == letters(prefix)
    }

    private static func form(_ id: Span<UInt8>) -> Form {
        if isUUID(id) { return .uuid }
        var start = id.count
        while start > 0, isDigit(id[start - 1]) { start -= 1 }
        if start == id.count { return .any }
        return start == 0 ? .number : .numbered(prefix: (0..<start).map { id[$0] })
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

    private static func areDigits(_ id: Span<UInt8>, from start: Int) -> Bool {
        var index = start
        while index < id.count, isDigit(id[index]) { index &+= 1 }
        return index == id.count && start < id.count
    }

    private static func isUUID(_ id: Span<UInt8>) -> Bool {
        let dash = UInt8(ascii: "-")
        return id.count == 36 && id[8] == dash && id[13] == dash && id[18] == dash && id[23] == dash
    }
}
