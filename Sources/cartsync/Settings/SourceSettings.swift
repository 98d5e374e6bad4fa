import ExportSources
import SyncService

/// Where the exports of a job come from: exactly one of folder, URL, SFTP and S3.
struct SourceSettings: Sendable {
    var folder: String?
    var url: WebAddress?
    var header: (name: String, value: String)?
    var sftp: SFTPAddress?
    var sftpKey: String?
    var sftpKnownHosts: String?
    var s3: BucketAddress?
    var s3Endpoint: WebAddress?
    var s3Region = "us-east-1"
    var s3AccessKey: String?
    var s3SecretKey: String?
    var maxSize = ExportFetcher.defaultLimit

    /// The keys of the sources that are set.
    var kinds: [String] {
        [
            ("source.folder", folder != nil), ("source.url", url != nil), ("source.sftp", sftp != nil),
            ("source.s3", s3 != nil),
        ].filter(\.1).map(\.0)
    }

    /// What keeps the settings from being one source; each sentence names the setting.
    ///
    /// - Parameter prefix: what stands before the keys, for instance `jobs.customers.`.
    func problems(prefix: String = "") -> [String] {
        var problems: [String] = []
        switch kinds.count {
        case 0:
            problems.append(
                "\(prefix)source.folder is not set: which folder shall be polled? (or source.url, source.sftp, source.s3)"
            )
        case 1: break
        default:
            problems.append("\(kinds.map { prefix + $0 }.joined(separator: " and ")) are set; a job has one source")
        }
        if let url, url.isOpen, header != nil {
            problems.append(
                "\(prefix)source.url: http would send source.header unencrypted over the network; use https://")
        }
        if s3 != nil {
            if s3AccessKey == nil {
                problems.append("\(prefix)source.s3-access-key is not set: the id of the key to the bucket")
            }
            if s3SecretKey == nil {
                problems.append("\(prefix)source.s3-secret-key is not set: the secret of the key to the bucket")
            }
            if let s3Endpoint, s3Endpoint.isOpen {
                problems.append("\(prefix)source.s3-endpoint: http would show the exports to the network; use https://")
            }
        }
        return problems
    }

    /// Where the exports come from, in words.
    var place: String? { folder ?? url?.words ?? sftp?.words ?? s3?.words }

    /// The place elsewhere that exports are fetched from; nil for a folder.
    func remote() -> (any ExportSource)? {
        if let url { return WebSource(url, header: header) }
        if let sftp { return SFTPSource(sftp, .init(key: sftpKey, knownHosts: sftpKnownHosts)) }
        guard let s3, let key = s3AccessKey, let secret = s3SecretKey,
            let endpoint = s3Endpoint ?? (try? WebAddress("https://s3.\(s3Region).amazonaws.com"))
        else { return nil }
        return BucketSource(s3, .init(endpoint: endpoint, region: s3Region, accessKey: key, secretKey: secret))
    }
}

