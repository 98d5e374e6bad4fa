import CallPacing
import Foundation
import Ledger
import Synchronization
import TestSupport
import Testing

@testable import ExportSources
@testable import SyncService

@Suite("Exports behind a URL")
struct WebExportsTests {
    private let folder: TemporaryFolder
    private let state: TemporaryFolder
    private let ledger: Ledger
    private let export = Data((0..<5000).map { "customer-\($0),cart-\($0)\n" }.joined().utf8)

    init() throws {
        folder = try TemporaryFolder()
        state = try TemporaryFolder()
        ledger = try .new(in: state)
    }

    private func fetcher(_ source: WebSource, limit: Int = 1 << 20) -> ExportFetcher {
        .fetching(source, to: folder, ledger, settle: .seconds(5), limit: limit)
    }

    /// Fetches once, at a time that nothing is waited for.
    private func fetch(_ fetcher: ExportFetcher, at seconds: Int = 0) async -> Int {
        await fetcher.fetch(now: { .seconds(seconds) }, interval: .seconds(10))
    }

    private var fetched: Data? { FileManager.default.contents(atPath: folder.path("customers.csv")) }

    private func with(
        _ path: String = "/exports/customers.csv?key=hush", header: (String, String)? = nil,
        limit: Int = 1 << 20, _ body: (ExportServer, ExportFetcher, _ url: String) async throws -> Void
    ) async throws {
        try await ExportServer.with { server, url in
            let source = WebSource(
                try WebAddress(url + path), header: header.map { (name: $0.0, value: $0.1) }, time: .system)
            do {
                try await body(server, fetcher(source, limit: limit), url)
            } catch {
                await source.shutdown()
                throw error
            }
            await source.shutdown()
        }
    }

    private let path = "/exports/customers.csv?key=hush"

