import HTTPTypes
import Hummingbird
import Logging

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Answers the status server's requests; everything it says is JSON or Prometheus' text.
struct StatusResponder: HTTPResponder {
    let sources: StatusSources
    /// Names that a Host header may have beside those of loopback, in lower case.
    let names: Set<String>
    let logger: Logger

    func respond(to request: Request, context: BasicRequestContext) async throws -> Response {
        var response = await answer(request)
        for (name, value) in Self.protection { response.headers[name] = value }
        return request.method == .head ? response.createHeadResponse() : response
    }

    private func answer(_ request: Request) async -> Response {
        guard let host = request.head.authority.flatMap({ HostName($0) }) else {
            return Self.error(.badRequest, "the Host header is missing or is no host name")
        }
        // A page of another site can let its own name point here; only names that we know are answered.
        guard host.isLoopback || names.contains(host.text) else {
            return Self.error(.misdirectedRequest, "this server does not go by that name; ask for 127.0.0.1")
        }
        guard let page = Page(rawValue: request.uri.path) else {
            return Self.error(.notFound, "there is no such page; there are \(Page.allCases.map(\.rawValue))")
        }
        guard request.method == .get || request.method == .head else {
            var refusal = Self.error(.methodNotAllowed, "this page can only be read")
            refusal.headers[.allow] = "GET, HEAD"
            return refusal
        }
        do {
            return try await show(page)
        } catch {
            logger.error("a status page failed", metadata: ["page": "\(page.rawValue)", "error": "\(error)"])
            return Self.error(.internalServerError, "the page could not be made; the log says why")
        }
    }

    private enum Page: String, CaseIterable {
        case health = "/healthz"
        case readiness = "/readyz"
        case metrics = "/metrics"
        case runs = "/api/runs"
    }

    private func show(_ page: Page) async throws -> Response {
        switch page {
        case .health:
            struct Health: Encodable {
                let status: String
                let lastPollSeconds: Double?
            }
            let health = sources.health()
            let seconds = health.sinceLastPoll.map { $0 / .seconds(1) }
            return try Self.json(
                health.isAlive ? .ok : .serviceUnavailable,
                Health(status: health.isAlive ? "ok" : "hangs", lastPollSeconds: seconds))
        case .readiness:
            struct Readiness: Encodable {
                let isReady: Bool
                let reasons: [String]
            }
            let reasons = sources.health().reasons
            return try Self.json(
                reasons.isEmpty ? .ok : .serviceUnavailable, Readiness(isReady: reasons.isEmpty, reasons: reasons))
        case .metrics:
            return Self.response(
                .ok, Data(try await sources.metrics().utf8), type: "text/plain; version=0.0.4; charset=utf-8")
        case .runs:
            return Self.response(.ok, try await sources.runs(), type: Self.jsonType)
        }
    }

    private static let jsonType = "application/json; charset=utf-8"

    /// Nothing here is a page for a browser to run, frame, keep or guess the type of.
    private static let protection: [(HTTPField.Name, String)] = [
        ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"),
        ("X-Content-Type-Options", "nosniff"), ("X-Frame-Options", "DENY"), ("Referrer-Policy", "no-referrer"),
        ("Cache-Control", "no-store"), ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
    ].compactMap { name, value in HTTPField.Name(name).map { ($0, value) } }

    private static func response(_ status: HTTPResponse.Status, _ body: Data, type: String) -> Response {
        Response(
            status: status, headers: [.contentType: type], body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
    }

    private static func json(_ status: HTTPResponse.Status, _ value: some Encodable) throws -> Response {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return response(status, try encoder.encode(value), type: jsonType)
    }

    private static func error(_ status: HTTPResponse.Status, _ problem: String) -> Response {
        struct Problem: Encodable {
            let status: Int
            let error: String
        }
        guard let response = try? json(status, Problem(status: status.code, error: problem)) else {
            return Response(status: status)
        }
        return response
    }
}
