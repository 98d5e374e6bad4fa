import CartAssociations
import CommerceAPI
import CommerceSandbox
import Foundation
import Ledger
import SyncReporting
import Synchronization
import TestSupport
import Testing

@testable import SyncEngine

/// What the ledger says while a plan is carried out, and of what it did not carry out.
@Suite("an accepted plan")
struct AcceptedPlanTests {
    private func association(_ number: Int) throws -> Association {
        Association(.customer, try #require(OwnerID("c-\(number)")), try #require(CartID("cart-\(number)")))
    }

    private func export(_ numbers: [Int], in store: Store) throws -> String {
        try store.folder.write(
            "customer_id,cart_id\n" + numbers.map { "c-\($0),cart-\($0)\n" }.joined(), to: "export.csv")
    }

    @discardableResult
    private func sync(
        _ numbers: [Int], in store: Store, source: String = "a", current: CurrentSource = .ledger,
        observe: @escaping @Sendable (CallEvent) -> Void = { _ in }, change: (inout RunOptions) -> Void = { _ in }
    ) async throws -> RunReport {
        let path = try export(numbers, in: store)
        return try await store.withClient(observe: observe) { client in
            let run = store.run(path, source: source, current: current, client, change: change)
            return try await run.plan(keepingRejects: false).apply().report
        }
    }

    @Test("is applying while its changes are made, so that a process that finds it later knows what it is")
    func applying() async throws {
        try await withStore { store in
            let states = Mutex<Set<RunRecord.State>>([])
            let ledger = store.ledger
            let report = try await sync([1, 2], in: store) { event in
                guard case .finished(let call) = event, call.operation == .create else { return }
                let state = try? ledger.runs(limit: 1).first?.state
                states.withLock { _ = $0.insert(state ?? .failed) }
            }
            #expect(states.withLock(\.self) == [.applying])
            #expect(try store.ledger.run(report.run)?.state == .finished)
        }
    }

    @Test("of which a complete listing showed that something is gone no longer counts it as there")
    func vanished() async throws {
        try await withStore { store in
            let first = try association(1)
            try await sync([1, 2, 3], in: store)
            #expect(try store.ledger.association(first)?.confirmation == .created)
            try await store.withClient { _ = try await $0.delete(first) }
            // Of another source, which leaves the assertion as it is.
            try await sync([9], in: store, source: "b", current: .api)
            let stored = try #require(try store.ledger.association(first))
            #expect(stored.confirmation == nil && stored.sources == ["a"])
            #expect(try store.ledger.association(association(2))?.confirmation == .created)
        }
    }

    @Test("of a snapshot takes the place of a stopped run of its source, and of no other")
    func superseded() async throws {
        try await withStore { store in
            func stopped(_ numbers: [Int], _ source: String) async throws -> RunRecord {
                let report = try await sync(
                    numbers, in: store, source: source,
                    change: { $0.deadline = Deadline.after(.seconds(0)).moment(now: Date(), instant: .now) })
                #expect(report.outcomes.pending == numbers.count)
                return try #require(try store.ledger.run(report.run))
            }
            let (mine, other) = (try await stopped([1, 2], "a"), try await stopped([7], "b"))
            #expect(mine.isResumable && mine.supersededBy == nil)
            let later = try await sync([3], in: store)
            let void = try #require(try store.ledger.run(mine.id))
            #expect(void.supersededBy == later.run)
            #expect(try store.ledger.run(other.id)?.supersededBy == nil)
            try await store.withClient { client in
                let refused = #expect(throws: RunFailure.self) { _ = try store.resumed(void, client).pending }
                #expect(refused?.description.contains("run \(later.run) of the same source") == true)
            }
            #expect(try store.associations == [association(3)])
        }
    }
}
