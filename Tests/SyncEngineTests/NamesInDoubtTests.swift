import CartAssociations
import ExportFiles
import Testing

@testable import SyncEngine

@Suite("what a broken record leaves in doubt")
struct NamesInDoubtTests {
    private func association(_ owner: String, _ cart: String) throws -> Association {
        Association(.customer, try #require(OwnerID(owner)), try #require(CartID(cart)))
    }

    private func rejected(_ record: Int, owner: String?, cart: String?) -> RejectedRecord {
        RejectedRecord(
            place: RecordPlace(export: 0, record: record, line: record + 1),
            reason: RejectReason(.missingCart, "empty"),
            raw: [], cart: cart, owner: owner)
    }

    @Test("its cart, its owner, and everything where it names neither")
    func names() throws {
        var doubts = NamesInDoubt()
        doubts.add(rejected(1, owner: nil, cart: "cart-1"))
        doubts.add(rejected(2, owner: "c-2", cart: nil))
        #expect(doubts.includes(try association("c-1", "cart-1")))
        #expect(doubts.includes(try association("c-2", "cart-2")))
        #expect(!doubts.includes(try association("c-3", "cart-3")))
        doubts.add(rejected(3, owner: nil, cart: nil))
        #expect(doubts.includes(try association("c-3", "cart-3")))
    }

    @Test("more broken records than are kept apart leave everything in doubt")
    func limit() throws {
        var doubts = NamesInDoubt()
        for record in 0..<NamesInDoubt.limit { doubts.add(rejected(record, owner: nil, cart: "cart-\(record)")) }
        #expect(!doubts.includes(try association("c-1", "other")))
        doubts.add(rejected(NamesInDoubt.limit, owner: nil, cart: "one-more"))
        #expect(doubts.concernsEverything)
        #expect(doubts.includes(try association("c-1", "other")))
    }
}
