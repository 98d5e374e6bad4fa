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

    /// Waits until the program has said it.
    private func says(_ program: Program, _ words: String) async -> Bool {
        await eventually { (try? program.errorsSoFar())?.contains(words) == true }
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

    @Test("with --once a job whose inbox is missing keeps no other from its exports, and is what the command ends with")
    func missingInbox() async throws {
        try await withShop { shop in
            try settings(shop)
            try FileManager.default.removeItem(atPath: shop.folder.path("inbox/customers"))
            _ = try shop.folder.write(records("account", 1...60), to: "inbox/accounts/one.csv")
            let result = try await shop.cartsync("serve", "--once", "--http", "off")
            #expect(result.status == 66, "\(result.status) \(result.errors)")
            #expect(result.errors.contains("inbox/customers"), "\(result.errors)")
            #expect(shop.folder.names(in: "inbox/accounts/done").contains("one.csv"), "\(result.errors)")
            #expect(shop.associations.count == 60)
        }
    }

    @Test("SIGHUP reads the settings again: rate and guards hold at once, bad ones are refused, the rest is named")
    func reload() async throws {
        try await withShop { shop in
            try settings(shop)
            let program = try shop.start(["serve"])
            let text = try shop.folder.read("cartsync.yaml")
            _ = try shop.folder.write(records("customer", 1...60), to: "inbox/customers/one.csv")
            #expect(await eventually { shop.folder.names(in: "inbox/customers/done").contains("one.csv") })

            // Refused: the service goes on with what it has.
            _ = try shop.folder.write(text.replacing("limit: 500", with: "limit: many"), to: "cartsync.yaml")
            program.send(signal: SIGHUP)
            #expect(
                await says(program, "the settings are refused and the old ones stay"))
            #expect(try program.errorsSoFar().contains("rate.limit is 'many'"))

            // Now a guard that refuses what it would have allowed, another rate, and a folder that needs a restart.
            let changed =
                text.replacing("limit: 500", with: "limit: 400")
                .replacing("settle: 0s}", with: "settle: 0s, s3-secret-key: \"hush\\n\"}")
                .replacing("inbox/accounts}", with: "inbox/elsewhere}") + "\nguard: {max-deletes: 3}\n"
            _ = try shop.folder.write(changed, to: "cartsync.yaml")
            program.send(signal: SIGHUP)
            #expect(await says(program, "jobs.accounts.source.folder"))
            #expect(try program.errorsSoFar().contains("guard.max-deletes rate.limit"))
            #expect(try program.errorsSoFar().contains("note: source.s3-secret-key (cartsync.yaml): the line ends"))
            _ = try shop.folder.write(records("customer", 1...55), to: "inbox/customers/two.csv")
            #expect(await eventually { shop.folder.names(in: "inbox/customers/waiting").contains("two.csv") })

            // The file alone is enough.
            _ = try shop.folder.write(changed.replacing("400", with: "300"), to: "cartsync.yaml")
            #expect(await says(program, "cartsync.yaml has changed"))
            program.send(signal: SIGTERM)
            let result = try await program.result()
            #expect(result.status == 0, "\(result.errors)")
        }
    }

    @Test("the second signal ends a service with jobs at once, and the next start finishes what was begun")
    func secondSignal() async throws {
        try await withShop { shop in
            try settings(shop)
            // Whichever job is first, it has further changes to make while this one stands still.
            shop.sandbox.inject(SandboxFault(.stall, operation: .create, first: 10, count: 1))
            let program = try shop.start(["serve"])
            _ = try shop.folder.write(records("customer", 1...60), to: "inbox/customers/one.csv")
            _ = try shop.folder.write(records("account", 61...80), to: "inbox/accounts/one.csv")
            #expect(await eventually { shop.sandbox.statistics().count(.create) >= 15 })
            // Signals of one kind that wait at the same time are one to the system: it takes a while until two arrive.
            _ = await eventually(within: .milliseconds(300)) {
                program.send(signal: SIGTERM)
                return false
            }
            let result = try await program.result()
            #expect(result.status == 75, "\(result.errors)")
            let again = try await shop.cartsync("serve", "--once", "--http", "off")
            #expect(again.status == 0, "\(again.errors)")
            #expect(shop.associations.count == 80)
            for job in ["customers", "accounts"] {
                #expect(shop.folder.names(in: "inbox/\(job)/done").contains("one.csv"))
                #expect(shop.folder.names(in: "inbox/\(job)/working").isEmpty)
            }
        }
    }
}
