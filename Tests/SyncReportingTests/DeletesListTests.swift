import CartAssociations
import TestSupport
import Testing

@testable import SyncReporting

@Suite("The list of what a plan would delete")
struct DeletesListTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func write(_ associations: [Association]) throws -> DeletesList {
        var writer = try DeletesListWriter(folder: folder.path)
        for association in associations { try writer.add(association, owner: association.owner.id.text) }
        try writer.finish()
        return try #require(DeletesList(folder: folder.path))
    }

    private func all(_ list: DeletesList, limit: Int, _ names: OwnerNames, search: String = "") throws -> [DeletesList
        .Row]
    {
        var rows: [DeletesList.Row] = []
        var next: Int? = 0
        while let from = next {
            let page = try list.rows(from: from, limit: limit, showing: names, search: search)
            #expect(page.rows.count <= limit)
            rows += page.rows
            next = page.next
        }
        return rows
    }

    @Test("pages of any length together are every delete, in its order", arguments: 1...12)
    func pages(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let count = Int.random(in: 0...3000, using: &generator)
        let associations = try (0..<count).map { number in
            let kind: OwnerKind = Bool.random(using: &generator) ? .customer : .account
            let owner = "owner-é-\(Int.random(in: 0...50, using: &generator))"
            return Association(kind, try #require(OwnerID(owner)), try #require(CartID("cart-\(number)")))
        }
        let list = try write(associations)
        let limit = Int.random(in: 1...700, using: &generator)
        let expected = associations.map {
            DeletesList.Row(kind: $0.owner.kind, owner: $0.owner.id.text, cart: $0.cart.text)
        }
        #expect(try all(list, limit: limit, .shown) == expected)
        #expect(try all(list, limit: limit, .shown, search: "é-7") == expected.filter { $0.owner.contains("é-7") })
        #expect(
            try all(list, limit: limit, .shown, search: "cart-99") == expected.filter { $0.cart.contains("cart-99") })
    }

    @Test("without their ids owners cannot be searched for either")
    func hidden() throws {
        let list = try write([
            Association(.customer, try #require(OwnerID("jane@example.com")), try #require(CartID("cart-1")))
        ])
        let names = OwnerNames.hidden(secret: Array(repeating: 7, count: 32))
        let row = try #require(try all(list, limit: 10, names).first)
        #expect(OwnerNames.isHidden(row.owner) && row.cart == "cart-1")
        #expect(try all(list, limit: 10, names, search: "jane").isEmpty)
        #expect(try all(list, limit: 10, names, search: row.owner).count == 1)
        let table = String(decoding: [row].table(withHeader: true), as: UTF8.self)
        #expect(table == "owner_type,owner_id,cart_id\r\ncustomer,\(row.owner),cart-1\r\n")
    }

    @Test("a run without a list has none")
    func absent() { #expect(DeletesList(folder: folder.path) == nil) }
}
