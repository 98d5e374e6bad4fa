import Foundation
import TestSupport
import Testing

@Suite("commands beside a service on the same state folder")
struct BesideServiceTests {
    private func export(_ range: ClosedRange<Int>) -> String {
        "customer_id,cart_id\n" + range.map { "customer-\($0),cart-\($0)\n" }.joined()
    }

    @Test("everything that reads works while a run is applied, and the run goes on")
    func reading() async throws {
        try await withShop { shop in
            let inbox = shop.folder.path("inbox")
            try FileManager.default.createDirectory(atPath: inbox, withIntermediateDirectories: true)
            _ = try shop.folder.write(export(1...20), to: "inbox/first.csv")
            let service = try shop.start([
                "serve", "--inbox", inbox, "--poll", "100ms", "--settle", "0s", "--http", "off", "--rate", "20",
            ])
            #expect(await eventually { shop.folder.names(in: "inbox/done").contains("first.csv") })
            // Ten seconds of work at this rate.
            let second = try shop.folder.write(export(1...220), to: "inbox/second.csv")
            #expect(await eventually { shop.associations.count > 22 })

            let runs = try await shop.cartsync("runs", "list", "--output", "json")
            #expect(runs.status == 0, "\(runs.errors)")
            let states = try JSONDecoder().decode([Run].self, from: Data(runs.output.utf8)).map(\.state)
            #expect(states == ["applying", "finished"])
            for command in [
                ["runs", "show", "latest"], ["report"], ["explain", "cart-3"], ["ledger", "export"],
                ["runs", "approve"], ["doctor"],
            ] {
                let result = try await Program.run(command, environment: shop.environment)
                #expect(result.status == 0, "\(command): \(result.errors)")
            }
            let plan = try await shop.cartsync("plan", try shop.folder.write(export(1...230), to: "third.csv"))
            #expect(plan.status == 0, "\(plan.errors)")
            let words = plan.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
            #expect(words.contains("what the running service does after it is not in this plan"))
            #expect(shop.associations.count < 220, "the run was not under way any more")

            #expect(await eventually { shop.folder.names(in: "inbox/done").contains("second.csv") })
            #expect(shop.associations.count == 220)
            #expect(!FileManager.default.fileExists(atPath: second))
            service.send(signal: SIGTERM)
            #expect(try await service.result().status == 0)
        }
    }

    private struct Run: Decodable {
        let state: String
    }
}
