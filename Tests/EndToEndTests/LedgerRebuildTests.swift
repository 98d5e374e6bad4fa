import CommerceSandbox
import Foundation
import TestSupport
import Testing

@Suite("ledger rebuild")
struct LedgerRebuildTests {
    private func csv(_ numbers: some Sequence<Int>) -> String {
        "customer_id,cart_id\n" + numbers.map { "customer-\($0),cart-\($0)\n" }.joined()
    }

    /// A store that a nightly export was applied to, and whose shoppers made carts of their own; its ledger is lost.
    private func withLostLedger(_ damage: String = "gone", _ body: (Shop, String) async throws -> Void) async throws {
        let shoppers = (1...5).map { SandboxCart(id: "shop-\($0)", customers: ["customer-\($0)"]) }
        try await withShop(SandboxOptions(carts: shoppers)) { shop in
            let path = try shop.folder.write(csv(1...60), to: "nightly.csv")
            let first = try await shop.cartsync("sync", "--yes", "--source", "nightly", "--rate", "1000", path)
            #expect(first.status == 0, "\(first.errors)")
            let database = shop.folder.path("state/ledger.sqlite")
            switch damage {
            case "damaged": try Data(repeating: 7, count: 30_000).write(to: URL(filePath: database))
            default: try FileManager.default.removeItem(atPath: database)
            }
            let refused = try await shop.cartsync("sync", "--yes", "--source", "nightly", path)
            #expect(refused.status == 74)
            #expect(refused.errors.contains("cartsync ledger rebuild --state"), "\(refused.errors)")
            try await body(shop, path)
        }
    }

    private var everything: Set<String> {
        Set((1...60).map { "customer-\($0) cart-\($0)" } + (1...5).map { "customer-\($0) shop-\($0)" })
    }

