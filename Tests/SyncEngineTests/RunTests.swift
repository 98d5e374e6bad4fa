import CartAssociations
import CommerceAPI
import CommerceSandbox
import Foundation
import Ledger
import SyncReporting
import TestSupport
import Testing

@testable import SyncEngine

@Suite("a run of one export")
struct RunTests {
    /// Plans and applies, and returns the report and what is in the store.
    private func sync(
        _ text: String, in store: Store, scope: DeletionScope = .listed, current: CurrentSource = .api,
        oneOwnerPerCart: Bool = false
    ) async throws -> RunReport {
        let path = try store.folder.write(text, to: "export.csv")
        return try await store.withClient { client in
            let run = store.run(path, scope: scope, current: current, oneOwnerPerCart: oneOwnerPerCart, client)
            let report = try await run.plan(keepingRejects: true).apply().report
            #expect(report.inconsistencies() == [])
            return report
        }
    }

    private func names(_ store: Store) throws -> Set<String> {
        Set(try store.associations.map { "\($0.owner.id) \($0.cart)" })
    }

    @Test("a delta does what it names and nothing else")
    func delta() async throws {
        try await withStore { store in
            _ = try await sync("customer_id,cart_id\nc-1,cart-1\nc-2,cart-2\nc-3,cart-3\n", in: store)
            let report = try await sync(
                "action,customer_id,cart_id\ndelete,c-1,cart-1\ncreate,c-4,cart-4\ndelete,c-9,cart-9\ncreate,c-4,cart-4\n",
                in: store)
            #expect(try names(store) == ["c-2 cart-2", "c-3 cart-3", "c-4 cart-4"])
            #expect(report.plan.deletes == 1)
            #expect(report.exports[0].duplicates == 1)
        }
    }

    @Test("what a delta wants twice does not exist because of it")
    func repeatedCreate() async throws {
        var options = SandboxOptions()
        options.behaviour.unknownCart = .notFound
        try await withStore(options) { store in
            let report = try await sync(
                "action,customer_id,cart_id\ncreate,c-1,cart-1\ncreate,c-1,cart-1\ncreate,c-1,cart-1\n", in: store)
            #expect(report.outcomes.create[.rejected] == 1 && report.exports[0].duplicates == 2)
            let association = try #require(OwnerID("c-1")).association("cart-1")
            let stored = try #require(try store.ledger.association(association))
            #expect(stored.confirmation == nil)
        }
    }

