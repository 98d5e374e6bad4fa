import CommerceSandbox
import Foundation
import TestSupport
import Testing

@Suite("plan --out and apply")
struct SavedPlanTests {
    private func csv(_ numbers: ClosedRange<Int>) -> String {
        "customer_id,cart_id\n" + numbers.map { "c-\($0),cart-\($0)\n" }.joined()
    }

    @Test("a plan is looked at, saved, applied, and then spent")
    func applied() async throws {
        try await withShop { shop in
            let export = try shop.folder.write(csv(1...12), to: "e.csv")
            let planned = try await shop.cartsync("plan", "--out", "night.plan", export)
            #expect(planned.status == 0, "\(planned.errors)")
            #expect(planned.lastLine.hasSuffix("next: cartsync apply night.plan"))
            #expect(shop.sandbox.statistics().writes == 0)
            let unasked = try await shop.cartsync("apply", "night.plan")
            #expect(unasked.status == 3)
            #expect(unasked.output.contains("Plan: 12 creates"))
            #expect(unasked.lastLine.hasSuffix("next: cartsync apply --yes night.plan"))
            let applied = try await shop.cartsync("apply", "--yes", "--rate", "500", "night.plan")
            #expect(applied.status == 0, "\(applied.errors)")
            #expect(shop.associations.count == 12)
            #expect(try shop.report().contradictions.isEmpty)
            let again = try await shop.cartsync("apply", "--yes", "night.plan")
            #expect(again.status == 3)
            #expect(again.errors.contains("the plan was applied before, by run"))
            #expect(shop.sandbox.statistics().writes == 12)
        }
    }

    @Test("a plan is refused where its export, its ledger, its store or its own bytes are others, and says which")
    func refused() async throws {
        try await withShop { shop in
            let export = try shop.folder.write(csv(1...5), to: "e.csv")
            let planned = try await shop.cartsync("plan", "--out", "night.plan", export)
            #expect(planned.status == 0, "\(planned.errors)")
            let text = try shop.folder.read("night.plan")

            _ = try shop.folder.write(csv(1...6), to: "e.csv")
            let changed = try await shop.cartsync("apply", "--yes", "night.plan")
            #expect(changed.status == 3)
            #expect(changed.errors.contains("e.csv has changed since the plan was made"))
            _ = try shop.folder.write(csv(1...5), to: "e.csv")

            _ = try shop.folder.write(text.replacing("cart-3", with: "cart-9"), to: "altered.plan")
            let altered = try await shop.cartsync("apply", "--yes", "altered.plan")
            #expect(altered.status == 3)
            #expect(altered.errors.contains("the plan is not as it was written"))

            let elsewhere = try await shop.cartsync("apply", "--yes", "--state", "other", "night.plan")
            #expect(elsewhere.status == 3)
            #expect(elsewhere.errors.contains("made in another state folder"))

            let otherStore = try await shop.cartsync(
                "apply", "--yes", "--state", "other", "--base-url", "http://127.0.0.1:9", "night.plan")
            #expect(otherStore.status == 78)
            #expect(otherStore.errors.contains("the plan was made for \(shop.baseURL)"))

            let absent = try await shop.cartsync("apply", "--yes", "no.plan")
            #expect(absent.status == 64)
            #expect(absent.errors.contains("no.plan: there is no such file"))
            let noPlan = try await shop.cartsync("apply", "--yes", "e.csv")
            #expect(noPlan.errors.contains("e.csv: this is no saved plan"))

            let other = try shop.folder.write("customer_id,cart_id\nx,cart-x\n", to: "other.csv")
            let synced = try await shop.cartsync("sync", "--yes", "--source", "day", other)
            #expect(synced.status == 0, "\(synced.errors)")
            let stale = try await shop.cartsync("apply", "--yes", "night.plan")
            #expect(stale.status == 3)
            #expect(stale.errors.contains("another run has changed the ledger"))
            #expect(stale.lastLine.contains("next: cartsync plan --out night.plan"))
            #expect(shop.associations == ["x cart-x"])
        }
    }

