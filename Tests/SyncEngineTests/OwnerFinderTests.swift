import CartAssociations
import CommerceAPI
import CommerceSandbox
import ExportFiles
import Foundation
import Ledger
import SyncReporting
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
            #expect(calls == 8 && found.calls == 8)
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
            #expect(calls == 13)
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
            let seconds = ["u0@x.example,second-0,", "u1@x.example,second-1,"]
            let changes1 = try await sync(export(seconds + whole))
            #expect(changes1[.created] == 42)
            // u0 stands in a record with a field too many, u1 in one that cannot be split; the second carts of both are missing,
            // and that of u2.
            let damaged = export(["u0@x.example,cart-0,x,y", "\"u1@x.example\"x,cart-1,"] + whole[3...])
            let changes2 = try await sync(damaged)
            #expect(changes2[.deleted] == 1)
            let left = Set(try store.associations.map(\.cart.text))
            #expect(left.count == 41 && left.isSuperset(of: ["cart-0", "cart-1", "second-0", "second-1"]))
            let changes3 = try await sync(export(whole))
            #expect(changes3[.deleted] == 2)
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