    @Test("a delta lets go of what another source asserts too, and then that one can delete it")
    func deltaOfTwoSources() async throws {
        try await withStore { store in
            var generator = SeededGenerator(seed: 1)
            let shared = try #require(OwnerID("c-1")).association("cart-1")
            let rest = try (2...9).map { try #require(OwnerID("c-\($0)")).association("cart-\($0)") }
            try await store.sync([shared], source: "a", shuffled: &generator)
            try await store.sync(Set(rest + [shared]), source: "b", shuffled: &generator)
            let report = try await sync("action,customer_id,cart_id\ndelete,c-1,cart-1\n", in: store)
            #expect(report.plan.deletes == 0)
            #expect(try names(store).contains("c-1 cart-1"))
            try await store.sync(Set(rest), source: "b", shuffled: &generator)
            #expect(try !names(store).contains("c-1 cart-1"))
        }
    }

    @Test("without a listing a delta deletes what only the store knows, where the scope allows it")
    func deltaWithoutListing() async throws {
        try await withStore { store in
            let stranger = try #require(OwnerID("c-1")).association("cart-1")
            try await store.withClient { _ = try await $0.create(stranger) }
            let text = "action,customer_id,cart_id\ndelete,c-1,cart-1\n"
            let owned = try await sync(text, in: store, scope: .owned, current: .ledger)
            #expect(owned.plan.unmanaged == 1)
            #expect(try store.associations == [stranger])
            let listed = try await sync(text, in: store, scope: .listed, current: .ledger)
            #expect(listed.outcomes.delete[.deleted] == 1)
            #expect(try store.associations.isEmpty)
        }
    }

    @Test("a delta's delete whose cart stands in a rejected record is withheld, and goes to the rejects")
    func doubtfulDelta() async throws {
        try await withStore { store in
            _ = try await sync("customer_id,cart_id\nc-1,cart-1\nc-2,cart-2\nc-3,cart-3\n", in: store)
            let report = try await sync(
                "action,customer_id,cart_id\ndelete,c-1,cart-1\ndelete,c-2,cart-2\ncreate,c 2,cart-1\n"
                    + "delete,c-3,cart-3\ncreate,c-3,cart-3\ndelete,c-9,cart-3\n", in: store)
            // The owner of a rejected record is no reason: a delta names what it wants gone.
            #expect(try names(store) == ["c-1 cart-1", "c-3 cart-3"])
            #expect(report.withheld?.deletes == 1)
            #expect(report.exports[0].rejected == ["bad-owner": 1, "contradiction": 2, "in-doubt": 1])
        }
    }

    @Test("records of a delta that contradict each other are rejected, both")
    func contradiction() async throws {
        try await withStore { store in
            _ = try await sync("customer_id,cart_id\nc-1,cart-1\n", in: store)
            let report = try await sync(
                "action,customer_id,cart_id\ndelete,c-1,cart-1\ncreate,c-1,cart-1\ncreate,c-2,cart-2\n", in: store)
            #expect(try names(store) == ["c-1 cart-1", "c-2 cart-2"])
            #expect(report.exports[0].rejected == ["contradiction": 2])
            #expect(report.verdict.exitStatus == .incomplete)
        }
    }

    @Test("a cart with two owners is a conflict where it may have only one, and nothing of it is deleted")
    func oneOwner() async throws {
        try await withStore { store in
            _ = try await sync("customer_id,cart_id\nold,cart-1\nc-2,cart-2\n", in: store)
            let report = try await sync(
                "customer_id,cart_id\nnew,cart-1\nother,cart-1\nc-2,cart-2\nnew,cart-1\n", in: store, scope: .owned,
                oneOwnerPerCart: true)
            #expect(try names(store) == ["old cart-1", "c-2 cart-2"])
            #expect(report.exports[0].rejected == ["conflict": 3])
            #expect(report.exports[0].duplicates == 0)
        }
    }

    @Test("a snapshot only speaks for the owner kinds that it contains")
    func kinds() async throws {
        try await withStore { store in
            _ = try await sync("account_id,cart_id\na-1,cart-1\n", in: store)
            _ = try await sync("customer_id,cart_id\nc-1,cart-2\n", in: store, scope: .all)
            #expect(try names(store) == ["a-1 cart-1", "c-1 cart-2"])
        }
    }

    @Test(
        "records that differ are found again by their number, whatever stands between them",
        arguments: 0..<6 as Range<UInt64>)
    func secondReading(seed: UInt64) async throws {
        try await withStore { store in
            var generator = SeededGenerator(seed: seed)
            // Records with escaped quotes among plain ones, duplicates, and in some exports a rejected record.
            var wanted: [String: (export: Int, line: Int)] = [:]
            var texts: [String] = []
            for export in 0..<3 {
                var text = "customer_id,cart_id,note\n"
                var line = 2
                for number in 0..<200 {
                    let pair = "c-\(number % 9),cart-\(Int.random(in: 0..<400, using: &generator))"
                    let note = ["plain", "\"two\nlines\"", "\"a \"\"quote\"\"\"", "\"é\""].randomElement(
                        using: &generator)
                    text += "\(pair),\(note ?? "")\n"
                    if wanted[pair] == nil { wanted[pair] = (export, line) }
                    line += note?.contains("\n") == true ? 2 : 1
                    if number == 99 && (seed + UInt64(export)).isMultiple(of: 3) {
                        text += "c-1,bad cart,x\n"
                        line += 1
                    }
                }
                texts.append(text)
            }
            // A part of them exists and is asserted already.
            let known = wanted.keys.sorted().filter { _ in Bool.random(using: &generator) }
            _ = try await sync("customer_id,cart_id\n" + known.map { $0 + "\n" }.joined(), in: store)
            let paths = try texts.enumerated().map { try store.folder.write($1, to: "\($0).csv") }
            try await store.withClient { client in
                let run = store.run(paths[0], and: Array(paths.dropFirst()), client)
                var creates: [String: RecordPlace] = [:]
                try await run.plan(keepingRejects: false).save(to: nil) { change in
                    let association = change.association
                    if change.kind == .create { creates["\(association.owner.id),\(association.cart)"] = change.place }
                }
                #expect(Set(creates.keys) == Set(wanted.keys).subtracting(known), "seed \(seed)")
                for (pair, place) in creates {
                    #expect(
                        place.export == wanted[pair]?.export && place.line == wanted[pair]?.line, "seed \(seed) \(pair)"
                    )
                }
            }
        }
    }

