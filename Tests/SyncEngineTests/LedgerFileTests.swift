import CallPacing
import CartAssociations
import ExportFiles
import Foundation
import Ledger
import TestSupport
import Testing

@testable import SyncEngine

@Suite("A ledger file")
struct LedgerFileTests {
    private let folder: TemporaryFolder
    private static let store = StoreIdentity(baseURL: "https://euwest.api.elasticpath.com", clientID: "client-1")
    private static let header = "owner_type,owner_id,cart_id,confirmed,sources,since,run,record,line\n"

    init() throws { folder = try TemporaryFolder() }

    private func open(_ name: String) throws -> Ledger {
        try Ledger.open(folder: folder.path(name), store: Self.store, now: Date())
    }

    /// What a ledger says of each association, as text.
    private func content(_ ledger: Ledger) throws -> Set<String> {
        var all: Set<String> = []
        try ledger.forEachAssociation { _, row in
            all.insert("\(row.association) \(row.confirmation?.words ?? "-") \(row.sources.joined(separator: "+"))")
        }
        return all
    }

    private func refusal(_ rows: String, into ledger: Ledger) throws -> String {
        let path = try folder.write(Self.header + rows, to: "refused.csv")
        let before = try content(ledger)
        let runs = try ledger.runs().count
        let failure = try #require(throws: RunFailure.self) { try LedgerFile.add(path, to: ledger, time: .system) }
        #expect(try content(ledger) == before, "nothing half-applied")
        #expect(try ledger.runs().count == runs)
        #expect(failure.exitStatus == .exportRefused)
        return failure.description
    }

    @Test("no cell of it is calculated by a spreadsheet, and as a ledger and as an export it names the same owners")
    func formulas() throws {
        let owners = ["=HYPERLINK(1)", "+1", "-2", "@x", "'=y", "''", "plain"]
        let rows = owners.enumerated().map { "customer,\($1),cart-\($0),created,a,,,,\n" }.joined()
        let first = try open("first")
        // Marked as it is when we write it.
        let marked = rows.replacing("customer,'=y", with: "customer,''=y")
        let path = try folder.write(Self.header + marked, to: "in.csv")
        _ = try LedgerFile.add(path, to: first, time: .system)
        _ = try LedgerFile.write(first, to: folder.path("out.csv"))
        let cells = try folder.read("out.csv").split(separator: "\n").dropFirst().flatMap { $0.split(separator: ",") }
        #expect(cells.allSatisfy { !"=+-@\t\r".contains($0.first ?? "x") }, "\(cells)")
        let second = try open("second")
        _ = try LedgerFile.add(folder.path("out.csv"), to: second, time: .system)
        #expect(try content(second) == content(first))
        var named: Set<String> = []
        try second.forEachAssociation { _, row in named.insert(row.association.owner.id.text) }
        #expect(named == Set(owners))
        try first.close()
        try second.close()
    }

    @Test("comes back as it was, whatever the ids hold", arguments: 1...3 as ClosedRange<UInt64>)
    func roundTrip(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let pieces = ["a", "Z9", "-", "=", "\"", ",", ";", "|", "'", "ü", "e\u{301}", "\u{301}", "漢", "@", "+", "\\"]
        var rows = Self.header
        for number in 0..<400 {
            let owner = (0..<Int.random(in: 1...5, using: &generator)).compactMap { _ in
                pieces.randomElement(using: &generator)
            }.joined()
            let kind = OwnerKind.allCases.randomElement(using: &generator) ?? .customer
            let sources = ["a", "b.2", "region_x-y"].filter { _ in Bool.random(using: &generator) }
            let confirmed = (sources.isEmpty ? [] : [""]) + ["created", "already there", "listed"]
            // By scalars: a mark that joins a quote would hide it.
            let quoted = owner.unicodeScalars.map { $0 == "\"" ? "\"\"" : String($0) }.joined()
            rows +=
                "\(kind.rawValue),\"\(quoted)\",cart_\(number / 3),\(confirmed.randomElement(using: &generator) ?? "")"
            rows += ",\(sources.joined(separator: " ")),,,,\n"
        }
        let first = try open("first")
        let added = try LedgerFile.add(try folder.write(rows, to: "made.csv"), to: first, time: .system)
        #expect(added.records == 400, "seed \(seed)")
        let written = try LedgerFile.write(first, to: folder.path("ledger.csv"))
        #expect(written.associations == added.counts.added, "seed \(seed)")

        let second = try open("second")
        let copied = try LedgerFile.add(folder.path("ledger.csv"), to: second, time: .system)
        #expect(copied.counts.added == written.associations, "seed \(seed)")
        let expected = try content(first)
        #expect(try content(second) == expected, "seed \(seed)")
        let again = try LedgerFile.add(folder.path("ledger.csv"), to: second, time: .system)
        #expect(again.counts.kept == written.associations, "seed \(seed)")
    }

