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

    @Test("ids need no lookup, and say so")
    func ids() async throws {
        try await withShop(Self.options) { shop in
            _ = try shop.folder.write(numbered(1...3), to: "ids.csv")
            let result = try await shop.cartsync("owners", "check", "ids.csv")
            #expect(result.status == 0, "\(result.errors)")
            #expect(result.lastLine.contains("the export has owners' ids"))
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
