package import CallPacing
import Foundation

/// An address of one export: `https`, or `http` on this machine or if no secret is sent.
package struct WebAddress: Sendable, Hashable {
    /// As it was set; it may hold a secret in its query.
    let url: String

    /// Throws `InvalidAddress`.
    package init(_ url: String) throws(InvalidAddress) {
        guard let parts = URLComponents(string: url), let scheme = parts.scheme?.lowercased(),
            scheme == "https" || scheme == "http", let host = parts.host, !host.isEmpty
        else {
            throw InvalidAddress(
                "not a URL; write it with https://, for instance https://exports.example/customers.csv")
        }
        guard parts.user == nil, parts.password == nil else {
            throw InvalidAddress("it has a user; give the credentials as source.header instead")
        }
        self.url = url
    }

    /// The address without its query, which may be secret.
    package var words: String { Self.shown(url) }

    /// A URL without its query and user, which may be secret.
    static func shown(_ url: String) -> String {
        guard var parts = URLComponents(string: url) else { return "the address" }
        (parts.query, parts.fragment, parts.user, parts.password) = (nil, nil, nil, nil)
        return parts.string ?? "the address"
    }

    /// Whether others can read on the way what is sent there.
    package var isOpen: Bool {
        guard let parts = URLComponents(string: url), parts.scheme?.lowercased() == "http" else { return false }
        let host = parts.host?.lowercased() ?? ""
        return
            !(host == "localhost" || host == "::1" || host == "[::1]"
            || host.wholeMatch(of: #/127(\.\d{1,3}){3}/#) != nil)
    }

    /// The name of the export here.
    var name: String {
        let last =
            URLComponents(string: url)?.percentEncodedPath.split(separator: "/").last?.removingPercentEncoding ?? ""
        return ExportName.isUsable(last) ? last : "export"
    }

    /// Where a redirect leads; nil if it is not an address, or leads from https to http.
    func following(_ location: String) -> WebAddress? {
        guard let base = URL(string: url), let target = URL(string: location, relativeTo: base)?.absoluteString,
            let address = try? WebAddress(target)
        else { return nil }
        let isDowngrade = url.lowercased().hasPrefix("https:") && !target.lowercased().hasPrefix("https:")
        return isDowngrade ? nil : address
    }

    /// Whether both are the same server.
    func isSameHost(as other: WebAddress) -> Bool {
        let (left, right) = (URLComponents(string: url), URLComponents(string: other.url))
        return left?.scheme?.lowercased() == right?.scheme?.lowercased()
            && left?.host?.lowercased() == right?.host?.lowercased() && left?.port == right?.port
    }
}

/// One export behind a URL, fetched when it has changed.
package final class WebSource: ExportSource {
    /// Redirects that are followed.
    static let maxRedirects = 5

    package let words: String
    package var needsSettling: Bool { false }
    private let address: WebAddress
    private let header: (name: String, value: String)?
    private let client: WebClient

    /// - Parameter header: a header with a secret, sent to this host and no other.
    package init(_ address: WebAddress, header: (name: String, value: String)?, time: TimeSource) {
        client = WebClient(time: time)
        self.address = address
        self.header = header
        words = address.words
    }

    package func list() async throws(SourceError) -> [RemoteExport] { [RemoteExport(name: address.name)] }

    package func download(
        _ export: RemoteExport, known: ExportVersion?, to file: PartialFile
    ) async throws(SourceError) -> Download {
        let answer = try await ask(known: known, offset: file.size, version: file.version)
        switch answer.status {
        case 304:
            await answer.drain()
            return .unchanged
        case 200, 206:
            let version = answer.isPartial ? file.version ?? ExportVersion() : Self.version(of: answer)
            try await answer.save(version, to: file)
            return try finished(version, known, file, answer)
        case let status:
            await answer.drain()
            switch status {
            case 416:
                file.discard()
                throw SourceError(
                    "\(words) has become shorter while it was fetched; it is fetched anew at the next look")
            case 401, 403: throw SourceError("\(words) answered \(status): check source.header")
            case 404, 410: throw SourceError("\(words) answered \(status): there is no export; check source.url")
            default: throw SourceError("\(words) answered \(status); it is asked again later")
            }
        }
    }

    package func shutdown() async { await client.shutdown() }

    /// If the server says nothing of the version, the content decides whether it is new.
    private func finished(
        _ version: ExportVersion, _ known: ExportVersion?, _ file: PartialFile, _ answer: WebAnswer
    ) throws(SourceError) -> Download {
        guard version == ExportVersion() else {
            let modified = answer.header("Last-Modified").flatMap(Date.init(http:))
            return .complete(version, modified: modified.map { .seconds(Int64($0.timeIntervalSince1970)) })
        }
        let digest = try Digest.sha256(ofFile: file.path)
        guard digest != known?.digest else {
            file.discard()
            return .unchanged
        }
        return .complete(ExportVersion(digest: digest), modified: nil)
    }

    /// Asks with conditions, and follows redirects.
    private func ask(
        known: ExportVersion?, offset: Int, version: ExportVersion?
    ) async throws(SourceError) -> WebAnswer {
        var conditions: [(name: String, value: String)] = []
        if let etag = known?.etag { conditions.append(("If-None-Match", etag)) }
        if let modified = known?.modified { conditions.append(("If-Modified-Since", modified)) }
        if offset > 0, let validator = Self.strongValidator(version) {
            conditions += [("Range", "bytes=\(offset)-"), ("If-Range", validator)]
        }
        var target = address
        for _ in 0...Self.maxRedirects {
            var headers = conditions
            if let header, target.isSameHost(as: address) { headers.append(header) }
            let answer = try await client.get(target.url, headers)
            guard [301, 302, 303, 307, 308].contains(answer.status) else { return answer }
            await answer.drain()
            guard let next = answer.header("Location").flatMap({ target.following($0) }) else {
                throw SourceError("\(words) redirects to where nobody can follow; check source.url")
            }
            target = next
        }
        throw SourceError("\(words) redirects more than \(Self.maxRedirects) times; check source.url")
    }

    private static func version(of answer: WebAnswer) -> ExportVersion {
        ExportVersion(etag: answer.header("ETag"), modified: answer.header("Last-Modified"))
    }

    /// What `If-Range` may have: a weak tag does not promise the same bytes (RFC 9110, 13.1.5).
    private static func strongValidator(_ version: ExportVersion?) -> String? {
        guard let etag = version?.etag else { return version?.modified }
        return etag.hasPrefix("W/") ? nil : etag
    }
}
