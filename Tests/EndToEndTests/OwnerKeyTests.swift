import CommerceSandbox
import Foundation
import TestSupport
import Testing

@Suite("exports that name owners by keys")
struct OwnerKeyTests {
    private static var options: SandboxOptions {
        var options = SandboxOptions()
        options.owners.customers = (1...30).map { .init(id: "id-\($0)", email: "u\($0)@x.example") }
        return options
    }

    /// An export as an old platform writes it, with ids of its own.
    private static func quotes(_ numbers: some Sequence<Int>) -> String {
        "quote,customer_id,customer_email\n" + numbers.map { "cart-\($0),\($0 * 7),u\($0)@x.example\n" }.joined()
    }

    private static let flags = ["--owner-key", "email", "--config", "quotes.yaml"]

    private func withQuotes(_ body: (Shop) async throws -> Void) async throws {
        try await withShop(Self.options) { shop in
            try shop.folder.write("mapping:\n  cart: quote\n", to: "quotes.yaml")
            try await body(shop)
        }
    }

    @Test("e-mails are checked, mapped, planned and synced, and the next night asks for nobody again")
    func migration() async throws {
        try await withQuotes { shop in
            _ = try shop.folder.write(Self.quotes(1...20) + "cart-21,1,zoe@x.example\n", to: "quotes.csv")
            let checked = try await shop.start(["check"] + Self.flags + ["quotes.csv"]).result()
            #expect(checked.status == 0, "\(checked.errors)")
            #expect(checked.output.contains("owners are named by keys"), "\(checked.output)")
            #expect(checked.output.contains("u1@x.example"))
            let found = try await shop.start(
                ["owners", "check", "--out", "crosswalk.csv", "--unknown", "unknown.csv"] + Self.flags + ["quotes.csv"]
            ).result()
            #expect(found.status == 1, "\(found.errors)")
            #expect(found.output.contains("21 keys: 20 found in the store, 1 of nobody"), "\(found.output)")
            #expect(found.lastLine.contains("1 owner is not known"), "\(found.lastLine)")
            #expect(try shop.folder.read("unknown.csv") == "reason,line,customer_email\r\nunknown,22,zoe@x.example\r\n")
            let crosswalk = try shop.folder.read("crosswalk.csv")
            #expect(crosswalk.hasPrefix("owner_type,owner_id,customer_email\r\ncustomer,id-1,u1@x.example\r\n"))
            #expect(shop.associations.isEmpty)

            let offline = try await shop.start(
                ["owners", "check", "--offline", "--crosswalk", "crosswalk.csv"] + Self.flags + ["quotes.csv"]
            ).result()
            #expect(offline.output.contains("21 keys: 20 from the crosswalk, 1 of nobody"), "\(offline.output)")
            #expect(
                offline.lastLine.contains("cartsync owners check --unknown unknown.csv --offline"),
                "\(offline.lastLine)")

            let first = try await shop.start(["sync", "--yes"] + Self.flags + ["quotes.csv"]).result()
            #expect(first.status == 1, "\(first.errors)")
            #expect(shop.associations == Set((1...20).map { "id-\($0) cart-\($0)" }))
            let folder = try #require(shop.latestRun)
            #expect(
                try shop.folder.read("\(folder)/rejects.csv").contains(
                    "no customer of the store has the e-mail of record 21"))
            let calls = shop.sandbox.statistics().total
            let second = try await shop.start(["sync", "--yes", "--current", "ledger"] + Self.flags + ["quotes.csv"])
                .result()
            #expect(second.status == 1, "\(second.errors)")
            // A token, and the one owner who was not found.
            #expect(shop.sandbox.statistics().total - calls == 2)
            let rejects = try #require(shop.folder.names(in: folder).first { $0 == "rejects.csv" })
            let mended = try shop.folder.read("\(folder)/\(rejects)").replacing("zoe@x.example", with: "u21@x.example")
            _ = try shop.folder.write(mended, to: "\(folder)/rejects.csv")
            let imported = try await shop.cartsync("import", "--yes", "\(folder)/rejects.csv")
            #expect(imported.status == 0, "\(imported.errors)")
            #expect(shop.associations.contains("id-21 cart-21"))
            let ledger = try FileManager.default.contentsOfDirectory(atPath: shop.folder.path("state")).filter {
                $0.hasPrefix("ledger.sqlite")
            }
            for file in ledger {
                let bytes = try Data(contentsOf: URL(filePath: shop.folder.path("state/" + file)))
                #expect(bytes.range(of: Data("@x.example".utf8)) == nil, "\(file)")
            }
            #expect(try await !shop.cartsync("ledger", "export").output.contains("@"))
        }
    }

    @Test("the wrong store is refused, and a person's number lifts that")
    func wrongStore() async throws {
        try await withQuotes { shop in
            _ = try shop.folder.write(Self.quotes(21...50), to: "quotes.csv")
            let refused = try await shop.start(["sync", "--yes"] + Self.flags + ["quotes.csv"]).result()
            #expect(refused.status == 3, "\(refused.errors)")
            #expect(
                refused.errors.contains(
                    "the unknown-owners guard refuses: 20 of 30 owners are not found by their keys"),
                "\(refused.errors)")
            #expect(refused.lastLine.contains("--max-unknown-owners 20"), "\(refused.lastLine)")
            #expect(shop.associations.isEmpty)
            let allowed = try await shop.start(
                ["sync", "--yes", "--max-unknown-owners", "20"] + Self.flags + ["quotes.csv"]
            ).result()
            #expect(allowed.status == 1, "\(allowed.errors)")
            #expect(shop.associations.count == 10)
        }
    }

    @Test("a crosswalk that cannot be used refuses the run, and says where")
    func badCrosswalk() async throws {
        try await withQuotes { shop in
            _ = try shop.folder.write(Self.quotes(1...3), to: "quotes.csv")
            _ = try shop.folder.write("customer_id,customer_email\nid-1,u1@x.example\nid-2,\n", to: "crosswalk.csv")
            let refused = try await shop.start(
                ["plan", "--crosswalk", "crosswalk.csv"] + Self.flags + ["quotes.csv"]
            ).result()
            #expect(refused.status == 65, "\(refused.errors)")
            #expect(refused.errors.contains("crosswalk.csv:3: this is no line of a crosswalk"), "\(refused.errors)")
            let missing = try await shop.start(["plan", "--crosswalk", "none.csv"] + Self.flags + ["quotes.csv"])
                .result()
            #expect(missing.status == 66)
        }
    }

    @Test("owners that are not there are found out beforehand, and shoppers' tokens find none")
    func told() async throws {
        try await withQuotes { shop in
            _ = try shop.folder.write(Self.quotes(1...3), to: "quotes.csv")
            let offline = try await shop.start(["owners", "check", "--offline"] + Self.flags + ["quotes.csv"]).result()
            #expect(
                offline.output.contains(
                    "the store was not asked: it would be 3 keys by asking the list of customers for each, at most 3 calls"
                ),
                "\(offline.output)")
            #expect(shop.sandbox.statistics().total == 0)
            let planned = try await shop.start(["plan"] + Self.flags + ["quotes.csv"]).result()
            // 30 customers are one page.
            #expect(
                planned.errors.contains(
                    "cartsync: owners are looked up in the store: 3 keys by reading the whole list of customers, about 1 call"
                ),
                "\(planned.errors)")
            let shopper = try await shop.start(
                ["plan"] + Self.flags + ["quotes.csv"],
                environment: ["CARTSYNC_API_AUTHENTICATION": "shopper"]
            ).result()
            #expect(shopper.status == 3, "\(shopper.errors)")
            #expect(shopper.errors.contains("3 owners can only be found with client credentials"), "\(shopper.errors)")
        }
    }

    @Test("a run that is killed while it reads a long list goes on where it was")
    func killed() async throws {
        var options = SandboxOptions(latency: .steady(.milliseconds(10)))
        options.owners.customers = (0..<40_000).map { number in
            let id = "\(String(number * 107_374, radix: 16).padding(8))-0000-4000-8000-\(String(number).padding(12))"
            return .init(id: id, email: "u\(number)@x.example")
        }
        try await withShop(options) { shop in
            try shop.folder.write("mapping:\n  cart: quote\n", to: "quotes.yaml")
            _ = try shop.folder.write(Self.quotes(0..<40_000), to: "quotes.csv")
            let arguments = ["sync", "--yes", "--rate", "5000"]
            let first = try shop.start(arguments + Self.flags + ["quotes.csv"])
            let isUnderway = await eventually { shop.sandbox.statistics().total >= 250 }
            #expect(isUnderway)
            first.send(signal: 9)
            #expect(try await first.result().status == -1)
            let before = shop.sandbox.statistics().total
            let plan = try await shop.start(["plan", "--rate", "5000"] + Self.flags + ["quotes.csv"]).result()
            #expect(plan.status == 0 || plan.status == 2, "\(plan.errors)")
            #expect(plan.output.contains("40,000 keys: 40,000 found in the store"), "\(plan.output)")
            // Pages are remembered by the hundred.
            #expect(shop.sandbox.statistics().total - before < 401 - 100)
        }
    }

    @Test("ids need no lookup, and say so")
    func ids() async throws {
        try await withShop(Self.options) { shop in
            _ = try shop.folder.write(numbered(1...3), to: "ids.csv")
            let result = try await shop.cartsync("owners", "check", "ids.csv")
            #expect(result.status == 0, "\(result.errors)")
            #expect(result.lastLine.contains("the export has owners' ids"))
            #expect(result.lastLine.hasSuffix("next: cartsync plan ids.csv"), "\(result.lastLine)")
        }
    }
}

