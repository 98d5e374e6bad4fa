import AsyncHTTPClient
import CallPacing
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// Sends one request and reads its whole answer, within one deadline. It repeats nothing and throws nothing.
struct Transport: Sendable {
    let options: APIOptions
    private let way: Way

    private enum Way {
        case http(HTTPTransport)
        case wire(StoreWire)
    }

    init(_ options: APIOptions, _ time: TimeSource) {
        self.options = options
        way = options.wire.map { .wire($0) } ?? .http(HTTPTransport(options, time))
    }

    func shutdown() async throws {
        if case .http(let http) = way { try await http.shutdown() }
    }

    /// Sends a request; the second value says when it travelled, if that is known.
    func send(_ request: APIRequest, token: String?) async -> (Exchange, Travel?) {
        switch way {
        case .http(let http): await http.send(request, token: token)
        case .wire(let wire): (await wire.exchange(request, token: token, options), nil)
        }
    }

    /// Looks up the store's name, connects, and does the TLS handshake, as a call would; sends no request.
    func tryConnection() async -> StoreConnection {
        switch way {
        case .http(let http): await http.tryConnection()
        case .wire: StoreConnection()
        }
    }
}

/// The way over HTTP.
struct HTTPTransport: Sendable {
    let options: APIOptions
    let time: TimeSource
    let group: MultiThreadedEventLoopGroup
    private let client: HTTPClient
    private let template: HTTPHeaders

    init(_ options: APIOptions, _ time: TimeSource) {
        self.options = options
        self.time = time
        // One thread has room for 20,000 calls a second; a second one costs more than it brings.
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        var configuration = HTTPClient.Configuration()
        // A redirect would carry the token to an address that the settings do not name, and repeat a write.
        configuration.redirectConfiguration = .disallow
        configuration.httpVersion = .http1Only
        configuration.tracing.tracer = nil
        configuration.timeout.connect = .nanoseconds(options.connectTimeout.nanoseconds)
        // Fewer connections than callers would make the client's pool a hidden queue, and latencies would lie.
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = max(1, options.concurrency)
        // Repetitions are decided in one place, with their share of the rate, and that is not here.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.tlsConfiguration = options.tls
        configuration.proxy = options.proxy.map { proxy in
            let authorization = proxy.user.map {
                HTTPClient.Authorization.basic(username: $0, password: proxy.password ?? "")
            }
            return .server(host: proxy.host, port: proxy.port, authorization: authorization)
        }
        client = HTTPClient(eventLoopGroupProvider: .shared(group), configuration: configuration)

        var headers = HTTPHeaders()
        for header in options.headers { headers.add(name: header.name, value: header.value) }
        headers.replaceOrAdd(name: "User-Agent", value: options.userAgent)
        headers.replaceOrAdd(name: "Accept", value: "application/json")
        template = headers
    }

    func shutdown() async throws {
        try await client.shutdown()
        try await group.shutdownGracefully()
    }

    /// Sends a request; the second value says when it travelled, if that is known.
    func send(_ request: APIRequest, token: String?) async -> (Exchange, Travel?) {
        let collector = AnswerCollector(limit: request.answerLimit, now: time.now)
        do {
            // What calls back on the connection's own thread, unlike the client's newer interface, has one deadline for
            // head and body, and sees the bytes when they come and not when a task has its turn.
            let task = client.execute(
                request: try httpRequest(request, token, collector), delegate: collector,
                deadline: .now() + .nanoseconds(options.callDeadline.nanoseconds))
            try await withTaskCancellationHandler {
                try await task.get()
            } onCancel: {
                task.cancel()
            }
            guard let answer = collector.answer else { return (.noAnswer(.lost("nothing came")), nil) }
            return (.answer(answer), collector.travel)
        } catch {
            let fault = fault(error)
            guard var answer = collector.answer else { return (.noAnswer(fault), nil) }
            answer.bodyFault = fault
            return (.answer(answer), collector.travel)
        }
    }

    private func httpRequest(
        _ request: APIRequest, _ token: String?, _ collector: AnswerCollector
    ) throws -> HTTPClient.Request {
        var headers = template
        if let token { headers.add(name: "Authorization", value: "Bearer \(token)") }
        if let shopper = request.shopper { headers.add(name: shopper.header, value: shopper.text) }
        if let type = request.contentType { headers.add(name: "Content-Type", value: type) }
        return try HTTPClient.Request(
            url: options.baseURL.text + request.path, method: HTTPMethod(rawValue: request.method.rawValue),
            headers: headers, body: request.body.isEmpty ? nil : collector.body(request.body))
    }

    func fault(_ error: any Error) -> ConnectionFault {
        switch error {
        case let fault as ConnectionFault: return fault
        case is CancellationError: return .cancelled
        case let error as HTTPClientError:
            switch error {
            case .cancelled: return .cancelled
            case .deadlineExceeded, .readTimeout: return .timeout(options.callDeadline)
            case .connectTimeout:
                return .cannotConnect("no connection within \(options.connectTimeout.components.seconds) s")
            case .tlsHandshakeTimeout: return .cannotConnect("TLS did not come about in time")
            case .httpProxyHandshakeTimeout, .invalidProxyResponse, .proxyAuthenticationRequired:
                let proxy = options.proxy.map { "the proxy \($0)" } ?? "the proxy"
                return .cannotConnect("\(proxy) did not let the call through: \(error.shortDescription.lowercased())")
            case .remoteConnectionClosed: return .lost("the store closed it")
            default: return .lost(error.shortDescription)
            }
        case let error as NIOSSLError where error.handshakeWords != nil:
            return .cannotConnect(error.handshakeWords ?? "")
        case let error as NIOSSLExtraError where error == .failedToValidateHostname:
            return .cannotConnect("its certificate is for another name than \(options.baseURL.host)")
        case let error as NIOConnectionError:
            let reasons = error.connectionErrors.map { words($0.error) }
            let reason = reasons.first ?? error.dnsAError.map(words) ?? error.dnsAAAAError.map(words)
            return .cannotConnect("\(error.host):\(error.port): \(reason ?? "the name is not known")")
        case let error as IOError where error.errnoCode == ECONNREFUSED:
            return .cannotConnect(words(error))
        default:
            return .lost(words(error))
        }
    }

    private func words(_ error: any Error) -> String {
        if let error = error as? IOError {
            return unsafe String(cString: strerror(error.errnoCode)).lowercased()
        }
        return "\(error)".printable(limit: 200)
    }
}
