import CallPacing
import Foundation
import Ledger
import Synchronization
import TestStore
import TestSupport
import Testing

@testable import ExportSources
@testable import SyncService

@Suite("Exports that come from elsewhere")
struct ExportFetcherTests {
    /// A source whose exports are their own names.
    private struct NamesSource: ExportSource {
        let names: [String]
        let words = "names"
        let needsSettling = false

        func list() async throws(SourceError) -> [RemoteExport] {
            names.enumerated().map { place, name in
                RemoteExport(
                    name: name, size: name.utf8.count, modified: .seconds(place), version: ExportVersion(etag: name))
            }
        }

        func download(
            _ export: RemoteExport, known: ExportVersion?, to file: PartialFile
        ) async throws(SourceError) -> Download {
            let version = ExportVersion(etag: export.name)
            try file.begin(version, keeping: false)
            try file.append(Array(export.name.utf8))
            return .complete(version, modified: export.modified)
        }

        func shutdown() async {}
    }

    @Test("what cannot be had is told once, asked for ever more rarely, and holds up nothing else")
    func denied() async throws {
        let folder = try TemporaryFolder()
        let source = ScriptedSource()
        source.put("a.csv", "a", modified: 1000)
        source.change { $0.files["a.csv"]?.isDenied = true }
        source.put("b.csv", "b", modified: 2000)
        let (log, clock) = (CapturedLog(), HandTurnedClock())
        let ledger = try Ledger.new(in: try TemporaryFolder())
        let rules = SourceMemory.Rules(retry: .init(first: .seconds(10), longest: .seconds(86_400)))
        var fetcher = ExportFetcher.fetching(
            source, to: folder, ledger, time: clock.time, rules: rules, logger: log.logger)
        for second in stride(from: 0, to: 3600, by: 10) {
            let count = await fetcher.fetch(now: { .seconds(second) }, interval: .seconds(10))
            #expect(count == (second == 0 ? 1 : 0))
            if second == 600 {
                // The memory is the ledger's: a new process asks no sooner, and says nothing again.
                fetcher = .fetching(source, to: folder, ledger, time: clock.time, rules: rules, logger: log.logger)
            }
            clock.advance(.seconds(10))
        }
        // At 0, 10, 30, 70, 150, 310, 630, 1270 and 2550 s.
        #expect(source.asked.count { $0 == "a.csv" } == 9)
        #expect(log.text.split(separator: "\n").count { $0.contains("an export cannot be had") } == 1)
        #expect(fetcher.trouble == nil)
        #expect(
            fetcher.notes == [
                "a.csv cannot be had: scripted: a.csv is denied; it is asked for again in 1510 s"
            ])
        source.change { $0.files["a.csv"]?.isDenied = false }
        clock.advance(.seconds(1510))
        #expect(await fetcher.fetch(now: { .seconds(6000) }, interval: .seconds(10)) == 1)
        #expect(fetcher.notes.isEmpty)
        #expect(folder.names() == ["a.csv", "b.csv"])
    }

    @Test("a companion whose export did not follow it, since the process ended in between, is fetched again with it")
    func interruptedCompanion() async throws {
        let folder = try TemporaryFolder()
        let source = ScriptedSource()
        source.put("a.csv", "a", modified: 1000)
        source.put("a.csv.manifest.json", #"{"records":1}"#, modified: 1000)
        try Data(#"{"records":2}"#.utf8).write(to: URL(filePath: folder.path + "/a.csv.manifest.json"))
        let fetcher = ExportFetcher.fetching(source, to: folder, try Ledger.new(in: try TemporaryFolder()))
        #expect(await fetcher.fetch(now: { .zero }, interval: .seconds(10)) == 1)
        #expect(fetcher.trouble == nil)
        #expect(folder.names() == ["a.csv", "a.csv.manifest.json"])
        let manifest = try Data(contentsOf: URL(filePath: folder.path + "/a.csv.manifest.json"))
        #expect(manifest == Data(#"{"records":1}"#.utf8))
    }

    @Test("listings that fail, come empty or come short make nothing come twice, also in another process")
    func listings() async throws {
        let folder = try TemporaryFolder()
        let source = ScriptedSource()
        for number in 0..<5 { source.put("d-\(number).csv", "\(number)", modified: 1000 + number) }
        let ledger = try Ledger.new(in: try TemporaryFolder())
        func fetch(at second: Int) async -> Int {
            // A new process each time.
            await ExportFetcher.fetching(source, to: folder, ledger).fetch(
                now: { .seconds(second) }, interval: .seconds(10))
        }
        #expect(await fetch(at: 0) == 5)
        source.change { $0.isDown = true }
        #expect(await fetch(at: 1) == 0)
        source.change { ($0.isDown, $0.hidden) = (false, ["d-0.csv", "d-1.csv", "d-2.csv", "d-3.csv", "d-4.csv"]) }
        #expect(await fetch(at: 2) == 0)
        source.change { $0.hidden = ["d-3.csv"] }
        #expect(await fetch(at: 3) == 0)
        source.change { $0.hidden = [] }
        #expect(await fetch(at: 4) == 0)
        #expect(source.asked.count == 5)
        #expect(folder.names().count == 5)
    }

    @Test("what came together is seen together, by a look at any moment")
    func together() async throws {
        let folder = try TemporaryFolder()
        let count = 500
        let source = NamesSource(names: (0..<count).map { "export-\($0).csv" })
        let fetcher = ExportFetcher.fetching(source, to: folder, try .new(in: try TemporaryFolder()))
        let inbox = Inbox(folder: folder.path)
        let isFetched = Atomic(false)
        async let looks = Task.detached {
            var counts: Set<Int> = []
            while true {
                let isLast = isFetched.load(ordering: .acquiring)
                let entries = try fetcher.list(inbox).entries
                counts.insert(entries.count { !NameRules.isAlwaysLeftAlone($0.name) })
                if isLast { return counts }
            }
        }.value
        #expect(await fetcher.fetch(now: { .zero }, interval: .seconds(10)) == count)
        isFetched.store(true, ordering: .releasing)
        #expect(try await looks.isSubset(of: [0, count]))
        #expect(try await looks.contains(count))
    }
}
