import CallPacing
import CartAssociations
import CommerceAPI
import CommerceSandbox
import Ledger
import SyncEngine
import SyncReporting
import TestSupport
import Testing

@testable import SyncService

@Suite("deltas that wait share a token and a listing")
struct SharedListingTests {
    private func put(_ rows: [String], _ number: Int, in shop: Shop) throws {
        let text = (["customer_id,cart_id,action"] + rows).map { $0 + "\n" }.joined()
        try shop.folder.write(text, to: "inbox/\(1000 + number).csv", modified: 1000 * number)
    }

    @Test("deltas that wait are applied with one token and one listing")
    func waiting() async throws {
        try await Shop.with { shop in
            for number in 1...20 { try put(["c-\(number),cart-\(number),add"], number, in: shop) }
            try await shop.jobs(shop.session()).run()
            #expect(shop.count == 20 && shop.names("done").count == 20)
            let statistics = shop.sandbox.statistics()
            #expect(statistics.count(.token) == 1 && statistics.count(.list) == 1)
            let reasons = try shop.ledger.runs().compactMap { run in
                try ReportFolder(path: shop.ledger.folder + "/runs/" + run.id).report()?.plan.currentReason
            }
            #expect(reasons.last == "the listing is complete, 0 carts")
            #expect(reasons.first?.hasSuffix("s ago, by an earlier run, is complete, 19 carts") == true, "\(reasons)")
        }
    }

    @Test("a snapshot, and a call of which the effect is not certain, have the store listed anew")
    func anew() async throws {
        try await Shop.with { shop in
            let session = shop.session()
            func serve() async throws { try await shop.jobs(session).run() }
            var listings: Int { shop.sandbox.statistics().count(.list) }
            for number in 1...2 {
                try put(["customer-\(number),cart-\(number),add"], number, in: shop)
                try await serve()
            }
            #expect(listings == 1)
            try shop.put("2000.csv", 1...3, modified: 3000)
            try await serve()
            #expect(listings == 2 && shop.count == 3)
            try put(["customer-4,cart-4,add"], 4, in: shop)
            try await serve()
            #expect(listings == 2)
            shop.sandbox.inject(SandboxFault(.answer(status: 400, body: "no"), operation: .create))
            for number in 5...6 {
                try put(["customer-\(number),cart-\(number),add"], number, in: shop)
                try await serve()
            }
            #expect(listings == 3)
        }
    }

    /// A shopper who comes to a cart, or leaves it.
    private func shop(_ pair: String, comes: Bool, in shop: Shop) async throws {
        let names = pair.split(separator: ",").map(String.init)
        let association = Association(
            .customer, try #require(OwnerID(names[0])), try #require(CartID(names[1])))
        let client = CommerceClient(
            options: shop.api, pacer: Pacer(limit: 2000, isAdaptive: false, time: .system), logger: .silent)
        _ = try await comes ? client.create(association) : client.delete(association)
        try await client.shutdown()
    }

    @Test("whoever changes the store meanwhile, each delta is carried out", arguments: 0..<8 as Range<UInt64>)
    func random(seed: UInt64) async throws {
        try await Shop.with { shop in
            var generator = SeededGenerator(seed: seed)
            let session = shop.session()
            var expected: Set<String> = []
            for number in 1...12 {
                var rows: [String] = []
                for cart in 1...4 where Int.random(in: 0..<2, using: &generator) == 0 {
                    let pair = "c-\(Int.random(in: 1...2, using: &generator)),cart-\(cart)"
                    let adds = Int.random(in: 0..<3, using: &generator) > 0
                    rows.append(pair + (adds ? ",add" : ",delete"))
                    if adds { expected.insert(pair) } else { expected.remove(pair) }
                }
                if rows.isEmpty { continue }
                try put(rows, number, in: shop)
                try await shop.jobs(session) {
                    $0.planGuard.approvedDeletes = 100
                    $0.scope = .all
                }.run()
                #expect(
                    Set(shop.sandbox.associations().map { "\($0.owner),\($0.cart)" }) == expected, "delta \(number)")
                // A shopper of a cart that this delta has changed comes, or goes.
                guard let row = rows.randomElement(using: &generator) else { continue }
                let pair = String(row.prefix { $0 != "," }) + "," + row.split(separator: ",")[1]
                let comes = expected.insert(pair).inserted
                if !comes { expected.remove(pair) }
                try await self.shop(pair, comes: comes, in: shop)
            }
            #expect(shop.sandbox.statistics().count(.list) == 1)
        }
    }
}