    @Test("by the ledger, scope listed deletes what the source asserted and what the named owners have")
    func listedByLedger() async throws {
        try await withStore { store in
            // Shoppers' own, of which an import into the ledger told.
            let imported = store.ledger.draftAssociations()
            try await store.withClient { client in
                for (owner, cart) in [("c-1", "cart-2"), ("c-2", "cart-3")] {
                    let association = try #require(OwnerID(owner)).association(cart)
                    _ = try await client.create(association)
                    try imported.add(association, store.ledger.fingerprintKey.fingerprint(association))
                }
            }
            try store.ledger.confirm(imported, as: .listed, run: nil, at: Date())
            _ = try await sync("customer_id,cart_id\nc-9,cart-8\n", in: store, scope: .none)
            let report = try await sync(
                "customer_id,cart_id\nc-1,cart-5\nc-0,cart-9\nc-1,cart-1\nc-0,cart-7\n", in: store, current: .ledger)
            #expect(
                try names(store) == ["c-0 cart-7", "c-0 cart-9", "c-1 cart-1", "c-1 cart-5", "c-2 cart-3"])
            #expect(report.plan.deletes == 2 && report.plan.unmanaged == 1, "\(report.plan)")
        }
    }

    @Test("by the ledger, scope all counts the owners of all associations for the guard")
    func ownersOfAll() async throws {
        try await withStore { store in
            let rows = (10..<40).map { "c-\($0),cart-\($0)\n" }
            _ = try await sync("customer_id,cart_id\n" + rows.joined(), in: store, scope: .owned, current: .ledger)
            let path = try store.folder.write(
                "customer_id,cart_id\n" + rows[20...24].reversed().joined() + rows[7], to: "export.csv")
            try await store.withClient { client in
                let run = store.run(path, scope: .all, current: .ledger, client) {
                    $0.settings.planGuard.approvedDeletes = nil
                }
                let refusals = try await run.plan(keepingRejects: false).view.refusals
                let owners = try #require(refusals.first { $0.rule == .owners })
                #expect(owners.sentence.contains("24") && owners.sentence.contains("30"), "\(owners.sentence)")
            }
        }
    }

    @Test("an export of changes and a full export are refused together, and nothing is written")
    func mixture() async throws {
        try await withStore { store in
            let full = try store.folder.write("customer_id,cart_id\nc-1,cart-1\n", to: "full.csv")
            let changes = try store.folder.write("customer_id,cart_id,action\nc-2,cart-2,add\n", to: "changes.csv")
            for (first, second) in [(full, changes), (changes, full)] {
                try await store.withClient { client in
                    let run = store.run(first, and: [second], client)
                    let failure = await #expect(throws: RunFailure.self) {
                        _ = try await run.plan(keepingRejects: true)
                    }
                    let words = failure.map { "\($0)" } ?? ""
                    #expect(words.contains("one export has an action column and"), "\(words)")
                    #expect(words.contains("in separate commands"), "\(words)")
                }
            }
            #expect(try store.associations.isEmpty && store.ledger.runs().isEmpty)
        }
    }

    /// Plans an export that is changed between two readings: it is refused, and nothing is written.
    private func planWhile(_ path: String, changes change: @escaping @Sendable () throws -> Void, in store: Store)
        async throws
    {
        // The listing comes between the two readings, and takes its time.
        store.sandbox.inject(SandboxFault(.delay(.milliseconds(500)), operation: .list))
        try await store.withClient { client in
            let run = store.run(path, client)
            let progress = run.tools.progress
            async let changed: Void = {
                try await wait { progress.now.phase == .listing }
                try change()
            }()
            await #expect(throws: RunFailure.self) { _ = try await run.plan(keepingRejects: true) }
            try await changed
        }
        #expect(store.sandbox.statistics().writes == 0)
    }

    @Test("an export that changes between two readings is refused, and nothing is written")
    func changed() async throws {
        try await withStore { store in
            let path = try store.folder.write("customer_id,cart_id\nc-1,cart-1\n", to: "export.csv")
            try await planWhile(
                path,
                changes: {
                    // The same file, not another under its name.
                    let changed = "customer_id,cart_id\nc-1,cart-1\nc-2,cart-2\n"
                    try Data(changed.utf8).write(to: URL(filePath: path))
                }, in: store)
        }
    }

    @Test("an export of other contents, as old and as long as before, is noticed")
    func changedAlike() async throws {
        try await withStore { store in
            let rows = (10..<99).map { "c-\($0),cart-\($0)\n" }
            let path = try store.folder.write("customer_id,cart_id\n" + rows.joined(), to: "export.csv")
            let modified = try FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date
            try await planWhile(
                path,
                changes: {
                    let changed = "customer_id,cart_id\n" + rows.dropLast().joined() + "c-98,cart-77\n"
                    let file = try #require(FileHandle(forUpdatingAtPath: path))
                    try file.write(contentsOf: Data(changed.utf8))
                    try file.close()
                    let date = try #require(modified)
                    try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: path)
                }, in: store)
        }
    }

    @Test("two exports of one kind with rejected records have two files of them")
    func twoRejects() async throws {
        try await withStore { store in
            let first = try store.folder.write("customer_id,cart_id\nc-1,cart-1\n,cart-2\n", to: "a.csv")
            let second = try store.folder.write("cart_id;customer_id\ncart-3;c-3\ncart-4;\n", to: "b.csv")
            try await store.withClient { client in
                let run = store.run(first, and: [second], client)
                let report = try await run.plan(keepingRejects: true).apply()
                let names = store.folder.names(in: "state/runs/\(report.report.run)").filter { $0.hasPrefix("rejects") }
                #expect(Set(names).isSuperset(of: ["rejects.csv", "rejects-2.csv"]), "\(names)")
                let text = try store.folder.read("state/runs/\(report.report.run)/rejects-2.csv")
                #expect(text.contains(";cart_id;customer_id") && text.contains(";cart-4;"), "\(text)")
            }
        }
    }
}

