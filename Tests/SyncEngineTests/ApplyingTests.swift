import CallPacing
import CartAssociations
import CommerceAPI
import CommerceSandbox
import Foundation
import Ledger
import Synchronization
import TestStore
import TestSupport
import Testing

@testable import SyncEngine
@testable import SyncReporting

@Suite("applying a plan")
struct ApplyingTests {
    private func export(_ range: ClosedRange<Int>, in store: Store) throws -> String {
        try store.folder.write(
            "customer_id,cart_id\n" + range.map { "c-\($0),cart-\($0)\n" }.joined(), to: "export.csv")
    }

    @discardableResult
    private func sync(
        _ range: ClosedRange<Int>, in store: Store, source: String = "a", retry: RetryPolicy = RetryPolicy(),
        change: (inout RunOptions) -> Void = { _ in }
    ) async throws -> (report: RunReport, failure: RunFailure?) {
        let path = try export(range, in: store)
        return try await store.withClient(retry: retry) { client in
            let run = store.run(path, source: source, client, change: change)
            let ended = try await run.plan(keepingRejects: false).apply()
            #expect(ended.report.inconsistencies() == [])
            return (ended.report, ended.failure)
        }
    }

    @Test("a canary waits for a listing that lags, and then the rest is made")
    func canary() async throws {
        try await withStore { store in
            var store = store
            store.time = .fast(10)
            let lagging = #"{"data":[],"meta":{"results":{"total":0}}}"#
            store.sandbox.inject(SandboxFault(.answer(status: 200, body: lagging), operation: .list, first: 2))
            let (report, failure) = try await sync(1...40, in: store) {
                $0.canary = 5
            }
            #expect(failure == nil)
            #expect(report.outcomes.create[.created] == 40)
            // One page before the plan, and the canary's two looks.
            #expect(store.sandbox.statistics().count(.list) == 3)
        }
    }

    @Test("a run with nothing to do has no canary to wait for")
    func idleCanary() async throws {
        try await withStore { store in
            try await sync(1...40, in: store)
            let (report, failure) = try await sync(1...40, in: store) {
                $0.canary = 5
            }
            #expect(failure == nil)
            #expect(report.verdict.exitStatus == .done)
        }
    }

    @Test("a canary that no listing shows stops the run, with the rest to be made later")
    func deadCanary() async throws {
        var options = SandboxOptions()
        options.behaviour.listingLag = .seconds(600)
        try await withStore(options) { store in
            var store = store
            store.time = .fast(10)
            let (report, failure) = try await sync(1...40, in: store) {
                $0.canary = 5
                $0.listingLag = .milliseconds(800)
            }
            #expect(failure?.exitStatus == .unavailable)
            #expect(failure?.description.contains("the first 5 changes") == true, "\(failure?.description ?? "")")
            #expect(report.outcomes.create[.created] == 5)
            #expect(report.outcomes.pending == 35)
            #expect(try store.ledger.runs().first?.isResumable == true)
        }
    }

    @Test("a canary of which nothing succeeds stops the run")
    func refusedCanary() async throws {
        try await withStore { store in
            store.sandbox.inject(SandboxFault(.answer(status: 422), operation: .create, count: nil))
            let (report, failure) = try await sync(1...40, in: store) {
                $0.canary = 5
            }
            #expect(failure?.description.contains("none of the first 5") == true)
            #expect(report.outcomes.pending == 35)
        }
    }

    @Test("a delete whose answer was lost is looked up in a listing, and not made again where it is gone")
    func lostDelete() async throws {
        try await withStore { store in
            try await sync(1...10, in: store)
            store.sandbox.inject(SandboxFault(.resetAfterEffect, operation: .delete, count: 2))
            let (report, _) = try await sync(3...10, in: store)
            #expect(report.outcomes.delete[.alreadyGone] == 2)
            #expect(store.sandbox.statistics().count(.delete) == 2)
            #expect(try store.associations.count == 8)
        }
    }

