/// The id of a cart: 1 to 255 of the characters `A-Z a-z 0-9 _ -`.
///
/// Only these are safe in the path of a request (Elastic Path, Getting Started, Safe Characters); they are never
/// percent-encoded. The vendor states no length limit; 255 keeps a request line within what every proxy accepts.
package struct CartID: Identifier {
    package let text: String

    /// Returns nil if the text is not a usable cart id.
    package init?(_ text: String) {
        guard Self.isValid(text.utf8) else { return nil }
        self.text = text
    }

    /// Whether the bytes are a usable cart id.
    package static func isValid(_ bytes: some Collection<UInt8>) -> Bool {
        !bytes.isEmpty && bytes.count <= IdentifierLimit.bytes && bytes.allSatisfy(isSafe)
    }

    private static func isSafe(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}

/// The id of a customer or an account: 1 to 255 bytes of UTF-8 without spaces or control characters.
///
/// The store's own ids are UUIDs; the id travels only inside a JSON body, and the store judges it.
package struct OwnerID: Identifier {
    package let text: String

    /// Returns nil if the text is not a usable owner id.
    package init?(_ text: String) {
        guard Self.isValid(text) else { return nil }
        self.text = text
    }

    /// Whether the text is a usable owner id.
    package static func isValid(_ text: String) -> Bool {
        guard !text.isEmpty, text.utf8.count <= IdentifierLimit.bytes else { return false }
        if text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) { return true }
        return text.unicodeScalars.allSatisfy { scalar in
            !scalar.properties.isWhitespace && scalar.properties.generalCategory != .control
                && scalar.properties.generalCategory != .format
        }
    }
}

/// The name of a source of exports: 1 to 64 letters, digits, `.`, `_` or `-` of ASCII.
///
/// It can stand in a file name, a metric label and a log line, and several with spaces between them in one field.
package enum SourceName {
    /// Whether the bytes are the name of a source.
    package static func isValid(_ bytes: some Collection<UInt8>) -> Bool {
        (1...64).contains(bytes.count)
            && bytes.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }
}

/// The longest identifier that is accepted, in bytes of UTF-8.
package enum IdentifierLimit {
    package static let bytes = 255
}

/// What the ids of carts and of owners have in common: text that was judged, in order, as a JSON string.
package protocol Identifier: Sendable, Hashable, Codable, Comparable, CustomStringConvertible {
    var text: String { get }
    init?(_ text: String)
}

extension Identifier {
    package static func < (left: Self, right: Self) -> Bool { left.text < right.text }
    package var description: String { text }

    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let id = Self(text) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "not a valid \(Self.self): \(text)"))
        }
        self = id
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}
