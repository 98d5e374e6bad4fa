import AssociationDiff
import CartAssociations
import Foundation
import Ledger
import TestSupport
import Testing

@testable import SyncEngine

@Suite("What a snapshot does not want")
struct UnwantedRowsTests {
    private let noon = Date(timeIntervalSince1970: 1_795_262_400)

    private func association(_ number: Int) throws -> Association {
        Association(
            .customer, try #require(OwnerID("owner-\(number)")), try #require(CartID("cart-\(number + 100_000)")))
    }

    private func assert(_ numbers: some Sequence<Int>, in ledger: Ledger) throws {
        let draft = ledger.draftAssertions(by: "a", run: "r")
        for number in numbers {
            let one = try association(number)
            try draft.add(one, ledger.fingerprintKey.fingerprint(one), place: nil, confirmation: .created)
        }
        try ledger.assert(draft, at: noon)
    }

    /// The difference of the ledger and an export that wants these.
    private func difference(_ wanted: some Sequence<Int>, _ ledger: Ledger) throws -> Difference {
        var diff = AssociationDiff(memoryBudget: 1 << 20, spillFolder: ledger.folder)
        for number in wanted { try diff.add(ledger.fingerprintKey.fingerprint(association(number)), to: .wanted) }
        guard let known = try LedgerReading(all: ledger, source: "a").take() else { throw CancellationError() }
        #expect(known.asserted.sum(of: [.customer]) > 0 && known.asserted.sum(of: [.account]) == 0)
        return try diff.join(with: known.taken(), of: [.customer], listingExtra: false)
    }

    @Test("are found by their numbers, and never in a ledger that was changed since it was joined")
    func changedLedger() throws {
        let folder = try TemporaryFolder()
        let ledger = try Ledger.open(
            folder: folder.path, store: StoreIdentity(baseURL: "http://127.0.0.1:1", clientID: "t"), now: noon)
        try ledger.beginRun(RunRecord(id: "r", command: "sync", source: "a", scope: .owned, started: noon))
        try assert(stride(from: 0, to: 50_000, by: 2), in: ledger)
        let difference = try difference((0..<50_000).filter { !$0.isMultiple(of: 1_000) }, ledger)
        func unwanted() throws -> [Association] {
            var found: [Association] = []
            var rows = try UnwantedRows(
                of: difference, in: ledger, source: "a", listed: [], judgesAll: false
            ) {}
            try rows.forEach { found.append($0.association) }
            return found
        }
        let expected = try stride(from: 0, to: 50_000, by: 1_000).map { try association($0) }
        #expect(try unwanted() == expected)
        // One more association before them, and every number is another's.
        try assert([1], in: ledger)
        let error = #expect(throws: LedgerError.self) { try unwanted() }
        #expect(error?.problem == "the ledger changed while the run compared it with the export")
    }

    @Test(
        "a snapshot of customers lets go of no account, whatever the listing shows",
        arguments: [CurrentSource.api, .ledger])
    func otherKinds(current: CurrentSource) async throws {
        try await withStore { store in
            var generator = SeededGenerator(seed: 1)
            let customers = try (1...3).map { try association($0) }
            let account = Association(.account, try #require(OwnerID("a-1")), try #require(CartID("cart-9")))
            try await store.sync(Set(customers + [account]), shuffled: &generator)
            try await store.sync(Set(customers.prefix(2)), current: current, shuffled: &generator)
            #expect(try store.associations == Set(customers.prefix(2) + [account]))
            #expect(try store.asserted(by: "a") == Set(customers.prefix(2) + [account]))
        }
    }

    @Test("a reading that is stopped, or fails, ends and says so")
    func ended() throws {
        struct Enough: Error {}
        let failing = LedgerReading<Int> { _ in throw Enough() }
        #expect(throws: Enough.self) { try failing.take() }
        let endless = LedgerReading<Int> { goesOn in
            while true { try goesOn() }
        }
        endless.stop()
        #expect(throws: CancellationError.self) { try endless.take() }
        let quick = LedgerReading { _ in 7 }
        #expect(try quick.take() == 7)
        #expect(try quick.take() == nil)
    }
}