    @Test("a delete whose answer was lost is made again where a listing still shows it")
    func lostBeforeEffect() async throws {
        try await withStore { store in
            try await sync(1...10, in: store)
            store.sandbox.inject(SandboxFault(.resetBeforeEffect, operation: .delete, count: 2))
            let (report, _) = try await sync(3...10, in: store)
            #expect(report.outcomes.delete[.deleted] == 2)
            #expect(store.sandbox.statistics().count(.delete) == 4)
            #expect(try store.associations.count == 8)
        }
    }

    private static let page = "<html><title>Sign in</title>"

    @Test(
        "a delete that something else answers is looked up, and made again only where the listing still shows it",
        arguments: [200, 202, 404], [false, true])
    func unknownDelete(status: Int, hasEffect: Bool) async throws {
        try await withStore { store in
            try await sync(1...10, in: store)
            store.sandbox.inject(
                SandboxFault(
                    .answer(status: status, body: Self.page, afterEffect: hasEffect), operation: .delete, count: 2))
            let (report, failure) = try await sync(3...10, in: store)
            #expect(failure == nil)
            #expect(report.outcomes.delete[hasEffect ? .alreadyGone : .deleted] == 2)
            #expect(store.sandbox.statistics().count(.delete) == (hasEffect ? 2 : 4))
            #expect(try store.associations.count == 8)
        }
    }

    @Test(
        "a delete whose answers stay unknown is a failure with the first words of what came, and is tried again later")
    func unknownDeleteStays() async throws {
        try await withStore { store in
            try await sync(1...10, in: store)
            store.sandbox.inject(
                SandboxFault(.answer(status: 200, body: Self.page), operation: .delete, cart: "cart-1", count: nil))
            let (report, _) = try await sync(2...10, in: store, retry: TestStore.promptRetry)
            #expect(report.outcomes.delete[.failed] == 1)
            let message = try #require(report.failures.first?.examples.first?.message)
            #expect(message.contains("it begins: \(Self.page)") && message.contains("HTTP 200"), "\(message)")
            // Once in each round before a listing, and five times in the last.
            #expect(store.sandbox.statistics().count(.delete) == 7)
            #expect(try store.asserted(by: "a").count == 10)
            store.sandbox.clearFaults()
            #expect(try await sync(2...10, in: store).report.outcomes.delete[.deleted] == 1)
        }
    }

    @Test("a create whose answers stay unknown is made where the listing shows it, and a failure where it does not")
    func unknownCreate() async throws {
        try await withStore { store in
            for (cart, hasEffect) in [("cart-1", true), ("cart-2", false)] {
                store.sandbox.inject(
                    SandboxFault(
                        .answer(status: 200, body: Self.page, afterEffect: hasEffect), operation: .create, cart: cart,
                        count: nil))
            }
            let (report, failure) = try await sync(1...10, in: store, retry: TestStore.promptRetry)
            #expect(failure == nil)
            #expect((report.outcomes.create[.created], report.outcomes.create[.failed]) == (9, 1))
            let example = try #require(report.failures.first?.examples.first)
            #expect("\(example)".contains("cart-2") && example.message.contains("begins: \(Self.page)"))
            // Each of the two at least once in two rounds, and five times in the last.
            #expect((22...36).contains(store.sandbox.statistics().count(.create)))
            // The ledger has what is in the store.
            let made = try store.associations
            #expect(made.count == 9)
            #expect(try store.asserted(by: "a").isSuperset(of: made))
        }
    }

