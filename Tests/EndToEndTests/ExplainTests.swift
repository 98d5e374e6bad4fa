import CommerceSandbox
import Foundation
import TestSupport
import Testing

@Suite("explain")
struct ExplainTests {
    @Test("tells the life of a cart from export record to answer, for people and for programs")
    func life() async throws {
        try await withShop { shop in
            let others = (1...30).map { "c-\($0),other-\($0)\n" }.joined()
            let path = try shop.folder.write(
                "customer_id,cart_id\nc-1,basket\nc-2,basket\n" + others, to: "nightly.csv")
            #expect(try await shop.cartsync("sync", "--yes", "--rate", "1000", path).status == 0)
            _ = try shop.folder.write("customer_id,cart_id\nc-2,basket\n" + others, to: "nightly.csv")
            let second = try await shop.cartsync("sync", "--yes", "--rate", "1000", path)
            #expect(second.status == 0, "\(second.errors)")
            let runs = shop.folder.names(in: "state/runs")

            // Without credentials: the ledger is enough.
            let state = ["CARTSYNC_STATE_DIRECTORY": shop.folder.path("state")]
            let cart = try await Program.run(["explain", "basket"], environment: state)
            #expect(cart.status == 0, "\(cart.errors)")
            #expect(cart.output.contains("1 association, 3 planned changes"), "\(cart.output)")
            #expect(cart.output.contains("record 2 on line 3 of"), "\(cart.output)")
            for word in ["create", "delete", "created", "deleted", "asserted by", "default"] + runs {
                #expect(cart.output.contains(word), "\(word) is missing in \(cart.output)")
            }
            #expect(cart.lastLine.contains("next: cartsync runs show \(runs[1])"))

            let owner = try await Program.run(
                ["explain", "--owner", "c-1", "--kind", "customer", "--output", "json"], environment: state)
            struct Shown: Decodable {
                struct Change: Decodable {
                    struct Origin: Decodable {
                        let run: String
                        let line: Int?
                    }
                    let kind: String
                    let outcome: String
                    let origin: Origin
                }
                let subject: String
                let changes: [Change]
            }
            let shown = try JSONDecoder().decode(Shown.self, from: Data(owner.output.utf8))
            #expect(shown.subject == "customer c-1")
            #expect(shown.changes.map(\.kind) == ["create", "create", "delete"])
            #expect(shown.changes.map(\.outcome) == ["created", "created", "deleted"])
            #expect(shown.changes.map(\.origin.run) == [runs[0], runs[0], runs[1]])
            #expect(shown.changes.map(\.origin.line) == [2, 4, nil])
        }
    }

    @Test("of a cart that came with a ledger import names the file and the record")
    func imported() async throws {
        let folder = try TemporaryFolder()
        let file = try folder.write(
            "owner_type,owner_id,cart_id,confirmed,sources\ncustomer,c-1,basket,listed,nightly\n", to: "ledger.csv")
        let environment = [
            "CARTSYNC_STATE_DIRECTORY": folder.path("state"), "EPCC_API_BASE_URL": "https://euwest.api.elasticpath.com",
            "EPCC_CLIENT_ID": "client",
        ]
        #expect(try await Program.run(["ledger", "import", file], environment: environment).status == 0)
        let result = try await Program.run(["explain", "basket"], environment: environment)
        #expect(result.output.contains("(ledger import), record 1 on"), "\(result.output)")
        #expect(result.output.contains("it was seen in a listing"))
    }

    @Test("of what nobody knows says so and what to do, and what is no id is refused")
    func unknown() async throws {
        try await withShop { shop in
            let path = try shop.folder.write("customer_id,cart_id\nc-1,cart-1\n", to: "e.csv")
            #expect(try await shop.cartsync("sync", "--yes", path).status == 0)
            let unknown = try await shop.cartsync("explain", "cart-9")
            #expect(unknown.status == 0)
            #expect(unknown.output.contains("Nothing is known of cart cart-9"))
            #expect(unknown.lastLine.contains("cartsync plan EXPORT"))
            for arguments in [["explain"], ["explain", "a", "--owner", "b"], ["explain", "a", "--kind", "account"]] {
                #expect(try await shop.start(arguments).result().status == 64, "\(arguments)")
            }
            let bad = try await shop.cartsync("explain", "--owner", "\u{1B}[31mred")
            #expect(bad.status == 64)
            #expect(!bad.errors.contains("\u{1B}"))
        }
    }
}
