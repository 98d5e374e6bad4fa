import CartAssociations
import SyncReporting
import TestSupport
import Testing

@testable import SyncEngine

@Suite("a run of one shard")
struct ShardTests {
    private func sync(_ text: String, shard: Shard, scope: DeletionScope, in store: Store) async throws -> Int {
        let path = try store.folder.write(text, to: "export.csv")
        return try await store.withClient { client in
            let run = store.run(path, scope: scope, shard: shard, client)
            let report = try await run.plan(keepingRejects: true).apply().report
            #expect(report.inconsistencies() == [])
            let export = report.exports[0]
            #expect(
                export.accepted + export.duplicates + export.rejectedCount + (export.elsewhere ?? 0) == export.records)
            return export.accepted
        }
    }

    @Test("all shards together do what one run does, and each keeps to its carts", arguments: [2, 3, 7])
    func together(count: Int) async throws {
        try await withStore { store in
            let before = "customer_id,cart_id\n" + (1...40).map { "c-\($0 % 6),cart-\($0)\n" }.joined()
            let after = "customer_id,cart_id\n" + (21...60).map { "c-\($0 % 6),cart-\($0)\n" }.joined()
            let wanted = Set((21...60).map { "c-\($0 % 6) cart-\($0)" })
            for text in [before, after] {
                var accepted = 0
                for index in 0..<count {
                    let shard = try #require(Shard(index, of: count))
                    accepted += try await sync(text, shard: shard, scope: .all, in: store)
                }
                #expect(accepted == 40)
            }
            #expect(Set(try store.associations.map { "\($0.owner.id) \($0.cart)" }) == wanted)
        }
    }

    @Test("nothing of another shard is deleted, not even where both have one ledger", arguments: DeletionScope.allCases)
    func apart(scope: DeletionScope) async throws {
        try await withStore { store in
            let text = "customer_id,cart_id\n" + (1...30).map { "c-\($0),cart-\($0)\n" }.joined()
            let all = try #require(Shard(0, of: 1))
            _ = try await sync(text, shard: all, scope: scope, in: store)
            let shard = try #require(Shard(1, of: 4))
            _ = try await sync("customer_id,cart_id\nc-1,cart-1\n", shard: shard, scope: scope, in: store)
            let left = try store.associations
            for number in 1...30 {
                let cart = try #require(CartID("cart-\(number)"))
                if !shard.contains(cart) { #expect(left.contains { $0.cart == cart }, "\(cart)") }
            }
        }
    }
}
