/// Decides whether a request that changes something comes from our own page, or from no page.
///
/// A browser says where a POST comes from (Fetch standard: `Origin` on every POST; Fetch Metadata: `Sec-Fetch-Site`); a
/// command line says neither.
struct RequestOrigin {
    let host: String
    let origin: String?
    let fetchSite: String?

    var isOwn: Bool {
        if let fetchSite, fetchSite != "same-origin", fetchSite != "none" { return false }
        guard let origin else { return true }
        let host = host.lowercased()
        return ["http://", "https://"].contains { origin.lowercased() == $0 + host }
    }
}

/// The secret with which a person approves, and sees whose carts they are.
package struct ApprovalToken: Sendable {
    /// The fewest characters: shorter tokens could be guessed.
    package static let shortest = 16

    private let bytes: [UInt8]

    package init(_ text: String) { bytes = Array(text.utf8) }

    /// Whether an `Authorization` header brings a token, whichever.
    static func isOne(_ authorization: String) -> Bool { authorization.lowercased().hasPrefix(scheme) }

    private static let scheme = "bearer "

    /// Whether an `Authorization` header has it. The comparison takes as long for a token that is nearly right as for any
    /// other of its length.
    func isIn(_ authorization: String?) -> Bool {
        guard let authorization, Self.isOne(authorization), !bytes.isEmpty else { return false }
        let given = Array(authorization.utf8.dropFirst(Self.scheme.utf8.count))
        var difference = given.count ^ bytes.count
        for (place, byte) in given.enumerated() { difference |= Int(byte ^ bytes[place % bytes.count]) }
        return difference == 0
    }
}
