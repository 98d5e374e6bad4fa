/// One field of a framed record: its bytes between the delimiters, and what they stand for.
struct CSVCell {
    /// The bytes between the delimiters.
    let raw: Range<Int>
    /// The bytes within the quotes, or all of them where there are none.
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
        unescape(bytes, into: &value)
        return value
    }

    func unescape(_ bytes: Span<UInt8>, into value: inout [UInt8]) {
        value.reserveCapacity(value.count + content.count)
        var index = content.lowerBound
        while index < content.upperBound {
            value.append(bytes[index])
            let isEscape = isQuoted && bytes[index] == CSVFramer.quote
            index += isEscape ? 2 : 1
        }
    }
}
