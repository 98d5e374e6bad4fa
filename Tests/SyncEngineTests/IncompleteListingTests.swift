import CartAssociations
import CommerceAPI
import CommerceSandbox
import Ledger
import SyncReporting
import TestSupport
import Testing

@testable import SyncEngine

/// A store that says it has more carts than it shows.
@Suite("a listing that is not complete")
struct IncompleteListingTests {
    private func association(_ number: Int) throws -> Association {
        Association(.customer, try #require(OwnerID("c-\(number)")), try #require(CartID("cart-\(number)")))
    }

    /// A page with one of several carts.
    private func showOnly(_ number: Int, in store: Store) {
        let owner = #"{"customers":{"data":[{"type":"customer","id":"c-\#(number)"}]}}"#
        let page =
            #"{"data":[{"id":"cart-\#(number)","type":"cart","relationships":\#(owner)}],"meta":{"results":{"total":9}}}"#
        store.sandbox.inject(SandboxFault(.answer(status: 200, body: page), operation: .list, count: nil))
    }

    private func run(
        _ numbers: [Int], in store: Store, current: CurrentSource, _ client: CommerceClient,
        change: (inout RunOptions) -> Void = { _ in }
    ) throws -> RunPlanner {
        let text = "customer_id,cart_id\n" + numbers.map { "c-\($0),cart-\($0)\n" }.joined()
        return store.run(
            try store.folder.write(text, to: "export.csv"), current: current, client, change: change)
    }

    private func sync(_ numbers: [Int], in store: Store) async throws {
        try await store.withClient { client in
            let run = try run(numbers, in: store, current: .ledger, client)
            _ = try await run.plan(keepingRejects: false).apply()
        }
    }

    @Test("causes no delete, whatever a person allows, and what it does not show is not taken for gone")
    func noDelete() async throws {
        try await withStore { store in
            try await sync([1, 2, 3, 4], in: store)
            showOnly(2, in: store)
            try await store.withClient { client in
                let planned = try await run([1], in: store, current: .api, client) {
                    $0.allowedDoubtfulDeletes = 1000
                }.plan(keepingRejects: false)
                let view = planned.view
                #expect((view.current, view.counts.deletes, view.counts.withheld) == (.api, 0, 1))
                #expect(view.withheld?.examples.map(\.withheld) == ["the store's listing is not complete"])
                _ = try await planned.apply()
            }
            #expect(try store.associations == Set((1...4).map(association)))
            #expect(try store.asserted(by: "a") == Set((1...4).map(association)))
            for number in 1...4 {
                let stored = try #require(try store.ledger.association(association(number)))
                #expect(stored.confirmation != nil, "cart-\(number)")
            }
        }
    }

    @Test("does not say that a delete whose answer was lost was made: it is made again")
    func lostDelete() async throws {
        try await withStore { store in
            try await sync([1, 2], in: store)
            try await store.withClient { client in
                let planned = try await run([2], in: store, current: .api, client).plan(keepingRejects: false)
                #expect(planned.view.counts.deletes == 1)
                store.sandbox.inject(SandboxFault(.resetBeforeEffect, operation: .delete))
                showOnly(2, in: store)
                let report = try await planned.apply().report
                #expect(report.outcomes.delete[.deleted] == 1, "\(report.outcomes)")
                #expect(report.outcomes.delete[.alreadyGone] == 0)
            }
            #expect(try store.associations == [association(2)])
        }
    }

    @Test("of single accounts says nothing of the others, of which the ledger knows what it knew before")
    func otherAccounts() async throws {
        let carts = (0..<900).map { SandboxCart(id: "cart-\($0)", accounts: ["b-\($0 % 50)"]) }
        try await withStore(carts: carts + [SandboxCart(id: "x", accounts: ["a-1"])]) { store in
            func sync(_ text: String, source: String, current: CurrentSource) async throws -> RunReport {
                let path = try store.folder.write("account_id,cart_id\n" + text, to: "export.csv")
                return try await store.withClient { client in
                    let run = store.run(path, source: source, current: current, client)
                    return try await run.plan(keepingRejects: false).apply().report
                }
            }
            _ = try await sync("b-7,cart-7\n", source: "b", current: .ledger)
            let report = try await sync("a-1,x\n", source: "a", current: .auto)
            #expect(report.plan.currentReason == "the listings of 1 account are complete")
            let other = Association(.account, try #require(OwnerID("b-7")), try #require(CartID("cart-7")))
            let stored = try #require(try store.ledger.association(other))
            #expect(stored.confirmation == .alreadyThere && stored.sources == ["b"])
        }
    }
}