@Suite("carts that are called otherwise")
struct CartNamesInStoreTests {
    @Test("a prefix and an encoding are the same every night, and what stands in doubt keeps its cart")
    func nights() async throws {
        try await withShop { shop in
            func sync(_ text: String) async throws -> Program.Result {
                let path = try shop.folder.write(text, to: "night.csv")
                return try await shop.start(
                    ["sync", "--yes", path],
                    environment: ["CARTSYNC_MAPPING_CART_PREFIX": "L-", "CARTSYNC_MAPPING_CART_UNSAFE": "encode"]
                ).result()
            }
            let night = "customer_id,cart_id,note\n" + (1...60).map { "c-\($0),b/\($0),\n" }.joined()
            #expect(try await sync(night).status == 0)
            #expect(shop.associations == Set((1...60).map { "c-\($0) L-b_2F\($0)" }))
            #expect(try await sync(night).status == 0)
            #expect(shop.associations.count == 60)
            let damaged = night.replacing("c-5,b/5,\n", with: "c-5,b/5,x,y\n").replacing("c-7,b/7,\n", with: "")
            let result = try await sync(damaged)
            #expect(result.status == 1, "\(result.errors)")
            #expect(shop.associations == Set((1...60).filter { $0 != 7 }.map { "c-\($0) L-b_2F\($0)" }))
        }
    }

