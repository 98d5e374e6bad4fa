import Foundation
import HTTPTypes
import Hummingbird
import Logging
import ServiceLifecycle
import Synchronization

/// A web server with one file, which can go wrong in the ways that servers do.
final class ExportServer: Sendable {
    struct File: Sendable {
        var content = Data()
        var etag: String?
        var modified: String?
        /// Answers with this status and nothing else.
        var status: Int?
        /// Where a request is sent on to.
        var location: String?
        /// Closes the connection after so many bytes of the body.
        var cut: Int?
        var takesRanges = true
        /// Says how long the answer is.
        var hasLength = true
        /// Whether it looks at the conditions of a request.
        var takesConditions = true
        /// Answers 206 to a request for the whole.
        var isAlwaysPartial = false
        /// A pause in the middle of the body.
        var pause: Duration?
        var more: HTTPFields = [:]
    }

    struct Seen: Sendable {
        let path: String
        let headers: [String: String]
        /// Of a POST.
        let body: String
        let status: Int
    }

    private let files = Mutex<[String: File]>([:])
    private let requests = Mutex<[Seen]>([])

    var seen: [Seen] { requests.withLock { $0 } }
    var statuses: [Int] { seen.map(\.status) }

    func put(_ path: String, _ file: File) { files.withLock { $0[path] = file } }

    func change(_ path: String, _ change: (inout File) -> Void) {
        files.withLock { files in
            if var file = files[path] {
                change(&file)
                files[path] = file
            }
        }
    }

    /// Serves on a free port of this machine while the body runs.
    static func with(_ body: (ExportServer, _ url: String) async throws -> Void) async throws {
        let server = ExportServer()
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        var logger = Logger(label: "exports")
        logger.logLevel = .critical
        let application = Application(
            responder: CallbackResponder { (request: Request, _: BasicRequestContext) in
                await server.answer(request)
            },
            configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { continuation.yield($0.localAddress?.port ?? 0) }, logger: logger)
        let group = ServiceGroup(configuration: .init(services: [application], logger: logger))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            var iterator = ports.makeAsyncIterator()
            let port = await iterator.next() ?? 0
            try await body(server, "http://127.0.0.1:\(port)")
            tasks.cancelAll()
        }
    }

    private func answer(_ request: Request) async -> Response {
        let path = request.uri.string
        let body = request.method == .post ? try? await request.body.collect(upTo: 1 << 16) : nil
        let response = response(path, request)
        var headers: [String: String] = [:]
        for field in request.headers { headers[field.name.canonicalName] = field.value }
        requests.withLock {
            $0.append(
                Seen(
                    path: path, headers: headers, body: body.map { String(buffer: $0) } ?? "",
                    status: response.status.code))
        }
        return response
    }

    private func response(_ path: String, _ request: Request) -> Response {
        guard let file = files.withLock({ $0[path] }) else { return Response(status: .notFound) }
        if let location = file.location {
            return Response(status: .init(code: file.status ?? 302), headers: [.location: location])
        }
        if let status = file.status {
            let body = ResponseBody(byteBuffer: ByteBuffer(bytes: file.content))
            return Response(status: .init(code: status), headers: file.more, body: body)
        }
        var headers = file.more
        if let etag = file.etag { headers[.eTag] = etag }
        if let modified = file.modified { headers[.lastModified] = modified }
        if file.takesConditions, let etag = file.etag, request.headers[.ifNoneMatch] == etag {
            return Response(status: .notModified, headers: headers)
        }
        if file.takesConditions, file.etag == nil, let modified = file.modified,
            request.headers[.ifModifiedSince] == modified
        {
            return Response(status: .notModified, headers: headers)
        }
        var content = file.content
        var status = HTTPResponse.Status.ok
        let condition = request.headers[.ifRange]
        if file.takesRanges, let range = request.headers[.range],
            let first = range.wholeMatch(of: #/bytes=(\d+)-/#).flatMap({ Int($0.1) }),
            condition == nil || condition == file.etag || condition == file.modified
        {
            guard first < content.count else { return Response(status: .rangeNotSatisfiable) }
            headers[.contentRange] = "bytes \(first)-\(content.count - 1)/\(content.count)"
            content = content.dropFirst(first)
            status = .partialContent
        }
        if file.isAlwaysPartial, status == .ok {
            headers[.contentRange] = "bytes 0-\(content.count - 1)/\(content.count)"
            status = .partialContent
        }
        let length = content.count
        let sent = Data(file.cut.map { content.prefix($0) } ?? content)
        let body = ResponseBody(contentLength: file.hasLength ? length : nil) { writer in
            let half = file.pause == nil ? sent.count : sent.count / 2
            try await writer.write(ByteBuffer(bytes: sent.prefix(half)))
            if let pause = file.pause {
                try await Task.sleep(for: pause)
                try await writer.write(ByteBuffer(bytes: sent.dropFirst(half)))
            }
            if sent.count < length { throw CancellationError() }
            try await writer.finish(nil)
        }
        return Response(status: status, headers: headers, body: body)
    }
}
