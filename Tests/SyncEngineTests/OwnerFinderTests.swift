import CallPacing
import CartAssociations
import CommerceAPI
import CommerceSandbox
import ExportFiles
import Foundation
import Ledger
import SyncReporting
import Synchronization
import TestStore
import TestSupport
import Testing

@testable import SyncEngine

/// A UUID that is another one for each number, and in no order of them.
private func uuid(_ number: Int) -> String {
    let high = UInt64(number + 1) &* 0x9E37_79B9_7F4A_7C15
    var text: [UInt8] = []
    PackedID.append((high, UInt64(number)), to: &text)
    return String(decoding: text, as: UTF8.self)
}

@Suite("owners found by their keys")
struct OwnerFinderTests {
    private func owners(_ customers: [SandboxOwnerEntry], accounts: [SandboxOwnerEntry] = []) -> SandboxOptions {
        var options = SandboxOptions()
        (options.owners.customers, options.owners.accounts) = (customers, accounts)
        return options
    }

    private func customers(_ count: Int) -> [SandboxOwnerEntry] {
        (0..<count).map { SandboxOwnerEntry(id: uuid($0), email: "u\($0)@x.example") }
    }

    /// A plan's figures, and the calls that looked owners up.
    private func look(
        _ store: Store, _ text: String, _ change: (inout RunOptions) -> Void = { _ in }
    ) async throws -> (lookups: OwnerLookups, creates: Int, calls: Int) {
        let path = try store.folder.write(text, to: "export.csv")
        let before = store.sandbox.statistics().total
        return try await store.withClient { client in
            let planned = try await store.run(path, current: .none, client) {
                $0.planGuard.maxUnknownOwners = .share(1)
                change(&$0)
            }.plan(keepingRejects: false)
            let view = planned.view
            planned.discard()
            // All but the token, which nobody asks for without a call.
            let calls = max(0, store.sandbox.statistics().total - before - 1)
            return (try #require(view.owners), view.counts.creates, calls)
        }
    }

    private func export(_ numbers: some Sequence<Int>) -> String {
        "customer_email,cart_id\n" + numbers.map { "u\($0)@x.example,cart-\($0)\n" }.joined()
    }

    @Test("a few keys are asked for, and remembered for a time")
    func remembered() async throws {
        try await withStore(owners(customers(1000))) { store in
            var (found, creates, calls) = try await look(store, export(0..<5))
            #expect((found.keys, found.asked, found.remembered, found.unknown) == (5, 5, 0, 0))
            #expect(creates == 5)
            // Whether case matters takes two; one page shows that there are more pages than keys.
            #expect(calls == 7 && found.calls == 7)
            (found, creates, calls) = try await look(store, export(0..<7))
            #expect((found.asked, found.remembered, calls) == (2, 5, 2))
            #expect(creates == 7)
            (found, _, calls) = try await look(store, export(0..<7)) { $0.ownerKeys.fresh = .zero }
            #expect((found.asked, found.remembered, calls) == (7, 0, 7))
        }
    }

    @Test("many keys have the whole list read, which takes a page for each hundred owners and few calls more")
    func directory() async throws {
        try await withStore(owners(customers(1000))) { store in
            let (found, creates, calls) = try await look(store, export(Array(0..<599) + [1_000_000, 599]))
            #expect((found.keys, found.asked, found.unknown) == (601, 600, 1))
            #expect(found.lists == ["customers"])
            #expect(creates == 600)
            // Ten full pages and an empty one.
            #expect(calls == 12)
            let again = try await look(store, export(300..<620))
            #expect((again.lookups.remembered, again.lookups.asked, again.calls) == (300, 20, 11))
        }
    }

    @Test("a crosswalk wins over the store and the ledger; two ids of a key are ambiguous")
    func crosswalk() async throws {
        try await withStore(owners(customers(10))) { store in
            _ = try await look(store, export(0..<3))
            let path = try store.folder.write(
                """
                customer_id,customer_email
                other-0,u0@x.example
                other-1,u1@x.example
                other-2,u1@x.example
                other-1,u1@x.example
                other-9,unused@x.example

                """, to: "crosswalk.csv")
            let (found, creates, calls) = try await look(store, export(0..<3)) { $0.ownerKeys.crosswalk = path }
            #expect((found.fromCrosswalk, found.remembered, found.ambiguous, calls) == (2, 1, 1, 0))
            #expect(creates == 2)
            _ = try store.folder.write(
                "customer_id,customer_email\nc,u0@x.example\n,u1@x.example\n", to: "crosswalk.csv")
            await #expect(throws: RunFailure.self) {
                try await look(store, export(0..<3)) { $0.ownerKeys.crosswalk = path }
            }
        }
    }

