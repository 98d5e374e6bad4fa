import CartAssociations
import ExportFiles
import Foundation
import TestSupport
import Testing

@testable import SyncEngine

@Suite("names in parts of an export that were not understood")
struct NamesInDoubtTests {
    private func association(_ owner: String, _ cart: String) throws -> Association {
        Association(.customer, try #require(OwnerID(owner)), try #require(CartID(cart)))
    }

    /// What is in doubt of some associations after an export was read.
    private func doubts(
        _ export: String, carts: CartNames = CartNames(), about associations: [Association]
    ) throws -> (NamesInDoubt, [String?]) {
        let folder = try TemporaryFolder()
        let file = try ExportFile.open(try folder.write(Array(export.utf8)), spoolFolder: folder.path)
        var generator = SeededGenerator(seed: 1)
        let doubts = NamesInDoubt(
            FingerprintKey(using: &generator), exports: [file.name], carts: carts, spillFolder: folder.path)
        var reading = try ExportReader().read(file)
        while let batch = try reading.next() { for part in batch.doubtful { try doubts.add(part) } }
        for association in associations { try doubts.ask(association) }
        var answers = try doubts.answers()
        return (doubts, associations.map { answers.next($0) })
    }

    @Test("a cart or an owner is in doubt where it stands as a word of its own, and the reason says where")
    func names() throws {
        let (doubts, reasons) = try doubts(
            "note,customer_id,cart_id\na,c-1,cart-1\nGarden, spring,c-5,cart-5\n\"x\"y,me@example.org,cart-9\n",
            about: [
                association("c-1", "cart-1"), association("c-5", "cart-2"), association("c-2", "cart-5"),
                association("c-55", "cart-55"), association("me@example.org", "cart-7"),
                association("you@example.org", "cart-7"), association("c", "-5"), association("%%", "cart-7"),
            ])
        #expect(
            reasons == [
                nil, "its owner stands in line 3, which was rejected: 4 fields where the header has 3",
                "cart-5 stands in line 3, which was rejected: 4 fields where the header has 3", nil,
                "its owner stands in line 4, which was rejected: text after a closing quote", nil, nil,
                "its owner may stand in a part of the export that was not understood",
            ])
        #expect(doubts.everything == nil)
        #expect(doubts.parts == 2)
    }

    @Test("a cart is in doubt behind hundreds of thousands of words that name nothing")
    func manyWords() throws {
        // More than are added from one look at the disk's free space to the next.
        let words = (0..<30).map { line in (0..<10_000).map { "w\(line)-\($0)" }.joined(separator: " ") }
        let (_, reasons) = try doubts(
            "note,customer_id,cart_id\n" + words.map { $0 + ",c-9,cart-9,x\n" }.joined()
                + "a,c-1,cart-1,x\nb,c-2,cart-2\n",
            about: [association("c-3", "cart-1"), association("c-2", "cart-2")])
        #expect(
            reasons == ["cart-1 stands in line 32, which was rejected: 4 fields where the header has 3", nil])
    }

    @Test("a cart that the export calls otherwise is in doubt by all words of that name")
    func cartNames() throws {
        var carts = CartNames()
        (carts.prefix, carts.unsafe) = ("L-", .encode)
        func cart(_ name: String) throws -> Association {
            let name = Array(name.utf8)
            var id: [UInt8] = []
            carts.append(name.span, to: &id)
            return try association("c-9", String(decoding: id, as: UTF8.self))
        }
        let (_, reasons) = try doubts(
            "customer_id,cart_id\nc-1,cart-1\nc-5,c/5,x\nc-6,cart-6,x\n", carts: carts,
            about: [cart("cart-1"), cart("cart-6"), cart("c/5"), cart("c/6")])
        #expect(reasons.map { $0 != nil } == [false, true, true, false])
    }

    @Test(
        "where names may be hidden in longer ones, nothing is believed to be missing on purpose",
        arguments: ["c-5,cart-5c-6,cart-6", "c-5cart-5", "c-5,cart\0-5"])
    func hidden(line: String) throws {
        let (doubts, _) = try doubts("customer_id,cart_id\nc-1,cart-1\n\(line)\n", about: [])
        #expect(doubts.everything?.hasPrefix("line 3, which was rejected") == true)
    }

    @Test("above a tenth of the text nothing is believed to be missing on purpose")
    func share() throws {
        func everything(records: Int) throws -> String? {
            let good = (0..<records).map { "c-\($0),cart-\($0),n\n" }.joined()
            let export = "customer_id,cart_id,note\n\(good)c-x,cart-x,a,b\n"
            let (doubts, _) = try doubts(export, about: [])
            doubts.judgeShare(of: export.utf8.count)
            return doubts.everything
        }
        #expect(try everything(records: 20) == nil)
        #expect(try everything(records: 5) == "14 % of the export was not understood, more than 10 %")
    }

    @Test("any number of names and questions is answered, in memory and spilled", arguments: UInt64(1)...3)
    func many(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let named = Set((0..<60_000).map { _ in Int.random(in: 0..<200_000, using: &generator) })
        let lines = named.map { "c-\($0),cart-\($0),x,y\n" }.joined()
        let asked = try (0..<60_000).map { _ in
            let number = Int.random(in: 0..<200_000, using: &generator)
            return try association("c-\(number)", "cart-\(number)")
        }
        let (_, reasons) = try doubts("customer_id,cart_id,note\n\(lines)", about: asked)
        #expect(zip(asked, reasons).allSatisfy { named.contains(Int($0.cart.text.dropFirst(5)) ?? 0) == ($1 != nil) })
    }
}
