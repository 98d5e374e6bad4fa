import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Ledger
import NIOCore
import SyncReporting

/// What the status server's answers say.
///
/// The files of the page are those of the folder `Page`, embedded in the program: nothing is loaded from elsewhere.
struct StatusPages: Sendable {
    /// A request that cannot be understood, in a sentence.
    struct BadRequest: Error {
        let reason: String
    }

    static let eventsType = "text/event-stream"
    static let jsonType = "application/json; charset=utf-8"
    /// Runs of one page.
    static let limits = 1...1000
    static let usualLimit = 50

    let source: any StatusSource
    let events: EventStream

    /// Answers what only reads.
    ///
    /// - Parameter withOwners: whether the one who asks may see whose carts they are.
    func show(_ route: StatusRoute, _ uri: URI, isHead: Bool, withOwners: Bool) throws -> Response {
        switch route {
        case .page: return asset(PackageResources.page_html, type: "text/html; charset=utf-8", policy: Protection.page)
        case .script: return asset(PackageResources.page_js, type: "text/javascript; charset=utf-8")
        case .style: return asset(PackageResources.page_css, type: "text/css; charset=utf-8")
        case .icon: return asset(PackageResources.icon_svg, type: "image/svg+xml")
        case .description: return asset(PackageResources.openapi_yaml, type: "application/yaml; charset=utf-8")
        case .health: return try health()
        case .readiness: return try readiness()
        case .metrics:
            return asset(Array(source.metrics().utf8), type: "text/plain; version=0.0.4; charset=utf-8")
        case .service: return try Self.json(.ok, source.service(withOwners: withOwners))
        case .serviceEvents: return try stream(isHead) { try serviceEvent(withOwners) }
        case .runs: return try runs(uri)
        case .run(let run): return try self.run(run, withOwners)
        case .runReport(let run):
            guard let page = source.report(run, .page, withOwners: withOwners) else { throw Self.noReport(run) }
            var response = Self.response(.ok, page, type: "text/html; charset=utf-8")
            response.headers[Self.policy] = Protection.report
            return response
        case .reportFile(let run): return try file(run, .json, Self.jsonType, withOwners)
        case .latencyLog(let run): return try file(run, .latencies, "text/plain; charset=utf-8", withOwners)
        case .runEvents(let run):
            guard let known = try source.run(run) else { throw Self.noRun(run) }
            return try stream(isHead) { try runEvent(of: known.run) }
        case .deletes(let run):
            return try Self.json(.ok, try source.deletes(run, Self.query(uri), withOwners: withOwners))
        case .deletesTable(let run): return try deletesTable(run, withOwners)
        case .approve, .decline, .stop: return Self.error(.methodNotAllowed, "this can only be asked for with POST")
        }
    }

    /// Approves a run; the body may have `maxDeletes`.
    func approve(_ run: String, _ body: ByteBuffer) throws -> Response {
        struct Order: Decodable {
            let maxDeletes: Int?
        }
        var order = Order(maxDeletes: nil)
        if body.readableBytes > 0 {
            guard let read = try? JSONDecoder().decode(Order.self, from: Data(body.readableBytesView)) else {
                throw BadRequest(reason: "the body is not JSON with a whole number maxDeletes")
            }
            order = read
        }
        if let deletes = order.maxDeletes, deletes < 0 { throw BadRequest(reason: "maxDeletes is less than 0") }
        return try Self.json(.accepted, Done(message: try source.approve(run, maxDeletes: order.maxDeletes)))
    }

    func stop(_ run: String) throws -> Response {
        try Self.json(.accepted, Done(message: try source.stop(run)))
    }

    func decline(_ run: String) throws -> Response {
        try Self.json(.accepted, Done(message: try source.decline(run)))
    }

    /// All deletes as CSV, a piece at a time.
    private func deletesTable(_ run: String, _ withOwners: Bool) throws -> Response {
        var query = DeletesQuery()
        query.limit = DeletesQuery.limits.upperBound
        // A run without a list is an answer of its own, and no table that ends at once.
        let first = try source.deletes(run, query, withOwners: withOwners)
        var response = Response(
            status: .ok, headers: [.contentType: "text/csv; charset=utf-8"],
            body: ResponseBody { [source, query] writer in
                var (page, query) = (first, query)
                try await writer.write(ByteBuffer(bytes: page.deletes.table(withHeader: true)))
                while let next = page.from {
                    query.from = next
                    page = try source.deletes(run, query, withOwners: withOwners)
                    try await writer.write(ByteBuffer(bytes: page.deletes.table(withHeader: false)))
                }
                try await writer.finish(nil)
            })
        response.headers[.contentDisposition] = "attachment; filename=\"deletes-\(run).csv\""
        return response
    }

