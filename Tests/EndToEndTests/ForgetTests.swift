import CommerceSandbox
import Foundation
import TestSupport
import Testing

@Suite("forget")
struct ForgetTests {
    private static let person = "jane.doe@example.com"

    /// The files below a folder whose bytes have a text.
    private func files(having text: String, _ folder: String) throws -> [String] {
        let found = try #require(FileManager.default.enumerator(atPath: folder))
        return found.compactMap { $0 as? String }.filter { name in
            let bytes = try? Data(contentsOf: URL(filePath: "\(folder)/\(name)"))
            return bytes?.range(of: Data(text.utf8)) != nil
        }.sorted()
    }

    @Test(
        "nothing of the state folder names the person afterwards, the others are as they were, and no undo calls for them"
    )
    func forgotten() async throws {
        try await withShop { shop in
            // One record is rejected, one change is refused by the store, and a plan waits.
            let rows = (1...40).map { "customer-\($0),cart-\($0)\n" }.joined()
            let person = Self.person
            let path = try shop.folder.write(
                "customer_id,cart_id\n\(person),cart-j1\n\(person),cart-j2\n\(person),\n" + rows, to: "e.csv")
            let first = try await shop.cartsync("sync", "--yes", "--max-rejected", "5", "--rate", "500", path)
            #expect(first.status == 1, "\(first.errors)")
            _ = try shop.folder.write("customer_id,cart_id\n\(person),cart-j1\n" + rows, to: "e.csv")
            #expect(try await shop.cartsync("sync", "--yes", "--rate", "500", path).status == 0)
            #expect(try !files(having: person, shop.folder.path("state")).isEmpty)
            let store = shop.associations

            let unasked = try await shop.cartsync("forget", person)
            #expect(unasked.status == 3 && unasked.lastLine.contains("--yes"))
            let done = try await shop.cartsync("forget", person, "--yes", "--output", "json")
            #expect(done.status == 0, "\(done.errors)")
            #expect(!done.output.contains(person), "the receipt may be kept")
            #expect(
                done.output.contains(#""associations" : 1"#) || done.output.contains(#""associations":1"#),
                "\(done.output)")
            #expect(try files(having: person, shop.folder.path("state")) == [])
            #expect(try files(having: "jane.doe", shop.folder.path("state")) == [])
            #expect(shop.associations == store, "the store is not changed")

            // The others are as they were, and what was forgotten is nothing to be undone.
            _ = try shop.folder.write("customer_id,cart_id\n" + rows, to: "e.csv")
            let next = try await shop.cartsync("sync", "--yes", "--current", "ledger", path)
            #expect(next.lastLine.contains("nothing to do"), "\(next.errors)")
            let run = try #require(shop.folder.names(in: "state/runs").first)
            let undone = try await shop.cartsync("runs", "undo", "--yes", "--max-deletes", "100", "--rate", "500", run)
            #expect(undone.status == 0, "\(undone.errors)")
            #expect(shop.associations == store.filter { $0.contains(person) })
        }
    }

    @Test("a run that can go on and has changes of the person is not made to name another")
    func pending() async throws {
        try await withShop { shop in
            let path = try shop.folder.write(
                numbered(1...200, owner: "c").replacing("cart_id\n", with: "cart_id\n\(Self.person),cart-999\n"),
                to: "e.csv")
            let program = try shop.start(["sync", "--yes", "--rate", "60", path])
            #expect(await eventually { shop.sandbox.statistics().writes >= 20 })
            program.send(signal: SIGINT)
            #expect(try await program.result().status == 75)
            let refused = try await shop.cartsync("forget", Self.person, "--yes")
            #expect(refused.status == 3 && refused.errors.contains("resume it"), "\(refused.errors)")
        }
    }
}
