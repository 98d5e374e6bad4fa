import HTTPTypes
import Hummingbird
import NIOCore
import ServiceLifecycle

/// Takes requests from the HTTP server to the store and answers back, through rate limit, latency and faults.
struct SandboxResponder: HTTPResponder {
    /// The largest body that is read, in bytes; larger ones get 413.
    static let maxBody = 65_536

    let state: SandboxState

    func respond(to request: Request, context: SandboxContext) async throws -> Response {
        let route = Route(method: request.method.rawValue, path: request.uri.path)
        if case .control(let page, let method) = route {
            return response(state.control(page, method: method, body: try await read(request)))
        }

        // A reset comes after the request has been counted, so that a client that saw it finds it in the figures.
        guard let response = try await answer(request, route, context) else { try await context.reset() }
        return response
    }

    /// The response; nil if the connection must be reset.
    private func answer(_ request: Request, _ route: Route, _ context: SandboxContext) async throws -> Response? {
        let arrived = ArrivalGate.arrival(of: request.head) ?? state.now()
        let arrival = state.arrive(route.operation, cart: route.cart, at: arrived)
        var call = SandboxState.Handling(operation: route.operation, cart: route.cart)
        defer { state.finish(call) }

        let body: [UInt8]
        do {
            body = try await read(request)
        } catch is TooLarge {
            call.status = 413
            return response(.error(413, "Payload Too Large", "A body has at most \(Self.maxBody) bytes").asMalformed())
        }
        guard arrival.isAdmitted else {
            call.status = 429
            return response(state.rateLimited())
        }
        let latency = arrived + arrival.latency - state.now()
        if latency > .zero { try await Task.sleep(for: latency, tolerance: .zero) }

        switch arrival.fault {
        case .answer(let status, let headers, let text, afterEffect: false):
            call.status = status
            return replacement(status, headers, Self.echoing(request, body, in: text))
        case .resetBeforeEffect: return nil
        case .stall:
            try await context.untilClientLeaves()
            throw CancellationError()
        case .delay(let duration): try await Task.sleep(for: duration)
        case .revokeTokens: state.revokeTokens()
        case .answer, .resetAfterEffect, .trickle, .garbage, .cut, nil: break
        }
        if arrival.overlaps, state.refusesOverlap {
            call.status = 409
            return response(.error(409, "Conflict", "Write conflict detected"))
        }

        let answer = state.perform(
            route, credentials: Self.credentials(request), query: request.uri.query,
            contentType: request.headers[.contentType], body: body, call: &call)
        switch arrival.fault {
        case .answer(let status, let headers, let text, afterEffect: true):
            call.status = status
            return replacement(status, headers, Self.echoing(request, body, in: text))
        case .resetAfterEffect:
            call.status = 0
            return nil
        case .trickle(let pause):
            return response(answer, body: Self.trickling(answer.body, pause: pause))
        case .garbage:
            var spoiled = answer
            spoiled.status = answer.status == 204 ? 200 : answer.status
            spoiled.body = Array("\u{1}<<< not JSON {\"data\":[".utf8)
            call.status = spoiled.status
            return response(spoiled)
        case .cut:
            return response(answer, body: Self.cut(answer.body))
        default:
            return response(answer)
        }
    }

    private static let tokenHeaders = SandboxOwnerKind.allCases.compactMap { HTTPField.Name($0.tokenHeader) }

    private static func credentials(_ request: Request) -> RequestCredentials {
        let tokens = tokenHeaders.map { request.headers[$0] }
        return RequestCredentials(
            authorization: request.headers[.authorization], customerToken: tokens[0], accountToken: tokens[1])
    }

    /// A text with the token that the request carried instead of `{token}`, and the owner that its body names instead
    /// of `{owner}`: stores were seen to send back what they were sent.
    private static func echoing(_ request: Request, _ body: [UInt8], in text: String) -> String {
        var text = text
        if text.contains("{token}") {
            let sent = credentials(request)
            text.replace("{token}", with: sent.customerToken ?? sent.accountToken ?? sent.bearer.map(String.init) ?? "")
        }
        if text.contains("{owner}") {
            let owner = SandboxOwnerKind.allCases.lazy.compactMap { AssociationPayload(body, kind: $0).owner }.first
            text.replace("{owner}", with: owner ?? "")
        }
        return text
    }

    private struct TooLarge: Error {}
    private struct Incomplete: Error {}

    private func read(_ request: Request) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        var isTooLarge = false
        for try await part in request.body {
            isTooLarge = isTooLarge || bytes.count + part.readableBytes > Self.maxBody
            if !isTooLarge { bytes.append(contentsOf: part.readableBytesView) }
        }
        if isTooLarge { throw TooLarge() }
        // A client that leaves in the middle ends the body as if it were whole.
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), bytes.count < length {
            throw Incomplete()
        }
        return bytes
    }

    private func response(_ answer: Reply, body: ResponseBody? = nil) -> Response {
        var headers = HTTPFields()
        for (name, value) in answer.headers {
            if let name = HTTPField.Name(name) { headers[name] = value }
        }
        if answer.status != 204 { headers[.contentType] = answer.contentType }
        return Response(
            status: .init(code: answer.status), headers: headers,
            body: body
                ?? (answer.body.isEmpty ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(bytes: answer.body))))
    }

    private func replacement(_ status: Int, _ headers: [String: String], _ body: String) -> Response {
        var fields = HTTPFields()
        for (name, value) in headers {
            if let name = HTTPField.Name(name) { fields[name] = value }
        }
        if fields[.contentType] == nil, !body.isEmpty { fields[.contentType] = "application/json" }
        return Response(
            status: .init(code: status), headers: fields, body: ResponseBody(byteBuffer: ByteBuffer(string: body)))
    }

    private static func trickling(_ bytes: [UInt8], pause: Duration) -> ResponseBody? {
        guard !bytes.isEmpty else { return nil }
        return ResponseBody(contentLength: bytes.count) { writer in
            for byte in bytes {
                try await writer.write(ByteBuffer(bytes: [byte]))
                try await cancelWhenGracefulShutdown { try await Task.sleep(for: pause) }
            }
            try await writer.finish(nil)
        }
    }

    /// Promises one byte more than the half that is sent, and ends.
    private static func cut(_ bytes: [UInt8]) -> ResponseBody {
        ResponseBody(contentLength: max(bytes.count, 2)) { writer in
            try await writer.write(ByteBuffer(bytes: bytes.prefix(bytes.count / 2)))
            throw CancellationError()
        }
    }
}
