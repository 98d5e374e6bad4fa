/// One more header of every call, for instance `EP-Channel: web`. Its value shows in no description or dump.
package struct ExtraHeader: Sendable, Hashable {
    let name: String
    let value: String

    /// Those that calls have already, or that say who calls.
    private static let reserved: Set<String> = [
        "authorization", "x-moltin-customer-token", "ep-account-management-authentication-token", "host", "connection",
        "content-length", "content-type", "transfer-encoding", "accept", "user-agent", "expect", "upgrade", "te",
        "trailer", "proxy-authorization", "cookie",
    ]

    /// Reads `Name: value`.
    ///
    /// - Throws: `InvalidConnectionSetting`, which says what to change and shows no value.
    package init(_ text: String) throws(InvalidConnectionSetting) {
        guard let colon = text.firstIndex(of: ":") else {
            throw InvalidConnectionSetting("a header has no colon; write it as Name: value")
        }
        let name = String(text[..<colon].drop { $0 == " " })
        let value = String(text[text.index(after: colon)...].drop { $0 == " " })
        // RFC 9110, 5.1: a token.
        guard !name.isEmpty, name.utf8.allSatisfy({ Self.isTokenByte($0) }) else {
            throw InvalidConnectionSetting("'\(name.printable(limit: 60))' is no name of a header")
        }
        guard !Self.reserved.contains(name.lowercased()) else {
            throw InvalidConnectionSetting("\(name) is set by every call itself; leave it out")
        }
        guard !value.isEmpty, value.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
            throw InvalidConnectionSetting("the value of \(name) is empty or has other characters than printable ASCII")
        }
        self.name = name
        self.value = value
    }

    /// Whether its name says that the value is a secret.
    var isSecret: Bool {
        ["key", "token", "secret", "auth", "password"].contains { name.lowercased().contains($0) }
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}

extension ExtraHeader: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "\(name), value hidden" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: ["name": name]) }
}