    @Test("letters of e-mails are compared as the store compares them", arguments: SandboxBehaviour.EmailCase.allCases)
    func letterCase(behaviour: SandboxBehaviour.EmailCase) async throws {
        var options = owners(customers(300))
        options.behaviour.emailCase = behaviour
        try await withStore(options) { store in
            let shouted = export(0..<200).replacing("@x.example", with: "@X.example")
            let (found, creates, _) = try await look(store, shouted)
            #expect(found.lists == ["customers"])
            #expect(creates == (behaviour == .ignored ? 200 : 0))
            let few = try await look(store, export(250..<252).replacing("@x", with: "@X"))
            #expect(few.creates == (behaviour == .ignored ? 2 : 0))
        }
    }

    @Test("references that several have are ambiguous, however they are looked up", arguments: [false, true])
    func ambiguous(takesLists: Bool) async throws {
        let accounts = (0..<400).map { SandboxOwnerEntry(id: uuid($0), externalRef: "R-\($0 / 2 * 2)") }
        try await withStore(owners([], accounts: accounts + [.init(id: "single", externalRef: "R 1")])) { store in
            for keys in [["R-0", "R 1", "R-1"], ["R 1"] + (0..<400).map { "R-\($0)" }] {
                let text = "account_ref,cart_id\n" + keys.enumerated().map { "\($1),cart-\($0)\n" }.joined()
                let (found, creates, _) = try await look(store, text) { $0.ownerKeys.takesReferenceLists = takesLists }
                #expect((found.ambiguous, found.unknown) == (keys.count / 2, keys.count / 2))
                #expect(creates == 1)
            }
        }
    }

    @Test("lists of references stay within what a filter may have, however long they are", arguments: [20, 300, 2_000])
    func longReferences(length: Int) async throws {
        func reference(_ number: Int) -> String { "R \(number) " + String(repeating: "x", count: length) }
        let accounts = (0..<60_000).map {
            SandboxOwnerEntry(id: uuid($0), externalRef: $0 < 200 ? reference($0) : nil)
        }
        try await withStore(owners([], accounts: accounts)) { store in
            let text = "account_ref,cart_id\n" + (0..<201).map { "\(reference($0)),cart-\($0)\n" }.joined()
            let (found, creates, calls) = try await look(store, text) { $0.ownerKeys.takesReferenceLists = true }
            #expect((found.asked, found.unknown, creates) == (200, 1, 200))
            #expect(calls <= 201 * (length + 12) / 5_900 + 3 || length == 2_000, "\(calls)")
            #expect(store.sandbox.statistics().malformed == 0)
        }
    }

    @Test("members stand for their account, if it is the only one")
    func members() async throws {
        var options = SandboxOptions()
        options.owners.members = [
            .init(id: "m-1", email: "One@x.example", accounts: ["a-1"]),
            .init(id: "m-2", email: "two@x.example", accounts: ["a-1", "a-2"]),
            .init(id: "m-3", email: "none@x.example", accounts: []),
        ]
        try await withStore(options) { store in
            let text =
                "member_email,cart_id\n"
                + ["one", "two", "none", "nobody"].map { "\($0)@x.example,cart-\($0)\n" }.joined()
            let (found, creates, calls) = try await look(store, text)
            #expect((found.asked, found.ambiguous, found.unknown) == (2, 1, 2))
            #expect((creates, calls) == (1, 7))
        }
    }

