import CommerceSandbox
import Foundation
import TestSupport
import Testing

@Suite("serve with jobs")
struct JobsTests {
    private func settings(_ shop: Shop) throws {
        for job in ["customers", "accounts"] {
            try FileManager.default.createDirectory(
                atPath: shop.folder.path("inbox/\(job)"), withIntermediateDirectories: true)
        }
        _ = try shop.folder.write(
            """
            rate: {limit: 500}
            http: {listen: 127.0.0.1:0}
            source: {poll: 100ms, settle: 0s}
            jobs:
              customers: {source: {folder: inbox/customers}}
              accounts: {source: {folder: inbox/accounts}, sync: {deletes: none}}
            """, to: "cartsync.yaml")
    }

    private func records(_ kind: String, _ numbers: ClosedRange<Int>) -> String {
        "\(kind)_id,cart_id\n" + numbers.map { "\(kind)-\($0),cart-\($0)\n" }.joined()
    }

    @Test("each job has its source; one that waits for approval holds up nobody else, and SIGTERM drains all")
    func twoJobs() async throws {
        try await withShop { shop in
            try settings(shop)
            let program = try shop.start(["serve"])
            _ = try shop.folder.write(records("customer", 1...60), to: "inbox/customers/one.csv")
            _ = try shop.folder.write(records("account", 61...80), to: "inbox/accounts/one.csv")
            #expect(await eventually { shop.folder.names(in: "inbox/customers/done").contains("one.csv") })
            #expect(await eventually { shop.folder.names(in: "inbox/accounts/done").contains("one.csv") })
            #expect(shop.associations.count == 80)

            // Most customers are gone: the guard holds that job, and what comes for it after that.
            _ = try shop.folder.write(records("customer", 1...5), to: "inbox/customers/cut.csv")
            #expect(await eventually { shop.folder.names(in: "inbox/customers/waiting").contains("cut.csv") })
            _ = try shop.folder.write(
                "customer_id,cart_id,action\nc-1,cart-1,create\n", to: "inbox/customers/delta.csv")
            _ = try shop.folder.write(records("account", 61...90), to: "inbox/accounts/two.csv")
            #expect(await eventually { shop.folder.names(in: "inbox/accounts/done").contains("two.csv") })
            #expect(shop.associations.count == 90)
            #expect(shop.folder.names(in: "inbox/customers").contains("delta.csv"))

            program.send(signal: SIGTERM)
            let result = try await program.result()
            #expect(result.status == 0, "\(result.errors)")
            let runs = try await shop.cartsync("runs", "--output", "json")
            #expect(runs.output.contains(#""source":"customers""#) || runs.output.contains(#""source" : "customers""#))
        }
    }
}
