import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Sends one request and reads its whole answer, within one deadline. It repeats nothing and throws nothing.
struct Transport: Sendable {
    let options: APIOptions
    let group: MultiThreadedEventLoopGroup
    private let client: HTTPClient
    private let template: HTTPHeaders

    init(_ options: APIOptions) {
        self.options = options
        // One thread has room for 20,000 calls a second; a second one costs more than it brings.
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        var configuration = HTTPClient.Configuration()
        // A redirect would carry the token to an address that nobody chose, and repeat a write.
        configuration.redirectConfiguration = .disallow
        configuration.httpVersion = .http1Only
        configuration.tracing.tracer = nil
        configuration.timeout.connect = .nanoseconds(options.connectTimeout.inNanoseconds)
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

    func send(_ request: APIRequest, token: String?) async -> Exchange {
        let end = ContinuousClock.now + options.callDeadline
        do {
            let response = try await client.execute(
                httpRequest(request, token), deadline: .now() + .nanoseconds(options.callDeadline.inNanoseconds))
            return .answer(await read(response, limit: request.answerLimit, end: end))
        } catch {
            return .noAnswer(fault(error))
        }
    }

    private func httpRequest(_ request: APIRequest, _ token: String?) -> HTTPClientRequest {
        var httpRequest = HTTPClientRequest(url: options.baseURL.text + request.path)
        httpRequest.method = HTTPMethod(rawValue: request.method.rawValue)
        httpRequest.headers = template
        if let token { httpRequest.headers.add(name: "Authorization", value: "Bearer \(token)") }
        if let shopper = request.shopper { httpRequest.headers.add(name: shopper.header, value: shopper.text) }
        if let type = request.contentType { httpRequest.headers.add(name: "Content-Type", value: type) }
        if !request.body.isEmpty { httpRequest.body = .bytes(ByteBuffer(bytes: request.body)) }
        return httpRequest
    }

    private func read(_ response: HTTPClientResponse, limit: Int, end: ContinuousClock.Instant) async -> Answer {
        var answer = Answer(status: Int(response.status.code))
        answer.retryAfter = response.headers.first(name: "Retry-After")
        answer.date = response.headers.first(name: "Date")
        answer.location = response.headers.first(name: "Location")
        answer.requestID = response.headers.first { $0.name.lowercased().contains("request-id") }?.value
        if answer.status == 429 {
            for header in response.headers where Self.saysHowLongToWait(header.name) {
                answer.waitHeaders[header.name.lowercased()] = header.value.printable(limit: 100)
            }
        }
        // Also an empty body must be read to its end, or the connection is not used again.
        let body =
            response.status == .noContent
            ? await collect(response.body, limit: limit) : await collect(response.body, limit: limit, end: end)
        (answer.body, answer.bodyFault) = body
        return answer
    }

    private static func saysHowLongToWait(_ name: String) -> Bool {
        let name = name.lowercased()
        return name == "retry-after" || name.contains("ratelimit") || name.contains("rate-limit")
    }

    /// Reads a body before an instant; the deadline of `execute` ends with the head of the answer.
    private func collect(
        _ body: HTTPClientResponse.Body, limit: Int, end: ContinuousClock.Instant
    ) async -> (bytes: [UInt8], fault: ConnectionFault?) {
        await withTaskGroup(of: (bytes: [UInt8], fault: ConnectionFault?)?.self) { group in
            group.addTask { await collect(body, limit: limit) }
            group.addTask {
                await passed(end)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first ?? ([], .timeout(options.callDeadline))
        }
    }

    /// Returns at an instant, or when the task is cancelled.
    ///
    /// A timer of the event loop, since a cancelled sleep of a task stays in memory until its instant, and there
    /// would be one for each call of the last half minute.
    private func passed(_ instant: ContinuousClock.Instant) async {
        let wait = max(.zero, instant - .now)
        let timer = group.any().scheduleTask(in: .nanoseconds(wait.inNanoseconds)) {}
        await withTaskCancellationHandler {
            // A timer that is cancelled fails, which is as good here.
            try? await timer.futureResult.get()
        } onCancel: {
            timer.cancel()
        }
    }

    private func collect(
        _ body: HTTPClientResponse.Body, limit: Int
    ) async -> (bytes: [UInt8], fault: ConnectionFault?) {
        var bytes: [UInt8] = []
        do {
            for try await part in body {
                guard bytes.count + part.readableBytes <= limit else { return (bytes, .tooLarge(limit)) }
                bytes.append(contentsOf: part.readableBytesView)
            }
            return (bytes, nil)
        } catch {
            return (bytes, fault(error))
        }
    }

    func fault(_ error: any Error) -> ConnectionFault {
        switch error {
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

extension Duration {
    fileprivate var inNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
