import Crypto
import DurableFiles
import Foundation

/// Signs requests for S3-compatible stores and other services of AWS: AWS Signature Version 4.
///
/// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
struct RequestSignature: Sendable {
    let credentials: AWSCredentials
    let region: String
    var service = "s3"

    /// The digest of an empty body, in hexadecimal digits.
    static let emptyDigest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

    /// The headers to send: those that are given, and those of the signature.
    ///
    /// - Parameters:
    ///   - host: as it stands in the `Host` header; it is signed and not returned.
    ///   - path: encoded, beginning with a slash.
    ///   - query: names and values as they are, not encoded.
    func headers(
        method: String = "GET", host: String, path: String, query: [(name: String, value: String)] = [],
        headers: [(name: String, value: String)] = [], digest: String = RequestSignature.emptyDigest, at time: Date
    ) -> [(name: String, value: String)] {
        let (stamp, day) = Self.stamp(time)
        var sent = headers + [("x-amz-content-sha256", digest), ("x-amz-date", stamp)]
        if let token = credentials.sessionToken { sent.append(("x-amz-security-token", token)) }
        let signed = (sent + [("host", host)])
            .map { (name: $0.name.lowercased(), value: $0.value.trimmingCharacters(in: .whitespaces)) }
            .sorted { $0.name < $1.name }
        let names = signed.map(\.name).joined(separator: ";")
        let request = [
            method, path, Self.text(query), signed.map { "\($0.name):\($0.value)\n" }.joined(), names, digest,
        ].joined(separator: "\n")
        let scope = "\(day)/\(region)/\(service)/aws4_request"
        let toSign = ["AWS4-HMAC-SHA256", stamp, scope, Hex.text(SHA256.hash(data: Data(request.utf8)))]
            .joined(separator: "\n")
        var key = SymmetricKey(data: Data("AWS4\(credentials.secretKey)".utf8))
        for part in [day, region, service, "aws4_request"] {
            key = SymmetricKey(data: Self.code(part, key))
        }
        let signature = Hex.text(Self.code(toSign, key))
        let authorization =
            "AWS4-HMAC-SHA256 Credential=\(credentials.accessKey)/\(scope),SignedHeaders=\(names),Signature=\(signature)"
        return sent + [("Authorization", authorization)]
    }

    /// The query as it stands in the URL and is signed: sorted and encoded.
    static func text(_ query: [(name: String, value: String)]) -> String {
        query.map { (encoded($0.name), encoded($0.value)) }.sorted { $0 < $1 }
            .map { "\($0.0)=\($0.1)" }.joined(separator: "&")
    }

    /// Encodes everything but letters, digits and `-._~`, and slashes where they stay.
    static func encoded(_ text: String, keeping kept: String = "") -> String {
        let digits = Array("0123456789ABCDEF")
        var result = ""
        for byte in text.utf8 {
            let character = Character(UnicodeScalar(byte))
            if byte < 128,
                character.isLetter || character.isNumber || "-._~".contains(character) || kept.contains(character)
            {
                result.append(character)
            } else {
                result += "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
            }
        }
        return result
    }

    private static func code(_ text: String, _ key: SymmetricKey) -> Data {
        Data(HMAC<SHA256>.authenticationCode(for: Data(text.utf8), using: key))
    }

    /// `20130524T000000Z` and its day.
    private static func stamp(_ time: Date) -> (stamp: String, day: String) {
        let text = time.formatted(.iso8601).filter { !"-:".contains($0) }
        return (text, String(text.prefix(8)))
    }
}
