import AsyncHTTPClient
import CallPacing
import CartAssociations
import Foundation
import Ledger
import NIOCore
import NIOHTTP1
import ServiceLifecycle
import Testing

@testable import SyncService

@Suite("The status server")
struct StatusServerTests {
    @Test("a service that polls is healthy and ready")
    func healthy() async throws {
        try await serving() { (server) async throws in
            let health = try await server.ask(.GET, "/healthz")
            #expect(health.status == 200)
            #expect(health.body == #"{"lastPollSeconds":2.5,"status":"ok"}"#)
            #expect(health.headers["content-type"] == "application/json; charset=utf-8")
            let readiness = try await server.ask(.GET, "/readyz")
            #expect(readiness.status == 200)
            #expect(readiness.body == #"{"attention":[],"isReady":true,"reasons":[]}"#)
        }
    }

    @Test("a last run that is half done, and a job that is late, are named while the service is ready")
    func attention() async throws {
        var view = ServiceView.quiet
        view.jobs = [ServiceView.Job(name: "nightly", source: "", exportsWaiting: 0, problems: [], notes: [])]
        var half = RunsView.Run.known
        (half.exitStatus, half.verdict, half.state) = (.incomplete, "91 of 498 made.", .recorded(.finished))
        (view.jobs[0].lastRun, view.jobs[0].late) = (half, "had no success for 1 h: there was none yet")
        try await serving(KnownStatus(view: { [view] in view })) { (server) async throws in
            let reply = try await server.ask(.GET, "/readyz")
            #expect(reply.status == 200)
            let said = #"["The last run: 91 of 498 made","The job had no success for 1 h: there was none yet"]"#
            #expect(reply.body == #"{"attention":\#(said),"isReady":true,"reasons":[]}"#)
        }
    }

    @Test("a service that hangs is neither, with the reasons")
    func hanging() async throws {
        let health = ServiceHealth(isAlive: false, sinceLastPoll: .seconds(40), reasons: ["no poll for 40 s"])
        try await serving(KnownStatus(current: health)) { (server) async throws in
            let reply = try await server.ask(.GET, "/healthz")
            #expect(reply.status == 503)
            #expect(reply.body == #"{"lastPollSeconds":40,"status":"hangs"}"#)
            let readiness = try await server.ask(.GET, "/readyz")
            #expect(readiness.status == 503)
            #expect(readiness.body == #"{"attention":[],"isReady":false,"reasons":["no poll for 40 s"]}"#)
        }
    }

    @Test("metrics and runs are what the sources say")
    func sourcesAreShown() async throws {
        try await serving() { (server) async throws in
            let metrics = try await server.ask(.GET, "/metrics")
            #expect(metrics.body == "cartsync_polls_total 3\n")
            #expect(metrics.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
            let page = try await server.ask(.GET, "/api/runs")
            #expect(page.body.contains(#""run":"20261121-101500-4f2a""#))
        }
    }

    @Test("a source that fails is a JSON error without its details")
    func failingSource() async throws {
        struct Secret: Error {}
        try await serving(KnownStatus(failure: Secret())) { (server) async throws in
            let reply = try await server.ask(.GET, "/api/runs")
            #expect(reply.status == 500)
            #expect(reply.body == #"{"error":"the page could not be made; the log says why","status":500}"#)
            #expect(try await server.ask(.GET, "/healthz").status == 200)
        }
    }

    @Test("unknown pages and other methods get errors as JSON")
    func refusals() async throws {
        try await serving() { (server) async throws in
            let missing = try await server.ask(.GET, "/api/run")
            #expect(missing.status == 404)
            #expect(missing.body.contains("/api/runs"))
            for method in [HTTPMethod.POST, .PUT, .DELETE] {
                let reply = try await server.ask(method, "/healthz")
                #expect(reply.status == 405)
                #expect(reply.headers["allow"] == "GET, HEAD")
                #expect(reply.body == #"{"error":"this can only be asked for with GET, HEAD","status":405}"#)
            }
        }
    }

