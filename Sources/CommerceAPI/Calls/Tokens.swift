import CartAssociations
import Foundation
import Synchronization

extension CommerceClient {
    /// Gets a token, so that wrong credentials or an unreachable store show before anything else is done.
    package func authenticate() async throws(APIError) {
        if let standing = standingError { throw standing }
        _ = try await tokens.token { await self.issueToken() }
    }

    /// Asks the store for a token: the one call that carries the secret.
    func issueToken() async -> Result<TokenKeeper.Issued, APIError> {
        do {
            let ending = try await perform(tokenRequest) { answer in IssuedToken(answer.body) }
            guard let token = ending.value else { return .failure(failure(of: ending, "asking for a token")) }
            keep(token)
            return .success(TokenKeeper.Issued(text: token.text, life: token.life(now: Date())))
        } catch {
            return .failure(error)
        }
    }

    /// Sees to it that no message holds a token.
    func keep(_ token: IssuedToken) {
        state.withLock { $0.secrets = secrets(with: token.text) }
    }

    var tokenRequest: APIRequest {
        var fields = [("client_id", options.credentials.clientID)]
        switch options.authentication {
        case .clientCredentials:
            fields.append(("client_secret", options.credentials.clientSecret))
            fields.append(("grant_type", "client_credentials"))
        case .shopper:
            fields.append(("grant_type", "implicit"))
        }
        let form = fields.map { "\($0)=\(formEncoded($1))" }.joined(separator: "&")
        return APIRequest(
            operation: .token, method: .post, path: "/oauth/access_token", body: Array(form.utf8),
            contentType: "application/x-www-form-urlencoded")
    }
}

/// The answer of `/oauth/access_token` (Elastic Path, authentication): its fields stand at the top; one version of
/// the documentation had them under `data`.
struct IssuedToken: Sendable, Equatable {
    let text: String
    /// Seconds from its issue.
    let expiresIn: Double?
    /// Seconds since 1970.
    let expires: Double?

    /// Where the store says nothing, the documented hour holds.
    func life(now: Date) -> Duration {
        let seconds = expiresIn ?? expires.map { $0 - now.timeIntervalSince1970 } ?? 3600
        return .seconds(min(max(seconds, 1), 31_536_000))
    }

    /// Nil where the body holds no token that can stand in a header.
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

/// A text as a value of a form or a query: all but the unreserved characters of RFC 3986 encoded.
func formEncoded(_ text: String) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var encoded: [UInt8] = []
    for byte in text.utf8 {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            encoded.append(byte)
        default:
            encoded += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
    }
    return String(decoding: encoded, as: UTF8.self)
}
