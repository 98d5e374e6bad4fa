import CartAssociations
import Foundation
import Ledger
import SyncEngine
import TestSupport
import Testing

@testable import ExportFiles
@testable import SyncService

@Suite("exports in several files, from the inbox to the store", .timeLimit(.minutes(10)))
struct JobPartsTests {
    /// Puts a part with customers and carts of these numbers into the inbox.
    private func put(
        _ shop: Shop, _ name: String, _ range: ClosedRange<Int>, modified: Int, end: String = "\n"
    ) throws {
        // Each part has a header of its own, whose columns may have another order.
        let isTurned = range.lowerBound % 2 == 0
        let rows = range.map { isTurned ? "cart-\($0);customer-\($0)" : "customer-\($0),cart-\($0)" }
        let header = isTurned ? "cart_id;customer_id" : "customer_id,cart_id"
        try shop.folder.write(
            ([header] + rows).joined(separator: "\n") + end, to: "inbox/" + name, modified: modified)
    }

    private func putAll(_ shop: Shop, last: Int = 90, modified: Int) throws {
        try put(shop, "customers-1of3.csv", 1...30, modified: modified)
        try put(shop, "customers-2of3.csv", 32...60, modified: modified + 10)
        try put(shop, "customers-3of3.csv", 61...last, modified: modified + 20)
    }

    private func notes(_ jobs: ServiceJobs) -> [String] {
        ServiceStatus(jobs, version: "1", takesApprovals: false).service(withOwners: true).jobs.flatMap(\.notes)
    }

    @Test("parts are one snapshot: nothing before all are there, then one run, then nothing for the same bytes")
    func together() async throws {
        try await Shop.with { (shop) async throws in
            try put(shop, "customers-1of3.csv", 1...30, modified: 1000)
            try put(shop, "customers-3of3.csv", 61...90, modified: 1020)
            let waiting = try await shop.serve()
            #expect(shop.count == 0 && shop.names("") == ["customers-1of3.csv", "customers-3of3.csv"])
            #expect(waiting.lackingParts == 1)
            #expect(
                notes(waiting).map { $0.prefix(70) } == [
                    "customers.csv is not applied: only 2 of 3 parts are there: 1, 3; nothi"
                ])
            try put(shop, "customers-2of3.csv", 32...60, modified: 1010)
            try await shop.serve()
            #expect(shop.count == 89)
            #expect(shop.folder.names(in: "inbox/done") == ["customers.csv.parts", "customers.csv.parts.report"])
            let run = try #require(try shop.ledger.runs().first)
            #expect(
                run.exports.map { $0.path.split(separator: "/").last } == [
                    "customers-1of3.csv", "customers-2of3.csv", "customers-3of3.csv",
                ])
            #expect(Set(run.exports.map(\.time)) == [.seconds(1020)], "the whole is as old as its newest part")
            #expect(try shop.ledger.appliedVolumes(of: "nightly") == [89])

