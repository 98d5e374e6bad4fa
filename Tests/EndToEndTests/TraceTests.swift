import CommerceSandbox
import Foundation
import TestStore
import TestSupport
import Testing

@Suite("traces of runs")
struct TraceTests {
    private func sync(_ shop: Shop, _ name: String, _ environment: [String: String]) async throws -> Program.Result {
        try await shop.start(["sync", "--yes", name], environment: environment).result()
    }

    @Test("a run is a trace with its stages and some of its calls, and names no owner, cart, query or token")
    func run() async throws {
        try await withShop { shop in
            try await Collector.with { (collector, url) async throws in
                let environment = ["OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_SERVICE_NAME": "carts of the shop"]
                shop.sandbox.inject(SandboxFault(.answer(status: 503), operation: .create, count: 1))
                _ = try shop.folder.write(numbered(1...30), to: "e.csv")
                #expect(try await sync(shop, "e.csv", environment).status == 0)
                let spans = try collector.spans()
                let root = try #require(spans.first { $0.parentSpanId == nil })
                #expect(root.name == "run" && spans.filter { $0.parentSpanId == nil }.count == 1)
                #expect(root["cartsync.run"] == shop.latestRun.map { String($0.dropFirst("state/runs/".count)) })
                #expect(root["cartsync.command"] == "sync" && root["cartsync.source"] == "default")
                #expect(root["cartsync.creates"] == "30" && root["cartsync.exit_status"] == "0")
                #expect(root.status == nil)
                func parts(of span: Collector.Span) -> [String] {
                    spans.filter { $0.parentSpanId == span.spanId }.map(\.name)
                }
                #expect(parts(of: root) == ["plan", "judge", "journal", "apply", "report"])
                let plan = try #require(spans.first { $0.name == "plan" })
                #expect(parts(of: plan) == ["find owners", "read", "list", "compare"])
                #expect(Set(spans.map(\.traceId)) == [root.traceId])
                let times = spans.map { ($0, UInt64($0.startTimeUnixNano) ?? 0, UInt64($0.endTimeUnixNano) ?? 0) }
                #expect(times.allSatisfy { $0.1 > 1_600_000_000_000_000_000 && $0.1 <= $0.2 })

                let names = spans.map(\.name)
                #expect(names.contains("POST /oauth/access_token") && names.contains("GET /v2/carts"), "\(names)")
                #expect(names.contains("POST /v2/carts/{id}/relationships/customers"), "\(names)")
                for span in spans { #expect((span.kind == 3) == span.name.contains(" /"), "\(span)") }
                let refused = try #require(spans.first { $0["http.response.status_code"] == "503" })
                #expect(refused.status?.code == 2 && refused["error.type"] == "503")
                #expect(refused["server.address"] == "127.0.0.1" && refused["server.port"] == "\(shop.port)")
                #expect(
                    refused["url.full"] == shop.baseURL + "/v2/carts/REDACTED/relationships/customers",
                    "\(refused["url.full"] ?? "")")
                #expect(names.count < 25, "30 calls and more are sampled")

                let text = collector.requests.map { String(decoding: $0.body, as: UTF8.self) }.joined()
                for word in ["customer-1", "cart-1", "?", TestStore.secret, "Bearer", "e.csv"] {
                    #expect(!text.contains(word), "\(word)")
                }
                #expect(text.contains("carts of the shop"))
            }
        }
    }

    @Test("a run that fails or is refused says so in its trace, with the status alone")
    func failed() async throws {
        try await withShop { shop in
            try await Collector.with { (collector, url) async throws in
                let environment = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": url + "/v1/traces"]
                _ = try shop.folder.write("customer_id,cart_id\nc-1,\"cart-1\n", to: "cut.csv")
                #expect(try await sync(shop, "cut.csv", environment).status == 65)
                _ = try shop.folder.write("customer_id,cart_id\n", to: "empty.csv")
                #expect(try await sync(shop, "empty.csv", environment).status == 3)
                let roots = try collector.spans().filter { $0.parentSpanId == nil }
                #expect(roots.map { $0["cartsync.exit_status"] } == ["65", "3"])
                #expect(roots.map { $0.status?.code } == [2, nil])
                #expect(roots[0]["error.type"] == "exportRefused")
                #expect(try collector.spans().first { $0.name == "read" }?["error.type"] == "exportRefused")
            }
        }
    }

    @Test("a service traces each run of its jobs and of what is handed to it")
    func service() async throws {
        try await withShop { shop in
            try await Collector.with { (collector, url) async throws in
                try shop.folder.createFolder("inbox")
                _ = try shop.folder.write(numbered(1...3), to: "inbox/a.csv")
                let environment = ["OTEL_EXPORTER_OTLP_ENDPOINT": url]
                let program = try shop.start(
                    ["serve", "--inbox", "inbox", "--poll", "100ms", "--settle", "0s", "--http", "off"],
                    environment: environment)
                #expect(await eventually { shop.folder.names(in: "inbox/done").contains("a.csv") })
                _ = try shop.folder.write(numbered(1...5), to: "b.csv")
                // The service's own variables hold, not those of the command.
                #expect(try await shop.cartsync("sync", "--yes", "--source", "hand", "b.csv").status == 0)
                program.send(signal: SIGTERM)
                #expect(try await program.result().status == 0)
                let roots = try collector.spans().filter { $0.parentSpanId == nil }
                #expect(roots.map { $0["cartsync.command"] } == ["serve", "sync"])
                #expect(roots.map { $0["cartsync.source"] } == ["default", "hand"])
                #expect(Set(roots.map(\.traceId)).count == 2)
            }
        }
    }

    @Test("a collector that is down costs no run anything but a sentence, and without an address nothing is sent")
    func down() async throws {
        try await withShop { shop in
            _ = try shop.folder.write(numbered(1...3), to: "e.csv")
            let result = try await sync(shop, "e.csv", ["OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"])
            #expect(result.status == 0)
            #expect(result.errors.components(separatedBy: "did not reach 127.0.0.1").count == 2, "\(result.errors)")
            #expect(shop.associations.count == 3)
            let quiet = try await sync(shop, "e.csv", ["OTEL_SERVICE_NAME": "x"])
            #expect(quiet.status == 0 && !quiet.errors.contains("trace"))
            let odd = try await sync(shop, "e.csv", ["OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"])
            #expect(odd.status == 0)
            #expect(odd.errors.contains("warning: no traces are sent: OTEL_EXPORTER_OTLP_ENDPOINT"))
        }
    }
}
