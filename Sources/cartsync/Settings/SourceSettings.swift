import CallPacing
import ExportFiles
import ExportSources
import Foundation
import SyncService

/// Where the exports of a job come from: exactly one of folder, URL, SFTP, S3 and Azure.
struct SourceSettings: Sendable {
    var folder: String?
    var url: WebAddress?
    var header: (name: String, value: String)?
    var user: String?
    var password: String?
    var token: String?
    var caFile: String?
    var certificate: String?
    var key: String?
    var sftp: SFTPAddress?
    var sftpKey: String?
    var sftpKnownHosts: String?
    var s3: BucketAddress?
    var s3Endpoint: WebAddress?
    var s3Region = "us-east-1"
    var s3AccessKey: String?
    var s3SecretKey: String?
    var s3SessionToken: String?
    var azure: ContainerAddress?
    var maxSize = 4 << 30
    /// See `Inbox`.
    var keepFetched = 30
    /// See `Inbox`; nil for ever.
    var keep: Duration?
    var include = NameRules.usualExports
    var exclude: [String] = []
    var triggers: [String] = []
    var partsWithin = NameRules().partsWithin
    var leastSpeed = 1000

    /// The keys of the sources that are set.
    var kinds: [String] {
        [
            ("source.folder", folder != nil), ("source.url", url != nil), ("source.sftp", sftp != nil),
            ("source.s3", s3 != nil), ("source.azure", azure != nil),
        ].filter(\.1).map(\.0)
    }

    /// What is wrong with the settings, a sentence for each that names it; empty if they are one source.
    ///
    /// - Parameter prefix: what stands before the keys, for instance `jobs.customers.`.
    func problems(prefix: String = "") -> [String] {
        var problems: [String] = []
        switch kinds.count {
        case 0:
            problems.append(
                "\(prefix)source.folder is not set: which folder shall be polled? (or source.url, source.sftp, source.s3, source.azure)"
            )
        case 1: break
        default:
            problems.append("\(kinds.map { prefix + $0 }.joined(separator: " and ")) are set; a job has one source")
        }
        problems += webProblems.map { prefix + $0 }
        if s3 != nil {
            if (s3AccessKey == nil) != (s3SecretKey == nil) {
                let missing = s3AccessKey == nil ? "access-key" : "secret-key"
                problems.append(
                    "\(prefix)source.s3-\(missing) is not set: the two belong together, or neither for what AWS tools find"
                )
            }
            if s3SessionToken != nil, s3AccessKey == nil {
                problems.append("\(prefix)source.s3-access-key is not set: source.s3-session-token belongs to it")
            }
            if let s3Endpoint, s3Endpoint.isOpen {
                problems.append("\(prefix)source.s3-endpoint: http would show the exports to the network; use https://")
            }
        }
        return problems
    }

    /// What is wrong with how a URL is asked for.
    private var webProblems: [String] {
        var problems: [String] = []
        let secrets = [
            ("source.header", header != nil), ("source.token", token != nil), ("source.password", password != nil),
        ].filter(\.1).map(\.0)
        if let url, url.isOpen, let secret = secrets.first {
            problems.append("source.url: http would send \(secret) unencrypted over the network; use https://")
        }
        if secrets.count > 1 { problems.append("\(secrets[0]): \(secrets[1]) is set, too; one of them is enough") }
        if (user == nil) != (password == nil) {
            problems.append("source.\(user == nil ? "user" : "password") is not set: the two belong together")
        }
        if (certificate == nil) != (key == nil) {
            problems.append("source.\(certificate == nil ? "certificate" : "key") is not set: the two belong together")
        }
        return problems
    }

    /// What the names of files mean; that of a URL is always an export.
    ///
    /// - Parameter parts: what tells that several files are one export; behind a URL there is one file.
    func names(parts: PartsRule) -> NameRules {
        var rules = NameRules()
        rules.include = url == nil ? include : ["*"]
        rules.exclude = exclude
        rules.triggers = triggers
        rules.parts = url == nil ? parts : .off
        rules.partsWithin = partsWithin
        return rules
    }

    /// Where the exports come from, in words.
    var place: String? { folder ?? url?.words ?? sftp?.words ?? s3?.words ?? azure?.words }

    /// Where a job gets its exports from; only if there are no `problems`.
    func jobSource() -> JobSource {
        remote().map { .remote($0, mostBytes: maxSize, kept: keepFetched) } ?? .folder(folder ?? "")
    }

    private func remote() -> (any ExportSource)? {
        let patience = FetchPatience(leastSpeed: leastSpeed)
        let options = WebOptions(authorities: caFile, certificate: certificate, key: key, patience: patience)
        if let url {
            let basic = user.map { WebSource.basic(user: $0, password: password ?? "") }
            return WebSource(url, header: header ?? token.map(WebSource.bearer) ?? basic, options, time: .system)
        }
        if let sftp {
            return SFTPSource(
                sftp, .init(key: sftpKey, knownHosts: sftpKnownHosts, patience: patience), time: .system)
        }
        if let azure { return BucketSource(azure, options, time: .system) }
        guard let s3 else { return nil }
        let credentials =
            if let key = s3AccessKey, let secret = s3SecretKey {
                S3Credentials(accessKey: key, secretKey: secret, sessionToken: s3SessionToken, time: .system)
            } else {
                S3Credentials(environment: ProcessInfo.processInfo.environment, time: .system)
            }
        return BucketSource(
            s3, S3Access(endpoint: s3Endpoint, region: s3Region, credentials: credentials, options: options),
            time: .system)
    }
}
