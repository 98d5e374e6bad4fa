import CommerceSandbox
import Foundation
import TestSupport
import Testing

@Suite("reports of whole runs")
struct ReportTests {
    @Test("report shows a run in every format, also while another process works on the state folder")
    func formats() async throws {
        try await withShop { shop in
            let path = try shop.folder.write(numbered(1...5), to: "e.csv")
            #expect(try await shop.cartsync("sync", "--yes", "--rate", "500", path).status == 0)
            let run = try #require(shop.latestRun?.split(separator: "/").last.map(String.init))
            let names = [run, String(run.suffix(4)), String(run.prefix(15)), "latest"]
            for name in names {
                let command = name == "latest" ? ["runs", "show", name] : ["report", name, "--output", "json"]
                let shown = try await shop.start(command).result()
                #expect(shown.status == 0 && shown.output.contains(run), "\(name): \(shown.errors)")
            }
            let more = try shop.folder.write(numbered(1...200), to: "more.csv")
            // Slow enough to hold the folder for as long as the reports below are read.
            let other = try shop.start(["sync", "--yes", "--rate", "30", more])
            #expect(await eventually { shop.sandbox.statistics().count(.create) > 6 })

            let text = try await shop.cartsync("report")
            #expect(text.status == 0, "\(text.errors)")
            #expect(text.output.hasPrefix("5 changes made."))
            #expect(text.output.contains(run))
            let json = try await shop.cartsync("report", run, "--output", "json")
            let files = ReportFiles(folder: shop.folder.path("state/runs/" + run))
            #expect(json.output == (try files.text("report.json")))
            let html = try await shop.cartsync("report", String(run.prefix(17)), "--output", "html")
            #expect(html.output == (try files.text("report.html")))
            let log = try await shop.cartsync("report", run, "--output", "hlog")
            #expect(log.output == (try files.text("latency.hlog")))
            let distribution = try await shop.cartsync("report", "latest", "--output", "hgrm")
            #expect(distribution.output == (try files.text("latency-create.hgrm")))
            let service = try await shop.cartsync("report", run, "--output", "hgrm", "--operation", "list-service")
            #expect(service.output == (try files.text("latency-list-service.hgrm")))
            let byPath = try await shop.cartsync("report", files.folder + "/report.html", "--output", "json")
            #expect(byPath.output == json.output)

            other.send(signal: SIGINT)
            #expect(try await other.result().status == 75)
        }
    }

    @Test("a run, a folder or a report that cannot be shown is a message with what there is")
    func unknown() async throws {
        try await withShop { shop in
            let nothing = try await shop.cartsync("report")
            #expect(nothing.status == 64)
            #expect(nothing.errors.contains("no run with a report"), "\(nothing.errors)")
            let path = try shop.folder.write(numbered(1...2), to: "e.csv")
            #expect(try await shop.cartsync("sync", "--yes", path).status == 0)
            let folder = try #require(shop.latestRun)
            let run = try #require(folder.split(separator: "/").last.map(String.init))
            let unknown = try await shop.cartsync("report", "20200101-000000-aaaa")
            #expect(unknown.status == 64)
            #expect(unknown.errors.contains(run), "the runs there are stand in \(unknown.errors)")
            #expect(unknown.lastLine.hasSuffix("next: cartsync report \(run)"))
            let unmeasured = try await shop.cartsync("report", "--output", "hgrm", "--operation", "delete")
            #expect(unmeasured.status == 64)
            #expect(unmeasured.errors.contains("create"))

            let whole = try shop.folder.read(folder + "/report.json")
            _ = try shop.folder.write(String(whole.prefix(whole.count / 2)), to: folder + "/report.json")
            let damaged = try await shop.cartsync("report")
            #expect(damaged.status == 74)
            #expect(damaged.errors.contains("report.json"))
            let newer = whole.replacing("\"schemaVersion\":1", with: "\"schemaVersion\":9")
            _ = try shop.folder.write(newer, to: folder + "/report.json")
            #expect(try await shop.cartsync("report").errors.contains("schema version 9"))
            _ = try shop.folder.write(whole, to: folder + "/report.json")
        }
    }

    @Test("compare shows two runs side by side, and fails over a figure that became worse")
    func compare() async throws {
        var options = SandboxOptions()
        options.latency = .steady(.milliseconds(1))
        try await withShop(options) { shop in
            let path = try shop.folder.write(numbered(1...150), to: "e.csv")
            #expect(try await shop.cartsync("sync", "--yes", "--rate", "1000", path).status == 0)
            shop.sandbox.inject(SandboxFault(.delay(.milliseconds(80)), operation: .create, count: nil))
            let more = try shop.folder.write(numbered(1...300), to: "more.csv")
            #expect(try await shop.cartsync("sync", "--yes", "--rate", "1000", more).status == 0)
            let shown = try await shop.cartsync("report", "compare", "previous", "latest")
            #expect(shown.status == 0, "\(shown.errors)")
            #expect(shown.output.contains("create service p50"))
            #expect(shown.output.contains("worse"))
            let failed = try await shop.cartsync("report", "compare", "previous", "latest", "--fail-over", "20%")
            #expect(failed.status == 8)
            #expect(failed.errors.contains("create service p50: "))
            #expect(failed.lastLine.contains("became worse by more than 20 %"))
            let same = try await shop.cartsync("report", "compare", "latest", "latest", "--fail-over", "0%")
            #expect(same.status == 0, "\(same.errors)")
            let json = try await shop.cartsync("report", "compare", "previous", "latest", "--output", "json")
            _ = try JSONSerialization.jsonObject(with: Data(json.output.utf8))
            #expect(try await shop.cartsync("report", "compare", "previous", "latest", "--fail-over", "x").status == 64)
        }
    }

    @Test("the requests that the store saw are the attempts of the report, 429 and pauses included")
    func attempts() async throws {
        try await withShop { shop in
            shop.sandbox.inject(
                SandboxFault(.answer(status: 429, headers: ["Retry-After": "1"]), operation: .create, first: 5))
            shop.sandbox.inject(SandboxFault(.answer(status: 503), operation: .create, first: 9, count: 2))
            let path = try shop.folder.write(numbered(1...40), to: "e.csv")
            #expect(try await shop.cartsync("sync", "--yes", "--rate", "100", path).status == 0)
            let report = try shop.report()
            let create = try #require(report.latency["create"])
            #expect(create.attempts == shop.sandbox.statistics().count(.create))
            #expect(create.attempts == 43)
            #expect(create.retries == 3)
            #expect(create.attemptAnswers["rate limited"] == 1)
            #expect(create.attemptAnswers["server error"] == 2)
            #expect(create.callAnswers["success"] == 40)
            #expect(report.latency.rate.pauses == 1)
            #expect(abs((report.latency.rate.held.first?.length ?? 0) - 1) < 0.1)
            let attempts = try #require(shop.latestRun.map { ReportFiles(folder: shop.folder.path($0)) }).results()
                .reduce(0) { $0 + (Int($1["attempts"] ?? "") ?? 0) }
            #expect(attempts == 43, "results.csv tells each attempt")
        }
    }
}
