import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

/// Makes the requests of the sources that speak HTTP, each within its time, without redirects.
final class WebClient: Sendable {
    /// The most of an answer that is not an export, in bytes.
    static let answerLimit = 8 << 20
    /// A download that takes longer is given up and goes on at the next look.
    static let longest = Duration.seconds(4 * 3600)

    private let client: HTTPClient

    init() {
        var configuration = HTTPClient.Configuration()
        // A redirect would carry the header with the secret to an address that nobody chose.
        configuration.redirectConfiguration = .disallow
        configuration.httpVersion = .http1Only
        configuration.tracing.tracer = nil
        configuration.timeout.connect = .seconds(10)
        configuration.timeout.read = .seconds(30)
        configuration.connectionPool.retryConnectionEstablishment = false
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    func shutdown() async {
        // What cannot be closed goes with the process.
        try? await client.shutdown()
    }

    /// Returns the head of the answer, and a body that is still to be read.
    func get(_ url: String, _ headers: [(name: String, value: String)]) async throws(SourceError) -> HTTPClientResponse
    {
        var request = HTTPClientRequest(url: url)
        for header in headers { request.headers.add(name: header.name, value: header.value) }
        request.headers.replaceOrAdd(name: "User-Agent", value: "cartsync")
        do {
            return try await client.execute(request, deadline: .now() + .seconds(60))
        } catch {
            throw Self.failure(url, error)
        }
    }

    /// Reads a whole answer that is no export.
    func text(_ response: HTTPClientResponse, of url: String) async throws(SourceError) -> [UInt8] {
        do {
            return Array(buffer: try await response.body.collect(upTo: Self.answerLimit))
        } catch {
            throw Self.failure(url, error)
        }
    }

    /// Reads the rest of an answer and throws it away, so that the connection can be used again.
    func drain(_ response: HTTPClientResponse) async {
        _ = try? await response.body.collect(upTo: 64 << 10)
    }

    /// Writes the bytes of an export into a file, from where it ends.
    ///
    /// - Parameter total: the size of the whole export; nil where the answer comes in chunks, which say where they end.
    func save(
        _ response: HTTPClientResponse, of url: String, total: Int?, to file: PartialFile
    ) async throws(SourceError) {
        if let total, total > file.limit {
            file.discard()
            throw SourceError(
                "\(Self.shown(url)) has \(total) bytes, and \(file.limit) are allowed; raise source.max-size if it is right"
            )
        }
        let end = ContinuousClock.now + Self.longest
        do {
            for try await part in response.body {
                try file.append(Data(part.readableBytesView))
                if ContinuousClock.now > end {
                    throw SourceError("\(Self.shown(url)) takes too long; it goes on later")
                }
            }
        } catch let error as SourceError {
            throw error
        } catch {
            throw Self.failure(url, error)
        }
        if let total, file.size != total {
            throw SourceError(
                "\(Self.shown(url)) ended after \(file.size) of \(total) bytes; it goes on at the next look")
        }
    }

    /// The size of the whole export, checked against the part of it that comes; nil where it comes in chunks.
    ///
    /// Throws where the answer does not say where it ends, or is another part than the one that was asked for.
    static func total(_ response: HTTPClientResponse, of url: String, from offset: Int) throws(SourceError) -> Int? {
        let length = response.headers.first(name: "Content-Length").flatMap { Int($0) }
        if response.status == .partialContent {
            // bytes FIRST-LAST/TOTAL (RFC 9110, 14.4)
            let range = response.headers.first(name: "Content-Range") ?? ""
            guard let match = range.wholeMatch(of: #/bytes (\d+)-(\d+)/(\d+)/#), Int(match.1) == offset,
                let total = Int(match.3), let last = Int(match.2), last == total - 1
            else { throw SourceError("\(shown(url)) answered with another part than was asked for: '\(range)'") }
            return total
        }
        if let length { return length }
        let isChunked = response.headers[canonicalForm: "Transfer-Encoding"].contains("chunked")
        guard isChunked else {
            throw SourceError("\(shown(url)) does not say how long it is, so a cut export would not be noticed")
        }
        return nil
    }

    static func failure(_ url: String, _ error: any Error) -> SourceError {
        let words = (error as? HTTPClientError)?.shortDescription ?? "\(error)"
        return SourceError("\(shown(url)) cannot be reached: \(words.prefix(200)); it is asked again later")
    }

    /// A URL without its query and user, which may be secret.
    static func shown(_ url: String) -> String {
        guard var parts = URLComponents(string: url) else { return "the address" }
        (parts.query, parts.fragment, parts.user, parts.password) = (nil, nil, nil, nil)
        return parts.string ?? "the address"
    }
}