    private static func query(_ uri: URI) throws -> DeletesQuery {
        var query = DeletesQuery()
        if let text = uri.queryParameters["limit"] {
            guard let number = Int(text), DeletesQuery.limits.contains(number) else {
                throw BadRequest(
                    reason:
                        "limit is not a number from \(DeletesQuery.limits.lowerBound) to \(DeletesQuery.limits.upperBound)"
                )
            }
            query.limit = number
        }
        if let text = uri.queryParameters["from"] {
            guard let number = Int(text), DeletesQuery.places.contains(number) else {
                throw BadRequest(reason: "from is not the place of a delete")
            }
            query.from = number
        }
        if let text = uri.queryParameters["search"] {
            guard text.unicodeScalars.count <= DeletesQuery.longestSearch else {
                throw BadRequest(reason: "search is longer than \(DeletesQuery.longestSearch) characters")
            }
            query.search = String(text)
        }
        return query
    }

    private struct Done: Encodable {
        let message: String
    }

    private func health() throws -> Response {
        struct Health: Encodable {
            let status: String
            let lastPollSeconds: Double?
        }
        let health = source.health()
        let seconds = health.sinceLastPoll.map { $0 / .seconds(1) }
        return try Self.json(
            health.isAlive ? .ok : .serviceUnavailable,
            Health(status: health.isAlive ? "ok" : "hangs", lastPollSeconds: seconds))
    }

    private func readiness() throws -> Response {
        struct Readiness: Encodable {
            let isReady: Bool
            let reasons: [String]
            let attention: [String]
        }
        let health = source.health()
        let isReady = health.reasons.isEmpty
        return try Self.json(
            isReady ? .ok : .serviceUnavailable,
            Readiness(
                isReady: isReady, reasons: health.reasons,
                attention: health.attention + source.service(withOwners: false).openEnds))
    }

    private func runs(_ uri: URI) throws -> Response {
        var limit = Self.usualLimit
        if let text = uri.queryParameters["limit"] {
            guard let number = Int(text), Self.limits.contains(number) else {
                throw BadRequest(
                    reason: "limit is not a number from \(Self.limits.lowerBound) to \(Self.limits.upperBound)")
            }
            limit = number
        }
        let before = uri.queryParameters["before"].map(String.init)
        if let before, !StatusRoute.isRun(before) { throw BadRequest(reason: "before is not the id of a run") }
        return try Self.json(.ok, try source.runs(limit: limit, before: before))
    }

    private func file(_ run: String, _ form: ReportForm, _ type: String, _ withOwners: Bool) throws -> Response {
        guard let file = source.report(run, form, withOwners: withOwners) else { throw Self.noReport(run) }
        return Self.response(.ok, file, type: type)
    }

    /// The report of a run, or what is known of one that has none yet.
    private func run(_ run: String, _ withOwners: Bool) throws -> Response {
        // A run that goes on has a report that says it was ended in the middle, in case it will be.
        let goesOn = source.service(withOwners: false).run?.run == run
        if !goesOn, let report = source.report(run, .json, withOwners: withOwners) {
            return Self.response(.ok, report, type: Self.jsonType)
        }
        guard let known = try source.run(run) else { throw Self.noRun(run) }
        return try Self.json(.ok, known)
    }

    private func stream(
        _ isHead: Bool, _ next: @escaping @Sendable () throws -> EventStream.Event?
    ) throws -> Response {
        if isHead { return Response(status: .ok, headers: [.contentType: Self.eventsType]) }
        guard let body = events.body(next) else {
            var refusal = Self.error(
                .serviceUnavailable, "there are \(EventStream.maxListeners) listeners already; ask for /api/service")
            refusal.headers[.retryAfter] = "30"
            return refusal
        }
        return Response(status: .ok, headers: [.contentType: Self.eventsType], body: body)
    }

    private func serviceEvent(_ withOwners: Bool) throws -> EventStream.Event? {
        .init(name: "service", data: try Self.text(source.service(withOwners: withOwners)))
    }

    /// How far a run has come, or how it ended.
    private func runEvent(of run: String) throws -> EventStream.Event? {
        if let current = source.service(withOwners: false).run, current.run == run {
            return .init(name: "progress", data: try Self.text(current))
        }
        guard let known = try source.run(run) else { throw Self.noRun(run) }
        // Between its last call and its report a run is still there.
        if known.ended == nil && [.recorded(.planning), .recorded(.applying)].contains(known.state) { return nil }
        return .init(name: "end", data: try Self.text(known), isLast: true)
    }

    private func asset(_ bytes: [UInt8], type: String, policy: String? = nil) -> Response {
        var response = Self.response(.ok, Data(bytes), type: type)
        if let policy { response.headers[Self.policy] = policy }
        return response
    }

    private static func noRun(_ run: String) -> StatusRefusal { .unknown("there is no run \(run)") }
    private static func noReport(_ run: String) -> StatusRefusal { .unknown("run \(run) has no report") }

    private static let policy = HTTPField.Name("Content-Security-Policy") ?? .server

    private static func response(_ status: HTTPResponse.Status, _ body: Data, type: String) -> Response {
        Response(
            status: status, headers: [.contentType: type], body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
    }

    private static func encode(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        return try encoder.encode(value)
    }

    private static func text(_ value: some Encodable) throws -> String {
        String(decoding: try encode(value), as: UTF8.self)
    }

    private static func json(_ status: HTTPResponse.Status, _ value: some Encodable) throws -> Response {
        response(status, try encode(value), type: jsonType)
    }

    static func error(_ status: HTTPResponse.Status, _ problem: String) -> Response {
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
