package import CallPacing
import Foundation
import Synchronization

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
            throw InvalidAddress("it has a user; give the credentials as source.user and source.password instead")
        }
        self.url = url
    }

    /// The address without its query, which may be secret.
    package var words: String { Self.shown(url) }

    /// A URL without its query and user, which may be secret.
    package static func shown(_ url: String) -> String {
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
    private struct State {
        /// What the server said when it sent the bytes of a known version again.
        var again: (known: ExportVersion, said: ExportVersion)?
        /// Whether equal bytes had one tag so far.
        var tagsAreReliable = true
    }

    /// An answer, and where the part of the export begins that was asked for; 0 for the whole.
    private struct Answer {
        let answer: WebAnswer
        let offset: Int
        let isConditional: Bool
    }

    /// Redirects that are followed.
    static let maxRedirects = 5

    package let words: String
    package var needsSettling: Bool { false }
    private let address: WebAddress
    private let header: (name: String, value: String)?
    private let client: WebClient
    private let notices = Notices()
    private let state = Mutex(State())

    /// - Parameters:
    ///   - header: a header with a secret, sent to this host and no other.
    ///   - wire: what is used in the place of HTTP; nil for HTTP.
    package init(
        _ address: WebAddress, header: (name: String, value: String)?, _ options: WebOptions = WebOptions(),
        wire: WebWire? = nil, time: TimeSource
    ) {
        client = WebClient(options, wire: wire, time: time)
        self.address = address
        self.header = header
        words = address.words
    }

    package func list() async throws(SourceError) -> [RemoteExport] { [RemoteExport(name: address.name)] }

    package func tryOut() async throws(SourceError) {
        let answer = try await ask(known: nil, offset: 0, version: nil).answer
        // What follows the head is not read to its end.
        await answer.drain()
        guard [200, 206].contains(answer.status) else { throw refusal(answer.status, answer) }
    }

    package func download(
        _ export: RemoteExport, known: ExportVersion?, to file: PartialFile
    ) async throws(SourceError) -> Download {
        let before = state.withLock { state in state.again.flatMap { $0.known == known ? $0.said : nil } } ?? known
        let asked = try await ask(known: before, offset: file.size, version: file.version)
        let answer = asked.answer
        switch answer.status {
        case 304 where asked.isConditional:
            await answer.drain()
            return .unchanged
        case 200, 206:
            let isResumed = answer.isPartial && asked.offset > 0
            if answer.isPartial && !isResumed { notices.add("\(words) answers 206 to a request for the whole") }
            let version = isResumed ? file.version ?? ExportVersion() : Self.version(of: answer)
            if let before, !isResumed, isSame(version, as: before) {
                await answer.drain()
                notices.add("\(words) ignores conditional requests; ETag, or Last-Modified and length, decide")
                return .unchanged
            }
            try await answer.save(version, from: asked.offset, to: file)
            return try finished(version, known, before, file)
        case 416 where asked.offset > 0:
            // All of it was there, or the server has a shorter one by now.
            await answer.drain()
            file.discard()
            return try await download(export, known: known, to: file)
        case let status:
            await answer.drain()
            throw refusal(status, answer)
        }
    }

    package func takeNotices() -> [String] { notices.take() }

    package func shutdown() async { await client.shutdown() }

    /// The content decides whether what was fetched is new.
    private func finished(
        _ version: ExportVersion, _ known: ExportVersion?, _ before: ExportVersion?, _ file: PartialFile
    ) throws(SourceError) -> Download {
        let digest = try file.digest()
        if let known, let before, digest == known.digest {
            file.discard()
            let hasTags = version.etag != nil && before.etag != nil
            let isTagAlone = hasTags && Self.haveSameTimeAndSize(version, before)
            state.withLock { state in
                state.again = (known, version)
                if isTagAlone { state.tagsAreReliable = false }
            }
            if isTagAlone {
                notices.add("\(words) has another ETag for the same bytes; Last-Modified and length decide from now on")
            } else if version != ExportVersion(size: version.size) {
                notices.add("\(words) says that the export is new, and its bytes are not; it is fetched to see")
            }
            return .unchanged
        }
        let modified = version.modified.flatMap(Date.init(http:))
        let whole = ExportVersion(etag: version.etag, modified: version.modified, size: file.size, digest: digest)
        return .complete(whole, modified: modified.map { .seconds(Int64($0.timeIntervalSince1970)) })
    }

    private func isSame(_ said: ExportVersion, as known: ExportVersion) -> Bool {
        Self.isSame(said, as: known, tagsAreReliable: state.withLock { $0.tagsAreReliable })
    }

    /// Whether the head of an answer shows that the known version would come again.
    ///
    /// - Parameter tagsAreReliable: whether another tag means other bytes.
    static func isSame(_ said: ExportVersion, as known: ExportVersion, tagsAreReliable: Bool) -> Bool {
        let otherSize = said.size != nil && known.size != nil && said.size != known.size
        if let tag = said.etag.map(opaque), let old = known.etag.map(opaque) {
            if tag == old { return !otherSize }
            if tagsAreReliable { return false }
        }
        return haveSameTimeAndSize(said, known)
    }

    private static func haveSameTimeAndSize(_ one: ExportVersion, _ other: ExportVersion) -> Bool {
        one.modified != nil && one.modified == other.modified && one.size != nil && one.size == other.size
    }

    /// A tag as it is compared where weak ones are good enough (RFC 9110, 8.8.3.2).
    private static func opaque(_ tag: String) -> Substring { tag.hasPrefix("W/") ? tag.dropFirst(2) : tag[...] }

    private func refusal(_ status: Int, _ answer: WebAnswer) -> SourceError {
        let advice =
            switch status {
            case 304: "that is no answer to a request without conditions; check source.url"
            case 401, 403: "check source.header, source.token, source.user and source.password, or source.certificate"
            case 404, 410: "there is no export; check source.url"
            default:
                answer.retryAfter.map { "it asks to wait for \($0.components.seconds) s" } ?? "it is asked again later"
            }
        return SourceError("\(words) answered \(status): \(advice)", retryAfter: answer.retryAfter)
    }

    /// Asks with conditions, and follows redirects.
    private func ask(
        known: ExportVersion?, offset: Int, version: ExportVersion?
    ) async throws(SourceError) -> Answer {
        var conditions: [(name: String, value: String)] = []
        if let etag = known?.etag { conditions.append(("If-None-Match", etag)) }
        if let modified = known?.modified { conditions.append(("If-Modified-Since", modified)) }
        let isConditional = !conditions.isEmpty
        var start = 0
        if offset > 0, let validator = Self.strongValidator(version) {
            start = offset
            conditions += [("Range", "bytes=\(offset)-"), ("If-Range", validator)]
        }
        var target = address
        for _ in 0...Self.maxRedirects {
            var headers = conditions
            if let header, target.isSameHost(as: address) { headers.append(header) }
            let answer = try await client.get(target.url, headers)
            guard [301, 302, 303, 307, 308].contains(answer.status) else {
                return Answer(answer: answer, offset: start, isConditional: isConditional)
            }
            await answer.drain()
            guard let next = answer.header("Location").flatMap({ target.following($0) }) else {
                throw SourceError("\(words) redirects to where nobody can follow; check source.url")
            }
            target = next
        }
        throw SourceError("\(words) redirects more than \(Self.maxRedirects) times; check source.url")
    }

    private static func version(of answer: WebAnswer) -> ExportVersion {
        ExportVersion(
            etag: answer.header("ETag"), modified: answer.header("Last-Modified"),
            size: answer.header("Content-Length").flatMap { Int($0) })
    }

    /// What `If-Range` may have: a weak tag does not promise the same bytes (RFC 9110, 13.1.5).
    private static func strongValidator(_ version: ExportVersion?) -> String? {
        guard let etag = version?.etag else { return version?.modified }
        return etag.hasPrefix("W/") ? nil : etag
    }
}

extension WebSource {
    /// The header of a user and a password (RFC 7617).
    package static func basic(user: String, password: String) -> (name: String, value: String) {
        ("Authorization", "Basic \(Data("\(user):\(password)".utf8).base64EncodedString())")
    }

    /// The header of a bearer token (RFC 6750).
    package static func bearer(_ token: String) -> (name: String, value: String) {
        ("Authorization", "Bearer \(token)")
    }
}