    @Test(
        "what fails for now waits at the end of the line with its cart, and all of it is made", arguments: UInt64(1)...3
    )
    func line(seed: UInt64) async throws {
        var options = SandboxOptions()
        options.seed = seed
        try await withStore(options) { store in
            try await sync(1...600, in: store)
            store.sandbox.inject(SandboxFault(.answer(status: 503), count: nil, share: 0.15))
            let moved = 101...700
            let (report, failure) = try await sync(moved, in: store, retry: TestStore.promptRetry)
            #expect(failure == nil)
            #expect(
                report.outcomes.create[.created] == 100 && report.outcomes.delete[.deleted] == 100, "\(report.outcomes)"
            )
            #expect(report.outcomes.pending == 0)
            #expect(try store.associations.count == 600)
            #expect(store.sandbox.statistics().busiestCart <= 1)
        }
    }

    @Test("a change that fails for now holds back its cart: its delete never comes before its create")
    func lineOfACart() async throws {
        try await withStore { store in
            try await sync(1...3, in: store)
            store.sandbox.inject(SandboxFault(.answer(status: 503), operation: .create, cart: "cart-1", count: 2))
            let path = try store.folder.write("customer_id,cart_id\nd-1,cart-1\nc-2,cart-2\nc-3,cart-3\n", to: "e.csv")
            try await store.withClient(retry: TestStore.promptRetry) { client in
                let report = try await store.run(path, client).plan(keepingRejects: false).apply().report
                #expect((report.outcomes.create[.created], report.outcomes.delete[.deleted]) == (1, 1))
            }
            let calls = store.sandbox.calls().filter { $0.cart == "cart-1" && $0.operation != .list }
            #expect(calls.last?.operation == .delete && calls.count { $0.operation == .delete } == 1, "\(calls)")
        }
    }

    @Test("the delete of a cart is skipped if its create is refused: its owner would lose it for nothing")
    func skipped() async throws {
        try await withStore { store in
            try await sync(1...3, in: store)
            store.sandbox.inject(SandboxFault(.answer(status: 422), operation: .create, cart: "cart-1", count: nil))
            let path = try store.folder.write("customer_id,cart_id\nd-1,cart-1\nc-2,cart-2\nd-3,cart-3\n", to: "e.csv")
            try await store.withClient { client in
                let report = try await store.run(path, client).plan(keepingRejects: false).apply().report
                #expect(report.inconsistencies() == [])
                #expect((report.outcomes.create[.rejected], report.outcomes.delete[.skipped]) == (1, 1))
                #expect((report.outcomes.create[.created], report.outcomes.delete[.deleted]) == (1, 1))
            }
            #expect(
                Set(try store.associations.map { "\($0.owner.id) \($0.cart)" })
                    == ["c-1 cart-1", "c-2 cart-2", "d-3 cart-3"])
        }
    }

    @Test("where no listing shows what exists, an unknown create is a failure and asked again the next time")
    func unknownCreateWithoutListing() async throws {
        try await withStore { store in
            store.sandbox.inject(
                SandboxFault(
                    .answer(status: 200, body: Self.page, afterEffect: true), operation: .create, cart: "cart-1",
                    count: nil))
            let (report, _) = try await sync(1...3, in: store, retry: TestStore.promptRetry) {
                $0.settings.current = .ledger
            }
            #expect((report.outcomes.create[.created], report.outcomes.create[.failed]) == (2, 1))
            store.sandbox.clearFaults()
            let (again, _) = try await sync(1...3, in: store) { $0.settings.current = .ledger }
            #expect((again.outcomes.create.total, again.outcomes.create[.alreadyThere]) == (1, 1))
        }
    }

    @Test(
        "carts that are not there are created with their names, once, and those that are there are left alone",
        arguments: [CurrentSource.api, .ledger], SandboxBehaviour.ExistingCart.allCases)
    func newCarts(current: CurrentSource, existing: SandboxBehaviour.ExistingCart) async throws {
        var options = SandboxOptions(carts: [SandboxCart(id: "there", name: "Old")])
        options.behaviour.unknownCart = .notFound
        options.behaviour.existingCart = existing
        try await withStore(options) { store in
            let path = try store.folder.write(
                """
                customer_id,cart_id,cart_name,cart_description
                c-1,new-1,First,of two
                c-2,new-1,First,of two
                c-3,there,Old,
                c-4,nameless,,
                c-5,long,\(String(repeating: "x", count: 256)),
                c-6,new-2,Second cart,

                """, to: "e.csv")
            try await store.withClient { client in
                let run = store.run(path, current: current, client) { $0.createsCarts = true }
                let planned = try await run.plan(keepingRejects: true)
                #expect(planned.view.counts.newCarts == (current == .api ? 3 : 4))
                let report = try await planned.apply().report
                #expect(report.inconsistencies() == [])
                #expect(report.exports[0].rejected == ["bad-cart-name": 1])
                // The store does not know the cart that has no name to be created with.
                #expect(report.outcomes.create[.rejected] == 1)
                #expect(report.outcomes.create[.created] == 4)
            }
            #expect(store.sandbox.statistics().count(.createCart) == (current == .api ? 2 : 3))
            #expect(store.sandbox.statistics().busiestCart <= 1)
            #expect(store.sandbox.statistics().autoCreatedCarts == 0)
        }
    }

    @Test("a cart that cannot be created rejects its change with the store's words")
    func refusedCart() async throws {
        try await withStore { store in
            let body = #"{"errors":[{"status":403,"title":"Cart limit reached"}]}"#
            store.sandbox.inject(SandboxFault(.answer(status: 403, body: body), operation: .createCart))
            let path = try store.folder.write("customer_id,cart_id,cart_name\nc-1,cart-1,One\n", to: "e.csv")
            try await store.withClient { client in
                let run = store.run(path, client) { $0.createsCarts = true }
                let report = try await run.plan(keepingRejects: true).apply().report
                #expect(report.outcomes.create[.rejected] == 1)
                let message = try #require(report.failures.first?.examples.first?.message)
                #expect(message.contains("the cart was not created") && message.contains("Cart limit reached"))
            }
            #expect(store.sandbox.statistics().count(.create) == 0)
        }
    }

    @Test("the report of a resumed run has the classes of the answers that its earlier part got")
    func answersOfTheEarlierPart() async throws {
        var options = SandboxOptions()
        // The canary is not seen in time, which stops the run after its first changes.
        options.behaviour.listingLag = .seconds(600)
        try await withStore(options) { store in
            let aboutRecord = #"{"errors": [{"detail": "the account does not have the required permissions"}]}"#
            for (cart, action) in [
                ("cart-1", .answer(status: 403)), ("cart-10", .answer(status: 403, body: aboutRecord)),
                ("cart-11", .answer(status: 501)), ("cart-12", .answer(status: 200, body: "<html>")),
            ] as [(String, SandboxFaultAction)] {
                store.sandbox.inject(SandboxFault(action, operation: .create, cart: cart, count: nil))
            }
            let path = try export(1...12, in: store)
            let answers = Mutex<[String: Int]>([:])
            let observe: @Sendable (CallEvent) -> Void = { event in
                guard case .finished(let call) = event, call.operation == .create else { return }
                answers.withLock { $0[call.answer.rawValue, default: 0] += 1 }
            }
            let stopped = try await store.withClient(observe: observe) { client in
                let run = store.run(path, current: .ledger, client) {
                    $0.canary = 6
                    $0.listingLag = .milliseconds(100)
                }
                return try await run.plan(keepingRejects: false).apply().report
            }
            // Those that failed for now wait, too.
            #expect(stopped.outcomes.pending == 8)
            let resumed = try await store.withClient { client in
                let record = try #require(try store.ledger.run(stopped.run))
                return try await store.resumed(record, client).resume().report
            }
            #expect(resumed.outcomes.pending == 0)
            // What the calls after the stop were answered is not recorded here, so that this is the earlier part alone.
            let earlier = resumed.latency[.create]?.callAnswers.filter { $0.value > 0 }
            #expect(earlier == answers.withLock(\.self))
            #expect(earlier == ["success": 2, "forbidden": 1, "refused": 1])
        }
    }

    @Test("a deadline that passes ends the run resumably, with its words")
    func deadline() async throws {
        try await withStore(SandboxOptions(latency: .steady(.milliseconds(20)))) { store in
            var store = store
            let clock = HandTurnedClock()
            store.time = clock.time
            let path = try export(1...400, in: store)
            // The deadline passes with the fiftieth create.
            let observe: @Sendable (CallEvent) -> Void = { event in
                guard case .finished(let call) = event, call.operation == .create else { return }
                clock.advance(.milliseconds(20))
            }
            let (report, failure) = try await store.withClient(observe: observe) { client in
                let run = store.run(path, client) {
                    $0.deadline = Deadline.after(.seconds(1)).moment(now: Date(), instant: clock.time.now())
                }
                let ended = try await run.plan(keepingRejects: false).apply()
                return (ended.report, ended.failure)
            }
            #expect(report.inconsistencies() == [])
            #expect(failure?.exitStatus == .stoppedEarly)
            #expect(failure?.description.contains("the deadline has passed") == true)
            #expect(report.outcomes.pending > 0)
            #expect(report.verdict.next?.contains("runs resume") == true)
        }
    }

    @Test("the deletes of a resumed run are looked up first, and one that is gone is not made again")
    func resumedDeletes() async throws {
        try await withStore { store in
            var store = store
            store.time = .fast(10)
            try await sync(1...6, in: store)
            let path = try export(6...6, in: store)
            let stopped = try await store.withClient { client in
                let planned = try await store.run(path, client) {
                    $0.canary = 1
                    $0.listingLag = .milliseconds(100)
                }.plan(keepingRejects: false)
                // The canary is not confirmed.
                let page = #"{"data":[],"meta":{"results":{"total":9}}}"#
                store.sandbox.inject(SandboxFault(.answer(status: 200, body: page), operation: .list, count: nil))
                return try await planned.apply().report
            }
            #expect((stopped.outcomes.delete[.deleted], stopped.outcomes.pending) == (1, 4))
            store.sandbox.clearFaults()
            let gone = try #require(try store.associations.min())
            try await store.withClient { client in
                _ = try await client.delete(gone)
                let record = try #require(try store.ledger.run(stopped.run))
                let report = try await store.resumed(record, client).resume().report
                #expect(report.inconsistencies() == [])
                #expect((report.outcomes.delete[.alreadyGone], report.outcomes.delete[.deleted]) == (1, 4))
            }
            // One before the stop, one of somebody else, three after it.
            #expect(store.sandbox.statistics().count(.delete) == 5)
            #expect(try store.associations.map(\.cart.text) == ["cart-6"])
        }
    }

    @Test("a resumed run deletes nothing that another source has asserted since, whatever its scope is")
    func resumedScope() async throws {
        try await withStore { store in
            var store = store
            store.time = .fast(10)
            try await sync(1...2, in: store)
            // Carts of nobody that the scope deletes.
            let strangers = try (8...9).map {
                Association(.customer, try #require(OwnerID("c-\($0)")), try #require(CartID("cart-\($0)")))
            }
            let path = try export(1...2, in: store)
            let stopped = try await store.withClient { client in
                for stranger in strangers { _ = try await client.create(stranger) }
                let planned = try await store.run(path, scope: .all, client) {
                    $0.canary = 1
                    $0.listingLag = .milliseconds(100)
                }.plan(keepingRejects: false)
                #expect(planned.view.counts.deletes == 2)
                let page = #"{"data":[],"meta":{"results":{"total":9}}}"#
                store.sandbox.inject(SandboxFault(.answer(status: 200, body: page), operation: .list, count: nil))
                return try await planned.apply().report
            }
            #expect((stopped.outcomes.delete[.deleted], stopped.outcomes.pending) == (1, 1))
            store.sandbox.clearFaults()
            let left = try #require(strangers.first { try store.associations.contains($0) })
            try await store.withClient { client in
                let other = try store.folder.write(
                    "customer_id,cart_id\n\(left.owner.id),\(left.cart)\n", to: "other.csv")
                let run = store.run(other, source: "b", current: .ledger, client)
                _ = try await run.plan(keepingRejects: false).apply()
                let record = try #require(try store.ledger.run(stopped.run))
                let report = try await store.resumed(record, client).resume().report
                #expect(report.outcomes.delete[.skipped] == 1, "\(report.outcomes)")
            }
            #expect(try store.associations.contains(left))
        }
    }

    @Test("a resumed run leaves alone what other sources, or later changes of its own, have settled since")
    func resumed() async throws {
        try await withStore { store in
            try await sync(1...6, in: store)
            // Stopped before its first change: deletes of 1 to 4, creates of 7 and 8.
            let path = try export(5...8, in: store)
            let stopped = try await store.withClient { client in
                let run = store.run(path, client) {
                    $0.deadline = Deadline.after(.seconds(0)).moment(now: Date(), instant: .now)
                    $0.current = .ledger
                }
                return try await run.plan(keepingRejects: false).apply().report
            }
            #expect(stopped.outcomes.pending == 6, "\(stopped.verdict)")
            // Another source asserts cart-1, a delta of the same source wants cart-2 again and cart-7 no more.
            try await store.withClient { client in
                for (source, text) in [
                    ("b", "customer_id,cart_id\nc-1,cart-1\n"),
                    ("a", "action,customer_id,cart_id\ncreate,c-2,cart-2\ndelete,c-7,cart-7\n"),
                ] {
                    let other = try store.folder.write(text, to: "other.csv")
                    let run = store.run(other, source: source, client)
                    _ = try await run.plan(keepingRejects: false).apply()
                }
                let record = try #require(try store.ledger.run(stopped.run))
                let left = try store.resumed(record, client)
                #expect(left.pending == 6)
                let report = try await left.resume().report
                #expect(report.inconsistencies() == [])
                #expect(report.outcomes.delete[.skipped] == 2, "\(report.outcomes)")
                #expect(report.outcomes.delete[.deleted] == 2)
                #expect(report.outcomes.create[.skipped] == 1)
                #expect(report.outcomes.create[.created] == 1)
            }
            #expect(
                try store.associations.map(\.cart.text).sorted() == ["cart-1", "cart-2", "cart-5", "cart-6", "cart-8"])
        }
    }
}

