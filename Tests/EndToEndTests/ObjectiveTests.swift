import CommerceSandbox
import Foundation
import TestSupport
import Testing

@Suite("objectives, metrics and hidden owners of whole runs")
struct ObjectiveTests {
    @Test("a crossed objective is told in every report and ends with 8, a kept one does not")
    func crossed() async throws {
        try await withShop { shop in
            let path = try shop.folder.write(numbered(1...30), to: "e.csv")
            let result = try await shop.cartsync(
                "sync", "--yes", "--rate", "500", "--slo", "create.p50<1us", "--slo", "failed<5%", path)
            #expect(result.status == 8, "\(result.errors)")
            #expect(result.lastLine.contains("create.p50<1us was crossed"))
            #expect(shop.associations.count == 30, "an objective alone stops nothing")
            let report = try shop.report()
            #expect(report.objectives.map(\.objective) == ["create.p50<1us", "failed<5%"])
            #expect(report.objectives.map(\.isCrossed) == [true, false])
            let page = try shop.folder.read(try #require(shop.latestRun) + "/report.html")
            #expect(page.contains("create.p50&lt;1us"))
            #expect(result.output.contains("create.p50<1us"))
        }
    }

    @Test("objectives can be a list in the settings file, and one that cannot be read stops before any call")
    func settingsFile() async throws {
        try await withShop { shop in
            let path = try shop.folder.write(numbered(1...3), to: "e.csv")
            _ = try shop.folder.write("report:\n  slo:\n    - create.p50<1us\n    - failed<5%\n", to: "cartsync.yaml")
            #expect(try await shop.cartsync("sync", "--yes", path).status == 8)
            #expect(try shop.report().objectives.count == 2)
            let wrong = try await shop.cartsync("sync", "--yes", "--slo", "create.p50<fast", path)
            #expect(wrong.status == 64)
            #expect(wrong.errors.contains("create.p99<800ms"), "\(wrong.errors)")
        }
    }

    @Test("with --slo-abort a crossing stops the run, and the same command goes on from there")
    func abort() async throws {
        try await withShop { shop in
            shop.sandbox.inject(
                SandboxFault(.answer(status: 422), operation: .create, first: 1, count: nil, share: 0.2))
            let path = try shop.folder.write(numbered(1...1500), to: "e.csv")
            let result = try await shop.cartsync(
                "sync", "--yes", "--rate", "200", "--slo", "failed<5%", "--slo-abort", path)
            #expect(result.status == 8, "\(result.errors)")
            #expect(result.errors.contains("objective failed<5% is crossed, so the run stops"))
            let report = try shop.report()
            #expect(report.outcomes.create.pending > 500)
            #expect(report.objectives.first?.crossedAfter != nil)
            let done = shop.associations.count
            #expect(done < 1000)
            let calls = shop.sandbox.statistics().count(.create)
            _ = try await shop.cartsync("sync", "--yes", "--rate", "5000", path)
            #expect(shop.associations.count > done)
            #expect(shop.sandbox.statistics().count(.create) - calls < 1500, "what was made is not made again")
        }
    }

    @Test("the metrics of a run are written for a collector, also of one that was refused or failed")
    func metricsFile() async throws {
        try await withShop { shop in
            let metrics = shop.folder.path("cartsync.prom")
            let path = try shop.folder.write(numbered(1...30), to: "e.csv")
            let arguments = ["sync", "--yes", "--source", "nightly", "--metrics-file", metrics]
            #expect(try await shop.start(arguments + ["--rate", "500", path]).result().status == 0)
            var text = try shop.folder.read("cartsync.prom")
            let success = try #require(text.firstMatch(of: #/last_success_timestamp_seconds{source="nightly"} (\d+)/#))
                .output.1
            #expect(text.contains("cartsync_last_run_status{source=\"nightly\",status=\"done\"} 1\n"))
            #expect(
                text.contains(
                    "cartsync_last_run_changes{source=\"nightly\",kind=\"create\",outcome=\"created\"} 30\n"))

            _ = try shop.folder.write(numbered(1...2), to: "e.csv")
            #expect(try await shop.start(arguments + [path]).result().status == 3)
            text = try shop.folder.read("cartsync.prom")
            #expect(text.contains("cartsync_last_run_status{source=\"nightly\",status=\"refused\"} 1\n"))
            #expect(text.contains("last_success_timestamp_seconds{source=\"nightly\"} \(success)"))

            let away = try await shop.start(arguments + ["/nowhere.csv"]).result()
            #expect(away.status == 66)
            text = try shop.folder.read("cartsync.prom")
            #expect(text.contains("cartsync_last_run_exit_status{source=\"nightly\"} 66\n"))
            #expect(text.contains("last_success_timestamp_seconds{source=\"nightly\"} \(success)"))
            for personal in ["customer-", "cart-", "e.csv"] { #expect(!text.contains(personal)) }

            let unwritable = try await shop.cartsync("sync", "--yes", "--metrics-file", "/nowhere/x.prom", path)
            #expect(unwritable.status == 3 || unwritable.status == 74)
        }
    }

    @Test("redacted reports name no owner, not even where the store does; the rejects file keeps its records")
    func redacted() async throws {
        try await withShop { shop in
            shop.sandbox.inject(
                SandboxFault(
                    .answer(
                        status: 422,
                        body: #"{"errors":[{"status":400,"title":"no","detail":"customer-3 has no such cart"}]}"#),
                    operation: .create, cart: "cart-3"))
            let path = try shop.folder.write(numbered(1...4) + "customer-9,c/9\n", to: "e.csv")
            let first = try await shop.cartsync("sync", "--yes", "--redact", path)
            #expect(first.status == 1, "\(first.errors)")
            let folder = try #require(shop.latestRun)
            for name in shop.folder.names(in: folder) where !name.hasPrefix("rejects") {
                #expect(try !shop.folder.read(folder + "/" + name).contains("customer-"), "\(name)")
            }
            #expect(try shop.folder.read(folder + "/rejects.csv").contains("customer-9,c/9"))
            #expect(!(first.output + first.errors).contains("customer-"), "\(first.output)")
            #expect(shop.associations.contains("customer-1 cart-1"), "the store gets the real owner")
            let files = ReportFiles(folder: shop.folder.path(folder))
            let hidden = Set(try files.results().compactMap { $0["owner"] })
            #expect(hidden.count == 4)
            #expect(hidden.allSatisfy { $0.hasPrefix("hidden-") })

            // The same owner has the same name in the next report of the state folder.
            _ = try await shop.cartsync("sync", "--yes", "--redact", "--current", "none", path)
            let again = ReportFiles(folder: shop.folder.path(try #require(shop.latestRun)))
            #expect(Set(try again.results().compactMap { $0["owner"] }).isSubset(of: hidden))
            #expect(again.folder != files.folder)
        }
    }

    @Test("nothing that a service writes at info has an owner, and nothing at all has a secret or a token")
    func markers() async throws {
        var options = SandboxOptions()
        options.clientSecret = "a-secret-marker-4711"
        try await withShop(options) { shop in
            shop.sandbox.inject(SandboxFault(.answer(status: 429), operation: .create, first: 2))
            shop.sandbox.inject(SandboxFault(.revokeTokens, operation: .create, first: 4))
            shop.sandbox.inject(
                SandboxFault(
                    .answer(status: 422, body: #"{"errors":[{"status":400,"detail":"owner-marker-7 is unknown"}]}"#),
                    operation: .create, cart: "cart-7"))
            try FileManager.default.createDirectory(
                atPath: shop.folder.path("inbox"), withIntermediateDirectories: true)
            let rows = (1...10).map { "owner-marker-\($0),cart-\($0)\n" }.joined()
            _ = try shop.folder.write("customer_id,cart_id\n" + rows + "owner-marker-11,c/11\n", to: "inbox/e.csv")
            var environment = shop.environment
            environment["EPCC_CLIENT_SECRET"] = options.clientSecret
            let result = try await Program.run(
                [
                    "serve", "--inbox", shop.folder.path("inbox"), "--settle", "0s", "--http", "off", "--once",
                ], environment: environment, in: shop.folder.path)
            #expect(shop.associations.count == 9, "\(result.errors)")
            #expect(result.errors.contains("info"), "the service logs at info")
            #expect(!result.errors.contains("owner-marker"), "\(result.errors)")
            let tokens = shop.sandbox.tokens()
            #expect(!tokens.isEmpty)
            let root = URL(filePath: shop.folder.path)
            let paths = FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil)
            var searched = 0
            for case let url as URL in try #require(paths) {
                guard let data = try? Data(contentsOf: url) else { continue }
                searched += 1
                for secret in tokens + [options.clientSecret] {
                    #expect(data.range(of: Data(secret.utf8)) == nil, "\(url.lastPathComponent) has a secret")
                }
            }
            #expect(searched > 8)
            for secret in tokens + [options.clientSecret] {
                #expect(!(result.output + result.errors).contains(secret))
            }
        }
    }
}
