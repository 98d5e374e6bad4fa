import Foundation

/// What the shared files of the tools of AWS say of one profile.
///
/// https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
struct AWSProfile: Sendable, Hashable {
    let name: String
    /// By their names in lower case; those of the file of credentials come before those of the file of settings.
    private(set) var values: [String: String] = [:]

    /// - Parameters:
    ///   - credentials: the text of the file of credentials, whose sections are the names of profiles.
    ///   - settings: the text of the file of settings, whose sections begin with `profile`.
    init(_ name: String, credentials: String, settings: String) {
        self.name = name
        let section = name == "default" ? name : "profile \(name)"
        values = Self.values(of: section, in: settings).merging(Self.values(of: name, in: credentials)) { $1 }
    }

    subscript(_ key: String) -> String? { values[key].flatMap { $0.isEmpty ? nil : $0 } }

    /// The keys that stand in it; nil if there are none.
    var keys: AWSCredentials? {
        guard let key = self["aws_access_key_id"], let secret = self["aws_secret_access_key"] else { return nil }
        return AWSCredentials(accessKey: key, secretKey: secret, sessionToken: self["aws_session_token"])
    }

    /// What it has in the place of keys that only a program of AWS can use; nil if there is nothing such.
    var unsupported: String? {
        ["sso_session", "sso_start_url", "credential_process", "mfa_serial"].first { self[$0] != nil }
    }

    /// - Parameter section: the words between the brackets.
    private static func values(of section: String, in text: String) -> [String: String] {
        var values: [String: String] = [:]
        var isInside = false
        for line in text.split(whereSeparator: \.isNewline) {
            // Lines that begin with a blank belong to a value of several lines, and none of these is one.
            guard let first = line.first, !first.isWhitespace, first != "#", first != ";" else { continue }
            if first == "[" {
                let name = line.dropFirst().prefix { $0 != "]" }.split(separator: " ").joined(separator: " ")
                isInside = name == section
            } else if isInside, let equals = line.firstIndex(of: "=") {
                let value = line[line.index(after: equals)...].trimmingCharacters(in: .whitespaces)
                values[line[..<equals].trimmingCharacters(in: .whitespaces).lowercased()] = value
            }
        }
        return values
    }
}
