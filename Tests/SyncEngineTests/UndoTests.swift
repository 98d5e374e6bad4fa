import CartAssociations
import CommerceAPI
import CommerceSandbox
import Ledger
import SyncReporting
import TestSupport
import Testing

@testable import SyncEngine

@Suite("an undo")
struct UndoTests {
    private func association(_ number: Int) throws -> Association {
        Association(.customer, try #require(OwnerID("c-\(number)")), try #require(CartID("cart-\(number)")))
    }

    /// Plans and applies an export of these numbers without a listing.
    private func sync(_ numbers: [Int], in store: Store, source: String = "a") async throws -> RunReport {
        let text = "customer_id,cart_id\n" + numbers.map { "c-\($0),cart-\($0)\n" }.joined()
        let path = try store.folder.write(text, to: "export.csv")
        return try await store.withClient { client in
            let run = store.run(path, source: source, current: .ledger, client)
            return try await run.plan(keepingRejects: false).apply().report
        }
    }

    /// Undoes a run, and returns what was planned for that.
    private func undo(_ run: String, in store: Store) async throws -> PlanView {
        let record = try #require(try store.ledger.run(run))
        return try await store.withClient { client in
            let planned = try await store.run("", client).plan(undoing: record)
            let view = planned.view
            let report = try await planned.apply().report
            #expect(report.inconsistencies() == [])
            return view
        }
    }

    @Test("what the run created is deleted, but for what was there before, is asserted by others or is gone")
    func creates() async throws {
        try await withStore { store in
            let (first, third) = (try association(1), try association(3))
            try await store.withClient { _ = try await $0.create(first) }
            let report = try await sync([1, 2, 3, 4], in: store)
            #expect((report.outcomes.create[.alreadyThere], report.outcomes.create[.created]) == (1, 3))
            _ = try await sync([2], in: store, source: "b")
            try await store.withClient { _ = try await $0.delete(third) }
            let counts = try await undo(report.run, in: store).counts
            #expect((counts.creates, counts.deletes, counts.protected, counts.kept) == (0, 1, 1, 1))
            #expect(try store.associations == [first, association(2)])
            #expect(try store.ledger.run(report.run)?.supersededBy != nil)
        }
    }

    @Test("what an attempt without an answer may have made is left, and said")
    func doubtful() async throws {
        try await withStore { store in
            store.sandbox.inject(SandboxFault(.resetAfterEffect, operation: .create, count: 1))
            let report = try await sync([1, 2], in: store)
            #expect(report.outcomes.create[.alreadyThere] == 1, "\(report.outcomes.create)")
            let view = try await undo(report.run, in: store)
            #expect(view.counts.deletes == 1)
            #expect(
                view.warnings.count == 1 && view.warnings[0].hasPrefix("1 changes of run \(report.run) were made by"))
            #expect(try store.associations.count == 1)
        }
    }

    @Test("what the run deleted is created and is its source's again, but for what was gone before")
    func deletes() async throws {
        var options = SandboxOptions()
        options.behaviour.missingAssociation = .notFound
        try await withStore(options) { store in
            _ = try await sync([1, 2, 3], in: store)
            let first = try association(1)
            try await store.withClient { _ = try await $0.delete(first) }
            let report = try await sync([4], in: store)
            #expect((report.outcomes.delete[.alreadyGone], report.outcomes.delete[.deleted]) == (1, 2))
            let counts = try await undo(report.run, in: store).counts
            #expect((counts.creates, counts.deletes) == (2, 1))
            #expect(try store.associations == [association(2), association(3)])
            #expect(try store.asserted(by: "a").isSuperset(of: [association(2), association(3)]))
            // So a later snapshot can let go of it.
            #expect(try await sync([2], in: store).outcomes.delete[.deleted] == 1)
            #expect(try store.associations == [association(2)])
        }
    }
}
