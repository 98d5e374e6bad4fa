/// The encodings that an export may have.
package enum TextEncoding: String, Sendable, Hashable, CaseIterable, Codable {
    case utf8 = "utf-8"
    case utf16LittleEndian = "utf-16le"
    case utf16BigEndian = "utf-16be"
    /// ISO 8859-1. Its control characters from 0x80 are what Windows-1252 has there, because writers that say the one
    /// often write the other.
    case latin1 = "latin-1"
    /// ISO 8859-15, which has the euro sign.
    case latin9 = "iso-8859-15"
    case windows1252 = "windows-1252"

    /// The encoding of a name, by which people, programs or XML declarations call it, without regard to case and
    /// punctuation; nil for any other. ASCII is UTF-8.
    package init?(named name: String) {
        switch String(name.lowercased().filter { $0.isLetter || $0.isNumber }) {
        case "utf8", "unicode11utf8", "usascii", "ascii", "ansix341968": self = .utf8
        case "utf16le": self = .utf16LittleEndian
        case "utf16be": self = .utf16BigEndian
        case "latin1", "iso88591", "88591", "l1", "isolatin1", "ibm819", "cp819": self = .latin1
        case "latin9", "iso885915", "885915", "l9", "latin0": self = .latin9
        case "windows1252", "cp1252", "xcp1252", "win1252", "1252", "ansi", "microsoftansi": self = .windows1252
        default: return nil
        }
    }

    /// The character of each byte in an encoding of one byte a character; nil for another encoding.
    var characters: [UInt32]? {
        var characters = (0..<256).map { UInt32($0) }
        switch self {
        case .utf8, .utf16LittleEndian, .utf16BigEndian: return nil
        case .latin1, .windows1252: characters.replaceSubrange(0x80..<0xA0, with: Self.windows)
        case .latin9: for (byte, character) in Self.ninth { characters[byte] = character }
        }
        return characters
    }

    /// What Windows-1252 has from 0x80 to 0x9F; five of them are undefined, and stay control characters.
    static let windows: [UInt32] = [
        0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021,
        0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x008D, 0x017D, 0x008F,
        0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
        0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x009D, 0x017E, 0x0178,
    ]

    /// What ISO 8859-15 has and ISO 8859-1 has not.
    private static let ninth: [Int: UInt32] = [
        0xA4: 0x20AC, 0xA6: 0x0160, 0xA8: 0x0161, 0xB4: 0x017D, 0xB8: 0x017E, 0xBC: 0x0152, 0xBD: 0x0153, 0xBE: 0x0178,
    ]
}
