import Foundation

/// The answer of `/oauth/access_token` (Elastic Path, authentication): its fields stand at the top; one version of
/// the documentation had them under `data`.
struct IssuedToken: Sendable, Equatable {
    let text: String
    /// Seconds from its issue.
    let expiresIn: Double?
    /// Seconds since 1970.
    let expires: Double?

    /// How long the token is valid: an hour, which is documented, if the store does not say.
    func life(now: Date) -> Duration {
        let seconds = expiresIn ?? expires.map { $0 - now.timeIntervalSince1970 } ?? 3600
        return .seconds(min(max(seconds, 1), 31_536_000))
    }

    /// Nil if the body holds no token that can stand in a header.
    init?(_ body: [UInt8]) {
        let decoder = JSONDecoder()
        guard
            let fields = (try? decoder.decode(Wrapped.self, from: Data(body)))?.data
                ?? (try? decoder.decode(Fields.self, from: Data(body))),
            !fields.text.isEmpty, fields.text.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else { return nil }
        text = fields.text
        expiresIn = fields.expiresIn
        expires = fields.expires
    }

    private struct Wrapped: Decodable {
        let data: Fields
    }

    private struct Fields: Decodable {
        let text: String
        let expiresIn: Double?
        let expires: Double?

        enum Keys: String, CodingKey {
            case text = "access_token"
            case expiresIn = "expires_in"
            case expires
        }

        init(from decoder: any Decoder) throws {
            let fields = try decoder.container(keyedBy: Keys.self)
            func number(_ key: Keys) -> Double? {
                if let number = try? fields.decode(Double.self, forKey: key) { return number }
                return (try? fields.decode(String.self, forKey: key)).flatMap(Double.init)
            }
            text = try fields.decode(String.self, forKey: .text)
            expiresIn = number(.expiresIn)
            expires = number(.expires)
        }
    }
}