    @Test(
        "a number of deletes that was allowed for the plan is allowed for its application; a refused plan is not saved")
    func approval() async throws {
        try await withShop { shop in
            let before = try shop.folder.write(csv(1...40), to: "before.csv")
            let synced = try await shop.cartsync("sync", "--yes", "--rate", "500", before)
            #expect(synced.status == 0, "\(synced.errors)")
            let export = try shop.folder.write(csv(1...10), to: "e.csv")
            let refused = try await shop.cartsync("plan", "--out", "night.plan", export)
            #expect(refused.status == 3)
            #expect(refused.lastLine.contains("cartsync plan --max-deletes 30 --out night.plan"))
            #expect(!shop.folder.names(in: "").contains("night.plan"))
            let allowed = try await shop.cartsync("plan", "--max-deletes", "30", "--out", "night.plan", export)
            #expect(allowed.status == 0, "\(allowed.errors)")
            let stricter = try await shop.cartsync("apply", "--yes", "--max-deletes", "29", "night.plan")
            #expect(stricter.status == 3)
            #expect(stricter.errors.contains("30 deletes, more than the 29 that were allowed"))
            let applied = try await shop.cartsync("apply", "--yes", "--rate", "500", "night.plan")
            #expect(applied.status == 0, "\(applied.errors)")
            #expect(shop.associations.count == 10)
        }
    }

    @Test("a plan says whether a deadline will hold")
    func deadline() async throws {
        try await withShop { shop in
            let export = try shop.folder.write(csv(1...600), to: "e.csv")
            let enough = try await shop.cartsync("plan", "--deadline", "2h", "--rate", "20", export)
            let words = enough.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
            #expect(words.contains("600, about 30 s at 20 a second; the deadline in "), "\(words)")
            // What planning took is off the two hours.
            #expect(["2 h 00 min", "1 h 59 min"].contains { words.contains("\($0) will hold") }, "\(words)")
            let short = try await shop.cartsync("plan", "--deadline", "20s", "--rate", "20", "--output", "json", export)
            let plan = try JSONDecoder().decode(Plan.self, from: Data(short.output.utf8))
            #expect((5...20).contains(plan.estimate.available))
            let text = try await shop.cartsync("plan", "--deadline", "20s", "--rate", "20", export)
            #expect(text.output.contains("will not hold"), "\(text.output)")
        }
    }

    private struct Plan: Decodable {
        struct Estimate: Decodable {
            let available: Double
        }

        let estimate: Estimate
    }

    @Test("a plan as CSV has every change with its line, as Markdown its numbers and a sample")
    func formats() async throws {
        try await withShop(.carts(SandboxCart(id: "cart-s", customers: ["s|1"]))) { shop in
            let first = try shop.folder.write(csv(1...30), to: "e.csv")
            let synced = try await shop.cartsync("sync", "--yes", "--rate", "500", first)
            #expect(synced.status == 0, "\(synced.errors)")
            let export = try shop.folder.write(csv(2...45), to: "e.csv")
            let lines = try await shop.cartsync("plan", "--output", "csv", "--detailed-exitcode", export)
            #expect(lines.status == 2, "\(lines.errors)")
            let rows = lines.output.split(separator: "\r\n").map(String.init)
            #expect(rows[0] == "kind,owner_kind,owner,cart,export,record,line,withheld")
            #expect(rows.count == 17)
            #expect(rows.contains("create,customer,c-31,cart-31,\(export),30,31,"))
            #expect(rows.contains("delete,customer,c-1,cart-1,,,,"))
            #expect(lines.lastLine.hasSuffix("next: cartsync sync \(export)"))
            let markdown = try await shop.cartsync(
                "plan", "--output", "markdown", "--unmanaged", "left.csv", export)
            #expect(markdown.status == 0)
            #expect(markdown.output.hasPrefix("## Plan: 15 creates, 1 delete\n"))
            #expect(markdown.output.contains("| create | 15 | wanted, not there |"))
            #expect(markdown.output.contains("… and 5 more"))
            #expect(try shop.folder.read("left.csv") == "owner_type,owner_id,cart_id\r\ncustomer,s|1,cart-s\r\n")
        }
    }
}
