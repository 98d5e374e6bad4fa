import AsyncHTTPClient
import Foundation
import NIOHTTP1

/// An address of one export: `https`, or `http` on this machine or where no secret is sent.
package struct WebAddress: Sendable, Hashable {
    /// As it was set; it may hold a secret in its query.
    package let url: String

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
    package var words: String { WebClient.shown(url) }

    /// Whether what is sent there can be read on the way.
    package var isOpen: Bool {
        guard let parts = URLComponents(string: url), parts.scheme?.lowercased() == "http" else { return false }
        let host = parts.host?.lowercased() ?? ""
        return
            !(host == "localhost" || host == "::1" || host == "[::1]"
            || host.wholeMatch(of: #/127(\.\d{1,3}){3}/#) != nil)
    }

    /// The name that the export has here.
    var name: String {
        let last =
            URLComponents(string: url)?.percentEncodedPath.split(separator: "/").last?.removingPercentEncoding ?? ""
        return ExportName.isUsable(last) ? last : "export"
    }

    /// Where a redirect leads; nil where it is no address, or leaves encryption behind.
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
    private let client = WebClient()

    /// - Parameter header: a header with a secret, sent to this host and no other.
    package init(_ address: WebAddress, header: (name: String, value: String)?) {
        self.address = address
        self.header = header
        words = address.words
    }

    package func list() async throws(SourceError) -> [RemoteExport] { [RemoteExport(name: address.name)] }

    package func download(
        _ export: RemoteExport, known: ExportVersion?, to file: PartialFile
    ) async throws(SourceError) -> Download {
        let (response, url) = try await ask(known: known, offset: file.size, version: file.version)
        switch response.status {
        case .notModified:
            await client.drain(response)
            return .unchanged
        case .ok, .partialContent:
            let version =
                response.status == .partialContent
                ? file.version ?? ExportVersion() : Self.version(response.headers)
            let total = try WebClient.total(response, of: url, from: file.size)
            try file.begin(version, keeping: response.status == .partialContent)
            try await client.save(response, of: url, total: total, to: file)
            return try finished(version, known, file, response)
        case .rangeNotSatisfiable:
            await client.drain(response)
            file.discard()
            throw SourceError("\(words) has become shorter while it was fetched; it is fetched anew at the next look")
        case .unauthorized, .forbidden:
            await client.drain(response)
            throw SourceError("\(words) answered \(response.status.code): check source.header")
        case .notFound, .gone:
            await client.drain(response)
            throw SourceError("\(words) answered \(response.status.code): there is no export; check source.url")
        default:
            await client.drain(response)
            throw SourceError("\(words) answered \(response.status.code); it is asked again later")
        }
    }

    package func shutdown() async { await client.shutdown() }

    /// Where the server says nothing of the version, the content decides whether it is new.
    private func finished(
        _ version: ExportVersion, _ known: ExportVersion?, _ file: PartialFile, _ response: HTTPClientResponse
    ) throws(SourceError) -> Download {
        let modified = SourceTime.header(response.headers.first(name: "Last-Modified"))
        guard version == ExportVersion() else { return .complete(version, modified: modified) }
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
    ) async throws(SourceError) -> (HTTPClientResponse, url: String) {
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
            let response = try await client.get(target.url, headers)
            guard [301, 302, 303, 307, 308].contains(response.status.code) else { return (response, target.url) }
            await client.drain(response)
            guard let next = response.headers.first(name: "Location").flatMap({ target.following($0) }) else {
                throw SourceError("\(words) redirects to where nobody can follow; check source.url")
            }
            target = next
        }
        throw SourceError("\(words) redirects more than \(Self.maxRedirects) times; check source.url")
    }

    static func version(_ headers: HTTPHeaders) -> ExportVersion {
        ExportVersion(etag: headers.first(name: "ETag"), modified: headers.first(name: "Last-Modified"))
    }

    /// What may stand in `If-Range`: a weak tag does not promise the same bytes (RFC 9110, 13.1.5).
    static func strongValidator(_ version: ExportVersion?) -> String? {
        guard let etag = version?.etag else { return version?.modified }
        return etag.hasPrefix("W/") ? nil : etag
    }
}
