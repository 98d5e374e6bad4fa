import CartAssociations
import Foundation
import Ledger
import SyncReporting
import TestStore
import TestSupport
import Testing

@testable import SyncEngine

@Suite("What was applied, and the next export")
struct ExportStandingTests {
    private static func applied(
        last: (digest: String, status: CartAssociations.ExitStatus)? = nil, same: Int? = nil,
        snapshots: [(kinds: Set<OwnerKind>, time: Int)] = []
    ) -> AppliedExports {
        var applied = AppliedExports()
        applied.last = last.map { .init(run: "last", digests: [$0.digest], exitStatus: $0.status) }
        applied.sameBytes = same.map { .init(run: "same", time: .seconds($0)) }
        applied.snapshots = snapshots.map {
            .init(export: .init(run: "r", time: .seconds($0.time)), ownerKinds: $0.kinds)
        }
        return applied
    }

    private static func standing(
        _ applied: AppliedExports, time: Int? = 10, repeatsIncomplete: Bool = false
    ) -> ExportStanding {
        ExportStanding(
            of: ["d"], time: time.map { .seconds($0) }, after: applied, repeatsIncomplete: repeatsIncomplete
        ) { [.customer] }
    }

    @Test("the same bytes are applied again only after others, and only if they are newer")
    func repetition() {
        #expect(Self.standing(Self.applied()) == .next)
        #expect(Self.standing(Self.applied(last: ("d", .done), same: 9)) == .sameAsLast(run: "last"))
        #expect(Self.standing(Self.applied(last: ("e", .done), same: 9)) == .next)
        #expect(
            Self.standing(Self.applied(last: ("e", .done), same: 10))
                == .appliedBefore(.init(run: "same", time: .seconds(10))))
        #expect(Self.standing(Self.applied(last: ("d", .incomplete), same: 9)) == .sameAsLast(run: "last"))
        #expect(Self.standing(Self.applied(last: ("d", .incomplete), same: 9), repeatsIncomplete: true) == .next)
        #expect(
            Self.standing(Self.applied(last: ("d", .objectiveCrossed), same: 9), repeatsIncomplete: true)
                == .sameAsLast(run: "last"))
        #expect(Self.standing(Self.applied(same: 20), time: nil) == .next, "without a time nothing is known")
    }

    @Test("an export is older than a snapshot only if that one speaks for its owners")
    func age() {
        let older = ExportStanding.older(than: .init(run: "r", time: .seconds(11)))
        #expect(Self.standing(Self.applied(snapshots: [([.customer], 11)])) == older)
        #expect(Self.standing(Self.applied(snapshots: [([.account, .customer], 11)])) == older)
        #expect(Self.standing(Self.applied(snapshots: [([.account], 11), ([.customer], 10)])) == .next)
        #expect(Self.standing(Self.applied(snapshots: [([.customer], 11), ([.customer, .account], 9)])) == older)
        #expect(ExportStanding.next.reason == nil && older.reason?.contains("run r") == true)
    }

    @Test("an export of the time of runs that are removed is not applied, whether or not it was")
    func memory() {
        func standing(_ applied: AppliedExports, time: Int? = 10) -> ExportStanding {
            var applied = applied
            applied.removedUntil = .seconds(10)
            return Self.standing(applied, time: time)
        }
        let unknown = ExportStanding.beforeMemory(until: .seconds(10))
        #expect(standing(Self.applied()) == unknown && standing(Self.applied(), time: 9) == unknown)
        #expect(standing(Self.applied(), time: 11) == .next && standing(Self.applied(), time: nil) == .next)
        #expect(standing(Self.applied(last: ("e", .done), same: 9)) == unknown)
        #expect(standing(Self.applied(last: ("d", .done), same: 9)) == .sameAsLast(run: "last"))
        #expect(standing(Self.applied(same: 10)) == .appliedBefore(.init(run: "same", time: .seconds(10))))
        #expect(
            standing(Self.applied(snapshots: [([.customer], 11)])) == .older(than: .init(run: "r", time: .seconds(11))))
        #expect(
            unknown.reason?.contains("1970-01-01T00:00:10Z") == true && unknown.reason?.contains("state.keep") == true)
    }

    @Test("a plan of an export that is older than what was applied warns of it")
    func warning() async throws {
        try await withStore { store in
            let new = try store.folder.write("customer_id,cart_id\nc-1,cart-1\n", to: "new.csv", modified: 2000)
            let old = try store.folder.write("customer_id,cart_id\nc-2,cart-2\n", to: "old.csv", modified: 1000)
            try await store.withClient { client in
                let applied = try await store.run(new, client).plan(keepingRejects: false).apply().report
                let planned = try await store.run(old, client).plan(keepingRejects: false)
                #expect(
                    planned.view.warnings == [
                        "\(old) is older than a snapshot of the source a that was applied by run \(applied.run): this plan "
                            + "takes back what that one says"
                    ])
                planned.discard()
                let again = try await store.run(new, client).plan(keepingRejects: false)
                #expect(again.view.warnings.isEmpty)
                again.discard()
                let other = try await store.run(old, source: "b", client).plan(keepingRejects: false)
                #expect(other.view.warnings.isEmpty)
                other.discard()
            }
        }
    }
}
