import AsyncHTTPClient
import CommerceSandbox
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import TestSupport
import Testing

@Suite("serve")
struct ServiceTests {
    private func export(_ range: ClosedRange<Int>) -> String {
        "customer_id,cart_id\n" + range.map { "customer-\($0),cart-\($0)\n" }.joined()
    }

    /// A service that looks at its inbox often, on a free port.
    private func start(_ shop: Shop, _ more: String...) throws -> (Program, inbox: String) {
        let inbox = shop.folder.path("inbox")
        try FileManager.default.createDirectory(atPath: inbox, withIntermediateDirectories: true)
        let arguments = [
            "serve", "--inbox", inbox, "--poll", "100ms", "--settle", "200ms", "--http", "127.0.0.1:0", "--rate", "500",
        ]
        return (try shop.start(arguments + more), "inbox")
    }

    @Test("settled files are synced one after the other, the bad one ends in failed/, and SIGTERM drains")
    func polls() async throws {
        try await withShop { shop in
            let (program, inbox) = try start(shop)
            _ = try shop.folder.write(export(1...20), to: inbox + "/first.csv")
            #expect(await eventually { shop.folder.names(in: inbox + "/done").contains("first.csv") })
            #expect(shop.associations.count == 20)
            #expect(
                shop.folder.names(in: inbox + "/done").contains { name in
                    shop.folder.names(in: inbox + "/done/" + name).contains("report.json")
                })

            _ = try shop.folder.write("customer_id,cart_id\nc-1,\"cart", to: inbox + "/bad.csv")
            #expect(await eventually { shop.folder.names(in: inbox + "/failed").contains("bad.csv") })

            _ = try shop.folder.write(export(1...25), to: inbox + "/second.csv")
            #expect(await eventually { shop.folder.names(in: inbox + "/done").contains("second.csv") })
            #expect(shop.associations.count == 25)

            let url = try await program.pageURL()
            let health = try await HTTPClient.shared.execute(
                HTTPClientRequest(url: url + "/healthz"), timeout: .seconds(60))
            #expect(health.status.code == 200)

            program.send(signal: SIGTERM)
            let result = try await program.result()
            #expect(result.status == 0, "\(result.errors)")
        }
    }

    @Test("an export that may not be read ends in failed/ with what to do, and holds up no other")
    func unreadable() async throws {
        try await withShop { shop in
            try FileManager.default.createDirectory(
                atPath: shop.folder.path("inbox"), withIntermediateDirectories: true)
            let path = try shop.folder.write(export(1...3), to: "inbox/closed.csv")
            try FileManager.default.setAttributes([.posixPermissions: 0], ofItemAtPath: path)
            _ = try shop.folder.write(export(4...9), to: "inbox/open.csv")
            var command = [
                try Program.path(), "serve", "--inbox", shop.folder.path("inbox"), "--once", "--settle", "0s", "--http",
                "off",
            ]
            // Root may read everything, but for the lack of these.
            if getuid() == 0 { command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] + command }
            let result = try await Program(
                command, environment: shop.environment, in: shop.folder.path, executable: "/usr/bin/env"
            ).result()
            #expect(result.status == 1, "\(result.errors)")
            #expect(shop.folder.names(in: "inbox/failed").contains("closed.csv"))
            #expect(result.errors.contains("give the user that runs cartsync permission to read it"))
            #expect(shop.folder.names(in: "inbox/done").contains("open.csv"))
            #expect(shop.associations.count == 6)
        }
    }

    @Test("SIGTERM in the middle of a run stops it resumably, and the next start finishes it")
    func restart() async throws {
        try await withShop { shop in
            let inbox = shop.folder.path("inbox")
            try FileManager.default.createDirectory(atPath: inbox, withIntermediateDirectories: true)
            _ = try shop.folder.write(export(1...200), to: "inbox/big.csv")
            let common = ["serve", "--inbox", inbox, "--poll", "100ms", "--settle", "0s", "--http", "off"]
            // Ten of 200 at 40 a second take a quarter of one: most is left however late the signal comes.
            let program = try shop.start(common + ["--rate", "40"])
            #expect(await eventually { shop.sandbox.statistics().count(.create) >= 10 })
            program.send(signal: SIGTERM)
            let stopped = try await program.result()
            #expect(stopped.status == 75, "\(stopped.errors)")
            #expect(shop.associations.count < 200)
            let again = try await shop.start(common + ["--rate", "1000", "--once"]).result()
            #expect(again.status == 0, "\(again.errors)")
            #expect(shop.associations.count == 200)
            #expect(shop.folder.names(in: "inbox/done").contains("big.csv"))
        }
    }

    @Test("a CSV without a final line end is not believed")
    func cutExport() async throws {
        try await withShop { shop in
            try FileManager.default.createDirectory(
                atPath: shop.folder.path("inbox"), withIntermediateDirectories: true)
            _ = try shop.folder.write(String(export(1...5).dropLast()), to: "inbox/cut.csv")
            let result = try await shop.start(
                ["serve", "--inbox", shop.folder.path("inbox"), "--settle", "0s", "--http", "off", "--once"]
            ).result()
            #expect(result.status == 1, "\(result.errors)")
            #expect(shop.folder.names(in: "inbox/failed").contains("cut.csv"))
            #expect(shop.sandbox.statistics().writes == 0)
        }
    }

    @Test("the last success is known from the first scrape on, also after the service was started again")
    func metricsAfterRestart() async throws {
        try await withShop { shop in
            func lastSuccess(_ program: Program) async throws -> Double {
                let response = try await HTTPClient.shared.execute(
                    HTTPClientRequest(url: try await program.pageURL() + "/metrics"), timeout: .seconds(60))
                let text = String(buffer: try await response.body.collect(upTo: 1 << 20))
                let line = try #require(
                    text.split(separator: "\n").first { $0.hasPrefix("cartsync_last_success_timestamp_seconds{") })
                return try #require(Double(line.split(separator: " ").last ?? ""))
            }
            let (first, inbox) = try start(shop)
            #expect(try await lastSuccess(first) == 0)
            _ = try shop.folder.write(export(1...20), to: inbox + "/first.csv")
            #expect(await eventually { shop.folder.names(in: inbox + "/done").contains("first.csv") })
            let before = try await lastSuccess(first)
            #expect(before > 1_700_000_000)
            first.send(signal: SIGTERM)
            #expect(try await first.result().status == 0)

            let (second, _) = try start(shop)
            // The ledger has whole seconds.
            #expect(abs(try await lastSuccess(second) - before) <= 1)
            second.send(signal: SIGTERM)
            #expect(try await second.result().status == 0)
        }
    }

    @Test("the metrics file is written after each run, and is for one job")
    func metricsFile() async throws {
        try await withShop { shop in
            let inbox = shop.folder.path("inbox")
            try FileManager.default.createDirectory(atPath: inbox, withIntermediateDirectories: true)
            let arguments = ["serve", "--settle", "0s", "--http", "off", "--once", "--metrics-file", "cartsync.prom"]
            for (text, status) in [(export(1...5), "done"), ("customer_id,cart_id\nc-1,\"cart", "failed")] {
                _ = try shop.folder.write(text, to: "inbox/next.csv")
                _ = try await shop.start(arguments + ["--inbox", inbox]).result()
                let metrics = try shop.folder.read("cartsync.prom")
                #expect(
                    metrics.contains("cartsync_last_run_status{source=\"default\",status=\"\(status)\"} 1"),
                    "\(metrics)")
            }
            _ = try shop.folder.write(
                "jobs: {a: {source: {folder: inbox}}, b: {source: {folder: other}}}", to: "cartsync.yaml")
            let several = try await shop.start(arguments).result()
            #expect(several.status == 78)
            #expect(
                several.errors.contains("report.metrics-file tells of the last run of one source"), "\(several.errors)")
        }
    }
}
