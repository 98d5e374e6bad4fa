import CartAssociations
import Foundation
import Ledger
import SyncReporting
import TestSupport
import Testing

@testable import SyncEngine

@Suite("An explanation from the ledger")
struct ExplanationTests {
    private let folder: TemporaryFolder
    private let ledger: Ledger
    private static let noon = Date(timeIntervalSince1970: 1_795_262_400)

    init() throws {
        folder = try TemporaryFolder()
        ledger = try Ledger.open(
            folder: folder.path("state"), store: StoreIdentity(baseURL: "https://store", clientID: "c"), now: Self.noon)
    }

    private func association(_ kind: OwnerKind, _ owner: String, _ cart: String) throws -> Association {
        Association(kind, try #require(OwnerID(owner)), try #require(CartID(cart)))
    }

    /// A run of one export that plans these creates, with an outcome for each that has one.
    private func run(_ id: String, _ creates: [(Association, Outcome?)]) throws {
        var run = RunRecord(id: id, command: "sync", source: "nightly", scope: .owned, started: Self.noon)
        run.exports = [.init(path: id + ".csv", digest: "", records: creates.count, bytes: 0)]
        try ledger.beginRun(run)
        let plan = ledger.draftPlan(for: id)
        let assertions = ledger.draftAssertions(by: "nightly", run: id)
        for (number, (association, _)) in creates.enumerated() {
            // Explaining does not look at it.
            let fingerprint = Fingerprint(high: UInt64(number), low: 0)
            let place = RecordPlace(export: 0, record: number + 1, line: number + 2)
            try plan.add(Change(.create, association, place: place), fingerprint)
            try assertions.add(association, fingerprint, place: place)
        }
        try ledger.appendPlan(plan, at: Date())
        try ledger.assert(assertions, at: Self.noon)
        try ledger.updateRun(id) { $0.state = .stopped }
        let outcomes = Dictionary(uniqueKeysWithValues: creates.map { ($0.0, $0.1) })
        try ledger.forEachEntry(of: id) { entry in
            guard let outcome = outcomes[entry.change.association] ?? nil else { return }
            let made = ChangeOutcome(
                outcome, status: 200, attempts: 1, service: .milliseconds(5),
                response: .microseconds(7250), message: outcome.isSuccess ? nil : "no")
            try ledger.record([entry.ended(made, at: Self.noon + 1)])
        }
    }

    @Test("has the associations and every planned change of a cart, oldest first")
    func cart() throws {
        let customer = try association(.customer, "c-1", "cart-1")
        let account = try association(.account, "c-1", "cart-1")
        try run("r-1", [(customer, .failed), (account, .created), (try association(.customer, "c-1", "cart-2"), nil)])
        try run("r-2", [(customer, .alreadyThere)])
        let explanation = try Explanation.of(try #require(CartID("cart-1")), in: ledger)
        #expect(explanation.subject == "cart cart-1" && explanation.store == "https://store")
        #expect(explanation.associations.map(\.association) == [customer, account])
        #expect(explanation.associations.map(\.confirmed) == ["already there", "created"])
        #expect(explanation.associations.allSatisfy { $0.sources == ["nightly"] })
        #expect(
            explanation.associations.map(\.origin) == [
                .init(run: "r-2", command: "sync", export: "r-2.csv", record: 1, line: 2),
                .init(run: "r-1", command: "sync", export: "r-1.csv", record: 2, line: 3),
            ])
        #expect(explanation.changes.map(\.origin.run) == ["r-1", "r-1", "r-2"])
        #expect(explanation.changes.map(\.outcome) == [.failed, .created, .alreadyThere])
        #expect(explanation.changes[0].message == "no")
        #expect(explanation.changes[1].service == 5 && explanation.changes[1].response == 7.25)
        #expect(explanation.changes[2].at == Self.noon + 1)
    }

    @Test("of an owner has both kinds unless one is asked for, and says where a change was not made")
    func owner() throws {
        let customer = try association(.customer, "c-1", "cart-1")
        let account = try association(.account, "c-1", "cart-2")
        try run("r-1", [(customer, .created), (account, nil), (try association(.customer, "c-2", "cart-1"), .created)])
        let id = try #require(OwnerID("c-1"))
        let both = try Explanation.of(id, nil, in: ledger)
        #expect(both.subject == "owner c-1")
        #expect(both.associations.map(\.association) == [customer, account])
        #expect(both.changes.map(\.association) == [customer, account])
        #expect(both.changes[1].outcome == nil && both.changes[1].pending == "stopped")
        let accounts = try Explanation.of(id, .account, in: ledger)
        #expect(accounts.subject == "account c-1")
        #expect(accounts.associations.map(\.confirmed) == [nil])
        #expect(try Explanation.of(id, .customer, in: ledger).changes.count == 1)
    }

    @Test("of what nobody knows is empty")
    func unknown() throws {
        try run("r-1", [(try association(.customer, "c-1", "cart-1"), .created)])
        #expect(try Explanation.of(try #require(CartID("cart-9")), in: ledger).isUnknown)
        #expect(try Explanation.of(try #require(OwnerID("c-9")), nil, in: ledger).isUnknown)
    }
}
