/// Turns UTF-8 into the encoding of an export: the other way round of `Transcoder`.
///
/// What a transcoder has made comes back as the bytes that it was made of, half surrogates too. A character that the
/// encoding does not have becomes a question mark.
struct TextEncoder: Sendable {
    private let encoding: TextEncoding
    /// The byte of each character, in an encoding of one byte a character.
    private let bytes: [UInt32: UInt8]

    init(to encoding: TextEncoding) {
        self.encoding = encoding
        let characters = (encoding.characters ?? []).enumerated().map { ($0.element, UInt8($0.offset)) }
        bytes = Dictionary(characters) { first, _ in first }
    }

    /// The most bytes that a byte of UTF-8 becomes.
    var width: Int { encoding == .utf16LittleEndian || encoding == .utf16BigEndian ? 2 : 1 }

    func encode(_ text: [UInt8]) -> [UInt8] {
        guard encoding != .utf8 else { return text }
        var output: [UInt8] = []
        output.reserveCapacity(text.count * width)
        var index = 0
        while index < text.count { append(Self.scalar(of: text, at: &index), to: &output) }
        return output
    }

    private func append(_ scalar: UInt32, to output: inout [UInt8]) {
        switch encoding {
        case .utf8: break
        case .latin1, .latin9, .windows1252: output.append(bytes[scalar] ?? UInt8(ascii: "?"))
        case .utf16LittleEndian, .utf16BigEndian:
            guard scalar >= 0x10000 else { return append(unit: UInt16(scalar), to: &output) }
            let rest = scalar - 0x10000
            append(unit: UInt16(0xD800 | rest >> 10), to: &output)
            append(unit: UInt16(0xDC00 | rest & 0x3FF), to: &output)
        }
    }

    private func append(unit: UInt16, to output: inout [UInt8]) {
        let (low, high) = (UInt8(truncatingIfNeeded: unit), UInt8(unit >> 8))
        if encoding == .utf16LittleEndian { output += [low, high] } else { output += [high, low] }
    }

    /// The character at an index, which moves behind it. A byte that begins none is taken for one of Latin-1.
    private static func scalar(of text: [UInt8], at index: inout Int) -> UInt32 {
        let first = text[index]
        let length = first < 0xC2 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 1
        let rest = text[(index + 1)...].prefix(length - 1)
        guard length > 1, rest.count == length - 1, rest.allSatisfy({ $0 & 0xC0 == 0x80 }) else {
            index += 1
            return UInt32(first)
        }
        index += length
        return rest.reduce(UInt32(first) & (0x7F >> UInt32(length))) { $0 << 6 | UInt32($1 & 0x3F) }
    }
}

extension TextEncoding {
    /// The name in an XML declaration.
    var declared: String {
        switch self {
        case .utf8: "UTF-8"
        case .utf16LittleEndian, .utf16BigEndian: "UTF-16"
        case .latin1: "ISO-8859-1"
        case .latin9: "ISO-8859-15"
        case .windows1252: "windows-1252"
        }
    }
}
