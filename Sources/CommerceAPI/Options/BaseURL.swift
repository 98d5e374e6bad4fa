import Foundation

/// Where a store's API is: `https`, or `http` on this very machine, with a path before `/v2` if a proxy needs one.
package struct BaseURL: Sendable, Hashable {
    /// The URL as `tidied(_:)` leaves it.
    package let text: String
    /// The host, for messages and reports.
    package let host: String

    /// The port; the scheme's own if the URL names none.
    let port: Int
    /// Whether it is `https`.
    package let isEncrypted: Bool

    /// Whether it is this very machine.
    var isLoopback: Bool { Self.isLoopback(host) }

    /// - Throws: `InvalidBaseURL`, which says what to change.
    package init(_ text: String) throws(InvalidBaseURL) {
        let text = Self.tidied(text)
        guard let parts = URLComponents(string: text), let scheme = parts.scheme?.lowercased(),
            let host = parts.host, !host.isEmpty
        else {
            throw InvalidBaseURL(text, "it is not a URL such as https://useast.api.elasticpath.com")
        }
        guard scheme == "https" || scheme == "http" else {
            throw InvalidBaseURL(text, "it begins with \(scheme)://; use https://")
        }
        guard parts.user == nil, parts.password == nil else {
            throw InvalidBaseURL("(hidden)", "it holds a user name or password; give the credentials as settings")
        }
        guard parts.query == nil, parts.fragment == nil else {
            throw InvalidBaseURL(text, "it has a query or a fragment; leave out what follows ? or #")
        }
        guard scheme == "https" || Self.isLoopback(host) else {
            throw InvalidBaseURL(text, "http would send the credentials unencrypted over the network; use https://")
        }
        self.host = host
        isEncrypted = scheme == "https"
        port = parts.port ?? (isEncrypted ? 443 : 80)
        self.text = text
    }

    /// A text without surrounding blanks and line ends, and without the slashes and the `/v2` at its end that paths of
    /// the API bring themselves.
    package static func tidied(_ text: String) -> String {
        func withoutSlashes(_ text: some StringProtocol) -> String {
            String(text.reversed().drop { $0 == "/" }.reversed())
        }
        let trimmed = withoutSlashes(text.trimmingCharacters(in: .whitespacesAndNewlines))
        return trimmed.hasSuffix("/v2") ? withoutSlashes(trimmed.dropLast(3)) : trimmed
    }

    private static func isLoopback(_ host: String) -> Bool {
        let host = host.lowercased()
        if ["localhost", "::1", "[::1]"].contains(host) { return true }
        let numbers = host.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        return numbers.count == 4 && numbers[0] == 127 && numbers.allSatisfy { $0 != nil }
    }
}

extension BaseURL: CustomStringConvertible {
    package var description: String { text }
}

/// Why a text is not a base URL.
package struct InvalidBaseURL: Error, Sendable, CustomStringConvertible {
    package let description: String

    fileprivate init(_ text: String, _ reason: String) {
        description = "the base URL \(text) cannot be used: \(reason)"
    }
}
