import CartAssociations
import CommerceAPI
import SyncReporting
import TestSupport
import Testing

@testable import SyncEngine

@Suite("a drafted plan")
struct DraftedPlanTests {
    /// Plans an export, and returns what a person sees of the plan.
    private func plan(
        _ records: String, in store: Store, current: CurrentSource = .ledger,
        change: (inout RunOptions) -> Void = { _ in }
    ) async throws -> PlanView {
        let path = try store.folder.write("customer_id,cart_id\n" + records, to: "export.csv")
        return try await store.withClient { client in
            let planned = try await store.run(path, current: current, client, change: change)
                .plan(keepingRejects: false)
            let view = planned.view
            planned.discard()
            return view
        }
    }

    private func sync(_ records: String, in store: Store) async throws {
        let path = try store.folder.write("customer_id,cart_id\n" + records, to: "export.csv")
        try await store.withClient { client in
            _ = try await store.run(path, current: .api, client).plan(keepingRejects: false).apply()
        }
    }

    @Test("leaves alone what differs from the export only in the case of letters, unless that is on purpose")
    func casePairs() async throws {
        try await withStore { store in
            try await sync("c-1,cart-a\nc-2,cart-b\nc-3,cart-c\n", in: store)
            let export = "c-1,CART-A\nc-3,cart-c\nc-4,cart-d\n"
            let view = try await plan(export, in: store)
            #expect((view.counts.creates, view.counts.deletes) == (1, 1))
            #expect((view.counts.withheld, view.counts.caseChanged) == (1, 1))
            #expect(view.deletes.map(\.association.cart.text) == ["cart-b"])
            #expect(view.creates.map(\.association.cart.text) == ["cart-d"])
            let meant = try await plan(export, in: store) { $0.caseChanged = true }
            #expect((meant.counts.creates, meant.counts.deletes, meant.counts.withheld) == (2, 2, 0))
        }
    }

    @Test("counts the deletes of what was there before an export named it apart, for the guard that is about them")
    func adopted() async throws {
        try await withStore { store in
            let there = try (1...3).map {
                Association(.customer, try #require(OwnerID("c-\($0)")), try #require(CartID("cart-\($0)")))
            }
            try await store.withClient { client in
                for association in there { _ = try await client.create(association) }
            }
            try await sync((1...20).map { "c-\($0),cart-\($0)\n" }.joined(), in: store)
            func refusals(_ allowed: Int, approved: Int? = nil) async throws -> [Refusal.Rule] {
                try await plan((4...20).map { "c-\($0),cart-\($0)\n" }.joined(), in: store) {
                    $0.planGuard.approvedDeletes = approved
                    $0.planGuard.maxAdoptedDeletes = .count(allowed)
                }.refusals.map(\.rule)
            }
            #expect(try await refusals(2) == [.adopted])
            #expect(try await refusals(3) == [])
            #expect(try await refusals(0, approved: 5) == [])
        }
    }
}