extension OwnerID {
    /// This customer with a cart.
    fileprivate func association(_ cart: String) throws -> Association {
        Association(.customer, self, try #require(CartID(cart)))
    }
}

@Suite("accounts listed one by one")
struct AccountListingTests {
    private func sync(_ text: String, in store: Store, scope: DeletionScope = .owned) async throws -> RunReport {
        let path = try store.folder.write(text, to: "export.csv")
        return try await store.withClient { client in
            let run = store.run(path, scope: scope, current: .auto, client)
            let report = try await run.plan(keepingRejects: true).apply().report
            #expect(report.inconsistencies() == [])
            return report
        }
    }

    @Test("a store too large to be listed is known for a few accounts, and only theirs is deleted")
    func largeStore() async throws {
        let others = (0..<10_200).map { SandboxCart(id: "cart-\($0)", customers: ["c-\($0 % 50)"]) }
        let shared = SandboxCart(id: "shared", customers: ["c-1"], accounts: ["a-1", "a-9"])
        try await withStore(carts: others + [shared, SandboxCart(id: "gone", accounts: ["a-2"])]) { store in
            let first = try await sync("account_id,cart_id\na-1,shared\na-1,cart-5\na-2,gone\n", in: store)
            #expect(first.plan.current == .api)
            #expect(first.plan.currentReason == "the listings of 2 accounts are complete")
            #expect(first.plan.creates == 1)
            #expect(first.plan.kept == 2)
            let second = try await sync("account_id,cart_id\na-1,cart-5\n", in: store)
            #expect(second.plan.deletes == 2)
            let left = try store.associations.filter { $0.owner.kind == .account }
            #expect(Set(left.map { "\($0.owner.id) \($0.cart)" }) == ["a-1 cart-5", "a-9 shared"])
            #expect(try store.associations.count == 10_201 + 2)
        }
    }

    @Test("they are listed one by one where that takes fewer calls, and never where everything may be deleted")
    func cheaper() async throws {
        let others = (0..<900).map { SandboxCart(id: "cart-\($0)", accounts: ["b-\($0 % 50)"]) }
        try await withStore(carts: others + [SandboxCart(id: "x", accounts: ["a-1"])]) { store in
            let few = try await sync("account_id,cart_id\na-1,x\n", in: store)
            #expect(few.plan.currentReason == "the listings of 1 account are complete")
            let many = try await sync(
                "account_id,cart_id\n" + (0..<20).map { "a-\($0),x\n" }.joined(), in: store)
            #expect(many.plan.currentReason == "the listing is complete, 901 carts")
            let all = try await sync("account_id,cart_id\na-1,x\n", in: store, scope: .all)
            #expect(all.plan.currentReason == "the listing is complete, 901 carts")
            #expect(all.plan.deletes == 900 + 19)
        }
    }
}
