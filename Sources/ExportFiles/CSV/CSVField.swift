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

    var isQuoted: Bool { raw != content }

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