@Suite("a deadline")
struct DeadlineTests {
    private let now = Date(timeIntervalSince1970: 1_795_262_400)  // 2026-11-21T12:00:00Z
    private let instant = ContinuousClock.now

    private var berlin: Calendar {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = TimeZone(identifier: "Europe/Berlin") ?? .gmt
        return calendar
    }

    @Test("a duration is measured by a clock that nobody sets")
    func duration() {
        let moment = Deadline.after(.seconds(60)).moment(now: now, instant: instant)
        let later = instant + .seconds(45)
        #expect(moment.left(now: now + 86_400, instant: later) == .seconds(15))
    }

    @Test("a time of the day is the next one in its time zone")
    func clock() {
        // It is 13:00 in Berlin.
        for (hour, hours) in [(14, 1), (13, 24), (12, 23)] {
            let moment = Deadline.clock(hour: hour, minute: 0).moment(now: now, instant: instant, calendar: berlin)
            #expect(moment.left(now: now, instant: instant) == .seconds(hours * 3600), "\(hour) h")
            #expect(moment.left(now: now + 3600, instant: instant) == .seconds((hours - 1) * 3600))
        }
    }

    @Test("a date is a date")
    func date() {
        let moment = Deadline.at(now + 90).moment(now: now, instant: instant)
        #expect(moment.left(now: now + 100, instant: instant) == .seconds(-10))
        #expect(moment.words.contains("2026-11-21T12:01:30Z"))
    }
}
