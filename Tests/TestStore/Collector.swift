package import Foundation
import Hummingbird
import Logging
import ServiceLifecycle
import Synchronization
import TestSupport

/// A stand-in for a collector of traces: keeps what it is sent, and answers as it is told.
package final class Collector: Sendable {
    /// A request that came.
    package struct Request: Sendable {
        package let path: String
        package let headers: [String: String]
        package let body: Data
    }

    /// A span as OTLP has it in JSON.
    package struct Span: Decodable, Sendable {
        package struct Attribute: Decodable, Sendable {
            package struct Value: Decodable, Sendable {
                package let stringValue: String?
                package let intValue: String?
            }

            package let key: String
            package let value: Value
        }

        package struct Status: Decodable, Sendable { package let code: Int }

        package let traceId: String
        package let spanId: String
        package let parentSpanId: String?
        package let name: String
        package let kind: Int
        package let startTimeUnixNano: String
        package let endTimeUnixNano: String
        package let attributes: [Attribute]
        package let status: Status?

        /// The text or number of an attribute; nil if there is none.
        package subscript(_ key: String) -> String? {
            attributes.first { $0.key == key }.flatMap { $0.value.stringValue ?? $0.value.intValue }
        }
    }

    /// How requests are answered: the first of them the first, and all further ones the last.
    private let answers: Mutex<[(status: Int, body: String)]>
    private let seen = Mutex<[Request]>([])

    private init(_ answers: [(status: Int, body: String)]) { self.answers = Mutex(answers) }

    /// The requests that came until now.
    package var requests: [Request] { seen.withLock { $0 } }

    /// The spans of all requests.
    ///
    /// Throws if a request is not one of OTLP.
    package func spans() throws -> [Span] {
        struct Document: Decodable {
            struct Resource: Decodable {
                struct Scope: Decodable { let spans: [Span] }
                let scopeSpans: [Scope]
            }
            let resourceSpans: [Resource]
        }
        return try requests.flatMap { request in
            try JSONDecoder().decode(Document.self, from: request.body).resourceSpans.flatMap(\.scopeSpans).flatMap(
                \.spans)
        }
    }

    /// Serves on a free port of this machine while the body runs.
    ///
    /// - Parameter answers: status and body of each answer; a status of 0 never comes.
    package static func with(
        _ answers: [(status: Int, body: String)] = [(200, "{}")],
        _ body: (Collector, _ url: String) async throws -> Void
    ) async throws {
        let collector = Collector(answers)
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        var logger = Logger(label: "collector")
        logger.logLevel = .critical
        let application = Application(
            responder: CallbackResponder { (request: Hummingbird.Request, _: BasicRequestContext) in
                try await collector.answer(request)
            },
            configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { continuation.yield($0.localAddress?.port ?? 0) }, logger: logger)
        let group = ServiceGroup(configuration: .init(services: [application], logger: logger))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            var iterator = ports.makeAsyncIterator()
            let port = await iterator.next() ?? 0
            try await body(collector, "http://127.0.0.1:\(port)")
            tasks.cancelAll()
        }
    }

    private func answer(_ request: Hummingbird.Request) async throws -> Response {
        let body = try await request.body.collect(upTo: 8 << 20)
        var headers: [String: String] = [:]
        for field in request.headers { headers[field.name.canonicalName] = field.value }
        let made = Request(path: request.uri.path, headers: headers, body: Data(body.readableBytesView))
        seen.withLock { $0.append(made) }
        let answer = answers.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] }
        if answer.status == 0 { try await Task.sleep(for: .seconds(60)) }
        return Response(
            status: .init(code: answer.status), headers: [.contentType: "application/json"],
            body: .init(byteBuffer: .init(string: answer.body)))
    }
}
