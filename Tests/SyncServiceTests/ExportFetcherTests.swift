import Foundation
import Ledger
import Synchronization
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
                counts.insert(entries.count { !InboxName.isIgnored($0.name) })
                if isLast { return counts }
            }
        }.value
        #expect(await fetcher.fetch(now: { .zero }, interval: .seconds(10)) == count)
        isFetched.store(true, ordering: .releasing)
        #expect(try await looks.isSubset(of: [0, count]))
        #expect(try await looks.contains(count))
    }
}
