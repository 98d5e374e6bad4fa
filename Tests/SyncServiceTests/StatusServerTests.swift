import Foundation
import ServiceLifecycle
import Testing

@testable import SyncService

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

@Suite("The status server")
struct StatusServerTests {
    struct Reply {
        let status: Int
        let body: String
        let headers: [String: String]
    }

    private static let healthy = ServiceHealth(isAlive: true, sinceLastPoll: .milliseconds(2500), reasons: [])

    private func sources(_ health: ServiceHealth = Self.healthy) -> StatusSources {
        StatusSources(
            health: { health }, metrics: { "cartsync_polls_total 3\n" }, runs: { Data(#"{"runs":[]}"#.utf8) })
    }

    /// Serves on a free port of loopback for the time of the body, which asks with `ask(method, path, host)`.
    private func serving(
        _ sources: StatusSources, names: [String] = [],
        _ body: (_ ask: (_ method: String, _ path: String, _ host: String?) async throws -> Reply) async throws -> Void
    ) async throws {
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        let server = try StatusServer(
            options: .init(port: 0, names: names), sources: sources, logger: .silent,
            onListening: { continuation.yield($0) })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            let port = try #require(await ports.first { _ in true })
            let session = URLSession(configuration: .ephemeral)
            try await body { method, path, host in
                var request = URLRequest(url: try #require(URL(string: "http://127.0.0.1:\(port)\(path)")))
                request.httpMethod = method
                if let host { request.setValue(host, forHTTPHeaderField: "Host") }
                let (data, response) = try await session.data(for: request)
                let http = try #require(response as? HTTPURLResponse)
                var headers: [String: String] = [:]
                for (name, value) in http.allHeaderFields { headers["\(name)".lowercased()] = "\(value)" }
                return Reply(status: http.statusCode, body: String(decoding: data, as: UTF8.self), headers: headers)
            }
            session.invalidateAndCancel()
            group.cancelAll()
        }
    }

    @Test("a service that polls is healthy and ready")
    func healthy() async throws {
        try await serving(sources()) { (ask) async throws in
            let health = try await ask("GET", "/healthz", nil)
            #expect(health.status == 200)
            #expect(health.body == #"{"last_poll_seconds":2.5,"status":"ok"}"#)
            #expect(health.headers["content-type"] == "application/json; charset=utf-8")
            let readiness = try await ask("GET", "/readyz", nil)
            #expect(readiness.status == 200)
            #expect(readiness.body == #"{"is_ready":true,"reasons":[]}"#)
        }
    }

    @Test("a service that hangs is neither, with the reasons")
    func hanging() async throws {
        let health = ServiceHealth(isAlive: false, sinceLastPoll: .seconds(40), reasons: ["no poll for 40 s"])
        try await serving(sources(health)) { (ask) async throws in
            let reply = try await ask("GET", "/healthz", nil)
            #expect(reply.status == 503)
            #expect(reply.body == #"{"last_poll_seconds":40,"status":"hangs"}"#)
            let readiness = try await ask("GET", "/readyz", nil)
            #expect(readiness.status == 503)
            #expect(readiness.body == #"{"is_ready":false,"reasons":["no poll for 40 s"]}"#)
        }
    }

    @Test("metrics and runs are what the sources say")
    func sourcesAreShown() async throws {
        try await serving(sources()) { (ask) async throws in
            let metrics = try await ask("GET", "/metrics", nil)
            #expect(metrics.body == "cartsync_polls_total 3\n")
            #expect(metrics.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
            #expect(try await ask("GET", "/api/runs", nil).body == #"{"runs":[]}"#)
        }
    }

    @Test("a source that fails is a JSON error without its details")
    func failingSource() async throws {
        struct Secret: Error {}
        var failing = sources()
        failing.runs = { throw Secret() }
        try await serving(failing) { (ask) async throws in
            let reply = try await ask("GET", "/api/runs", nil)
            #expect(reply.status == 500)
            #expect(reply.body == #"{"error":"the page could not be made; the log says why","status":500}"#)
            #expect(try await ask("GET", "/healthz", nil).status == 200)
        }
    }

    @Test("unknown pages and other methods get errors as JSON")
    func refusals() async throws {
        try await serving(sources()) { (ask) async throws in
            let missing = try await ask("GET", "/api/run", nil)
            #expect(missing.status == 404)
            #expect(missing.body.contains("/api/runs"))
            for method in ["POST", "PUT", "DELETE"] {
                let reply = try await ask(method, "/healthz", nil)
                #expect(reply.status == 405)
                #expect(reply.headers["allow"] == "GET, HEAD")
                #expect(reply.body == #"{"error":"this page can only be read","status":405}"#)
            }
        }
    }

    @Test("every answer carries the protecting headers", arguments: ["/healthz", "/metrics", "/nothing"])
    func protection(path: String) async throws {
        try await serving(sources()) { (ask) async throws in
            let headers = try await ask("GET", path, nil).headers
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
        try await serving(sources(), names: ["status.example.com"]) { (ask) async throws in
            #expect(try await ask("GET", "/healthz", host).status == status)
        }
    }

    @Test("another address than loopback needs the token", arguments: ["0.0.0.0", "192.168.1.5", "::", "example.com"])
    func exposed(host: String) throws {
        #expect(throws: StatusServerError.exposed(host: host)) {
            try StatusServer(options: .init(host: host), sources: sources(), logger: .silent)
        }
        #expect(throws: Never.self) {
            try StatusServer(options: .init(host: host, hasToken: true), sources: sources(), logger: .silent)
        }
    }

    @Test("loopback needs no token", arguments: ["127.0.0.1", "localhost", "::1", "127.1.2.3"])
    func loopback(host: String) throws {
        #expect(throws: Never.self) {
            try StatusServer(options: .init(host: host), sources: sources(), logger: .silent)
        }
    }

    @Test("a port that is taken is told")
    func taken() async throws {
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        let first = try StatusServer(
            options: .init(port: 0), sources: sources(), logger: .silent, onListening: { continuation.yield($0) })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await first.run() }
            let port = try #require(await ports.first { _ in true })
            let second = try StatusServer(options: .init(port: port), sources: sources(), logger: .silent)
            await #expect(throws: StatusServerError.self) { try await second.run() }
            group.cancelAll()
        }
    }

    @Test("it stops gracefully")
    func graceful() async throws {
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        let server = try StatusServer(
            options: .init(port: 0), sources: sources(), logger: .silent, onListening: { continuation.yield($0) })
        let group = ServiceGroup(configuration: .init(services: [server], logger: .silent))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            _ = await ports.first { _ in true }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }
}