    @Test("every answer carries the protecting headers", arguments: ["/healthz", "/metrics", "/nothing"])
    func protection(path: String) async throws {
        try await serving() { (server) async throws in
            let headers = try await server.ask(.GET, path).headers
            #expect(headers["content-security-policy"]?.hasPrefix("default-src 'none'") == true)
            #expect(headers["x-content-type-options"] == "nosniff")
            #expect(headers["x-frame-options"] == "DENY")
            #expect(headers["referrer-policy"] == "no-referrer")
            #expect(headers["cache-control"] == "no-store")
            #expect(headers["access-control-allow-origin"] == nil)
        }
    }

    @Test(
        "only loopback names and the configured ones are answered",
        arguments: [
            ("localhost", 200), ("localhost:8480", 200), ("127.0.0.1", 200), ("127.9.8.7:1", 200), ("[::1]:8480", 200),
            ("Status.Example.com", 200), ("evil.example", 421), ("127.evil.com", 421), ("127.0.0.1.evil.com", 421),
            ("localhost.evil.com", 421), ("xlocalhost", 421), ("0.0.0.0", 421), ("127.0.0.256", 421), ("::1", 400),
            ("localhost:x", 400), ("local host", 400), ("a@localhost", 400), ("localhost:99999", 400),
        ])
    func hosts(host: String, status: Int) async throws {
        try await serving(options: .init(port: 0, names: ["status.example.com"])) { (server) async throws in
            #expect(try await server.ask(.GET, "/healthz", host: host).status == status)
        }
    }

    @Test(
        "another address than loopback needs the token, and TLS",
        arguments: ["0.0.0.0", "192.168.1.5", "::", "example.com"])
    func exposed(host: String) throws {
        #expect(throws: StatusServerError.exposed(host: host)) {
            try StatusServer(.init(host: host), source: KnownStatus(), time: .system, logger: .silent)
        }
        let token = ApprovalToken("0123456789abcdef")
        #expect(throws: StatusServerError.unencrypted(host: host)) {
            try StatusServer(
                .init(host: host, token: token), source: KnownStatus(), time: .system, logger: .silent)
        }
        #expect(throws: StatusServerError.exposed(host: host)) {
            try StatusServer(
                .init(host: host, isBehindProxy: true), source: KnownStatus(), time: .system, logger: .silent)
        }
        #expect(throws: Never.self) {
            try StatusServer(
                .init(host: host, token: token, isBehindProxy: true), source: KnownStatus(), time: .system,
                logger: .silent)
        }
    }

    @Test("loopback needs no token", arguments: ["127.0.0.1", "localhost", "::1", "127.1.2.3"])
    func loopback(host: String) throws {
        #expect(throws: Never.self) {
            try StatusServer(.init(host: host), source: KnownStatus(), time: .system, logger: .silent)
        }
    }

    @Test("a port that is taken is told")
    func taken() async throws {
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        let first = try StatusServer(
            .init(port: 0), source: KnownStatus(), time: .system, logger: .silent,
            onListening: { continuation.yield($0) })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await first.run() }
            let port = try #require(await ports.first { _ in true })
            let second = try StatusServer(.init(port: port), source: KnownStatus(), time: .system, logger: .silent)
            await #expect(throws: StatusServerError.self) { try await second.run() }
            group.cancelAll()
        }
    }

    @Test("it stops gracefully")
    func graceful() async throws {
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        let health = ServiceHealth(isAlive: true, sinceLastPoll: .zero, reasons: ["known to this test alone"])
        let server = try StatusServer(
            .init(port: 0), source: KnownStatus(current: health), time: .system, logger: .silent,
            onListening: { continuation.yield($0) })
        let group = ServiceGroup(configuration: .init(services: [server], logger: .silent))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            let port = try #require(await ports.first { _ in true })
            func isThere() async throws -> Bool {
                let request = HTTPClientRequest(url: "http://127.0.0.1:\(port)/readyz")
                let answer = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
                return String(buffer: try await answer.body.collect(upTo: 1 << 20)).contains("known to this test alone")
            }
            #expect(try await isThere())
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            // Another test's server may have the port by now.
            #expect(await (try? isThere()) != true)
        }
    }
}
