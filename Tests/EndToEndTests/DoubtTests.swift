import CommerceSandbox
import Foundation
import TestSupport
import Testing

/// Second nights whose export was damaged: what is in doubt is not deleted.
@Suite("an export that is damaged in its middle")
struct DoubtTests {
    private static func export(_ name: String) throws -> String {
        let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        return try String(
            contentsOf: tests.appending(path: "ExportFilesTests/Fixtures/reported/\(name)"), encoding: .utf8)
    }

    private static let nights: [(first: String, second: String, withheld: Int, reason: String)] = [
        ("n1-notefirst.csv", "n2-comma-shift.csv", 1, "cart-5 stands in line 6, which was rejected: 4 fields"),
        ("n1-notelast.csv", "n2-swallow-reject.csv", 4, "line 6, which was rejected: text after a closing quote"),
        ("n1-two.csv", "n2-two-glued.csv", 2, "no delete is made, because line 6"),
        ("n1.xml", "n2-contradiction.xml", 2, "two different values for the cart"),
        ("n1.xml", "n2-nested.xml", 4, "two different values for the"),
    ]

    @Test("deletes nothing that stands in what was not understood, and says why", arguments: nights)
    func damaged(_ night: (first: String, second: String, withheld: Int, reason: String)) async throws {
        try await withShop { shop in
            let name = "night." + (night.first.hasSuffix("xml") ? "xml" : "csv")
            let path = try shop.folder.write(try Self.export("doubt/" + night.first), to: name)
            let first = try await shop.cartsync("sync", "--yes", "--rate", "1000", path)
            #expect(first.status == 0, "\(first.errors)")
            let associations = shop.associations
            #expect(associations.count == 40)
            _ = try shop.folder.write(try Self.export("doubt/" + night.second), to: name)
            let second = try await shop.cartsync("sync", "--yes", "--rate", "1000", path)
            #expect(second.status == (night.withheld > 0 ? 1 : 0), "\(second.errors)")
            #expect(shop.associations == associations)
            let report = try shop.report()
            #expect(report.withheld?.deletes ?? 0 == night.withheld, "\(second.output)")
            #expect(night.withheld == 0 || second.output.contains("--max-doubtful-deletes \(night.withheld)"))
            #expect(
                night.reason.isEmpty || second.flowing.lowercased().contains(night.reason.lowercased()),
                "\(second.output)")
        }
    }

    @Test("of records in two sections both are read, and empty actions make no snapshot")
    func kinds() async throws {
        try await withShop { shop in
            let path = try shop.folder.write(try Self.export("several-kinds/all-100.xml"), to: "night.xml")
            #expect(try await shop.cartsync("sync", "--yes", "--rate", "1000", path).status == 0)
            let associations = shop.associations
            _ = try shop.folder.write(try Self.export("several-kinds/sections-85-15.xml"), to: "night.xml")
            let sections = try await shop.cartsync("sync", "--yes", path)
            #expect(sections.status == 0 && sections.output.contains("nothing to do"), "\(sections.output)")
            _ = try shop.folder.write(try Self.export("xsi-nil/action.xml"), to: "night.xml")
            let actions = try await shop.cartsync("sync", "--yes", "--max-rejected", "100%", path)
            #expect(actions.status == 1, "\(actions.errors)")
            #expect(shop.associations == associations)
        }
    }

    @Test("deletes what is in doubt if a number allows it, in that run only")
    func permission() async throws {
        try await withShop { shop in
            let path = try shop.folder.write(try Self.export("doubt/n1-two.csv"), to: "night.csv")
            #expect(try await shop.cartsync("sync", "--yes", "--rate", "1000", path).status == 0)
            _ = try shop.folder.write(try Self.export("doubt/n2-two-glued.csv"), to: "night.csv")
            let few = try await shop.cartsync("sync", "--yes", "--max-doubtful-deletes", "1", path)
            #expect(few.status == 1)
            #expect(
                few.errors.contains(
                    "the withheld deletes are made by: cartsync sync --max-doubtful-deletes 2 --yes \(path)"))
            #expect(
                few.errors.contains("2 deletes withheld in doubt, more than the 1 that were allowed"), "\(few.errors)")
            #expect(shop.associations.count == 40)
            let lines = try await shop.cartsync("plan", "--output", "csv", path)
            #expect(
                lines.output.contains("delete,customer,c-5,cart-5,,,,\"line 6, which was rejected"), "\(lines.output)")
            #expect(lines.lastLine.contains("nothing to do, 2 deletes withheld"), "\(lines.lastLine)")
            let saved = try await shop.cartsync("plan", "--out", "tonight.plan", path)
            #expect(saved.status == 0, "\(saved.errors)")
            let applied = try await shop.cartsync("apply", "--yes", "tonight.plan")
            #expect(applied.status == 1, "\(applied.errors)")
            #expect(shop.associations.count == 40)
            let results = try shop.folder.read((shop.latestRun ?? "") + "/results.csv")
            #expect(results.contains("delete,customer,c-5,cart-5,withheld,"), "\(results)")
            let allowed = try await shop.cartsync("sync", "--yes", "--max-doubtful-deletes", "2", path)
            // The record is still rejected.
            #expect(allowed.status == 1)
            #expect(shop.associations.count == 38)
        }
    }

    @Test(
        "deletes nothing behind its last customer if it is sorted and ends too early, and says how far earlier ones went"
    )
    func cut() async throws {
        func csv(_ numbers: some Sequence<Int>) -> String {
            "customer_id,cart_id\n" + numbers.map { "c-\(1000 + $0),cart-\($0 * 7919 % 401)\n" }.joined()
        }
        try await withShop { shop in
            let path = try shop.folder.write(csv(0..<400), to: "night.csv")
            #expect(try await shop.cartsync("sync", "--yes", "--rate", "1000", path).status == 0)
            #expect(shop.associations.count == 400)
            _ = try shop.folder.write(csv(0..<332), to: "night.csv")
            let plan = try await shop.cartsync("plan", path)
            let words = "the export ends at customer c-1331, earlier ones went on to c-1399"
            #expect(plan.flowing.contains(words), "\(plan.output)")
            let cut = try await shop.cartsync("sync", "--yes", "--rate", "1000", path)
            #expect(cut.status == 1, "\(cut.errors)")
            #expect(shop.associations.count == 400)
            let report = try shop.report()
            #expect(report.withheld?.deletes == 68)
            #expect(cut.flowing.contains("--max-doubtful-deletes 68"), "\(cut.output)")
            _ = try shop.folder.write("{\"records\": 332}", to: "night.csv.manifest.json")
            let whole = try await shop.cartsync("sync", "--yes", "--rate", "1000", path)
            #expect(whole.status == 0, "\(whole.errors)")
            #expect(shop.associations.count == 332)
        }
    }

    @Test("whose ids changed only in case changes nothing, unless a setting says that this is on purpose")
    func identifierCase() async throws {
        try await withShop { shop in
            let lower = "customer_id,cart_id\n" + (1...30).map { "id-\($0)-ab,cart-\($0)\n" }.joined()
            let path = try shop.folder.write(lower, to: "night.csv")
            #expect(try await shop.cartsync("sync", "--yes", "--rate", "1000", path).status == 0)
            let associations = shop.associations
            _ = try shop.folder.write(lower.replacing("-ab", with: "-AB") + "id-31,cart-31\n", to: "night.csv")
            let result = try await shop.cartsync("sync", "--yes", "--max-deletes", "100", path)
            #expect(result.status == 1, "\(result.errors)")
            #expect(result.flowing.contains("30 creates skipped"), "\(result.output)")
            #expect(result.flowing.contains("set sync.case-changed to true"))
            #expect(shop.associations == associations.union(["id-31 cart-31"]))
            let onPurpose = try await shop.start(
                ["sync", "--yes", "--rate", "1000", "--max-deletes", "100", path],
                environment: ["CARTSYNC_SYNC_CASE_CHANGED": "true"]
            ).result()
            #expect(onPurpose.status == 0, "\(onPurpose.errors)")
            #expect(shop.associations.contains("id-1-AB cart-1") && !shop.associations.contains("id-1-ab cart-1"))
        }
    }
}

extension Program.Result {
    /// What was written, with each run of blanks and line ends as one blank.
    fileprivate var flowing: String { output.split(whereSeparator: \.isWhitespace).joined(separator: " ") }
}
