import Foundation

/// What requests to an S3-compatible store are signed with.
struct AWSCredentials: Sendable, Hashable {
    var accessKey: String
    var secretKey: String
    /// Of credentials that are lent for some hours.
    var sessionToken: String?
    /// When they end; nil if that is not known.
    var expires: Date?

    /// Those of the environment; nil if it has none.
    init?(environment: [String: String]) {
        guard let key = environment["AWS_ACCESS_KEY_ID"], let secret = environment["AWS_SECRET_ACCESS_KEY"],
            !key.isEmpty, !secret.isEmpty
        else { return nil }
        self.init(accessKey: key, secretKey: secret, sessionToken: environment["AWS_SESSION_TOKEN"])
    }

    /// Those of an answer of a container's or an instance's endpoint; nil if it is none.
    init?(answer: [UInt8]) {
        struct Answer: Decodable {
            var AccessKeyId: String
            var SecretAccessKey: String
            var Token: String?
            var Expiration: String?
        }
        guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(answer)) else { return nil }
        self.init(
            accessKey: answer.AccessKeyId, secretKey: answer.SecretAccessKey, sessionToken: answer.Token,
            expires: answer.Expiration.flatMap { try? Date($0, strategy: .iso8601) })
    }

    init(accessKey: String, secretKey: String, sessionToken: String? = nil, expires: Date? = nil) {
        self.accessKey = accessKey
        self.secretKey = secretKey
        self.sessionToken = sessionToken.flatMap { $0.isEmpty ? nil : $0 }
        self.expires = expires
    }
}
