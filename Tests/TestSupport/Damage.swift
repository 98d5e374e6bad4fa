/// One thing that goes wrong with an export on its way.
package enum Damage: String, Sendable, CaseIterable {
    case lostByte, strayQuote, strayDelimiter, strayLineEnd, strayZero, gluedLines, movedEndTag, repeatedPart,
        otherEncoding

    /// The bytes of an export after the damage; as they were if it cannot happen to them.
    package func applied(to bytes: [UInt8], using generator: inout SeededGenerator) -> [UInt8] {
        var damaged = bytes
        let place = Int.random(in: 0..<bytes.count, using: &generator)
        switch self {
        case .lostByte: damaged.remove(at: place)
        case .strayQuote: damaged.insert(UInt8(ascii: "\""), at: place)
        case .strayDelimiter: damaged.insert([0x2C, 0x3B, 0x09].randomElement(using: &generator) ?? 0x2C, at: place)
        case .strayLineEnd: damaged.insert(0x0A, at: place)
        case .strayZero: damaged.insert(0, at: place)
        case .gluedLines:
            guard let end = bytes.indices.filter({ bytes[$0] == 0x0A }).randomElement(using: &generator) else { break }
            damaged.remove(at: end)
            if end > 0 && bytes[end - 1] == 0x0D { damaged.remove(at: end - 1) }
        case .movedEndTag: return Self.movingEndTag(in: bytes, &generator)
        case .repeatedPart:
            let length = Int.random(in: 1...max(1, bytes.count / 4), using: &generator)
            let part = bytes[place..<min(place + length, bytes.count)]
            damaged.insert(contentsOf: part, at: Bool.random(using: &generator) ? place : 0)
        case .otherEncoding:
            let rest = String(decoding: bytes[place...], as: UTF8.self)
            let encoded: [UInt8] =
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: rest.utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
                case 1: rest.utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
                default: rest.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
                }
            damaged = bytes[..<place] + encoded
        }
        return damaged
    }

    /// Takes an element's end tag away and puts it behind a later one of the same name.
    private static func movingEndTag(in bytes: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
        var tags: [Range<Int>] = []
        for start in bytes.indices where bytes[start...].starts(with: "</".utf8) {
            if let end = bytes[start...].firstIndex(of: UInt8(ascii: ">")) { tags.append(start..<end + 1) }
        }
        guard let tag = tags.randomElement(using: &generator),
            let later = tags.filter({ $0.lowerBound > tag.lowerBound && bytes[$0] == bytes[tag] })
                .randomElement(using: &generator)
        else { return bytes }
        var moved = Array(bytes[..<tag.lowerBound])
        moved += bytes[tag.upperBound..<later.upperBound]
        moved += bytes[tag]
        moved += bytes[later.upperBound...]
        return moved
    }
}
