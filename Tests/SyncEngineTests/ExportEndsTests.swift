import CartAssociations
import ExportFiles
import Foundation
import SyncReporting
import TestSupport
import Testing

@testable import SyncEngine

/// A snapshot that is sorted, as a system would write it, and cut on the boundary of two records.
@Suite("the end of a sorted snapshot")
struct ExportEndsTests {
    private static func association(_ owner: String, _ cart: String, _ kind: OwnerKind = .customer) -> Association {
        guard let owner = OwnerID(owner), let cart = CartID(cart) else { preconditionFailure("no identifiers") }
        return Association(kind, owner, cart)
    }

    private static func csv(_ records: some Sequence<Association>) -> String {
        "owner_type,owner_id,cart_id\n"
            + records.map { "\($0.owner.kind.rawValue),\($0.owner.id),\($0.cart)\n" }.joined()
    }

    /// What one reading finds, in blocks of a size that makes records straddle them.
    private func ranges(_ exports: [[Association]], blockSize: Int? = nil) throws -> KeyRanges {
        let folder = try TemporaryFolder()
        var ranges = KeyRanges()
        for (index, records) in exports.enumerated() {
            let file = try ExportFile.open(
                try folder.write(Self.csv(records), to: "\(index).csv"), spoolFolder: folder.path)
            var reading = try ExportReader(blockSize: blockSize).read(file, index: index)
            while let batch = try reading.next() { ranges.add(batch, of: index) }
        }
        return ranges
    }

    /// The ends of exports after everything is counted that they do not name.
    private func ends(
        _ exports: [[Association]], after before: [Association], isWhole: [Bool]? = nil, known: RecordOrders?,
        hidesOwners: Bool = false, blockSize: Int? = nil
    ) throws -> ExportEnds {
        var ends = ExportEnds(
            try ranges(exports, blockSize: blockSize), isWhole: isWhole ?? exports.map { _ in false }, known: known,
            hidesOwners: hidesOwners)
        let named = Set(exports.joined())
        for association in before where !named.contains(association) { ends.count(association) }
        ends.settle(assertedBefore: before.count)
        return ends
    }

    /// Random associations in one order, with several carts for some owners.
    private static func sorted(
        by order: RecordOrder, count: Int, using generator: inout SeededGenerator
    ) -> [Association] {
        let isNumber = order.comparison == .numbers
        func id(_ prefix: String) -> String {
            if isNumber { return "\(prefix)\(Int.random(in: 1...100_000, using: &generator))" }
            let digits = "0123456789abcdefABCDEF"
            let length = Int.random(in: 6...9, using: &generator)
            return String((0..<length).map { _ in digits.randomElement(using: &generator) ?? "0" })
        }
        var found: Set<Association> = []
        while found.count < count {
            let owner = id("c-")
            for _ in 0..<Int.random(in: 1...3, using: &generator) where found.count < count {
                found.insert(association(owner, id("k")))
            }
        }
        /// What the order compares, in words of the library.
        func key(_ association: Association) -> (Int, String) {
            let text = order.key == .owner ? association.owner.id.text : association.cart.text
            switch order.comparison {
            case .bytes: return (0, text)
            case .letters: return (0, text.lowercased())
            case .numbers: return (Int(text.drop { !$0.isNumber }) ?? 0, "")
            }
        }
        return found.sorted { order.isDescending ? key($1) < key($0) : key($0) < key($1) }
    }

    @Test(
        "keeps all that a cut export has lost, wherever it is cut and however it is sorted", arguments: UInt64(1)...48)
    func cut(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let order = RecordOrder.all[Int(seed) % RecordOrder.all.count]
        let whole = Self.sorted(by: order, count: Int.random(in: 20...60, using: &generator), using: &generator)
        let known = try ranges([whole]).orders(of: 0)
        #expect(known.contains(order.alone), "seed \(seed), \(order)")
        for length in 1..<whole.count {
            let blockSize = Bool.random(using: &generator) ? 256 : nil
            let ends = try ends([Array(whole[..<length])], after: whole, known: known, blockSize: blockSize)
            func key(_ association: Association) -> String {
                let text = order.key == .owner ? association.owner.id.text : association.cart.text
                return order.comparison == .letters ? text.lowercased() : text
            }
            let behind = whole[length...].filter { key($0) != key(whole[length - 1]) }
            let isDoubtful = behind.count >= 5
            for lost in whole[length...] {
                #expect((ends.reason(lost) != nil) == isDoubtful, "seed \(seed), \(order), cut behind record \(length)")
            }
            #expect((ends.warning != nil) == isDoubtful)
        }
    }

