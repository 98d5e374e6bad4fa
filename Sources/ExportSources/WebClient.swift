import AsyncHTTPClient
import CallPacing
import Foundation
import NIOCore
import NIOHTTP1

/// Makes the requests of the sources that speak HTTP, each within its time, without redirects.
final class WebClient: Sendable {
    private let client: HTTPClient
    private let time: TimeSource

    init(time: TimeSource) {
        self.time = time
        var configuration = HTTPClient.Configuration()
        // A redirect would carry the header with the secret to an address that was not set.
        configuration.redirectConfiguration = .disallow
        configuration.httpVersion = .http1Only
        configuration.tracing.tracer = nil
        configuration.timeout.connect = .seconds(10)
        configuration.timeout.read = .seconds(30)
        configuration.connectionPool.retryConnectionEstablishment = false
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    func shutdown() async {
        // A connection that cannot be closed goes with the process.
        try? await client.shutdown()
    }

    /// Returns the head of the answer, whose body is still to be read.
    func get(_ url: String, _ headers: [(name: String, value: String)]) async throws(SourceError) -> WebAnswer {
        var request = HTTPClientRequest(url: url)
        for header in headers { request.headers.add(name: header.name, value: header.value) }
        request.headers.replaceOrAdd(name: "User-Agent", value: "cartsync")
        do {
            return WebAnswer(url, try await client.execute(request, deadline: .now() + .seconds(60)), time)
        } catch {
            throw WebAnswer.failure(url, error)
        }
    }
}

/// The answer to one request. Its body is read once: as a text, as an export, or to throw it away.
struct WebAnswer: Sendable {
    /// The most of an answer that is not an export, in bytes.
    private static let textLimit = 8 << 20
    /// A download that takes longer is given up and goes on at the next look.
    private static let longest = Duration.seconds(4 * 3600)

    private let url: String
    private let response: HTTPClientResponse
    private let time: TimeSource

    fileprivate init(_ url: String, _ response: HTTPClientResponse, _ time: TimeSource) {
        self.url = url
        self.response = response
        self.time = time
    }

    var status: Int { Int(response.status.code) }

    /// Whether the body is the rest of what was asked for, and not the whole.
    var isPartial: Bool { response.status == .partialContent }

    func header(_ name: String) -> String? { response.headers.first(name: name) }

    /// Reads a whole answer that is not an export.
    func text() async throws(SourceError) -> [UInt8] {
        do {
            return Array(buffer: try await response.body.collect(upTo: Self.textLimit))
        } catch {
            throw Self.failure(url, error)
        }
    }

    /// Reads the rest of an answer and throws it away, so that the connection can be used again.
    func drain() async {
        _ = try? await response.body.collect(upTo: 64 << 10)
    }

    /// Writes the export of a version into a file: the whole of it, or the part that comes after what is there.
    func save(_ version: ExportVersion, to file: PartialFile) async throws(SourceError) {
        let total = try total(from: file.size)
        try file.begin(version, keeping: isPartial)
        if let total, total > file.limit {
            file.discard()
            throw SourceError(
                "\(shown) has \(total) bytes, and \(file.limit) are allowed; raise source.max-size if it is right")
        }
        let end = time.now() + Self.longest
        do {
            for try await part in response.body {
                try file.append(Array(buffer: part))
                if time.now() > end { throw SourceError("\(shown) takes too long; it goes on later") }
            }
        } catch let error as SourceError {
            throw error
        } catch {
            throw Self.failure(url, error)
        }
        if let total, file.size != total {
            throw SourceError("\(shown) ended after \(file.size) of \(total) bytes; it goes on at the next look")
        }
    }

    /// The size of the whole export, checked against the part of it that comes; nil if it comes in chunks, which say
    /// where they end.
    ///
    /// Throws if the answer does not say where it ends, or is another part than the one that was asked for.
    private func total(from offset: Int) throws(SourceError) -> Int? {
        if isPartial {
            // bytes FIRST-LAST/TOTAL (RFC 9110, 14.4)
            let range = header("Content-Range") ?? ""
            guard let match = range.wholeMatch(of: #/bytes (\d+)-(\d+)/(\d+)/#), Int(match.1) == offset,
                let total = Int(match.3), let last = Int(match.2), last == total - 1
            else { throw SourceError("\(shown) answered with another part than was asked for: '\(range)'") }
            return total
        }
        if let length = header("Content-Length").flatMap({ Int($0) }) { return length }
        guard response.headers[canonicalForm: "Transfer-Encoding"].contains("chunked") else {
            throw SourceError("\(shown) does not say how long it is, so a cut export would not be noticed")
        }
        return nil
    }

    private var shown: String { WebAddress.shown(url) }

    fileprivate static func failure(_ url: String, _ error: any Error) -> SourceError {
        let words = (error as? HTTPClientError)?.shortDescription ?? "\(error)"
        return SourceError("\(WebAddress.shown(url)) cannot be reached: \(words.prefix(200)); it is asked again later")
    }
}