    @Test("an export is fetched once, and again when it has changed, also by another process")
    func conditional() async throws {
        try await with(header: ("Authorization", "Bearer hush")) { server, fetcher, _ in
            server.put(path, .init(content: export, etag: #""a""#, modified: "Fri, 24 May 2013 00:00:00 GMT"))
            #expect(await fetch(fetcher) == 1)
            #expect(fetched == export)
            let attributes = try FileManager.default.attributesOfItem(atPath: folder.path("customers.csv"))
            #expect(attributes[.posixPermissions] as? Int == 0o600)
            #expect((attributes[.modificationDate] as? Date)?.timeIntervalSince1970 == 1_369_353_600)
            #expect(await fetch(fetcher) == 0)
            // A fetcher of the next start has the memory of this one.
            let next = ExportFetcher.fetching(fetcher.source, to: folder, ledger)
            #expect(await fetch(next) == 0)
            #expect(server.statuses == [200, 304, 304])
            #expect(server.seen.allSatisfy { $0.headers["authorization"] == "Bearer hush" })
            server.change(path) { file in
                file.etag = #""b""#
                file.content.append(10)
            }
            #expect(await fetch(next) == 1)
            #expect(folder.names() == ["customers-2.csv", "customers.csv"])
            #expect(next.trouble == nil)
            #expect(fetcher.source.words.hasSuffix("/exports/customers.csv"), "the query may be secret")
        }
    }

    @Test("without a tag the time decides, and without either the content")
    func otherVersions() async throws {
        try await with { server, fetcher, _ in
            server.put(path, .init(content: export, modified: "Fri, 24 May 2013 00:00:00 GMT"))
            #expect(await fetch(fetcher) == 1)
            #expect(await fetch(fetcher) == 0)
            server.put(path, .init(content: export))
            #expect(await fetch(fetcher) == 0)
            #expect(await fetch(fetcher) == 0)
            server.put(path, .init(content: export + Data("c-1,cart-1\n".utf8)))
            #expect(await fetch(fetcher) == 1)
            #expect(server.statuses == [200, 304, 200, 200, 200])
            #expect(folder.names().allSatisfy { !$0.hasSuffix(".part") && !$0.hasSuffix(".version") })
        }
    }

    @Test("what was cut goes on where it ended, and nothing is in sight before it is whole")
    func resumed() async throws {
        try await with { server, fetcher, _ in
            server.put(path, .init(content: export, etag: #""a""#, cut: 60_000))
            #expect(await fetch(fetcher) == 0)
            #expect(fetcher.trouble?.problem.isEmpty == false)
            #expect(folder.names() == [".customers.csv.part", ".customers.csv.version"])
            let size = PartialFile(folder: folder.path, name: "customers.csv", limit: 1 << 20).size
            #expect((1...60_000).contains(size))
            server.change(path) { $0.cut = nil }
            #expect(await fetch(fetcher, at: 10) == 1)
            #expect(fetched == export)
            #expect(server.statuses == [200, 206])
            #expect(server.seen.last?.headers["if-range"] == #""a""#)
            #expect(server.seen.last?.headers["range"] == "bytes=\(size)-")
            #expect(fetcher.trouble == nil)
        }
    }

    @Test("what was there to its last byte when the process ended is fetched anew at once")
    func wholeAlready() async throws {
        try await with { server, fetcher, _ in
            let file = PartialFile(folder: folder.path, name: "customers.csv", limit: 1 << 20)
            try file.begin(ExportVersion(etag: #""a""#), keeping: false)
            try file.append(Array(export.reversed()))
            server.put(path, .init(content: export, etag: #""a""#))
            #expect(await fetch(fetcher) == 1)
            #expect(fetched == export)
            #expect(server.statuses == [416, 200])
            #expect(fetcher.trouble == nil)
        }
    }

    @Test("what has changed in between, or has only a weak tag, begins anew", arguments: [#""b""#, #"W/"b""#])
    func notResumed(etag: String) async throws {
        try await with { server, fetcher, _ in
            server.put(path, .init(content: export, etag: #"W/"a""#, cut: 60_000))
            #expect(await fetch(fetcher) == 0)
            let other = Data(export.reversed())
            server.put(path, .init(content: other, etag: etag))
            #expect(await fetch(fetcher, at: 10) == 1)
            #expect(fetched == other)
            #expect(server.statuses == [200, 200])
        }
    }

    @Test("an export over the limit is refused before its first byte, and while it comes", arguments: [true, false])
    func tooLarge(hasLength: Bool) async throws {
        try await with(limit: 1000) { server, fetcher, _ in
            server.put(path, .init(content: export, etag: #""a""#, hasLength: hasLength))
            #expect(await fetch(fetcher) == 0)
            #expect(fetcher.trouble?.problem.contains("1000 are allowed; raise source.max-size") == true)
            #expect(folder.names().isEmpty)
        }
    }

    @Test(
        "a refusal says which setting to look at, and nothing secret",
        arguments: [(401, "source.header"), (403, "source.header"), (404, "source.url"), (500, "asked again later")])
    func refusals(status: Int, words: String) async throws {
        try await with { server, fetcher, _ in
            server.put(path, .init(status: status))
            #expect(await fetch(fetcher) == 0)
            #expect(fetcher.trouble?.problem.contains(words) == true)
            #expect(fetcher.trouble?.problem.contains("hush") == false)
        }
    }

    @Test("a redirect is followed, without the header where it leads to another host")
    func redirects() async throws {
        try await with(header: ("X-Key", "hush")) { server, fetcher, url in
            let other = url.replacing("127.0.0.1", with: "localhost")
            server.put(path, .init(location: "/moved"))
            server.put("/moved", .init(location: "\(other)/elsewhere"))
            server.put("/elsewhere", .init(content: export, etag: #""a""#))
            #expect(await fetch(fetcher) == 1)
            #expect(server.seen.map(\.path) == [path, "/moved", "/elsewhere"])
            #expect(server.seen.map { $0.headers["x-key"] } == ["hush", "hush", nil])
            #expect(folder.names().contains("customers.csv"))
        }
    }

    @Test("redirects without end, and those to what is no address, are refused")
    func badRedirects() async throws {
        try await with { server, fetcher, _ in
            server.put(path, .init(location: path))
            #expect(await fetch(fetcher) == 0)
            #expect(fetcher.trouble?.problem.contains("more than 5 times") == true)
            server.put(path, .init(location: "file:///etc/passwd"))
            #expect(await fetch(fetcher, at: 100) == 0)
            #expect(fetcher.trouble?.problem.contains("where nobody can follow") == true)
        }
    }

    @Test("a source that is down for an hour is asked ever more rarely, says so, and is read when it is back")
    func downForAnHour() async throws {
        try await with { server, fetcher, _ in
            server.put(path, .init(status: 503))
            for second in stride(from: 0, through: 3600, by: 10) { _ = await fetch(fetcher, at: second) }
            // At 0, 10, 30, 70, 150, 310, 630, 1230, 1830, 2430 and 3030 s.
            #expect(server.seen.count == 11)
            let words = try #require(fetcher.trouble).words(now: .seconds(3600))
            #expect(words.hasPrefix("the source cannot be read for 3600 s: http://127.0.0.1:"))
            #expect(words.hasSuffix("(next attempt in 30 s)"))
            server.put(path, .init(content: export, etag: #""a""#))
            #expect(await fetch(fetcher, at: 3629) == 0)
            #expect(await fetch(fetcher, at: 3630) == 1)
            #expect(fetcher.trouble == nil)
        }
    }

    @Test("nobody listens: the reason is told and no process ends")
    func nobody() async throws {
        let source = WebSource(try WebAddress("http://127.0.0.1:1/a.csv"), header: nil, time: .system)
        let fetcher = fetcher(source)
        #expect(await fetch(fetcher) == 0)
        #expect(fetcher.trouble?.problem.contains("cannot be reached") == true)
        await source.shutdown()
    }
}
