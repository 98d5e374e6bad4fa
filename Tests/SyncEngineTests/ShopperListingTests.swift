import CartAssociations
import CommerceAPI
import CommerceSandbox
import SyncReporting
import TestStore
import TestSupport
import Testing

@testable import SyncEngine

@Suite("shoppers listed one by one")
struct ShopperListingTests {
    /// Plans an export of these customers, each with a token of its own unless it is 0.
    private func plan(_ numbers: [Int], in store: Store, current: CurrentSource) async throws -> PlanView {
        let rows = numbers.map { number in
            let token = number == 0 ? "" : Sandbox.shopperToken(.customer, "c-\(number)")
            return "c-\(number),cart-\(number),\(token)\n"
        }
        let path = try store.folder.write("customer_id,cart_id,customer_token\n" + rows.joined(), to: "export.csv")
        return try await store.store.withClient(change: { $0.authentication = .shopper }) { client in
            try await store.run(path, current: current, client).plan(keepingRejects: false).view
        }
    }

    /// Customer 1 has two carts, and customer 2 one, all of them asserted.
    private func withAsserted(_ body: (Store) async throws -> Void) async throws {
        try await withStore { store in
            let path = try store.folder.write(
                "customer_id,cart_id\nc-1,cart-1\nc-1,cart-11\nc-2,cart-2\n", to: "all.csv")
            try await store.withClient { client in
                let run = store.run(path, current: .ledger, client)
                _ = try await run.plan(keepingRejects: false).apply()
            }
            try await body(store)
        }
    }

    @Test("more of them than would be asked by default are known by the ledger")
    func many() async throws {
        try await withStore { store in
            let most = ShopperTokens.mostListed
            let few = try await plan(Array(1...most), in: store, current: .auto)
            #expect(few.current == .api)
            let calls = store.sandbox.statistics().count(.list)
            let many = try await plan(Array(1...most + 1), in: store, current: .auto)
            #expect(many.current == .ledger)
            #expect(many.currentReason == "shoppers are asked one by one, and there are more than 1000")
            #expect(store.sandbox.statistics().count(.list) == calls)
        }
    }

    @Test("an owner without a token is known by the ledger, and with a listing loses nothing")
    func gaps() async throws {
        try await withAsserted { store in
            let byLedger = try await plan([1, 0], in: store, current: .auto)
            #expect(byLedger.current == .ledger)
            #expect(byLedger.currentReason.contains("no token for some of the owners"))
            let byListing = try await plan([1, 0], in: store, current: .api)
            #expect(byListing.current == .api)
            #expect(byListing.currentReason.contains("the owners only whose token is in the export"))
            #expect(byListing.deletes.map(\.association.cart.text) == ["cart-11"])
        }
    }

    @Test("a listing that is not complete causes no delete")
    func incomplete() async throws {
        try await withAsserted { store in
            // It says that there are more carts than it shows.
            let page = #"{"data":[],"meta":{"results":{"total":9}}}"#
            store.sandbox.inject(SandboxFault(.answer(status: 200, body: page), operation: .list, count: nil))
            let byLedger = try await plan([1, 2], in: store, current: .auto)
            #expect(byLedger.current == .ledger)
            #expect(byLedger.currentReason.hasPrefix("the listing is not complete: "))
            let byListing = try await plan([1, 2], in: store, current: .api)
            #expect(byListing.current == .api && byListing.counts.deletes == 0)
            #expect(byListing.currentReason.hasPrefix("the listing is not complete and causes no delete: "))
        }
    }
}