    @Test("a cart that is created has the export's name for it, unless the export has a better one")
    func created() async throws {
        var options = SandboxOptions()
        options.behaviour.unknownCart = .notFound
        options.owners.customers = [.init(id: "id-1", email: "a@x.example")]
        try await withShop(options) { shop in
            let path = try shop.folder.write(
                "customer_email,cart_id,cart_name\na@x.example,Ann's cart/1,\na@x.example,é 2,Second\na@x.example,plain-3,\n",
                to: "e.csv")
            let environment = ["CARTSYNC_MAPPING_CART_PREFIX": "L-", "CARTSYNC_MAPPING_CART_UNSAFE": "encode"]
            let made = try await shop.start(["sync", "--yes", "--create-carts", path], environment: environment)
                .result()
            #expect(made.status == 0, "\(made.errors)")
            let names = [
                "L-Ann_27s_20cart_2F1": "Ann's cart/1", "L-_C3_A9_202": "Second", "L-plain-3": "plain-3",
            ]
            #expect(shop.sandbox.cartNames() == names)
            #expect(shop.associations == Set(names.keys.map { "id-1 \($0)" }))
            let again = try await shop.start(["sync", "--yes", "--create-carts", path], environment: environment)
                .result()
            #expect(again.status == 0, "\(again.errors)")
            #expect(shop.sandbox.statistics().count(.createCart) == 3)
        }
    }

    @Test("a prefix that no id can have is refused")
    func prefix() async throws {
        try await withShop { shop in
            let result = try await shop.start(
                ["check", "-"], environment: ["CARTSYNC_MAPPING_CART_PREFIX": "a/b"], input: numbered(1...2)
            ).result()
            #expect(result.status == 78)
            #expect(result.errors.contains("not the beginning of a cart's id"), "\(result.errors)")
        }
    }
}

extension String {
    /// The text with zeros before it.
    fileprivate func padding(_ count: Int) -> String {
        String(repeating: "0", count: max(0, count - self.count)) + self
    }
}