    @Test("adds to what the ledger has, and says from which run and record it came")
    func adds() throws {
        let ledger = try open("state")
        let one = try folder.write(
            Self.header + "customer,c-1,cart-1,,a,,,,\ncustomer,c-2,cart-2,listed,,,,,\n", to: "1.csv")
        _ = try LedgerFile.add(one, to: ledger, time: .system)
        let two = try folder.write(
            Self.header
                + "account,c-1,cart-1,,a,,,,\ncustomer,c-1,cart-1,created,b c,,,,\ncustomer,c-2,cart-2,created,,,,,\n",
            to: "2.csv")
        let added = try LedgerFile.add(two, to: ledger, time: .system)
        #expect(added.counts.added == 1 && added.counts.changed == 1 && added.counts.kept == 1)
        #expect(
            try content(ledger) == [
                "customer c-1 cart cart-1 created a+b+c", "customer c-2 cart cart-2 listed ",
                "account c-1 cart cart-1 - a",
            ])
        let cart = try #require(CartID("cart-1"))
        let row = try #require(try ledger.associations(of: cart).first { $0.association.owner.kind == .customer })
        #expect(row.run == added.run)
        #expect(row.place == RecordPlace(export: 0, record: 2, line: 3))
        let run = try #require(try ledger.run(added.run))
        #expect(run.command == "ledger import" && run.state == .finished)
        #expect(run.exports.map(\.path) == [two] && run.exports.map(\.records) == [3])
    }

    @Test("that is wrong anywhere is refused as a whole, with its line")
    func refused() throws {
        let ledger = try open("state")
        let good = "customer,c-1,cart-1,created,a,,,,\n"
        #expect(try refusal(good + "customer,c-2,cart#2,created,a,,,,\n", into: ledger).contains("refused.csv:3"))
        #expect(try refusal(good + "shop,c-2,cart-2,created,a,,,,\n", into: ledger).contains(":3"))
        #expect(try refusal(good + "customer,c-2,cart-2,maybe,a,,,,\n", into: ledger).contains("confirmed"))
        #expect(try refusal(good + "customer,c-2,cart-2,created,a  b,,,,\n", into: ledger).contains("sources"))
        #expect(try refusal(good + "customer,c-2,cart-2,,,,,,\n", into: ledger).contains("neither"))
        #expect(try refusal(good + "customer,c-2,cart-2,created\n", into: ledger).contains("4 fields"))
        #expect(try refusal(good + "customer,c-2,cart-2,created,a,,,,", into: ledger).contains("final line end"))
        #expect(try refusal(good + "customer,\"c-2,cart-2,created,a,,,,\n", into: ledger).contains("inside quotes"))
    }

    @Test("that is no ledger file is refused with the columns that it lacks")
    func otherFile() throws {
        let ledger = try open("state")
        for text in ["customer_id,cart_id\nc-1,cart-1\n", "<carts><cart id=\"1\" customer_id=\"2\"/></carts>", "x\n"] {
            let path = try folder.write(text, to: "other")
            let failure = try #require(throws: RunFailure.self) { try LedgerFile.add(path, to: ledger, time: .system) }
            #expect(failure.description.contains("a ledger export"), "\(failure)")
        }
        #expect(try ledger.runs().isEmpty)
    }

    @Test("has a manifest that a changed file does not pass")
    func manifest() throws {
        let ledger = try open("state")
        _ = try LedgerFile.add(
            try folder.write(Self.header + "customer,c-1,cart-1,created,a,,,,\n", to: "1.csv"), to: ledger,
            time: .system)
        _ = try LedgerFile.write(ledger, to: folder.path("out.csv"))
        let manifest = try #require(try ExportManifest.beside(ExportFile.open(folder.path("out.csv"), spoolFolder: "")))
        #expect(manifest.records == 1 && manifest.sha256 != nil)
        let text = try folder.read("out.csv")
        _ = try folder.write(text.replacing(",a,", with: ",b,"), to: "out.csv")
        let failure = try #require(throws: RunFailure.self) {
            try LedgerFile.add(folder.path("out.csv"), to: ledger, time: .system)
        }
        #expect(failure.description.contains("manifest"))
    }

    @Test("is an export that every command reads")
    func readAsExport() throws {
        let ledger = try open("state")
        let rows = "customer,c-1,cart-1,created,a b,,,,\naccount,\"a,\"\"1\",cart-2,,a,,,,\n"
        _ = try LedgerFile.add(try folder.write(Self.header + rows, to: "1.csv"), to: ledger, time: .system)
        _ = try LedgerFile.write(ledger, to: folder.path("out.csv"))
        var found: Set<String> = []
        let file = try ExportFile.open(folder.path("out.csv"), spoolFolder: folder.path)
        var reading = try ExportReader().read(file)
        while let batch = try reading.next() {
            for case .usable(let record) in batch.decode(batch.records) { found.insert("\(record.association)") }
        }
        let facts = reading.facts
        #expect(facts.rejectedRecords == 0 && !facts.isDelta)
        #expect(found == ["customer c-1 cart cart-1", "account a,\"1 cart cart-2"])
    }

    @Test("that cannot be written leaves nothing behind and keeps the one before")
    func unwritable() throws {
        let ledger = try open("state")
        _ = try folder.write("before", to: "out.csv")
        _ = try LedgerFile.add(
            try folder.write(Self.header + "customer,c-1,cart-1,created,a,,,,\n", to: "1.csv"), to: ledger,
            time: .system)
        let failure = try #require(throws: RunFailure.self) {
            try LedgerFile.write(ledger, to: folder.path("none/out.csv"))
        }
        #expect(failure.exitStatus == .stateUnwritable)
        // A folder of the file's name cannot be replaced by a file.
        try FileManager.default.createDirectory(atPath: folder.path("taken.csv/x"), withIntermediateDirectories: true)
        #expect(throws: RunFailure.self) { try LedgerFile.write(ledger, to: folder.path("taken.csv")) }
        #expect(!folder.names().contains { $0.hasSuffix(".part") }, "\(folder.names())")
    }
}
