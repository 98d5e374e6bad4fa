import CallPacing
import CartAssociations
import CommerceAPI
import Foundation
import Ledger
import TestStore
import TestSupport
import Testing

@testable import SyncEngine

@Suite("An earlier run's listing")
struct SharedListingTests {
    private let folder: TemporaryFolder
    private let ledger: Ledger
    private let shared = SharedListing()
    private let start = ContinuousClock.now
    private let noon = Date(timeIntervalSince1970: 1_795_262_400)

    init() throws {
        folder = try TemporaryFolder()
        ledger = try Ledger.open(
            folder: folder.path("state"), store: StoreIdentity(baseURL: "http://127.0.0.1:1", clientID: "t"), now: noon)
    }

    private func change(_ kind: ChangeKind, _ cart: Int) throws -> Change { try #require(.numbered(kind, 1, cart)) }

    private func keep(_ carts: ClosedRange<Int>) throws {
        var listing = Listing()
        for cart in carts {
            let association = try change(.create, cart).association
            listing.associations.append(association)
            listing.cartIDs.insert(association.cart)
        }
        shared.keep(listing, begun: start, run: try ledger.newestRunNumber())
    }

    /// Records a run with these changes, of which all have this outcome, or their own success.
    private func record(_ run: String, _ changes: [Change], _ outcome: Outcome? = nil, attempts: Int = 1) throws {
        try PastRun(id: run, date: noon, state: .applying, isSnapshot: false, changes: changes).record(in: ledger)
        var ended: [JournalEntry] = []
        try ledger.forEachEntry(of: run) { entry in
            let success: Outcome = entry.change.kind == .create ? .created : .deleted
            ended.append(entry.ended(ChangeOutcome(outcome ?? success, attempts: attempts), at: noon))
        }
        try ledger.record(ended)
    }

    private func found(after age: Duration = .seconds(1)) throws -> StoreListing.Found? {
        try shared.corrected(by: ledger, now: start + age)
    }

    private func carts(_ found: StoreListing.Found?) -> Set<String>? {
        (found?.listing.associations.map(\.cart.text)).map(Set.init)
    }

    @Test("it holds for less than a minute, and says how old it is")
    func age() throws {
        #expect(try found() == nil)
        try keep(1...2)
        let last = try #require(try found(after: .milliseconds(59_999)))
        #expect(last.earlier?.age == .milliseconds(59_999) && last.earlier?.changed == [])
        #expect(carts(last) == ["cart-1", "cart-2"])
        #expect(try found(after: .seconds(60)) == nil)
        #expect(try found() == nil, "what was too old is forgotten")
    }

    @Test("what runs changed since is in it, and the carts are known")
    func changed() throws {
        try record("before", [change(.create, 9)])
        try keep(1...3)
        try record("one", [change(.delete, 1), change(.create, 4), change(.create, 2)])
        #expect(carts(try found()) == ["cart-2", "cart-3", "cart-4"])
        try record("two", [change(.create, 1), change(.delete, 4)])
        let last = try #require(try found())
        #expect(carts(last) == ["cart-1", "cart-2", "cart-3"])
        #expect(Set(last.earlier?.changed.map(\.text) ?? []) == ["cart-1", "cart-2", "cart-4"])
        #expect(last.listing.cartIDs.count == 4, "the cart that lost its owner is there")
    }

    @Test(
        "a change that may have had an effect makes it void, one that was not tried does not",
        arguments: [
            (Outcome.alreadyThere, 1, true), (.skipped, 0, true), (.withheld, 0, true), (.failed, 0, true),
            (.failed, 2, false),
            (.rejected, 1, false),
        ])
    func uncertain(outcome: Outcome, attempts: Int, holds: Bool) throws {
        try keep(1...1)
        try record("one", [change(.create, 2)], outcome, attempts: attempts)
        #expect(try (found() != nil) == holds)
        #expect(try (found() != nil) == holds)
    }

    @Test("a change without an outcome makes it void, and so does a run that is removed before it is read")
    func unknown() throws {
        try keep(1...1)
        try PastRun(id: "one", date: noon, state: .applying, changes: [change(.create, 2)]).record(in: ledger)
        #expect(try found() == nil)
        try keep(1...1)
        for number in 1...60 {
            try PastRun(id: "later-\(100 + number)", date: noon, isSnapshot: false).record(in: ledger)
        }
        var retention = RunRetention(window: .zero)
        retention.most = 50
        _ = try ledger.forgetRuns(by: retention, waiting: [], now: noon)
        #expect(try found() == nil)
    }

    @Test("a run that goes on, and a command among others, make it void; the next run does not")
    func otherRuns() async throws {
        let api = APIOptions(
            baseURL: try BaseURL("http://127.0.0.1:1"), credentials: Credentials(clientID: "a", clientSecret: "b"))
        let session = StoreSession(ledger, api, rate: 10, isAdaptive: false, time: .system, log: CapturedLog().logger)
        func holds(_ begin: () -> RunTools) async throws -> Bool {
            session.beginRun().listing.keep(Listing(), begun: .now, run: try ledger.newestRunNumber())
            await session.endRun()
            let found = try begin().listing.corrected(by: ledger, now: ContinuousClock.now)
            await session.endRun()
            return found != nil
        }
        #expect(try await holds { session.beginRun() })
        let run = RunRecord(id: "one", command: "serve", source: "s", scope: .owned, started: noon)
        #expect(try await !holds { session.beginRun(resuming: run) })
        #expect(try await !holds { session.lent(until: session.stop) { _ in }.beginRun() })
    }
}
