import AsyncHTTPClient
import Foundation
import NIOCore
import TestSupport
import Testing

@Suite("the page and the metrics of a service that does a person's command")
struct HandedPageTests {
    private struct View: Decodable {
        struct Run: Decodable {
            let run: String
            let job: String
        }

        struct Line: Decodable { let text: String }

        let run: Run?
        let headline: Line
        let runsSeen: Int
    }

    private struct Runs: Decodable {
        struct Run: Decodable {
            let run: String
            let command: String
            let state: String
        }

        let runs: [Run]
    }

    private func ask(_ url: String) async throws -> Data {
        let answer = try await HTTPClient.shared.execute(HTTPClientRequest(url: url), timeout: .seconds(60))
        return Data(String(buffer: try await answer.body.collect(upTo: 1 << 20)).utf8)
    }

    @Test("a run that was handed over is shown while it goes on, is among the runs, and is counted")
    func shown() async throws {
        try await withShop { shop in
            try FileManager.default.createDirectory(
                atPath: shop.folder.path("inbox"), withIntermediateDirectories: true)
            let service = try shop.start([
                "serve", "--inbox", shop.folder.path("inbox"), "--poll", "100ms", "--settle", "0s", "--http",
                "127.0.0.1:0", "--rate", "60",
            ])
            let url = try await service.pageURL()
            #expect(await eventually { FileManager.default.fileExists(atPath: shop.folder.path("state/service.sock")) })
            let before = try JSONDecoder().decode(View.self, from: try await ask(url + "/api/service"))
            let path = try shop.folder.write(numbered(1...150, owner: "c"), to: "by-hand.csv")
            let command = try shop.start(["sync", "--yes", "--source", "by-hand", path])
            var run: View.Run?
            #expect(
                try await eventually {
                    let view = try JSONDecoder().decode(View.self, from: try await ask(url + "/api/service"))
                    run = view.run
                    return view.run != nil && view.headline.text == "Running cartsync sync"
                })
            #expect(run?.job == "cartsync sync")
            let result = try await command.result()
            #expect(result.status == 0, "\(result.errors)")
            let runs = try JSONDecoder().decode(Runs.self, from: try await ask(url + "/api/runs"))
            #expect(runs.runs.map(\.run) == [try #require(run).run])
            #expect(runs.runs.first?.command == "sync" && runs.runs.first?.state == "finished")
            let after = try await eventuallyView(url) { $0.run == nil }
            #expect(after.runsSeen > before.runsSeen, "the page asks for the runs anew")
            let metrics = String(decoding: try await ask(url + "/metrics"), as: UTF8.self)
            #expect(metrics.contains(#/cartsync_runs_total\{[^}]*source="by-hand"[^}]*\} 1/#), "\(metrics)")
            service.send(signal: SIGTERM)
            #expect(try await service.result().status == 0)
        }
    }

    private func eventuallyView(_ url: String, _ condition: (View) -> Bool) async throws -> View {
        var last: View?
        _ = try await eventually {
            let view = try JSONDecoder().decode(View.self, from: try await ask(url + "/api/service"))
            last = view
            return condition(view)
        }
        return try #require(last)
    }
}
