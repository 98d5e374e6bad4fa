import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore

/// A request with its connection, which is closed if an answer takes too long.
struct StatusContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
    }
}

/// Decides who is answered, and gives every answer its protection; what the answers say is in `StatusPages`.
struct StatusResponder: HTTPResponder {
    /// The longest that a request and its answer may take; a stream of events has its own end.
    static let longest = TimeAmount.seconds(30)
    static let longestStream = TimeAmount.seconds(1200)
    /// The largest body of a request, in bytes.
    static let maxBody = 1024

    let pages: StatusPages
    /// Names that a Host header may have besides those of loopback, in lower case.
    let names: Set<String>
    /// Whether any address may stand in the Host header: no name server can point one of those here.
    let takesAddresses: Bool
    /// Nil if there is no token.
    let gate: TokenGate?
    let logger: Logger

    func respond(to request: Request, context: StatusContext) async throws -> Response {
        let channel = context.channel
        let deadline = channel.eventLoop.scheduleTask(in: Self.longest) { channel.close(promise: nil) }
        gate?.tell()
        var response = await answer(request, from: channel.remoteAddress?.ipAddress ?? "")
        for (name, value) in Protection.fields where response.headers[name] == nil { response.headers[name] = value }
        guard request.method != .head else {
            deadline.cancel()
            return response.createHeadResponse()
        }
        let limit = response.headers[.contentType] == StatusPages.eventsType ? Self.longestStream : Self.longest
        deadline.cancel()
        response.body = response.body.closing(channel, in: limit)
        return response
    }

    private func answer(_ request: Request, from address: String) async -> Response {
        guard let authority = request.head.authority, let host = HostName(authority) else {
            return StatusPages.error(.badRequest, "the Host header is missing or is no host name")
        }
        // A page of another site can let its own name point here; only names that we know are answered.
        guard host.isLoopback || names.contains(host.text) || (takesAddresses && host.isAddress) else {
            return StatusPages.error(
                .misdirectedRequest,
                "this server does not go by that name; ask for 127.0.0.1, or add the name to http.names")
        }
        guard let route = StatusRoute(path: request.uri.path) else {
            return StatusPages.error(
                .notFound, "there is no such page; there are \(StatusRoute.paths.joined(separator: ", "))")
        }
        guard route.methods.contains(request.method) else {
            let allowed = route.methods.map(\.rawValue).joined(separator: ", ")
            var refusal = StatusPages.error(.methodNotAllowed, "this can only be asked for with \(allowed)")
            refusal.headers[.allow] = allowed
            return refusal
        }
        do {
            let token = gate?.judge(request.headers[.authorization], from: address) ?? .absent
            if let refusal = refusal(of: token) { return refusal }
            switch route {
            case .approve(let run):
                if let refusal = refusal(request, authority, token) { return refusal }
                return try pages.approve(run, try await body(request))
            case .decline(let run):
                if let refusal = refusal(request, authority, token) { return refusal }
                _ = try await body(request)
                return try pages.decline(run)
            case .stop(let run):
                if let refusal = refusal(request, authority, token) { return refusal }
                _ = try await body(request)
                return try pages.stop(run)
            default:
                return try pages.show(
                    route, request.uri, isHead: request.method == .head, withOwners: token == .right)
            }
        } catch {
            return failure(error, route)
        }
    }

    /// Why the request may not change anything; nil if it may.
    private func refusal(_ request: Request, _ authority: String, _ token: TokenGate.Answer) -> Response? {
        guard gate != nil else {
            return StatusPages.error(
                .forbidden, "nothing can be approved here without http.approval-token; use cartsync runs approve RUN")
        }
        let origin = RequestOrigin(
            host: authority, origin: request.headers[.origin], fetchSite: request.headers[Protection.fetchSite])
        guard origin.isOwn else {
            return StatusPages.error(.forbidden, "only this server's own page may ask for that")
        }
        return token == .right ? nil : refusal(of: .wrong)
    }

    /// Why a request that brings such a token is not answered; nil if it is.
    private func refusal(of token: TokenGate.Answer) -> Response? {
        switch token {
        case .absent, .right: return nil
        case .wrong:
            gate?.tell()
            var refusal = StatusPages.error(.unauthorized, "that is not the token of http.approval-token")
            refusal.headers[.wwwAuthenticate] = "Bearer"
            return refusal
        case .wait(let seconds):
            var refusal = StatusPages.error(
                .tooManyRequests, "there were too many wrong tokens; the next is looked at in \(seconds) s")
            refusal.headers[.retryAfter] = "\(seconds)"
            return refusal
        }
    }

    private func body(_ request: Request) async throws -> ByteBuffer {
        if let type = request.headers[.contentType], !type.lowercased().hasPrefix("application/json") {
            throw HTTPError(.unsupportedMediaType)
        }
        return try await request.body.collect(upTo: Self.maxBody)
    }

    private func failure(_ error: any Error, _ route: StatusRoute) -> Response {
        switch error {
        case StatusRefusal.unknown(let reason): return StatusPages.error(.notFound, reason)
        case StatusRefusal.conflict(let reason): return StatusPages.error(.conflict, reason)
        case let error as StatusPages.BadRequest: return StatusPages.error(.badRequest, error.reason)
        case let error as HTTPError where error.status == .unsupportedMediaType:
            return StatusPages.error(error.status, "the body must be application/json")
        case let error as any HTTPResponseError where error.status == .contentTooLarge:
            return StatusPages.error(error.status, "the body is larger than \(Self.maxBody) bytes")
        default:
            logger.error("a status page failed", metadata: ["page": "\(route)", "error": .quoted("\(error)")])
            return StatusPages.error(.internalServerError, "the page could not be made; the log says why")
        }
    }
}

/// What every answer says to a browser.
enum Protection {
    /// Nothing is a page for a browser to run, frame, keep or guess the type of, unless it says so itself.
    static let fields: [(HTTPField.Name, String)] = [
        ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"),
        ("X-Content-Type-Options", "nosniff"), ("X-Frame-Options", "DENY"), ("Referrer-Policy", "no-referrer"),
        ("Cache-Control", "no-store"), ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
    ].compactMap { name, value in HTTPField.Name(name).map { ($0, value) } }

    /// The page itself: its own script, style, icon and requests, and nothing else.
    static let page =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        + "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    /// A report: its own style, in a world of its own that has no script and no origin.
    static let report =
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; "
        + "form-action 'none'"

    // The names are constants without a character that a name must not have.
    static let fetchSite = HTTPField.Name("Sec-Fetch-Site") ?? .origin
}

extension ResponseBody {
    /// The same body on a connection that is closed if the body is not read in time.
    fileprivate func closing(_ channel: any Channel, in limit: TimeAmount) -> ResponseBody {
        ResponseBody(contentLength: contentLength) { writer in
            let deadline = channel.eventLoop.scheduleTask(in: limit) { channel.close(promise: nil) }
            defer { deadline.cancel() }
            try await self.write(writer)
        }
    }
}