    @Test("an owner who is not found any more, or whose key stands in a damaged part, loses nothing")
    func doubt() async throws {
        try await withStore(owners(customers(40))) { store in
            func sync(_ text: String) async throws -> RunOutcomes {
                let path = try store.folder.write(text, to: "export.csv")
                return try await store.withClient { client in
                    try await store.run(path, client) { $0.planGuard.maxUnknownOwners = .share(1) }
                        .plan(keepingRejects: true).apply().report.outcomes
                }
            }
            func export(_ lines: [String]) -> String {
                "customer_email,cart_id,note\n" + lines.map { $0 + "\n" }.joined()
            }
            let whole = (0..<40).map { "u\($0)@x.example,cart-\($0)," }
            let seconds = [0, 1, 3].map { "u\($0)@x.example,second-\($0)," }
            let changes1 = try await sync(export(seconds + whole))
            #expect(changes1[.created] == 43)
            // u0 stands in a record with a field too many, u1 in one that cannot be split, and u3 in a key that nobody has;
            // the second carts of these three are missing, and that of u2.
            let damaged = export(
                ["u0@x.example,cart-0,x,y", "\"u1@x.example\"x,cart-1,", "u3@x.example;,cart-3,"] + whole[4...])
            let changes2 = try await sync(damaged)
            #expect(changes2[.deleted] == 1)
            let left = Set(try store.associations.map(\.cart.text))
            #expect(left.count == 42)
            #expect(left.isSuperset(of: ["cart-0", "cart-1", "cart-3", "second-0", "second-1", "second-3"]))
            let changes3 = try await sync(export(whole))
            #expect(changes3[.deleted] == 3)
        }
    }

