import Foundation
import Ledger
import TestStore
import TestSupport
import Testing

@testable import ExportFiles
@testable import ExportSources
@testable import SyncService

@Suite("Exports in several files that come from elsewhere")
struct PartsFetchTests {
    private let folder: TemporaryFolder
    private let state: TemporaryFolder
    private let ledger: Ledger
    private let source = ScriptedSource()
    private let clock = HandTurnedClock()

    init() throws {
        folder = try TemporaryFolder()
        state = try TemporaryFolder()
        ledger = try Ledger.new(in: state)
    }

    /// A fetcher of another process.
    private func fetcher(_ rule: PartsRule = .name, log: CapturedLog? = nil) -> ExportFetcher {
        var names = NameRules()
        names.parts = rule
        return ExportFetcher(
            source: source, name: "test", folder: folder.path, ledger: ledger,
            options: .init(settle: .zero, limit: 1 << 20, names: names), time: clock.time,
            logger: log?.logger ?? .silent)
    }

    private func fetch(_ fetcher: ExportFetcher, at second: Int = 0) async -> Int {
        await fetcher.fetch(now: { .seconds(second) }, interval: .seconds(10))
    }

    private func putBoth(_ text: String = "x", modified: Int = 1000) {
        for number in 1...2 { source.put("c-\(number)of2.csv", "\(text)\(number)", modified: modified + number) }
    }

    @Test("parts appear together in a folder, when all are there, and once")
    func together() async throws {
        source.put("c-1of2.csv", "x1", modified: 1001)
        #expect(await fetch(fetcher()) == 0)
        #expect(source.asked.isEmpty && folder.names().isEmpty)
        putBoth()
        source.put("c-2of2.csv.md5", "00000000000000000000000000000000", modified: 2000)
        source.put("SHA256SUMS", "\(String(repeating: "0", count: 64))  c-1of2.csv\n", modified: 2000)
        let fetcher = fetcher()
        #expect(await fetch(fetcher) == 1)
        #expect(folder.names() == ["c.csv.parts"])
        #expect(
            folder.names(in: "c.csv.parts") == ["c-1of2.csv", "c-1of2.csv.sha256", "c-2of2.csv", "c-2of2.csv.md5"])
        var inbox = Inbox(folder: folder.path)
        inbox.isPrivate = true
        let entry = try #require(try inbox.list().entries.first)
        #expect(
            entry.isSet && entry.modified == .seconds(1002) && entry.parts.map(\.name) == ["c-1of2.csv", "c-2of2.csv"])
        #expect(await fetch(fetcher) == 0)
        #expect(await fetch(self.fetcher()) == 0)
        // One that was written again makes another export with the one that was not.
        source.put("c-2of2.csv", "y2", modified: 1500)
        #expect(await fetch(fetcher) == 1)
        #expect(folder.names() == ["c.csv-2.parts", "c.csv.parts"])
        #expect(try folder.read("c.csv-2.parts/c-1of2.csv") == "x1")
        #expect(try folder.read("c.csv-2.parts/c-2of2.csv") == "y2")
    }

    @Test("a part that cannot be had holds up the others of its export, and no other export")
    func denied() async throws {
        putBoth()
        source.change { $0.files["c-2of2.csv"]?.isDenied = true }
        source.put("d.csv", "d", modified: 2000)
        let fetcher = fetcher()
        #expect(await fetch(fetcher) == 1)
        #expect(folder.names().filter { !$0.hasPrefix(".") } == ["d.csv"])
        #expect(fetcher.notes.count == 1 && fetcher.notes[0].hasPrefix("c-2of2.csv cannot be had: "))
        // Before its time nothing of it is asked for.
        let asked = source.asked.count
        #expect(await fetch(fetcher, at: 1) == 0)
        #expect(source.asked.count == asked)
        source.change { $0.files["c-2of2.csv"]?.isDenied = false }
        clock.advance(.seconds(60))
        #expect(await fetch(fetcher, at: 60) == 1)
        #expect(folder.names().filter { !$0.hasPrefix(".") } == ["c.csv.parts", "d.csv"])
    }

    @Test("a part that does not come is shown at once, and told once when nothing has changed for long")
    func missing() async throws {
        source.put("c-1of2.csv", "x1", modified: 1001)
        let log = CapturedLog()
        let fetcher = fetcher(log: log)
        for second in stride(from: 0, through: 1200, by: 60) { _ = await fetch(fetcher, at: second) }
        #expect(
            fetcher.overdue == [
                "c.csv is not applied: only 1 of 2 parts are there: 1; nothing has changed for 1200 s"
            ])
        #expect(fetcher.notes == fetcher.overdue)
        #expect(log.text.split(separator: "\n").count { $0.contains("parts of an export are missing") } == 1)
        // Of an export that was applied a part may be removed.
        putBoth()
        #expect(await fetch(fetcher, at: 1260) == 1)
        source.change { $0.files["c-2of2.csv"] = nil }
        _ = await fetch(fetcher, at: 1320)
        #expect(fetcher.notes.isEmpty)
    }

    @Test("what a manifest lists comes with it, and what none lists is left there")
    func manifest() async throws {
        for name in ["a.csv", "b.csv", "c.csv"] { source.put(name, name, modified: 1000) }
        let fetcher = fetcher(.manifest)
        #expect(await fetch(fetcher) == 0)
        source.put("x.manifest.json", #"{"parts": ["b.csv", "a.csv"]}"#, modified: 1001)
        #expect(await fetch(fetcher) == 1)
        #expect(folder.names() == ["x.parts"])
        #expect(folder.names(in: "x.parts") == ["a.csv", "b.csv", "x.manifest.json"])
        var inbox = Inbox(folder: folder.path)
        inbox.isPrivate = true
        let entry = try #require(try inbox.list().entries.first)
        #expect(entry.manifest == "x.manifest.json" && entry.parts.map(\.name) == ["b.csv", "a.csv"])
        #expect(await fetch(fetcher) == 0)
        #expect(source.asked.count { $0 == "x.manifest.json" } == 2, "to see what it lists, and to keep it")
    }

    @Test(
        "lists of checksums of a source are believed, whatever their kind",
        arguments: zip(
            NameRules.checksumLists, NameRules.checksums))
    func checksumLists(list: String, ending: String) async throws {
        let digits = [".sha256": 64, ".sha512": 128, ".sha1": 40, ".md5": 32][ending] ?? 0
        let digest = String(repeating: "a", count: digits)
        source.put("a.csv", "a", modified: 1000)
        source.put("b.csv", "b", modified: 1000)
        source.put(list, "\(digest)  b.csv\n", modified: 1001)
        #expect(await fetch(fetcher()) == 2)
        #expect(folder.names() == ["a.csv", "b.csv", "b.csv\(ending)"])
        #expect(try folder.read("b.csv\(ending)") == "\(digest)  b.csv\n")
    }

    @Test("what a list of a source says of a long name is kept beside it", arguments: 248...255)
    func longName(bytes: Int) async throws {
        let name = String(repeating: "a", count: bytes - 4) + ".csv"
        let digest = String(repeating: "a", count: 64)
        source.put(name, "a", modified: 1000)
        source.put("SHA256SUMS", "\(digest)  \(name)\n", modified: 1001)
        #expect(await fetch(fetcher()) == 1)
        let checksums = folder.names().filter { $0 != name }
        #expect(checksums.count == 1 && checksums[0].hasSuffix(".sha256"))
        #expect(try folder.read(checksums[0]) == "\(digest)  \(name)\n")
    }
}
