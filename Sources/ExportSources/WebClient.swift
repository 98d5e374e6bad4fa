import AsyncHTTPClient
import CallPacing
import Foundation
import NIOCore
import NIOHTTP1
import NIOSSL
import Synchronization

/// How sources that speak HTTP are reached: files of certificates in PEM form, and patience.
package struct WebOptions: Sendable, Hashable {
    /// The authorities that may sign the server's certificate; nil for the system's.
    var authorities: String?
    /// The certificate that is shown to a server that asks for one, with those between it and its authority.
    var certificate: String?
    /// The private key of `certificate`, without a passphrase.
    var key: String?
    /// How long a connection may take to come about.
    var connectTimeout = Duration.seconds(10)
    var patience = FetchPatience()

    package init(
        authorities: String? = nil, certificate: String? = nil, key: String? = nil,
        patience: FetchPatience = FetchPatience()
    ) {
        self.authorities = authorities
        self.certificate = certificate
        self.key = key
        self.patience = patience
    }

    /// How TLS is spoken: version 1.2 at least.
    ///
    /// Throws `SourceError` if a file cannot be read.
    func tls() throws(SourceError) -> TLSConfiguration {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv12
        if let authorities {
            let trusted = try Self.read("source.ca-file", authorities, NIOSSLCertificate.fromPEMFile)
            tls.trustRoots = .certificates(trusted)
        }
        if let certificate, let key {
            tls.certificateChain = try Self.read("source.certificate", certificate, NIOSSLCertificate.fromPEMFile)
                .map { .certificate($0) }
            tls.privateKey = try Self.read("source.key", key) { file in
                [NIOSSLPrivateKeySource.privateKey(try NIOSSLPrivateKey(file: file, format: .pem))]
            }.first
        }
        return tls
    }

    private static func read<Value>(
        _ setting: String, _ file: String, _ read: (String) throws -> [Value]
    ) throws(SourceError) -> [Value] {
        guard let found = try? read(file), !found.isEmpty else {
            throw SourceError("\(setting): \(file) cannot be read in PEM form; check the name, its mode and the file")
        }
        return found
    }
}

/// Makes the requests of the sources that speak HTTP, each within its time, without redirects.
final class WebClient: Sendable {
    private let options: WebOptions
    private let wire: WebWire?
    private let time: TimeSource
    /// Made by the first request, so that a certificate that is not there yet is asked for again.
    private let client = Mutex<HTTPClient?>(nil)

    /// - Parameter wire: what is used in the place of HTTP; nil for HTTP.
    init(_ options: WebOptions, wire: WebWire? = nil, time: TimeSource) {
        self.options = options
        self.wire = wire
        self.time = time
    }

    private static func make(_ options: WebOptions) throws(SourceError) -> HTTPClient {
        var configuration = HTTPClient.Configuration()
        // A redirect would carry the header with the secret to an address that was not set.
        configuration.redirectConfiguration = .disallow
        configuration.httpVersion = .http1Only
        configuration.tracing.tracer = nil
        configuration.timeout.connect = .nanoseconds(options.connectTimeout.nanoseconds)
        configuration.timeout.read = .seconds(30)
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.tlsConfiguration = try options.tls()
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    private func connected() throws(SourceError) -> HTTPClient {
        try client.withLock { client throws(SourceError) in
            if let client { return client }
            let made = try Self.make(options)
            client = made
            return made
        }
    }

    func shutdown() async {
        // A connection that cannot be closed goes with the process.
        try? await client.withLock(\.self)?.shutdown()
    }

    /// Returns the head of the answer, whose body is still to be read.
    func get(
        _ url: String, _ headers: [(name: String, value: String)], method: String = "GET", body: Data? = nil,
        within limit: Duration = .seconds(60)
    ) async throws(SourceError) -> WebAnswer {
        var request = HTTPClientRequest(url: url)
        request.method = HTTPMethod(rawValue: method)
        for header in headers { request.headers.add(name: header.name, value: header.value) }
        if let body { request.body = .bytes(ByteBuffer(bytes: body)) }
        request.headers.replaceOrAdd(name: "User-Agent", value: "cartsync")
        // The bytes as they are: what is compressed on the way has another tag and length each time.
        request.headers.replaceOrAdd(name: "Accept-Encoding", value: "identity")
        do {
            let response =
                if let wire {
                    try await wire.response(to: request)
                } else {
                    try await connected().execute(request, deadline: .now() + .nanoseconds(limit.nanoseconds))
                }
            return WebAnswer(url, response, options.patience, time)
        } catch let error as SourceError {
            throw error
        } catch {
            throw WebAnswer.failure(url, error)
        }
    }
}

extension WebWire {
    /// Why no answer came, or an answer ended early.
    private struct Broken: Error, CustomStringConvertible {
        let description: String
    }

    /// Sends a request once; throws if there is no answer.
    fileprivate func response(to request: HTTPClientRequest) async throws -> HTTPClientResponse {
        let headers = Dictionary(request.headers.map { ($0.name.lowercased(), $0.value) }) { $1 }
        let reply = await send(Request(method: request.method.rawValue, url: request.url, headers: headers))
        guard case .answer(let status, let named, let body, let isWhole) = reply else {
            throw Broken(description: "no connection")
        }
        let parts = AsyncThrowingStream<ByteBuffer, any Error> { stream in
            stream.yield(ByteBuffer(bytes: body))
            stream.finish(throwing: isWhole ? nil : Broken(description: "the server closed the connection"))
        }
        return HTTPClientResponse(
            status: HTTPResponseStatus(statusCode: status), headers: HTTPHeaders(named.map { ($0.key, $0.value) }),
            body: .stream(parts))
    }
}

/// The answer to one request. Its body is read once: as a text, as an export, or to throw it away.
struct WebAnswer: Sendable {
    /// The most of an answer that is not an export, in bytes.
    private static let textLimit = 8 << 20
    private let url: String
    private let response: HTTPClientResponse
    private let patience: FetchPatience
    private let time: TimeSource

    fileprivate init(_ url: String, _ response: HTTPClientResponse, _ patience: FetchPatience, _ time: TimeSource) {
        self.url = url
        self.response = response
        self.patience = patience
        self.time = time
    }

    var status: Int { Int(response.status.code) }

    /// Whether the body is the rest of what was asked for, and not the whole.
    var isPartial: Bool { response.status == .partialContent }

    func header(_ name: String) -> String? { response.headers.first(name: name) }

    /// How long the server asks to be left alone; nil if it does not say, or its status is no such wish.
    var retryAfter: Duration? {
        guard status == 429 || status == 503 else { return nil }
        return RetryAfter.wait(header("Retry-After"), answerDate: header("Date"), now: time.wall())
    }

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
    ///
    /// - Parameter offset: where the part begins that was asked for; 0 for the whole.
    func save(_ version: ExportVersion, from offset: Int, to file: PartialFile) async throws(SourceError) {
        let total = try total(from: offset)
        try file.begin(version, keeping: isPartial && offset > 0)
        if let total, total > file.limit {
            file.discard()
            throw SourceError(
                "\(shown) has \(total) bytes, and \(file.limit) are allowed; raise source.max-size if it is right",
                ofOneExport: true)
        }
        var gauge = SpeedGauge(patience, now: time.now())
        do {
            for try await part in response.body {
                try file.append(Array(buffer: part))
                gauge.add(part.readableBytes)
                if let problem = gauge.problem(now: time.now()) {
                    throw SourceError("\(shown) \(problem); it goes on later")
                }
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