    @Test("an owner whom the store does not know any more is looked up again")
    func stale() async throws {
        var options = owners([.init(id: "old", email: "u0@x.example")])
        options.behaviour.unknownOwner = .notFound
        try await withStore(options) { store in
            let key = OwnerKeyForm(key: store.ledger.fingerprintKey, foldsCase: true)
                .fingerprint(OwnerKeyField(.email, of: .customer), "u0@x.example")
            try store.ledger.rememberOwnerFact("e-mails differ in case", "no")
            try store.ledger.rememberOwners([(key: key, owner: #require(OwnerID("gone")))], .asked, at: Date())
            let path = try store.folder.write(export(0..<1), to: "export.csv")
            func created() async throws -> Int {
                try await store.withClient { client in
                    try await store.run(path, client).plan(keepingRejects: false).apply().report.outcomes[.created]
                }
            }
            #expect(try await created() == 0)
            #expect(try await created() == 1)
            #expect(try store.associations.map(\.owner.id.text) == ["old"])
        }
    }

    @Test("a crosswalk says what carts were called, which no prefix and no encoding changes", arguments: [false, true])
    func carts(hasKeys: Bool) async throws {
        try await withStore(owners(customers(10))) { store in
            let crosswalk = try store.folder.write(
                """
                legacy_cart,cart_id
                old/0,new-0
                old/1,new-1
                old/2,new-2
                old/2,new-3
                unused,new-4

                """, to: "crosswalk.csv")
            let header = hasKeys ? "customer_email" : "customer_id"
            let lines = (0..<5).map { number in
                "\(hasKeys ? "u\(number)@x.example" : "c-\(number)"),old/\(number)\n"
            }
            let path = try store.folder.write("\(header),cart_id\n" + lines.joined(), to: "export.csv")
            func sync(_ unsafe: UnsafeCarts) async throws -> (carts: [String], lookups: OwnerLookups) {
                try await store.withClient { client in
                    let planned = try await store.run(path, current: .ledger, client) {
                        $0.ownerKeys.crosswalk = crosswalk
                        $0.reading.carts.prefix = "L-"
                        $0.reading.carts.unsafe = unsafe
                        $0.planGuard.maxUnknownOwners = .share(1)
                    }.plan(keepingRejects: false)
                    let lookups = try #require(planned.view.owners)
                    _ = try await planned.apply()
                    return (try store.associations.map(\.cart.text).sorted(), lookups)
                }
            }
            let (first, lookups) = try await sync(.reject)
            #expect(first == ["new-0", "new-1"])
            #expect((lookups.carts, lookups.keys) == (2, hasKeys ? 5 : 0))
            #expect(try await sync(.encode).carts == ["L-old_2F3", "L-old_2F4", "new-0", "new-1"])
        }
    }

    @Test("what a crosswalk said is not believed without it, and is in doubt")
    func formerCrosswalk() async throws {
        try await withStore(owners([])) { store in
            let crosswalk = try store.folder.write(
                "customer_id,customer_ref\n" + (0..<40).map { "id-\($0),K \($0)\n" }.joined(), to: "crosswalk.csv")
            func sync(_ lines: [String], _ crosswalk: String?) async throws -> RunOutcomes {
                let path = try store.folder.write("customer_ref,cart_id,note\n" + lines.joined(), to: "export.csv")
                return try await store.withClient { client in
                    try await store.run(path, current: .ledger, client) {
                        $0.ownerKeys.crosswalk = crosswalk
                        $0.planGuard.maxUnknownOwners = .share(1)
                    }.plan(keepingRejects: true).apply().report.outcomes
                }
            }
            let whole = (0..<40).map { "K \($0),cart-\($0),\n" }
            #expect(try await sync(whole, crosswalk)[.created] == 40)
            // One cart of K 7 can be told no more, and the line of K 7 has left the crosswalk.
            let other = try store.folder.write(
                "customer_id,customer_ref\n"
                    + (0..<40).filter { $0 != 7 }.map { "id-\($0),K \($0)\n" }.joined(), to: "other.csv")
            let damaged = whole[..<7] + ["K 7,?,\n"] + whole[8..<39]
            #expect(try await sync(Array(damaged), other)[.deleted] == 1)
            #expect(try store.associations.count { $0.cart.text == "cart-7" } == 1)
            #expect(try await sync(whole, nil)[.created] == 0)
            let unknown = try await sync(whole, nil)
            #expect(unknown[.deleted] == 0)
        }
    }

    @Test("a word that stands for several owners leaves every owner in doubt, unless that alone rejects its record")
    func severalInDoubt() async throws {
        try await withStore(owners([])) { store in
            func deletes(_ line: String) async throws -> Int {
                let crosswalk = try store.folder.write(
                    "customer_id,customer_ref\nid-1,K 1\nid-2,K 2\nid-3,K 2\n", to: "crosswalk.csv")
                let path = try store.folder.write(
                    "customer_ref,cart_id,note\n" + line + (3..<40).map { _ in "K 1,cart-1,\n" }.joined(),
                    to: "export.csv")
                return try await store.withClient { client in
                    let planned = try await store.run(path, current: .ledger, client) {
                        $0.ownerKeys.crosswalk = crosswalk
                        $0.planGuard.maxUnknownOwners = .share(1)
                    }.plan(keepingRejects: false)
                    let view = planned.view
                    planned.discard()
                    return view.counts.deletes
                }
            }
            try store.ledger.remember([
                Association(.customer, #require(OwnerID("id-9")), #require(CartID("cart-9")))
            ])
            #expect(try await deletes("K 2,cart-2,\n") == 1)
            #expect(try await deletes("K 2,?,\n") == 0)
            #expect(try await deletes("K 1,?,\n") == 1)
        }
    }

    @Test(
        "a long list is read in ranges of its ids, with at most five calls more than it has pages",
        arguments: [5_000, 7_431, 10_000, 12_345])
    func ranges(count: Int) async throws {
        var all = customers(count)
        // A key of two owners, who are far from each other.
        all[3].email = "u0@x.example"
        try await withStore(owners(all)) { store in
            let (found, creates, calls) = try await look(store, export(0..<count))
            #expect((found.keys, found.unknown, found.ambiguous) == (count, 1, 1))
            #expect(creates == count - 2)
            #expect(calls == found.calls)
            #expect(calls <= count / 100 + 5, "\(calls)")
            #expect(found.asking.map(\.isWhole) == [true])
            // The next night asks for those who were not found, and for nobody else.
            let again = try await look(store, export(0..<count))
            #expect((again.lookups.remembered, again.calls) == (count - 2, 2))
        }
    }

    @Test(
        "a list that was not read to its end is gone on with, and a key has both of its owners", arguments: [3, 40, 99])
    func goesOn(stopped: Int) async throws {
        var all = customers(10_000)
        for number in 0..<50 { all[9_999 - number].email = "u\(number)@x.example" }
        try await withStore(owners(all)) { store in
            let path = try store.folder.write(export(0..<10_000), to: "export.csv")
            func plan(stoppingAfter calls: Int?) async throws -> OwnerLookups? {
                let made = Mutex(0)
                let stop = Mutex<StopSignal?>(nil)
                return try await store.withClient { event in
                    guard case .attempt = event, let calls else { return }
                    let count = made.withLock { count in
                        count += 1
                        return count
                    }
                    if count == calls { stop.withLock { $0?.stop() } }
                } _: { client in
                    let run = store.run(path, current: .none, client) { $0.planGuard.maxUnknownOwners = .share(1) }
                    stop.withLock { $0 = run.tools.stop }
                    do {
                        let planned = try await run.plan(keepingRejects: false)
                        let view = planned.view
                        planned.discard()
                        return view.owners
                    } catch RunFailure.stopped where calls != nil {
                        return nil
                    }
                }
            }
            let before = store.sandbox.statistics().total
            #expect(try await plan(stoppingAfter: stopped) == nil)
            let found = try #require(try await plan(stoppingAfter: nil))
            #expect((found.ambiguous, found.unknown) == (50, 50))
            #expect(found.asked + found.remembered == 9_950)
            // The tokens, and the pages that were on their way.
            #expect(store.sandbox.statistics().total - before <= 100 + 5 + 2 + 4)
            #expect(try store.ledger.listReading() == nil)
        }
    }

    @Test(
        "while a list changes that is read, who stays as they are is found, and a key stands for nobody who never had it",
        arguments: 0..<6 as Range<UInt64>)
    func changing(seed: UInt64) async throws {
        let all = customers(2_500)
        try await withStore(owners(all)) { store in
            let directory = Mutex(ChangingDirectory(all, seed: seed))
            let path = try store.folder.write(export(0..<2_500), to: "export.csv")
            var found: [Int: String] = [:]
            try await store.withClient { event in
                guard case .attempt = event else { return }
                directory.withLock { directory in
                    directory.change()
                    store.sandbox.have(customers: directory.customers)
                }
            } _: { client in
                try await store.run(path, current: .none, client) { $0.planGuard.maxUnknownOwners = .share(1) }
                    .plan(keepingRejects: false).save(to: nil) { change in
                        let cart = change.association.cart.text
                        found[try #require(Int(cart.dropFirst("cart-".count)))] = change.association.owner.id.text
                    }
            }
            let (holders, touched) = directory.withLock { ($0.holders, $0.touched) }
            #expect(touched.count > 100)
            for number in 0..<2_500 {
                if !touched.contains(number) { #expect(found[number] == uuid(number)) }
                if let id = found[number] { #expect(holders[number]?.contains(id) == true) }
            }
        }
    }

    @Test("a list is read anew for other keys")
    func begunBefore() async throws {
        try await withStore(owners(customers(3_000))) { store in
            let form = OwnerKeyForm(key: store.ledger.fingerprintKey, foldsCase: true)
            let key = form.fingerprint(OwnerKeyField(.email, of: .customer), "u1@x.example")
            try store.ledger.rememberReading(
                [(key: key, owner: OwnerID(uuid(5)), count: 1)],
                progress: """
                    {"list":"customers","keys":"2999 1","began":\(Date().timeIntervalSinceReferenceDate),"pages":30,
                    "size":2900,"ranges":[{"isRead":true}]}
                    """)
            let found = try await look(store, export(0..<3_000))
            #expect((found.lookups.asked, found.lookups.ambiguous, found.lookups.unknown) == (3_000, 0, 0))
            #expect(try store.ledger.listReading() == nil)
        }
    }

    @Test("ids that the store does not know are found out, if that is asked for")
    func verified() async throws {
        try await withStore(owners([.init(id: "c-1"), .init(id: "c-2")])) { store in
            let text = "customer_id,cart_id\nc-1,cart-1\nc-9,cart-9\nc-2,cart-2\n"
            let (found, creates, calls) = try await look(store, text) { $0.reading.verifiesOwners = true }
            #expect((found.keys, found.asked, found.unknown, creates) == (3, 2, 1, 2))
            // One page shows that there is no other.
            #expect(calls == 1)
            let accounts = try await look(store, "account_id,cart_id\na-1,cart-1\na-2,cart-2\n") {
                $0.reading.verifiesOwners = true
            }
            #expect((accounts.lookups.unknown, accounts.creates, accounts.calls) == (2, 0, 1))
        }
    }

    @Test(
        "ids are looked up by themselves once it is known that the store accepts unknown ones",
        arguments: [nil, false, true])
    func verifiedAfterProbe(accepts: Bool?) async throws {
        try await withStore(owners([.init(id: "c-1"), .init(id: "c-2")])) { store in
            if let accepts { try store.ledger.rememberAcceptsUnknownOwners(accepts) }
            func creates(_ asked: Bool?) async throws -> Int {
                let path = try store.folder.write("customer_id,cart_id\nc-1,a\nc-9,b\nc-2,c\n", to: "export.csv")
                return try await store.withClient { client in
                    let planned = try await store.run(path, current: .none, client) {
                        $0.planGuard.maxUnknownOwners = .share(1)
                        $0.reading.verifiesOwners = asked
                    }.plan(keepingRejects: false)
                    let creates = planned.view.counts.creates
                    planned.discard()
                    return creates
                }
            }
            #expect(try await creates(nil) == (accepts == true ? 2 : 3))
            #expect(try await creates(false) == 3)
            #expect(try await creates(true) == 2)
        }
    }

    @Test("the way of asking and its calls are told before the store is asked")
    func beforehand() async throws {
        try await withStore(owners(customers(1000))) { store in
            try await store.withClient { client in
                for (keys, words) in [
                    (5, "5 keys by asking the list of customers for each, at most 5 calls"),
                    (600, "595 keys by reading the whole list of customers, about 11 calls"),
                ] {
                    let path = try store.folder.write(export(0..<keys), to: "export.csv")
                    let run = store.run(path, current: .none, client)
                    let planned = try await run.plan(keepingRejects: false)
                    let view = planned.view
                    planned.discard()
                    #expect(run.tools.progress.takeNews() == ["owners are looked up in the store: \(words)"])
                    #expect(view.owners?.asking.map(\.sentence) == [words])
                }
            }
        }
    }

    @Test("shoppers' tokens find nobody, and a crosswalk that has all owners needs nobody else")
    func shoppers() async throws {
        try await withStore(owners(customers(3))) { store in
            let path = try store.folder.write(
                "customer_email,cart_id,customer_token\nu1@x.example,cart-1,\(Sandbox.shopperToken(.customer, "c-1"))\n",
                to: "export.csv")
            let crosswalk = try store.folder.write(
                "customer_id,customer_email\nc-1,u1@x.example\n", to: "crosswalk.csv")
            func creates(_ crosswalk: String?) async throws -> Int {
                try await store.store.withClient(change: { $0.authentication = .shopper }) { client in
                    let planned = try await store.run(path, current: .auto, client) {
                        $0.ownerKeys.crosswalk = crosswalk
                    }
                    .plan(keepingRejects: false)
                    let view = planned.view
                    planned.discard()
                    return view.counts.creates
                }
            }
            do {
                _ = try await creates(nil)
                Issue.record("nothing was refused")
            } catch let failure as RunFailure {
                #expect(failure.exitStatus == .refused)
                #expect("\(failure)".contains("can only be found with client credentials"), "\(failure)")
            }
            #expect(try await creates(crosswalk) == 1)
            #expect(store.sandbox.statistics().mixedCredentials == 0)
        }
    }

    @Test("a table answers as a dictionary does", arguments: 0..<60 as Range<UInt64>)
    func table(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let form = OwnerKeyForm(key: FingerprintKey(using: &random), foldsCase: seed.isMultiple(of: 2))
        let field = OwnerKeyField(.email, of: .customer)
        func key(_ number: Int) -> String { "\(number.isMultiple(of: 3) ? "U" : "u")\(number)@x.example" }
        let numbers = (0..<Int.random(in: 1...300, using: &random)).map { _ in Int.random(in: 0..<200, using: &random) }
        var (wanted, doubtful) = (OwnerKeySet(), OwnerKeySet())
        for number in numbers { wanted.insert(form.fingerprint(field, key(number))) }
        for number in 150..<250 { doubtful.insert(form.fingerprint(field, key(number))) }
        var table = OwnerKeyTable(wanted: [.customers: wanted], inDoubt: doubtful)
        var meant: [Int: Set<String>] = [:]
        for _ in 0..<400 {
            let number = Int.random(in: 0..<300, using: &random)
            let id = Bool.random(using: &random) ? uuid(.random(in: 0..<3, using: &random)) : "c-\(number)"
            guard let position = table.position(of: form.fingerprint(field, key(number))) else {
                #expect(!numbers.contains(number) && !(150..<250).contains(number))
                continue
            }
            table.set(position, try #require(OwnerID(id)))
            meant[number, default: []].insert(id)
        }
        for number in Set(numbers).union(150..<250) {
            let position = try #require(table.position(of: form.fingerprint(field, key(number))))
            var text: [UInt8] = []
            let meaning = table.meaning(of: position, into: &text)
            let ids = meant[number] ?? []
            switch meaning {
            case .nobody: #expect(ids.isEmpty)
            case .owner: #expect(ids == [String(decoding: text, as: UTF8.self)])
            case .several: #expect(ids.count > 1)
            case .former: Issue.record("nothing was stale")
            }
        }
        let known = Set(numbers)
        let (unknown, ambiguous) = table.problems
        #expect(table.wanted == known.count)
        #expect(unknown == known.count { (meant[$0] ?? []).isEmpty })
        #expect(ambiguous == known.count { (meant[$0] ?? []).count > 1 })
    }

    @Test("UUIDs in lower case are packed, and nothing else is", arguments: 0..<20 as Range<UInt64>)
    func packing(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let words = (
            high: UInt64.random(in: 0...UInt64.max, using: &random),
            low: UInt64.random(in: 0...UInt64.max, using: &random)
        )
        var bytes: [UInt8] = []
        PackedID.append(words, to: &bytes)
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(text.utf8.count == 36 && UUID(uuidString: text) != nil)
        #expect(try #require(PackedID.packed(text)) == words)
        for position in bytes.indices {
            var other = bytes
            other[position] =
                [UInt8(ascii: "G"), UInt8(ascii: "A"), UInt8(ascii: "_")].randomElement(using: &random) ?? 0
            #expect(PackedID.packed(String(decoding: other, as: UTF8.self)) == nil)
        }
        #expect(PackedID.packed(String(text.dropLast())) == nil)
    }
}

/// Customers who come, go, and take the e-mails of others.
private struct ChangingDirectory {
    private(set) var customers: [SandboxOwnerEntry]
    /// Who has had each e-mail at any time, by the number in it.
    private(set) var holders: [Int: Set<String>] = [:]
    /// The numbers of the e-mails that anything happened to.
    private(set) var touched: Set<Int> = []
    private var random: SeededGenerator
    private var next = 10_000

    init(_ customers: [SandboxOwnerEntry], seed: UInt64) {
        self.customers = customers
        random = SeededGenerator(seed: seed)
        for (number, customer) in customers.enumerated() { holders[number] = [customer.id] }
    }

    mutating func change() {
        for _ in 0..<10 {
            let (number, place) = (
                Int.random(in: 0..<2_500, using: &random), customers.indices.randomElement(using: &random)
            )
            guard let place else { return }
            if let old = Self.number(customers[place]) { touched.insert(old) }
            switch Int.random(in: 0..<3, using: &random) {
            case 0: customers.remove(at: place)
            case 1: give(number, to: place)
            default:
                customers.append(SandboxOwnerEntry(id: uuid(next)))
                next += 1
                give(number, to: customers.count - 1)
            }
        }
    }

    private mutating func give(_ number: Int, to place: Int) {
        customers[place].email = "u\(number)@x.example"
        holders[number, default: []].insert(customers[place].id)
        touched.insert(number)
    }

    private static func number(_ customer: SandboxOwnerEntry) -> Int? {
        customer.email.flatMap { Int($0.dropFirst().prefix { $0 != "@" }) }
    }
}
