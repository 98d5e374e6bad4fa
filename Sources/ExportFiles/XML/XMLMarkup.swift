/// The words of a piece of an XML document, as a parser would see them.
enum XMLMarkup {
    /// The bytes of the piece with character references replaced, and without comments and instructions, which may stand
    /// in the middle of a word. Names of elements and attributes stay, as words of their own.
    static func words(in markup: some Collection<UInt8>) -> [UInt8] {
        let bytes = Array(markup)
        var words: [UInt8] = []
        words.reserveCapacity(bytes.count)
        var rest = bytes[...]
        while let byte = rest.first {
            if byte == UInt8(ascii: "<"), let end = endOfAside(rest) {
                rest = rest[end...]
            } else if rest.starts(with: cdataStart) {
                let content = rest.dropFirst(cdataStart.count)
                let end = content.firstRange(of: cdataEnd)
                words += content[..<(end?.lowerBound ?? content.endIndex)]
                rest = content[(end?.upperBound ?? content.endIndex)...]
            } else if byte == UInt8(ascii: "&"), let reference = reference(rest) {
                words += reference.text
                rest = rest[reference.end...]
            } else {
                words.append(byte)
                rest = rest.dropFirst()
            }
        }
        return words
    }

    private static let cdataStart = Array("<![CDATA[".utf8)
    private static let cdataEnd = Array("]]>".utf8)

    /// Where a comment or an instruction ends that begins here; nil if neither does.
    private static func endOfAside(_ rest: ArraySlice<UInt8>) -> Int? {
        for (start, end) in [("<!--", "-->"), ("<?", "?>")] where rest.starts(with: start.utf8) {
            return rest.dropFirst(start.utf8.count).firstRange(of: Array(end.utf8))?.upperBound ?? rest.endIndex
        }
        return nil
    }

    /// What XML's own entities stand for.
    private static let predefined: [String: UInt8] = [
        "amp": UInt8(ascii: "&"), "lt": UInt8(ascii: "<"), "gt": UInt8(ascii: ">"), "quot": UInt8(ascii: "\""),
        "apos": UInt8(ascii: "'"),
    ]

    /// The character that a reference at the beginning stands for, and where the reference ends.
    private static func reference(_ rest: ArraySlice<UInt8>) -> (text: [UInt8], end: Int)? {
        // The longest one is &#x10FFFF; but for leading zeros.
        guard let end = rest.prefix(32).firstIndex(of: UInt8(ascii: ";")) else { return nil }
        let name = String(decoding: rest[rest.startIndex + 1..<end], as: UTF8.self)
        if let byte = predefined[name] { return ([byte], end + 1) }
        let number = name.hasPrefix("#x") ? UInt32(name.dropFirst(2), radix: 16) : UInt32(name.dropFirst(1))
        guard name.hasPrefix("#"), let scalar = number.flatMap(Unicode.Scalar.init) else { return nil }
        return (Array(String(scalar).utf8), end + 1)
    }
}
