/// One field of a framed record: its bytes between the delimiters, and what they stand for.
struct CSVField {
    /// The bytes between the delimiters.
    let raw: Range<Int>
    /// The bytes within the quotes, or all of them if there are none.
    let content: Range<Int>

    init(_ bytes: Span<UInt8>, _ raw: Range<Int>) {
        self.raw = raw
        let isQuoted =
            raw.count >= 2 && bytes[raw.lowerBound] == CSVFramer.quote
            && bytes[raw.upperBound - 1] == CSVFramer.quote
        content = isQuoted ? raw.lowerBound + 1..<raw.upperBound - 1 : raw
    }

    /// Whether quotes in a field that RFC 4180 does not allow there can be read in one way only: there are none, or one at
    /// either end, with blanks or a spreadsheet's `=` around.
    static func isTolerable(_ bytes: Span<UInt8>, _ raw: Range<Int>) -> Bool {
        let field = CSVField(bytes, raw)
        if field.isQuoted, field.hasPairs(bytes) { return true }
        let range = IdentifierText.trimmed(raw, in: bytes)
        let quotes = range.filter { bytes[$0] == CSVFramer.quote }
        guard let first = quotes.first else { return true }
        let isFormula = first == range.lowerBound + 1 && bytes[range.lowerBound] == UInt8(ascii: "=")
        return quotes.count == 2 && (first == range.lowerBound || isFormula) && quotes[1] == range.upperBound - 1
    }

    /// Whether each quote within the content is followed by another.
    private func hasPairs(_ bytes: Span<UInt8>) -> Bool {
        var index = content.lowerBound
        while index < content.upperBound {
            if bytes[index] == CSVFramer.quote {
                guard index + 1 < content.upperBound, bytes[index + 1] == CSVFramer.quote else { return false }
                index += 1
            }
            index += 1
        }
        return true
    }

    /// Whether a range has nothing but delimiters, blanks, quotes around nothing or blanks, and some bytes more.
    static func isEmpty(_ bytes: Span<UInt8>, _ range: Range<Int>, delimiter: UInt8, orOf others: [UInt8] = []) -> Bool
    {
        var index = range.lowerBound
        while index < range.upperBound {
            let byte = bytes[index]
            if byte == CSVFramer.quote {
                // Two quotes, with blanks between or not, are nothing, and more are a quote.
                let blank = index + 1..<range.upperBound
                let end = blank.first { bytes[$0] != 0x20 && bytes[$0] != 0x09 }
                guard let end, bytes[end] == CSVFramer.quote,
                    end + 1 == range.upperBound || bytes[end + 1] != CSVFramer.quote
                else { return false }
                index = end
            } else if byte >= 0x80 {
                guard let blank = IdentifierText.longBlank(at: index, of: range, bytes) else { return false }
                index += blank - 1
            } else if byte != delimiter, byte != 0x20, byte != 0x09, !others.contains(byte) {
                return false
            }
            index += 1
        }
        return true
    }

    var isQuoted: Bool { raw != content }

    /// Whether quotes stand within the quotes, so that the value is not the content.
    func hasQuotes(_ bytes: Span<UInt8>) -> Bool {
        isQuoted && content.contains { bytes[$0] == CSVFramer.quote }
    }

    /// The value as text, with replacement characters for what is not UTF-8.
    func text(_ bytes: Span<UInt8>) -> String {
        hasQuotes(bytes)
            ? String(decoding: unescaped(bytes), as: UTF8.self) : String(decodingBytesOf: bytes.extracting(content))
    }

    /// The value: without the quotes around it, and with one quote for two.
    func unescaped(_ bytes: Span<UInt8>) -> [UInt8] {
        var value: [UInt8] = []
        value.reserveCapacity(content.count)
        unescape(bytes, into: &value)
        return value
    }

    /// Appends the value. To ask for its capacity here would copy all values before it, each time.
    func unescape(_ bytes: Span<UInt8>, into value: inout [UInt8]) {
        var start = content.lowerBound
        if isQuoted {
            var index = start
            while index < content.upperBound {
                if bytes[index] == CSVFramer.quote {
                    // One of the two quotes goes.
                    value.append(bytes.extracting(start..<min(index + 1, content.upperBound)))
                    index += 1
                    start = min(index + 1, content.upperBound)
                }
                index += 1
            }
        }
        value.append(bytes.extracting(start..<content.upperBound))
    }
}

extension [UInt8] {
    /// Adds bytes at the end, all at once.
    mutating func append(_ bytes: Span<UInt8>) {
        // The bytes are copied before the closure returns.
        unsafe bytes.withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
    }
}