extension SettingDefinition {
    static let source: [SettingDefinition] = [
        .init("source.folder", "folder that is polled for exports") { (settings, text) throws(UnusableValue) in
            settings.sources.folder = try SettingValue.text(text)
        },
        .init("source.url", "URL of an export that is fetched when it changes") {
            (settings, text) throws(UnusableValue) in
            settings.sources.url = try SettingValue.address { () throws(InvalidAddress) in try WebAddress(text) }
        },
        .init("source.header", "header for source.url, for instance Authorization: Bearer TOKEN", secret: true) {
            (settings, text) throws(UnusableValue) in settings.sources.header = try SettingValue.header(text)
        },
        .init("source.sftp", "folder behind SFTP: sftp://USER@HOST:PORT/PATH") {
            (settings, text) throws(UnusableValue) in
            settings.sources.sftp = try SettingValue.address { () throws(InvalidAddress) in try SFTPAddress(text) }
        },
        .init("source.sftp-key", "file of the private key for source.sftp (what ssh finds)") {
            (settings, text) throws(UnusableValue) in settings.sources.sftpKey = try SettingValue.text(text)
        },
        .init("source.sftp-known-hosts", "file with the host key for source.sftp (the user's known_hosts)") {
            (settings, text) throws(UnusableValue) in settings.sources.sftpKnownHosts = try SettingValue.text(text)
        },
        .init("source.s3", "bucket of an S3-compatible store: s3://BUCKET/PREFIX") {
            (settings, text) throws(UnusableValue) in
            settings.sources.s3 = try SettingValue.address { () throws(InvalidAddress) in try BucketAddress(text) }
        },
        .init("source.s3-endpoint", "URL of the S3-compatible store (AWS in source.s3-region)") {
            (settings, text) throws(UnusableValue) in
            settings.sources.s3Endpoint = try SettingValue.address { () throws(InvalidAddress) in try WebAddress(text) }
        },
        .init("source.s3-region", "region of the bucket (us-east-1)") { (settings, text) throws(UnusableValue) in
            settings.sources.s3Region = try SettingValue.region(text)
        },
        .init("source.s3-access-key", "id of the key to the bucket", secret: true) {
            (settings, text) throws(UnusableValue) in settings.sources.s3AccessKey = try SettingValue.text(text)
        },
        .init("source.s3-secret-key", "secret of the key to the bucket", secret: true) {
            (settings, text) throws(UnusableValue) in settings.sources.s3SecretKey = try SettingValue.text(text)
        },
        .init("source.max-size", "the most bytes of an export that is fetched, for instance 500MB (4GiB)") {
            (settings, text) throws(UnusableValue) in settings.sources.maxSize = try SettingValue.bytes(text)
        },
        .init("source.poll", "time between two looks for exports (10s)") {
            (settings, text) throws(UnusableValue) in
            settings.poll = try SettingValue.duration(text, in: .milliseconds(100)...Duration.seconds(86_400))
        },
        .init("source.settle", "time a file must be still before it is taken (5s)") {
            (settings, text) throws(UnusableValue) in
            settings.settle = try SettingValue.duration(text, in: .zero...Duration.seconds(3600))
        },
    ]
}

extension SettingValue {
    static func address<Address>(_ read: () throws(InvalidAddress) -> Address) throws(UnusableValue) -> Address {
        do {
            return try read()
        } catch {
            throw UnusableValue(error.reason)
        }
    }

    /// `NAME: VALUE`, of one line.
    static func header(_ text: String) throws(UnusableValue) -> (name: String, value: String) {
        guard let match = text.wholeMatch(of: #/([A-Za-z0-9!#$%&'*+.^_`|~-]+):[ \t]*([\x20-\x7e]+)/#) else {
            throw UnusableValue("not a header; write NAME: VALUE, for instance Authorization: Bearer TOKEN")
        }
        return (String(match.1), String(match.2))
    }

    static func region(_ text: String) throws(UnusableValue) -> String {
        guard text.wholeMatch(of: #/[a-z0-9-]{1,40}/#) != nil else {
            throw UnusableValue("not a region; write it as in eu-central-1")
        }
        return text
    }

    /// A number of bytes with a unit: B, kB, MB, GB (1000) or KiB, MiB, GiB (1024); bytes without one.
    static func bytes(_ text: String) throws(UnusableValue) -> Int {
        let units = [
            "": 1, "B": 1, "kB": 1000, "MB": 1_000_000, "GB": 1_000_000_000, "KiB": 1 << 10, "MiB": 1 << 20,
            "GiB": 1 << 30,
        ]
        guard let match = text.wholeMatch(of: #/(\d{1,12}) ?([A-Za-z]*)/#), let number = Int(match.1),
            let unit = units[String(match.2)]
        else { throw UnusableValue("not a size; write it with its unit, for instance 500MB or 4GiB") }
        let bytes = number.multipliedReportingOverflow(by: unit)
        guard !bytes.overflow, (1...(1 << 44)).contains(bytes.partialValue) else {
            throw UnusableValue("out of range; use 1B to 16384GiB")
        }
        return bytes.partialValue
    }
}
