import AsyncHTTPClient
import CallPacing
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

@testable import SyncService

@Suite("The page and its endpoints")
struct StatusPageTests {
    @Test("the page has its own policy, and no script or style inside")
    func page() async throws {
        try await serving { (server) async throws in
            let page = try await server.ask(.GET, "/")
            #expect(page.status == 200)
            #expect(page.headers["content-type"] == "text/html; charset=utf-8")
            let policy = try #require(page.headers["content-security-policy"])
            #expect(policy.contains("script-src 'self'") && policy.contains("frame-ancestors 'none'"))
            #expect(!policy.contains("unsafe"))
            #expect(!page.body.contains("style=") && !page.body.contains("<style") && !page.body.contains("onclick"))
            #expect(page.body.matches(of: #/<script/#).count == 1)
            #expect(!page.body.contains(#/(?:src|href)="(?:https?:)?\/\//#))
            for (path, type) in [
                ("/page.js", "text/javascript; charset=utf-8"), ("/page.css", "text/css; charset=utf-8"),
                ("/icon.svg", "image/svg+xml"),
            ] {
                let asset = try await server.ask(.GET, path)
                #expect(asset.status == 200 && !asset.body.isEmpty)
                #expect(asset.headers["content-type"] == type)
            }
            // What is written into the page is text: none of these makes markup of it.
            let script = try await server.ask(.GET, "/page.js").body
            for word in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
                #expect(!script.contains(word))
            }
        }
    }

    @Test("a report runs nothing and is only that of a known run")
    func reports() async throws {
        try await serving { (server) async throws in
            let page = try await server.ask(.GET, "/runs/\(knownRun)/report.html")
            #expect(page.body == "<report.html>")
            #expect(page.headers["content-security-policy"]?.hasPrefix("sandbox; default-src 'none'") == true)
            #expect(try await server.ask(.GET, "/api/runs/\(knownRun)").body == "<report.json>")
            for path in [
                "/runs/20000101-000000-aaaa/report.html", "/runs/../report.html", "/runs/\(knownRun)/results.csv",
                "/runs/\(knownRun)/..%2f..%2fledger.sqlite", "/runs/%2e%2e/report.html", "/api/runs/..", "/api/runs/",
            ] {
                #expect(try await server.ask(.GET, path).status == 404, "\(path)")
            }
        }
    }

    @Test("a run that goes on has no report yet")
    func currentRun() async throws {
        try await serving(KnownStatus(view: { .running(done: 10) })) { (server) async throws in
            let run = try await server.ask(.GET, "/api/runs/\(knownRun)")
            #expect(run.status == 200 && run.body.contains(#""command":"serve""#))
        }
    }

    @Test("the description names every path, and there is no other")
    func description() async throws {
        try await serving { (server) async throws in
            let text = try await server.ask(.GET, "/api/openapi.yaml").body
            let paths = text.matches(of: #/(?m)^  (\/\S*):$/#).map { String($0.output.1) }
            #expect(Set(paths) == Set(StatusRoute.paths))
            for path in StatusRoute.paths where !path.contains("events") {
                #expect(StatusRoute(path: path.replacing("{run}", with: knownRun)) != nil)
                guard !["approve", "decline", "stop"].contains(where: path.hasSuffix) else { continue }
                #expect(
                    try await server.ask(.GET, path.replacing("{run}", with: knownRun)).status == 200, "\(path)")
            }
        }
    }

    @Test("runs come in pages")
    func paging() async throws {
        try await serving { (server) async throws in
            let first = try await server.ask(.GET, "/api/runs?limit=1")
            #expect(first.body.contains(#""next":"/api/runs?limit=1&before=\#(knownRun)""#))
            let second = try await server.ask(.GET, "/api/runs?limit=1&before=\(knownRun)")
            #expect(second.status == 200 && !second.body.contains(#""next""#))
            for query in ["limit=0", "limit=1001", "limit=x", "before=x", "before=../x"] {
                #expect(try await server.ask(.GET, "/api/runs?" + query).status == 400, "\(query)")
            }
            #expect(try await server.ask(.GET, "/api/runs?before=20000101-000000-aaaa").status == 404)
        }
    }

    @Test("the deletes of a plan come in pages, and as a table in one piece")
    func deletes() async throws {
        let asked = Recorder<String>()
        try await serving(KnownStatus(asked: { asked.add($0) })) { (server) async throws in
            let path = "/api/runs/\(knownRun)/deletes"
            let page = try await server.ask(.GET, path + "?limit=10&from=1&search=cart%2D1")
            #expect(page.body.contains(#""owner":"hidden-0123456789abcdef""#) && page.body.contains(#""next":"next""#))
            #expect(asked.values == ["deletes from 1, 10, cart-1"])
            let table = try await server.ask(.GET, path + ".csv")
            #expect(table.headers["content-type"] == "text/csv; charset=utf-8")
            #expect(table.headers["content-disposition"] == "attachment; filename=\"deletes-\(knownRun).csv\"")
            let rows = (0...2).map { "customer,hidden-0123456789abcdef,cart-\($0)\r\n" }.joined()
            #expect(table.body == "owner_type,owner_id,cart_id\r\n" + rows)
            for query in [
                "limit=0", "limit=1001", "from=-1", "from=x", "from=9223372036854775807",
                "search=" + String(repeating: "x", count: 256),
            ] {
                #expect(try await server.ask(.GET, path + "?" + query).status == 400, "\(query)")
            }
            for path in [path, path + ".csv"] {
                let other = path.replacing(knownRun, with: "20000101-000000-aaaa")
                #expect(try await server.ask(.GET, other).status == 404)
            }
        }
    }

    @Test("the events of a run tell its progress once a second and end with it")
    func runEvents() async throws {
        let looks = Mutex(0)
        let source = KnownStatus(view: {
            let look = looks.withLock { looks in
                looks += 1
                return looks
            }
            return look <= 3 ? .running(done: look * 10) : .quiet
        })
        let hand = HandTurnedClock()
        try await serving(source, time: hand.time) { (server) async throws in
            async let turning: Void = {
                for _ in 0..<3 { await hand.advanceSleepers(.seconds(1)) }
            }()
            let reply = try await server.ask(.GET, "/api/runs/\(knownRun)/events")
            await turning
            #expect(reply.headers["content-type"] == "text/event-stream")
            let events = reply.body.matches(of: #/event: (\w+)\ndata: (.*)\n\n/#).map { String($0.output.1) }
            #expect(events == ["progress", "progress", "progress", "end"])
            #expect(reply.body.contains(#""done":30"#) && reply.body.contains(#""state":"waiting""#))
            #expect(try await server.ask(.GET, "/api/runs/20000101-000000-aaaa/events").status == 404)
            #expect(try await server.ask(.HEAD, "/api/service/events").status == 200)
        }
    }

    @Test("a listener too many is sent away, and a place is free again when one leaves")
    func listeners() async throws {
        let hand = HandTurnedClock()
        var configuration = HTTPClient.Configuration()
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 2 * EventStream.maxListeners
        let client = HTTPClient(configuration: configuration)
        try await serving(time: hand.time) { (server) async throws in
            let request = HTTPClientRequest(url: server.url + "/api/service/events")
            try await withThrowingTaskGroup(of: Void.self) { group in
                let (entered, continuation) = AsyncStream.makeStream(of: Void.self)
                for _ in 0..<EventStream.maxListeners {
                    group.addTask {
                        let response = try await client.execute(request, timeout: .seconds(60))
                        #expect(response.status == .ok)
                        for try await part in response.body where String(buffer: part).contains("event: service") {
                            continuation.yield()
                        }
                    }
                }
                var count = 0
                for await _ in entered {
                    count += 1
                    if count == EventStream.maxListeners { break }
                }
                let refused = try await server.ask(.GET, "/api/service/events")
                #expect(refused.status == 503)
                #expect(refused.headers["retry-after"] == "30")
                group.cancelAll()
            }
            // The server learns that they are gone when it writes.
            var status = 503
            while status == 503 {
                hand.advance(.seconds(1))
                let response = try await client.execute(request, timeout: .seconds(60))
                status = Int(response.status.code)
            }
            #expect(status == 200)
        }
        try await client.shutdown()
    }

    @Test("500 half-open connections keep nobody from being answered")
    func halfOpen() async throws {
        try await serving { (server) async throws in
            var channels: [any Channel] = []
            let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            for _ in 0..<500 {
                let channel = try await bootstrap.connect(host: "127.0.0.1", port: server.port).get()
                // On a busy machine the server has closed it by now.
                try? await channel.writeAndFlush(ByteBuffer(string: "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-"))
                channels.append(channel)
            }
            let clock = ContinuousClock()
            let began = clock.now
            #expect(try await server.ask(.GET, "/healthz").status == 200)
            let taken = clock.now - began
            #expect(taken < .seconds(1), "it took \(taken)")
            for channel in channels { try? await channel.close() }
        }
    }

    @Test("headers that are too large end the connection")
    func largeHeader() async throws {
        try await serving { (server) async throws in
            do {
                let reply = try await server.ask(
                    .GET, "/healthz", headers: ["X-Large": String(repeating: "x", count: 9000)])
                #expect(reply.status == 400 || reply.status == 431)
            } catch {
                // The server may close before the answer is read.
            }
            #expect(try await server.ask(.GET, "/healthz").status == 200)
        }
    }

    @Test("it stops gracefully while somebody listens")
    func gracefulWithListener() async throws {
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        let server = try StatusServer(
            .init(port: 0), source: KnownStatus(), time: .system, logger: .silent,
            onListening: { continuation.yield($0) })
        let group = ServiceGroup(configuration: .init(services: [server], logger: .silent))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            let port = try #require(await ports.first { _ in true })
            let response = try await HTTPClient.shared.execute(
                HTTPClientRequest(url: "http://127.0.0.1:\(port)/api/service/events"), timeout: .seconds(60))
            var parts = 0
            for try await _ in response.body {
                parts += 1
                if parts == 1 { await group.triggerGracefulShutdown() }
            }
            try await tasks.waitForAll()
        }
    }

    @Test(
        "only ids of runs are part of a path",
        arguments: [
            ("20261121-101500-4f2a", true), ("20261121-101500-4F2a", false), ("20261121-101500-4f2", false),
            ("2026112a-101500-4f2a", false), ("20261121_101500-4f2a", false), ("20261121-101500-4f2/", false),
            ("....................", false), ("", false),
        ])
    func runIds(text: String, isRun: Bool) {
        #expect(StatusRoute.isRun(text) == isRun)
    }
}
