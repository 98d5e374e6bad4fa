import CallPacing
import Crypto
import DurableFiles
import Foundation

/// AWS's service that lends the credentials of a role.
///
/// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
struct SecurityTokenService: Sendable {
    let client: WebClient
    /// That of the process: `AWS_ENDPOINT_URL_STS`, `AWS_REGION`.
    let environment: [String: String]
    let time: TimeSource

    /// Lends them to whom another authority has named, for instance that of a cluster.
    ///
    /// - Parameter token: what that authority wrote.
    func role(_ arn: String, session: String?, webIdentity token: String) async throws(SourceError) -> AWSCredentials {
        try await ask(
            [("Action", "AssumeRoleWithWebIdentity"), ("RoleArn", arn), ("WebIdentityToken", token)], session: session
        ) { _, _, _ in [] }
    }

    /// Lends them to whom other credentials belong.
    func role(
        _ arn: String, session: String?, externalID: String?, by credentials: AWSCredentials, region: String?
    ) async throws(SourceError) -> AWSCredentials {
        let external = externalID.map { [(name: "ExternalId", value: $0)] } ?? []
        return try await ask(
            [("Action", "AssumeRole"), ("RoleArn", arn)] + external, session: session, region: region
        ) { host, body, region in
            RequestSignature(credentials: credentials, region: region, service: "sts").headers(
                method: "POST", host: host, path: "/", headers: [("content-type", Self.form)],
                digest: Hex.text(SHA256.hash(data: body)), at: time.wall())
        }
    }

    private static let form = "application/x-www-form-urlencoded; charset=utf-8"

    private func ask(
        _ fields: [(name: String, value: String)], session: String?, region chosen: String? = nil,
        signing sign: (_ host: String, _ body: Data, _ region: String) -> [(name: String, value: String)]
    ) async throws(SourceError) -> AWSCredentials {
        let named = chosen ?? environment["AWS_REGION"] ?? environment["AWS_DEFAULT_REGION"]
        let region = named.flatMap { $0.isEmpty ? nil : $0 } ?? "us-east-1"
        let aws = "https://sts.\(region).amazonaws.com\(region.hasPrefix("cn-") ? ".cn" : "")"
        let set = environment["AWS_ENDPOINT_URL_STS"] ?? environment["AWS_ENDPOINT_URL"]
        guard let address = try? WebAddress(set ?? aws), !address.isOpen,
            let parts = URLComponents(string: address.url), let name = parts.encodedHost
        else {
            throw SourceError("AWS_ENDPOINT_URL_STS is no address with https, and would show a token to the network")
        }
        let all = fields + [("RoleSessionName", session ?? "cartsync"), ("Version", "2011-06-15")]
        let body = Data(RequestSignature.text(all).utf8)
        let host = parts.port.map { "\(name):\($0)" } ?? name
        var headers = sign(host, body, region)
        if headers.isEmpty { headers = [("content-type", Self.form)] }
        let url = "\(parts.scheme ?? "https")://\(host)/"
        let answer = try await client.get(url, headers, method: "POST", body: body)
        let (status, text) = (answer.status, try await answer.text())
        let root = XMLElement(document: text)
        guard status == 200, let found = root?.children.first(where: { $0.name.hasSuffix("Result") }),
            let lent = found.all("Credentials").first, let key = lent["AccessKeyId"],
            let secret = lent["SecretAccessKey"]
        else {
            let code = root?.all("Error").first?["Code"].map { " (\($0.oneLine(limit: 80)))" } ?? ""
            throw SourceError(
                "\(WebAddress.shown(url)) answered \(status)\(code) in place of the credentials of "
                    + "\(fields[1].value.oneLine(limit: 120)); check the role, and whom it trusts")
        }
        return AWSCredentials(
            accessKey: key, secretKey: secret, sessionToken: lent["SessionToken"],
            expires: lent["Expiration"].flatMap { try? Date($0, strategy: .iso8601) })
    }
}
