import AsyncHTTPClient
import CallPacing
import CartAssociations
import Foundation
import NIOCore
import NIOHTTP1
import ServiceLifecycle
import SyncEngine
import SyncReporting
import Testing

@testable import SyncService

/// An answer as a test looks at it.
struct Reply {
    let status: Int
    let body: String
    /// By name in lower case.
    let headers: [String: String]
}

/// A status server on a free port of loopback.
struct ServedStatus {
    let port: Int

    var url: String { "http://127.0.0.1:\(port)" }

    func ask(
        _ method: HTTPMethod, _ path: String, host: String? = nil, headers: [String: String] = [:], body: String? = nil
    ) async throws -> Reply {
        var request = HTTPClientRequest(url: url + path)
        request.method = method
        if let host { request.headers.replaceOrAdd(name: "Host", value: host) }
        for (name, value) in headers { request.headers.replaceOrAdd(name: name, value: value) }
        if let body { request.body = .bytes(Array(body.utf8)) }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
        let bytes = try await response.body.collect(upTo: 1 << 20)
        var fields: [String: String] = [:]
        for (name, value) in response.headers { fields[name.lowercased()] = value }
        return Reply(status: Int(response.status.code), body: String(buffer: bytes), headers: fields)
    }

    func post(_ path: String, token: String?, headers: [String: String] = [:], body: String? = nil) async throws
        -> Reply
    {
        var headers = headers
        if let token { headers["Authorization"] = "Bearer \(token)" }
        return try await ask(.POST, path, headers: headers, body: body)
    }
}

/// Serves for the time of the body.
func serving(
    _ source: any StatusSource = KnownStatus(), options: StatusServer.Options = .init(port: 0),
    time: TimeSource = .system, _ body: (ServedStatus) async throws -> Void
) async throws {
    let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
    let server = try StatusServer(
        options, source: source, time: time, logger: .silent, onListening: { continuation.yield($0) })
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await server.run() }
        try await body(ServedStatus(port: try #require(await ports.first { _ in true })))
        group.cancelAll()
    }
}

/// The only run that the sources of a test know.
let knownRun = "20261121-101500-4f2a"

/// A service with one run, which waits for approval.
struct KnownStatus: StatusSource {
    static let well = ServiceHealth(isAlive: true, sinceLastPoll: .milliseconds(2500), reasons: [])

    var current = well
    var view: @Sendable () -> ServiceView = { .quiet }
    /// Hears of every approval and stop.
    var asked: @Sendable (String) -> Void = { _ in }
    /// Thrown by every question for runs.
    var failure: (any Error)?

    func health() -> ServiceHealth { current }
    func metrics() -> String { "cartsync_polls_total 3\n" }
    func service(withOwners: Bool) -> ServiceView { withOwners ? view() : view().hidingOwners(Self.names) }
    static let names = OwnerNames.hidden(secret: Array(repeating: 7, count: 32))

    func runs(limit: Int, before: String?) throws -> RunsView {
        if let failure { throw failure }
        if before == "20000101-000000-aaaa" { throw StatusRefusal.unknown("there is no run \(before ?? "")") }
        return RunsView(runs: [.known], next: before == nil ? "/api/runs?limit=\(limit)&before=\(knownRun)" : nil)
    }

    func run(_ run: String) -> RunsView.Run? { run == knownRun ? .known : nil }
    func report(_ run: String, _ form: ReportForm, withOwners: Bool) -> Data? {
        run == knownRun ? Data("<report.\(form == .page ? "html" : "\(form)")>\(withOwners ? "owners" : "")".utf8) : nil
    }

    func deletes(_ run: String, _ query: DeletesQuery, withOwners: Bool) throws -> DeletesView {
        guard run == knownRun else { throw StatusRefusal.unknown("run \(run) has no list of deletes") }
        asked("deletes from \(query.from), \(query.limit), \(query.search)")
        let owner = withOwners ? "customer-1" : "hidden-0123456789abcdef"
        return DeletesView(
            deletes: [.init(kind: .customer, owner: owner, cart: "cart-\(query.from)")],
            next: query.from < 2 ? "next" : nil, from: query.from < 2 ? query.from + 1 : nil)
    }

    func decline(_ run: String) throws -> String {
        guard run == knownRun else { throw StatusRefusal.unknown("no run \(run) waits for approval") }
        asked("decline")
        return "run \(run) is declined"
    }

    func approve(_ run: String, maxDeletes: Int?) throws -> String {
        guard run == knownRun else { throw StatusRefusal.unknown("no run \(run) waits for approval") }
        if let maxDeletes, maxDeletes < 412 { throw StatusRefusal.conflict("more than the \(maxDeletes)") }
        asked("approve \(maxDeletes.map(String.init) ?? "the plan's")")
        return "run \(run) is approved"
    }

    func stop(_ run: String) throws -> String {
        guard run == knownRun else { throw StatusRefusal.conflict("run \(run) does not go on") }
        asked("stop")
        return "run \(run) stops"
    }
}

extension ServiceView {
    /// A service with nothing to do.
    static let quiet = ServiceView(
        version: "1.2.3", store: "http://127.0.0.1:1", time: Date(timeIntervalSince1970: 1_800_000_000),
        takesApprovals: true,
        rate: .init(now: 20, limit: 20), jobs: [], run: nil, waiting: [], runsSeen: 0)

    /// A service whose run has come so far.
    static func running(done: Int) -> ServiceView {
        var view = quiet
        view.run = Run(
            run: knownRun, job: "nightly", export: "customers.csv", phase: .applying, done: done, total: 100,
            failed: 0, retries: 0, rate: 20, limit: 20, reason: nil, pauseSeconds: nil, elapsedSeconds: 5,
            secondsLeft: 5, p50: 41, p99: 90, isStopping: false)
        return view
    }
}

extension RunsView.Run {
    static let known = RunsView.Run(
        run: knownRun, job: "nightly", command: "serve", state: .waiting,
        started: Date(timeIntervalSince1970: 1_800_000_000), ended: Date(timeIntervalSince1970: 1_800_000_009),
        exitStatus: .refused, verdict: "412 deletes, more than 500", creates: 3, deletes: 412, kept: 1000,
        exports: ["customers.csv"], report: "/runs/\(knownRun)/report.html")
}