    @Test(
        "is doubtful from five associations behind it on, and from more than one in a hundred",
        arguments: [
            (before: 300, behind: 4, isDoubtful: false), (300, 5, true), (1000, 10, false), (1000, 11, true),
            (6, 5, true),
        ])
    func limits(_ example: (before: Int, behind: Int, isDoubtful: Bool)) throws {
        let whole = (0..<example.before).map { Self.association("c-\(10_000 + $0)", "k-\($0 * 7919 % 10_007)") }
        let ends = try ends([whole.dropLast(example.behind)], after: whole, known: nil)
        #expect((ends.warning != nil) == example.isDoubtful)
    }

    @Test("says where the export ends and how far earlier ones went")
    func words() throws {
        let whole = (100...199).map { Self.association("c-\($0)", "k-\($0 * 31 % 101)") }
        let cut = Array(whole[..<80])
        let shown = try ends([cut], after: whole, known: nil)
        #expect(
            shown.reason(whole[85])
                == "the export ends at customer c-179, earlier ones went on to c-199, so it may be cut")
        #expect(shown.reason(whole[3]) == nil)
        #expect(
            shown.warning?.hasPrefix(
                "the export is sorted by owner and ends before 20 associations that earlier ones had")
                == true)
        #expect(shown.warning?.contains("c-") == false)
        let hidden = try ends([cut], after: whole, known: nil, hidesOwners: true)
        #expect(hidden.reason(whole[85])?.contains("c-") == false)
    }

    @Test("is not judged where the export is not sorted, or its source's last one was not")
    func unsorted() throws {
        let whole = (100...199).map { Self.association("c-\($0)", "k-\($0 * 31 % 101)") }
        let byOwner = RecordOrder(key: .owner, comparison: .bytes, isDescending: false)
        let byCart = RecordOrder(key: .cart, comparison: .bytes, isDescending: false)
        let cut = Array(whole[..<80])
        #expect(try ends([cut], after: whole, known: byOwner.alone).warning != nil)
        #expect(try ends([cut], after: whole, known: byCart.alone).warning == nil)
        #expect(try ends([cut], after: whole, known: []).warning == nil)
        #expect(try ends([cut.reversed() + [whole[80]]], after: whole, known: nil).warning == nil)
    }

    @Test("leaves no doubt if something vouches for the export")
    func vouched() throws {
        let whole = (100...199).map { Self.association("c-\($0)", "k-\($0 * 31 % 101)") }
        #expect(try ends([Array(whole[..<80])], after: whole, isWhole: [true], known: nil).warning == nil)
    }

    @Test("of each owner kind is its own")
    func kinds() throws {
        let customers = (100...199).map { Self.association("c-\($0)", "k-\($0 * 31 % 101)") }
        let accounts = (100...199).map { Self.association("a-\($0)", "k-\($0 * 31 % 101)", .account) }
        let whole = customers + accounts
        let ends = try ends([customers + accounts[..<60]], after: whole, known: nil)
        #expect(ends.reason(accounts[70])?.contains("account a-159") == true)
        #expect(ends.reason(customers[99]) == nil)
    }

    @Test("of each of several exports is judged up to where another one begins")
    func severalExports() throws {
        let whole = (100...399).map { Self.association("c-\($0)", "k-\($0 * 31 % 307)") }
        let parts = [Array(whole[..<100]), Array(whole[100..<160]), Array(whole[200...])]
        let order = try ranges([whole]).orders(of: 0)
        let cut = try ends(parts, after: whole, known: order)
        #expect(
            cut.reason(whole[170])
                == "an export ends at customer c-259 and the next one begins at c-300, earlier ones had c-299 in between, "
                + "so it may be cut")
        #expect(cut.reason(whole[50]) == nil && cut.reason(whole[250]) == nil)
        // In the order of their names or not.
        #expect(try ends([parts[2], parts[0], parts[1]], after: whole, known: order).reason(whole[170]) != nil)
        #expect(try ends(parts, after: whole, isWhole: [true, true, true], known: order).warning == nil)
        #expect(try ends(parts, after: whole, isWhole: [true, true, false], known: order).warning == nil)
        #expect(try ends(parts, after: whole, isWhole: [false, false, true], known: order).warning != nil)
        // Exports that are each sorted over the whole range, one of them cut.
        let striped = (0..<3).map { stripe in whole.enumerated().filter { $0.offset % 3 == stripe }.map(\.element) }
        let stripes = try ends([striped[0], Array(striped[1][..<70]), striped[2]], after: whole, known: order)
        #expect(stripes.reason(striped[1][80])?.contains("ends at customer c-308") == true)
    }

    @Test("is withheld from a run, with its reason, until a number or a manifest says otherwise")
    func run() async throws {
        let whole = (100...219).map { Self.association("c-\($0)", "k-\($0 * 31 % 127)") }
        try await withStore { store in
            func plan(_ records: some Sequence<Association>, scope: DeletionScope = .owned, allowed: Int? = nil)
                async throws -> Planned
            {
                let path = try store.folder.write(Self.csv(records), to: "export.csv")
                return try await store.withClient { client in
                    let run = store.run(path, scope: scope, current: .ledger, client) {
                        $0.allowedDoubtfulDeletes = allowed
                    }
                    let planned = try await run.plan(keepingRejects: false)
                    let view = planned.view
                    planned.discard()
                    return Planned(
                        deletes: view.counts.deletes, withheld: view.counts.withheld, warnings: view.warnings,
                        reasons: Set(view.withheld?.examples.compactMap(\.withheld) ?? []))
                }
            }
            _ = try await store.withClient { client in
                let path = try store.folder.write(Self.csv(whole), to: "export.csv")
                return try await store.run(path, current: .ledger, client).plan(keepingRejects: false).apply()
            }
            let cut = try await plan(whole[..<100])
            #expect(cut.deletes == 0 && cut.withheld == 20)
            #expect(cut.warnings.contains { $0.contains("sorted by owner and ends before 20 associations") })
            #expect(
                cut.reasons == ["the export ends at customer c-199, earlier ones went on to c-219, so it may be cut"])
            let few = try await plan(whole[..<116])
            #expect(few.deletes == 4 && few.withheld == 0 && few.warnings.isEmpty)
            // What is missing before the last key is missing on purpose.
            let hole = try await plan(whole[..<30] + whole[33..<100])
            #expect(hole.deletes == 3 && hole.withheld == 20)
            #expect(try await plan(whole[..<100], allowed: 19).withheld == 20)
            #expect(try await plan(whole[..<100], allowed: 20).deletes == 20)
            #expect(try await plan(whole[1..<100] + whole[..<1]).deletes == 20)
            // The guard refuses so many deletes: a person decides about them, and is told.
            let half = try await plan(whole[..<60])
            #expect(half.deletes == 60 && half.withheld == 0)
            #expect(half.warnings.contains { $0.contains("sorted by owner and ends before 60 associations") })
            let imported = try await plan(whole[..<100], scope: .none)
            #expect(imported.withheld == 0 && imported.warnings.isEmpty)
            let manifest = store.folder.path("export.csv.manifest.json")
            _ = try store.folder.write("{\"records\": 100}", to: "export.csv.manifest.json")
            #expect(try await plan(whole[..<100]).deletes == 20)
            try FileManager.default.removeItem(atPath: manifest)
            #expect(try await plan(whole[..<100]).withheld == 20)
        }
    }

    private struct Planned {
        let deletes: Int
        let withheld: Int
        let warnings: [String]
        let reasons: Set<String>
    }

    @Test("is compared with the last accepted snapshot of the same owner kinds only")
    func remembered() async throws {
        let customers = (100...159).map { Self.association("c-\($0)", "k-\($0 * 31 % 67)") }
        let accounts = (100...159).map { Self.association("a-\($0)", "k-\($0 * 31 % 67)", .account) }
        try await withStore { store in
            func sync(_ records: [Association]) async throws -> Int {
                let path = try store.folder.write(Self.csv(records), to: "export.csv")
                return try await store.withClient { client in
                    let run = store.run(path, current: .ledger, client)
                    return try await run.plan(keepingRejects: false).apply().report.withheld?.deletes ?? 0
                }
            }
            let first = try await sync(customers)
            #expect(first == 0)
            // Accounts come in no order, and say nothing about the customers.
            #expect(try await sync([accounts[9]] + accounts) == 0)
            #expect(try await sync(Array(customers[..<52])) == 8)
            #expect(try await sync(Array(([accounts[9]] + accounts)[..<54])) == 0)
            // Sorted now, but not before.
            #expect(try await sync(Array(accounts[..<46])) == 0)
        }
    }
}
