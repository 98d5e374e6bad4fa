package import CallPacing
import DurableFiles
import Foundation
import Synchronization

/// The credentials of a bucket: those of the settings, or those that the tools of AWS would find, which are renewed.
///
/// The order is that of the tools: the environment, a role by a token of a cluster, the shared files, the container's
/// endpoint, the instance's.
/// https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
package final class S3Credentials: Sendable {
    /// Credentials are renewed so long before they end.
    private static let margin = 300.0

    private let isFixed: Bool
    private let environment: [String: String]
    private let time: TimeSource
    private let client: WebClient
    private let current: Mutex<AWSCredentials?>

    /// Those of the settings.
    package init(accessKey: String, secretKey: String, sessionToken: String?, time: TimeSource) {
        isFixed = true
        environment = [:]
        self.time = time
        client = WebClient(WebOptions(), time: time)
        current = Mutex(AWSCredentials(accessKey: accessKey, secretKey: secretKey, sessionToken: sessionToken))
    }

    /// Those that are found.
    ///
    /// - Parameter environment: that of the process, with `HOME`.
    package init(environment: [String: String], time: TimeSource) {
        isFixed = false
        self.environment = environment
        self.time = time
        var options = WebOptions()
        // On other machines nobody listens where an instance's endpoint is.
        options.connectTimeout = .seconds(2)
        client = WebClient(options, time: time)
        current = Mutex(nil)
    }

    /// The credentials of now.
    ///
    /// Throws `SourceError` if none are found, with the places that were looked at.
    func now() async throws(SourceError) -> AWSCredentials {
        let known = current.withLock(\.self)
        if let known, known.expires.map({ $0.timeIntervalSince(time.wall()) > Self.margin }) ?? true { return known }
        let found = try await find()
        current.withLock { $0 = found }
        return found
    }

    /// Forgets what is known, so that it is found again. Returns false if only the settings can change it.
    func renew() -> Bool {
        guard !isFixed else { return false }
        current.withLock { $0 = nil }
        return true
    }

    func shutdown() async { await client.shutdown() }

    private func find() async throws(SourceError) -> AWSCredentials {
        if let found = AWSCredentials(environment: environment) { return found }
        if let found = try await byWebIdentity() { return found }
        if let found = try await inFiles() { return found }
        if let found = try await atContainer() { return found }
        if let found = try await atInstance() { return found }
        throw SourceError(
            "no credentials for source.s3: set source.s3-access-key and source.s3-secret-key, or leave them where the "
                + "tools of AWS find them (environment, ~/.aws/credentials, the endpoint of a container or an instance)"
        )
    }

    private var tokens: SecurityTokenService {
        SecurityTokenService(client: client, environment: environment, time: time)
    }

    /// https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html
    private func byWebIdentity() async throws(SourceError) -> AWSCredentials? {
        guard let file = environment["AWS_WEB_IDENTITY_TOKEN_FILE"], let role = environment["AWS_ROLE_ARN"] else {
            return nil
        }
        let token = try secret(in: file, "AWS_WEB_IDENTITY_TOKEN_FILE")
        return try await tokens.role(role, session: environment["AWS_ROLE_SESSION_NAME"], webIdentity: token)
    }

    /// Reads a token anew each time: it is replaced while the process runs.
    private func secret(in file: String, _ name: String) throws(SourceError) -> String {
        guard let bytes = try? FileSystem.contents(file, limit: 1 << 16) else {
            throw SourceError("\(name) is \(file), which cannot be read")
        }
        return String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private func inFiles() async throws(SourceError) -> AWSCredentials? {
        let chosen = environment["AWS_PROFILE"] ?? environment["AWS_DEFAULT_PROFILE"]
        let files = sharedFiles
        let found = try await credentials(of: chosen ?? "default", files, after: [])
        if let found { return found }
        guard let chosen else { return nil }
        throw SourceError(
            "AWS_PROFILE is \(chosen.oneLine(limit: 80)), and \(files.map(\.path).joined(separator: " and ")) have no "
                + "aws_access_key_id and aws_secret_access_key for it")
    }

    private var sharedFiles: [(path: String, text: String)] {
        let home = environment["HOME"] ?? ""
        return [
            environment["AWS_SHARED_CREDENTIALS_FILE"] ?? "\(home)/.aws/credentials",
            environment["AWS_CONFIG_FILE"] ?? "\(home)/.aws/config",
        ].map { ($0, (try? FileSystem.contents($0, limit: 1 << 20)).map { String(decoding: $0, as: UTF8.self) } ?? "") }
    }

    /// The credentials of a profile: its keys, or those of the role that it names; nil if it has neither.
    ///
    /// - Parameter earlier: the profiles that lead to it.
    private func credentials(
        of name: String, _ files: [(path: String, text: String)], after earlier: [String]
    ) async throws(SourceError) -> AWSCredentials? {
        let profile = AWSProfile(name, credentials: files[0].text, settings: files[1].text)
        let words = "the profile \(name.oneLine(limit: 80))"
        guard let role = profile["role_arn"], !earlier.contains(name) else {
            if let keys = profile.keys { return keys }
            guard let key = profile.unsupported else { return nil }
            throw SourceError(
                "\(words) has \(key), which only the tools of AWS can use: set source.s3-access-key and "
                    + "source.s3-secret-key, or choose another profile with AWS_PROFILE")
        }
        let session = profile["role_session_name"]
        if let file = profile["web_identity_token_file"] {
            let token = try secret(in: file, "web_identity_token_file of \(words)")
            return try await tokens.role(role, session: session, webIdentity: token)
        }
        let own: AWSCredentials?
        if let source = profile["source_profile"] {
            own = try await credentials(of: source, files, after: earlier + [name])
        } else {
            own = try await credentials(from: profile["credential_source"])
        }
        guard let own, profile["mfa_serial"] == nil else {
            throw SourceError(
                "\(words) has role_arn and nobody who may take it: correct its source_profile or credential_source, which "
                    + "need keys and no code of a device (mfa_serial)")
        }
        return try await tokens.role(
            role, session: session, externalID: profile["external_id"], by: own, region: profile["region"])
    }

    /// Those of `credential_source`. `Environment` is not among them: keys in the environment are used themselves, before any
    /// profile is looked at.
    private func credentials(from place: String?) async throws(SourceError) -> AWSCredentials? {
        switch place {
        case "EcsContainer": try await atContainer()
        case "Ec2InstanceMetadata": try await atInstance()
        default: nil
        }
    }

    /// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
    private func atContainer() async throws(SourceError) -> AWSCredentials? {
        let url: String
        if let path = environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] {
            url = "http://169.254.170.2" + (path.hasPrefix("/") ? path : "/" + path)
        } else if let whole = environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] {
            // The token goes to nobody but the machine itself, its container agent, or who has a certificate.
            guard let address = try? WebAddress(whole),
                !address.isOpen || ["169.254.170.2", "169.254.170.23"].contains(URLComponents(string: whole)?.host)
            else {
                throw SourceError(
                    "AWS_CONTAINER_CREDENTIALS_FULL_URI is no address of this machine and has no https; correct it")
            }
            url = whole
        } else {
            return nil
        }
        var headers: [(name: String, value: String)] = []
        if let file = environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] {
            headers = [("Authorization", try secret(in: file, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"))]
        } else if let token = environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"] {
            headers = [("Authorization", token)]
        }
        return try credentials(try await text(url, headers), from: url)
    }

    /// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html
    private func atInstance() async throws(SourceError) -> AWSCredentials? {
        guard environment["AWS_EC2_METADATA_DISABLED"]?.lowercased() != "true" else { return nil }
        let base = environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] ?? "http://169.254.169.254"
        let root = base.hasSuffix("/") ? String(base.dropLast()) : base
        let roles = "\(root)/latest/meta-data/iam/security-credentials/"
        // Who does not answer is no instance of AWS.
        let ttl = (name: "X-aws-ec2-metadata-token-ttl-seconds", value: "21600")
        guard let token = try? await text("\(root)/latest/api/token", [ttl], method: "PUT") else { return nil }
        let header = (name: "X-aws-ec2-metadata-token", value: String(decoding: token, as: UTF8.self))
        let names = String(decoding: try await text(roles, [header]), as: UTF8.self)
        guard let role = names.split(whereSeparator: \.isNewline).first, !role.contains("/") else {
            throw SourceError("this instance has no role; give it one that may read the bucket of source.s3")
        }
        return try credentials(try await text(roles + role, [header]), from: roles)
    }

    private func credentials(_ answer: [UInt8], from url: String) throws(SourceError) -> AWSCredentials {
        guard let found = AWSCredentials(answer: answer) else {
            throw SourceError("\(WebAddress.shown(url)) answered without credentials; it is asked again later")
        }
        return found
    }

    private func text(
        _ url: String, _ headers: [(name: String, value: String)], method: String = "GET"
    ) async throws(SourceError) -> [UInt8] {
        let answer = try await client.get(url, headers, method: method)
        guard answer.status == 200 else {
            await answer.drain()
            throw SourceError(
                "\(WebAddress.shown(url)) answered \(answer.status) in place of credentials; it is asked again later")
        }
        return try await answer.text()
    }
}
