package import CallPacing
import CartAssociations
import Foundation
import Synchronization
package import Tracing

/// Which attempts get a span: of each operation in any second one that went well and one that did not, so that a run of millions
/// of calls has a trace that can be looked at.
struct CallSample {
    private static let interval = Duration.seconds(1)

    private struct Kind: Hashable {
        let operation: CartAssociations.Operation
        let isGood: Bool
    }

    private var last: [Kind: ContinuousClock.Instant] = [:]

    /// Whether an attempt that ends now gets a span.
    mutating func takes(_ operation: CartAssociations.Operation, isGood: Bool, now: ContinuousClock.Instant) -> Bool {
        let kind = Kind(operation: operation, isGood: isGood)
        if let last = last[kind], now - last < Self.interval { return false }
        last[kind] = now
        return true
    }
}

extension CommerceClient {
    /// Gives an attempt its span, if it is sampled and belongs to something that is traced.
    ///
    /// The attributes are those of OpenTelemetry's conventions for HTTP clients. No owner, cart, query or token is among them.
    func trace(
        _ request: APIRequest, _ answer: AnswerClass, _ exchange: Exchange, resent: Int, took: Duration,
        now: ContinuousClock.Instant
    ) {
        guard let context = ServiceContext.current,
            state.withLock({ $0.sample.takes(request.operation, isGood: answer == .success, now: now) })
        else { return }
        let end = time.traced
        let start = DefaultTracerClock.Timestamp(
            nanosecondsSinceEpoch: end.nanosecondsSinceEpoch - UInt64(max(0, took.nanoseconds)))
        let template = request.template
        let span = InstrumentationSystem.tracer.startSpan(
            "\(request.method.rawValue) \(template)", context: context, ofKind: .client, at: start)
        span.updateAttributes { attributes in
            attributes["http.request.method"] = request.method.rawValue
            attributes["server.address"] = options.baseURL.host
            attributes["server.port"] = options.baseURL.port
            attributes["url.template"] = template
            attributes["url.full"] = options.baseURL.text + template.replacing("{id}", with: "REDACTED")
            attributes["cartsync.operation"] = request.operation.rawValue
            attributes["cartsync.answer"] = answer.rawValue
            if let status = exchange.status { attributes["http.response.status_code"] = status }
            if resent > 0 { attributes["http.request.resend_count"] = resent }
            if answer != .success { attributes["error.type"] = exchange.status.map(String.init) ?? answer.rawValue }
        }
        if answer != .success { span.setStatus(.init(code: .error)) }
        span.end(at: end)
    }
}

extension APIRequest {
    private static let words: Set<Substring> = [
        "v2", "carts", "relationships", "customers", "accounts", "account-members", "application-keys", "oauth",
        "access_token",
    ]

    /// The path without its query, with `{id}` in the place of what is not a fixed word of the API.
    var template: String {
        path.prefix { $0 != "?" }.split(separator: "/").reduce("") { path, part in
            path + "/" + (Self.words.contains(part) ? part : "{id}")
        }
    }
}

extension TimeSource {
    /// The time of day as a tracer takes it.
    package var traced: DefaultTracerClock.Timestamp {
        .init(nanosecondsSinceEpoch: UInt64(max(0, wall().timeIntervalSince1970) * 1_000_000_000))
    }
}