            try putAll(shop, modified: 90_000)
            try await shop.serve()
            #expect(try shop.ledger.runs().count == 1)
            let reason = try shop.folder.read("inbox/done/customers.csv-2.parts.report/reason.txt")
            #expect(reason.hasPrefix("not applied: it has the bytes of the export that was applied last"))
            // A part that is another one makes it another export; the same ones at an older time do not come back.
            try putAll(shop, last: 91, modified: 180_000)
            try await shop.serve()
            #expect(shop.count == 90)
            try putAll(shop, modified: 90_000)
            try await shop.serve()
            #expect(shop.count == 90 && shop.folder.names(in: "inbox/superseded").first == "customers.csv.parts")
        }
    }

    @Test("one part that is cut or damaged refuses the whole, and nothing is deleted", arguments: [false, true])
    func damaged(isCut: Bool) async throws {
        try await Shop.with { (shop) async throws in
            try putAll(shop, modified: 1000)
            try await shop.serve()
            try putAll(shop, last: 80, modified: 90_000)
            if isCut {
                try put(shop, "customers-2of3.csv", 32...50, modified: 90_010, end: "")
            } else {
                try shop.folder.write(
                    "customer_id,cart_id\nc,\"open\n", to: "inbox/customers-2of3.csv", modified: 90_010)
            }
            let jobs = try await shop.serve()
            #expect(shop.count == 89)
            #expect(shop.folder.names(in: "inbox/failed") == ["customers.csv.parts", "customers.csv.parts.report"])
            #expect(shop.folder.names(in: "inbox/failed/customers.csv.parts").count == 3)
            let reason = try shop.folder.read("inbox/failed/customers.csv.parts.report/reason.txt")
            #expect(reason.contains("/customers-2of3.csv:"), "\(reason)")
            #expect(jobs.worst == .incomplete)
        }
    }

    @Test("a checksum and a manifest of one part are believed for the whole")
    func statements() async throws {
        try await Shop.with { (shop) async throws in
            try putAll(shop, modified: 1000)
            try shop.folder.write(#"{"records": 28}"#, to: "inbox/customers-2of3.csv.manifest.json")
            try await shop.serve()
            #expect(shop.count == 0)
            let reason = try shop.folder.read("inbox/failed/customers.csv.parts.report/reason.txt")
            #expect(reason.contains("the file has 29 records, and its manifest says 28"), "\(reason)")
        }
    }

    @Test("the guards look at the whole; an approval lets the whole through")
    func approved() async throws {
        try await Shop.with { (shop) async throws in
            try putAll(shop, modified: 1000)
            try await shop.serve()
            try put(shop, "customers-1of2.csv", 1...10, modified: 90_000)
            try put(shop, "customers-2of2.csv", 32...40, modified: 90_000)
            try await shop.serve()
            #expect(shop.count == 89)
            let waiting = try #require(shop.approvals.all().first)
            #expect((waiting.export, waiting.counts.deletes) == ("customers.csv.parts", 70))
            try shop.approvals.add(try waiting.approval(deletes: nil, by: .command, now: Date()))
            try await shop.serve()
            #expect(shop.count == 19)
            #expect(shop.folder.names(in: "inbox/waiting").isEmpty && shop.approvals.all().isEmpty)
        }
    }

    @Test("a part that never comes is no matter for the next whole export, which makes the rest void")
    func neverComes() async throws {
        try await Shop.with { (shop) async throws in
            try put(shop, "customers-20261126-1of2.csv", 1...30, modified: 1000)
            try await shop.serve()
            try put(shop, "customers-20261127-1of2.csv", 1...30, modified: 90_000)
            try put(shop, "customers-20261127-2of2.csv", 32...40, modified: 90_000)
            let jobs = try await shop.serve()
            #expect(shop.count == 39)
            #expect(shop.folder.names(in: "inbox/superseded/customers-20261126.csv.parts").count == 1)
            #expect(shop.names("").isEmpty && notes(jobs).isEmpty)
        }
    }

    @Test("changes of which a part is missing wait, whatever snapshots come")
    func changesWait() async throws {
        try await Shop.with { (shop) async throws in
            try shop.folder.write(
                "customer_id,cart_id,action\nc,cart-1,create\n", to: "inbox/changes-1of2.csv", modified: 1000)
            try await shop.serve("customers.csv", 1...3)
            #expect(shop.count == 3 && shop.names("") == ["changes-1of2.csv"])
        }
    }

    @Test("files that a manifest lists are one snapshot, and its number of records is that of all")
    func byManifest() async throws {
        try await Shop.with { (shop) async throws in
            try put(shop, "b.csv", 1...30, modified: 1000)
            try put(shop, "a.csv", 32...60, modified: 1000)
            func manifest(_ records: Int) throws {
                try shop.folder.write(
                    #"{"parts": ["b.csv", {"name": "a.csv", "records": 29}], "records": \#(records)}"#,
                    to: "inbox/customers.manifest.json", modified: 1010)
            }
            let first = try await shop.serve { $0.parts = .manifest }
            #expect(shop.count == 0 && first.exports == (done: 0, failed: 0, waiting: 0, interrupted: 0))
            try manifest(60)
            try await shop.serve { $0.parts = .manifest }
            #expect(shop.count == 0)
            let reason = try shop.folder.read("inbox/failed/customers.parts.report/reason.txt")
            #expect(reason.contains("its files have 59 records together, and it says 60"))
            try put(shop, "b.csv", 1...30, modified: 1000)
            try put(shop, "a.csv", 32...60, modified: 1000)
            try manifest(59)
            try await shop.serve { $0.parts = .manifest }
            #expect(shop.count == 59)
            #expect(
                shop.folder.names(in: "inbox/done/customers.parts") == [
                    "a.csv", "b.csv", "customers.manifest.json",
                ])
        }
    }

    @Test("a run that ended before its parts were moved is not made again")
    func endedBeforeMove() async throws {
        try await Shop.with { (shop) async throws in
            try putAll(shop, modified: 1000)
            try await shop.serve()
            for name in ["customers.csv.parts"] {
                try FileManager.default.moveItem(
                    atPath: shop.folder.path("inbox/done/\(name)"), toPath: shop.folder.path("inbox/working/\(name)"))
            }
            try FileManager.default.removeItem(atPath: shop.folder.path("inbox/done/customers.csv.parts.report"))
            try await shop.serve()
            #expect(shop.folder.names(in: "inbox/done") == ["customers.csv.parts", "customers.csv.parts.report"])
            #expect(try shop.ledger.runs().count == 1)
        }
    }

    @Test("parts of a source are one export, fetched together")
    func fetched() async throws {
        try await Shop.with { (shop) async throws in
            let source = ScriptedSource()
            func put(_ name: String, _ range: ClosedRange<Int>, modified: Int) {
                let rows = range.map { "customer-\($0),cart-\($0)\n" }.joined()
                source.put(name, "customer_id,cart_id\n" + rows, modified: modified)
            }
            put("c-1of2.csv", 1...30, modified: 1000)
            try await shop.jobs(from: source).run()
            #expect(shop.count == 0)
            put("c-2of2.csv", 31...60, modified: 1010)
            try await shop.jobs(from: source).run()
            try await shop.jobs(from: source).run()
            #expect(shop.count == 60)
            #expect(try shop.ledger.runs().map(\.exports.count) == [2])
            // The next night one part comes before the other.
            put("c-1of2.csv", 1...29, modified: 90_000)
            try await shop.jobs(from: source).run()
            #expect(shop.count == 60)
            put("c-2of2.csv", 31...60, modified: 90_010)
            try await shop.jobs(from: source).run()
            #expect(shop.count == 59)
        }
    }
}