    @Test(
        "from a listing: the next sync deletes nothing, and the one after only what was dropped",
        arguments: ["gone", "damaged"])
    func listing(damage: String) async throws {
        try await withLostLedger(damage) { shop, path in
            let rebuilt = try await shop.cartsync("ledger", "rebuild", "--listing", "--rate", "1000")
            #expect(rebuilt.status == 0, "\(rebuilt.errors)")
            #expect(rebuilt.output.contains("65 associations, 0 asserted"), "\(rebuilt.output)")
            #expect(rebuilt.output.contains("state/ledger-before-"))
            #expect(
                rebuilt.output.contains("not kept   which exports were applied: the old ledger "), "\(rebuilt.output)")
            #expect(shop.folder.names(in: "state").contains { $0.hasPrefix("ledger-before-") })

            _ = try shop.folder.write(csv(1...58), to: "nightly.csv")
            for current in ["ledger", "api"] {
                let next = try await shop.cartsync(
                    "sync", "--yes", "--source", "nightly", "--current", current, "--rate", "1000", path)
                #expect(next.status == 0, "\(next.errors)")
                #expect(shop.associations == everything, "nothing was asserted, so nothing may go")
            }
            _ = try shop.folder.write(csv(1...57), to: "nightly.csv")
            let later = try await shop.cartsync(
                "sync", "--yes", "--source", "nightly", "--current", "ledger", "--rate", "1000", path)
            #expect(later.status == 0, "\(later.errors)")
            #expect(shop.associations == everything.subtracting(["customer-58 cart-58"]))
        }
    }

    @Test("from the last export: the next sync deletes what the export dropped, and nothing of the shoppers'")
    func export() async throws {
        try await withLostLedger { shop, path in
            let rebuilt = try await shop.cartsync("ledger", "rebuild", "--source", "nightly", "--applied", path)
            #expect(rebuilt.status == 0, "\(rebuilt.errors)")
            #expect(rebuilt.output.contains("60 associations, 60 asserted by nightly"), "\(rebuilt.output)")
            let writes = shop.sandbox.statistics().writes
            let same = try await shop.cartsync("sync", "--yes", "--source", "nightly", "--current", "ledger", path)
            #expect(same.lastLine.contains("nothing to do"), "\(same.errors)")
            #expect(shop.sandbox.statistics().writes == writes)
            _ = try shop.folder.write(csv(1...58), to: "nightly.csv")
            let next = try await shop.cartsync(
                "sync", "--yes", "--source", "nightly", "--current", "ledger", "--rate", "1000", path)
            #expect(next.status == 0, "\(next.errors)")
            #expect(shop.associations == everything.subtracting(["customer-59 cart-59", "customer-60 cart-60"]))
        }
    }

    @Test("from an export that was never applied: the next sync asserts it again and deletes nothing")
    func unappliedExport() async throws {
        try await withLostLedger { shop, path in
            #expect(try await shop.cartsync("ledger", "rebuild", "--source", "nightly", path).status == 0)
            let next = try await shop.cartsync(
                "sync", "--yes", "--source", "nightly", "--current", "ledger", "--rate", "1000", path)
            #expect(next.status == 0, "\(next.errors)")
            #expect(shop.associations == everything)
        }
    }

    @Test("results whose owners are hidden say so, and nothing is replaced")
    func hiddenOwners() async throws {
        try await withShop { shop in
            _ = try shop.folder.write("report:\n  redact: true\n", to: "cartsync.yaml")
            let path = try shop.folder.write("customer_id,cart_id\nc-1,cart-1\n", to: "e.csv")
            #expect(try await shop.cartsync("sync", "--yes", path).status == 0)
            let results = try #require(shop.latestRun) + "/results.csv"
            let rebuilt = try await shop.cartsync("ledger", "rebuild", "--yes", "--results", results)
            #expect(rebuilt.status == 65)
            #expect(rebuilt.errors.contains("results.csv:2: the owners in it are hidden (report.redact)"))
            let explained = try await shop.cartsync("explain", "cart-1")
            #expect(explained.output.contains("c-1"))
        }
    }

    @Test("from the results of runs, in their order")
    func results() async throws {
        try await withShop { shop in
            let path = try shop.folder.write(csv(1...50), to: "nightly.csv")
            for numbers in [1...50, 4...50, 3...52] {
                _ = try shop.folder.write(csv(numbers), to: "nightly.csv")
                let run = try await shop.cartsync(
                    "sync", "--yes", "--source", "nightly", "--current", "ledger", "--rate", "1000", path)
                #expect(run.status == 0, "\(run.errors)")
            }
            let expected = shop.associations
            try FileManager.default.removeItem(atPath: shop.folder.path("state/ledger.sqlite"))
            let files = shop.folder.names(in: "state/runs").map { "state/runs/\($0)/results.csv" }
            #expect(files.count == 3)
            let rebuilt = try await shop.start(
                ["ledger", "rebuild", "--source", "nightly", "--results", "--output", "json"] + files
            ).result()
            #expect(rebuilt.status == 0, "\(rebuilt.errors)")
            #expect(rebuilt.output.contains("\"associations\" : 50"), "\(rebuilt.output)")
            let written = try await shop.cartsync("ledger", "export").output
            let known = written.split(separator: "\n").dropFirst().map { line in
                let cells = line.split(separator: ",")
                return "\(cells[1]) \(cells[2])"
            }
            #expect(Set(known) == expected)
            let next = try await shop.cartsync("sync", "--yes", "--source", "nightly", "--current", "ledger", path)
            #expect(next.lastLine.contains("nothing to do"), "\(next.errors)")
        }
    }

    @Test("an incomplete listing is refused with status 3, and the old ledger is as it was")
    func incompleteListing() async throws {
        try await withLostLedger { shop, _ in
            let before = shop.folder.names(in: "state")
            // More carts than a listing can show.
            let many = (1...10_200).map { SandboxCart(id: "more-\($0)", customers: ["c-\($0)"]) }
            try await withShop(SandboxOptions(carts: many)) { large in
                var environment = large.environment
                environment["CARTSYNC_STATE_DIRECTORY"] = shop.folder.path("fresh")
                environment["CARTSYNC_RATE_LIMIT"] = "5000"
                let result = try await Program.run(["ledger", "rebuild", "--listing"], environment: environment)
                #expect(result.status == 3, "\(result.errors)")
                #expect(result.errors.contains("not complete"))
                #expect(result.lastLine.contains("ledger rebuild --source NAME EXPORT"))
                #expect(!shop.folder.names(in: "fresh").contains("ledger.sqlite"))
            }
            #expect(shop.folder.names(in: "state") == before)
        }
    }

    @Test("changes that were applied are not applied again, as the old ledger still knows them")
    func keepsWhatWasApplied() async throws {
        try await withShop(.carts(SandboxCart(id: "cart-1"))) { shop in
            try shop.folder.createFolder("inbox")
            let serve = ["serve", "--inbox", shop.folder.path("inbox"), "--once", "--http", "off", "--settle", "0s"]
            func put(_ action: String, _ name: String, _ time: Int) throws {
                try shop.folder.write(
                    "action,customer_id,cart_id\n\(action),c-1,cart-1\n", to: "inbox/\(name)", modified: time)
            }
            try put("create", "monday.csv", 1000)
            try put("delete", "tuesday.csv", 2000)
            #expect(try await shop.start(serve).result().status == 0)
            #expect(shop.associations.isEmpty)
            let rebuilt = try await shop.cartsync("ledger", "rebuild", "--yes", "--listing", "--rate", "1000")
            #expect(rebuilt.output.contains("kept       what 2 runs applied"), "\(rebuilt.output)")
            #expect(!rebuilt.output.contains("not kept"))
            // Monday's changes come again as they were: they would bring back what Tuesday's took away.
            try put("create", "monday.csv", 1000)
            let again = try await shop.start(serve).result()
            #expect(again.status == 0, "\(again.errors)")
            #expect(shop.associations.isEmpty)
            #expect(shop.folder.names(in: "inbox/superseded").contains("monday.csv"))
        }
    }

    @Test("a ledger in which no damage is found is replaced only with --yes")
    func sound() async throws {
        try await withShop { shop in
            let path = try shop.folder.write(csv(1...3), to: "e.csv")
            #expect(try await shop.cartsync("sync", "--yes", path).status == 0)
            let before = try await shop.cartsync("ledger", "export").output
            let refused = try await shop.cartsync("ledger", "rebuild", "--applied", path)
            #expect(refused.status == 3, "\(refused.errors)")
            #expect(refused.errors.contains("3 associations"))
            #expect(try await shop.cartsync("ledger", "export").output == before)
            let replaced = try await shop.cartsync("ledger", "rebuild", "--applied", "--yes", path)
            #expect(replaced.status == 0, "\(replaced.errors)")
            let kept = try #require(shop.folder.names(in: "state").first { $0.hasPrefix("ledger-before-") })
            let old = try await shop.cartsync("ledger", "export", "--state", "state/\(kept)")
            #expect(old.output == before, "the old ledger can still be read")
        }
    }

    @Test("without a word about the store, from a delta, and with flags that contradict each other it is refused")
    func refusals() async throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("action,customer_id,cart_id\ncreate,c-1,cart-1\n", to: "delta.csv")
        let state = ["CARTSYNC_STATE_DIRECTORY": folder.path("state")]
        #expect(try await Program.run(["ledger", "rebuild", path], environment: state).status == 78)
        #expect(try await Program.run(["ledger", "rebuild"], environment: state).status == 64)
        let both = ["ledger", "rebuild", "--listing", "--results", path]
        #expect(try await Program.run(both, environment: state).status == 64)
        var store = state
        store["EPCC_API_BASE_URL"] = "https://euwest.api.elasticpath.com"
        store["EPCC_CLIENT_ID"] = "client"
        let delta = try await Program.run(["ledger", "rebuild", path], environment: store)
        #expect(delta.status == 65, "\(delta.errors)")
        #expect(!folder.names(in: "state").contains("ledger.sqlite"))
    }

    /// What can happen to a ledger.
    enum Damage: String, CaseIterable {
        case overwritten, cut, emptied, gone, olderCopy, damagedMarker

        /// Does it to the ledger of a state folder, which has an older copy beside it.
        func happen(to state: String) throws {
            let path = state + "/ledger.sqlite"
            let bytes = try Data(contentsOf: URL(filePath: path))
            try FileManager.default.removeItem(atPath: path)
            switch self {
            case .overwritten:
                let other = Data(repeating: 0xA5, count: 5 * 8_192)
                try (bytes.prefix(8_192) + other + bytes.dropFirst(6 * 8_192)).write(to: URL(filePath: path))
            case .cut: try bytes.dropLast(12_000).write(to: URL(filePath: path))
            case .emptied: try Data().write(to: URL(filePath: path))
            case .gone: break
            case .olderCopy: try FileManager.default.copyItem(atPath: state + "/older", toPath: path)
            case .damagedMarker:
                try bytes.write(to: URL(filePath: path))
                try Data("x".utf8).write(to: URL(filePath: state + "/ledger.marker"))
            }
        }
    }

    @Test("the command in the message works, whatever happened to the ledger", arguments: Damage.allCases)
    func advice(damage: Damage) async throws {
        try await withShop { shop in
            let path = try shop.folder.write(csv(1...4), to: "e.csv")
            #expect(try await shop.cartsync("sync", "--yes", "--rate", "1000", path).status == 0)
            let state = shop.folder.path("state")
            try FileManager.default.copyItem(atPath: state + "/ledger.sqlite", toPath: state + "/older")
            _ = try shop.folder.write(csv(1...5), to: "e.csv")
            #expect(try await shop.cartsync("sync", "--yes", "--rate", "1000", path).status == 0)
            try damage.happen(to: state)

            let refused = try await shop.cartsync("sync", "--yes", "--rate", "1000", path)
            #expect(refused.status == 74, "\(refused.errors)")
            let command = try #require(
                refused.errors.split(separator: "'").first { $0.hasPrefix("cartsync ledger rebuild") })
            let words = command.split(separator: " ").dropFirst().map(String.init)
            #expect(words == ["ledger", "rebuild", "--state", state, "--listing"])
            let rebuilt = try await shop.start(words).result()
            #expect(rebuilt.status == 0, "\(rebuilt.errors)")
            let again = try await shop.cartsync("sync", "--yes", "--rate", "1000", path)
            #expect(again.status == 0, "\(again.errors)")
            #expect(shop.associations == Set((1...5).map { "customer-\($0) cart-\($0)" }))
        }
    }
}
