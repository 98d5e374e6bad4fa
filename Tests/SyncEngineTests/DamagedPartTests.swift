import CartAssociations
import SyncReporting
import TestSupport
import Testing

@testable import SyncEngine

/// What holds for an export as a whole holds for each of its parts, of which some are so short that little shows a damage.
@Suite("a damaged part of an export")
struct DamagedPartTests {
    private func association(_ number: Int) throws -> Association {
        Association(
            .customer, try #require(OwnerID("c-\(number)")), try #require(CartID("cart-\(number)")))
    }

    private let header = ["owner_type", "owner_id", "cart_id", "note"]

    @Test("deletes nothing that it still had, whichever line end is lost", arguments: 1...12 as ClosedRange<UInt64>)
    func lostLineEnds(seed: UInt64) async throws {
        var generator = SeededGenerator(seed: seed)
        let known = try (0..<12).map { try association($0) }
        var kept = known.dropLast(2).shuffled(using: &generator)
        let delimiter = try #require([",", ";", "\t"].randomElement(using: &generator))
        let (lineEnd, isQuoted) = (Bool.random(using: &generator) ? "\n" : "\r\n", Bool.random(using: &generator))
        let columns = Int.random(in: 3...4, using: &generator)
        func line(_ fields: [String]) -> String {
            fields.prefix(columns).map { isQuoted ? "\"\($0)\"" : $0 }.joined(separator: delimiter) + lineEnd
        }
        // The last part has what the others leave.
        let counts = (0..<3).map { _ in Int.random(in: 0...2, using: &generator) } + [kept.count]
        let parts = counts.map { count in
            let records = kept.prefix(count)
            kept.removeFirst(records.count)
            return [line(header)] + records.map { line(["customer", $0.owner.id.text, $0.cart.text, "a note"]) }
        }
        try await withStore { store in
            try store.ledger.remember(known)
            #expect(try await deletes(parts.map { $0.joined() }, in: store) == Set(known.suffix(2)), "seed \(seed)")
            for part in parts.indices {
                for lost in parts[part].indices {
                    var texts = parts
                    texts[part][lost].removeLast()
                    let found = try await deletes(texts.map { $0.joined() }, in: store)
                    #expect(found.isSubset(of: known.suffix(2)), "seed \(seed), part \(part), line \(lost + 1)")
                }
            }
        }
    }

    @Test("is told of, and a part with other columns is none")
    func told() async throws {
        try await withStore { store in
            try store.ledger.remember([association(9)])
            let whole = "customer_id,cart_id,note\nc-1,cart-1,x\n"
            func warnings(_ other: String) async throws -> [String] {
                try await planned([whole, other], in: store) { $0.view.warnings }
            }
            let told = try await warnings("customer_id,cart_id,notec-2,cart-2,y\n")
            #expect(
                told.map { $0.replacing(store.folder.path("1.csv"), with: "it") } == [
                    "it has no record, and its header is that of another part with more behind it, as if a line end were lost, "
                        + "so this run makes no deletes; export it again"
                ])
            #expect(try await warnings("customer_id,cart_id,note\n").isEmpty)
            #expect(try await warnings("account_id,cart_id,note,more\n").isEmpty)
            #expect(try await warnings("customer_id,cart_id,note,more\nc-2,cart-2,y,z\n").isEmpty)
        }
    }

    private func deletes(_ texts: [String], in store: Store) async throws -> Set<Association> {
        do {
            return try await planned(texts, in: store) { planned in
                var deletes: Set<Association> = []
                try planned.save(to: nil) { change in
                    if change.kind == .delete && change.withheld == nil { deletes.insert(change.association) }
                }
                return deletes
            }
        } catch RunFailure.export {
            return []
        }
    }

    private func planned<Value>(
        _ texts: [String], in store: Store, _ body: (consuming PlannedRun) throws -> Value
    ) async throws -> Value {
        let paths = try texts.enumerated().map { try store.folder.write($1, to: "\($0).csv") }
        return try await store.withClient { client in
            let run = store.run(paths[0], and: Array(paths.dropFirst()), current: .ledger, client)
            return try body(try await run.plan(keepingRejects: false))
        }
    }
}
