import CallPacing
import Foundation
import HTTPTypes
import TestSupport
import Testing

@testable import ExportSources

@Suite("web servers that behave oddly")
struct OddWebServersTests {
    private let folder: TemporaryFolder
    private let path = "/customers.csv"
    private let export = Data((0..<50_000).map { "customer-\($0),cart-\($0)\n" }.joined().utf8)
    private let time = "Fri, 24 May 2013 00:00:00 GMT"

    init() throws { folder = try TemporaryFolder() }

    /// A source that remembers what it fetched last, as a service does.
    private final class Fetching {
        let source: WebSource
        let folder: String
        var known: ExportVersion?

        init(_ source: WebSource, folder: String) {
            self.source = source
            self.folder = folder
        }

        /// Whether something new came.
        func fetch() async -> Result<Bool, SourceError> {
            let file = PartialFile(folder: folder, name: "x", limit: 10 << 20)
            do throws(SourceError) {
                guard
                    case .complete(let version, _) = try await source.download(
                        RemoteExport(name: "x"), known: known, to: file)
                else { return .success(false) }
                known = version
                try file.finish(modified: nil)
                return .success(true)
            } catch {
                return .failure(error)
            }
        }

        /// Why nothing can be fetched; nil if something can.
        func failure() async -> SourceError? {
            if case .failure(let error) = await fetch() { error } else { nil }
        }
    }

    private func with(
        _ file: ExportServer.File, header: (name: String, value: String)? = nil, _ options: WebOptions = WebOptions(),
        _ body: (ExportServer, Fetching) async throws -> Void
    ) async throws {
        try await ExportServer.with { server, url in
            server.put(path, file)
            let source = WebSource(try WebAddress(url + path), header: header, options, time: .system)
            let result: Result<Void, any Error>
            do {
                result = .success(try await body(server, Fetching(source, folder: folder.path)))
            } catch {
                result = .failure(error)
            }
            await source.shutdown()
            try result.get()
        }
    }

    @Test("one that ignores conditions is not read to the end again, and is named once")
    func ignoresConditions() async throws {
        let file = ExportServer.File(content: export, etag: #""a""#, modified: time, takesConditions: false)
        try await with(file) { server, fetching in
            #expect(await fetching.fetch() == .success(true))
            for _ in 0..<3 { #expect(await fetching.fetch() == .success(false)) }
            #expect(server.statuses == [200, 200, 200, 200])
            #expect(fetching.source.takeNotices().map { $0.contains("ignores conditional requests") } == [true])
            // The same without a tag, by time and length.
            server.change(path) { $0.etag = nil }
            #expect(await fetching.fetch() == .success(false))
            server.change(path) { $0.content.append(10) }
            #expect(await fetching.fetch() == .success(true))
        }
    }

    @Test("a tag that changes with the node costs one download, and then time and length decide")
    func changingTag() async throws {
        try await with(.init(content: export, etag: #""node-1""#, modified: time)) { server, fetching in
            #expect(await fetching.fetch() == .success(true))
            for node in 2..<6 {
                server.change(path) { $0.etag = "\"node-\(node)\"" }
                #expect(await fetching.fetch() == .success(false))
            }
            #expect(fetching.source.takeNotices().filter { $0.contains("another ETag for the same bytes") }.count == 1)
            // What is new by its time comes, whatever the tag.
            server.change(path) { file in
                file.content = Data(file.content.reversed())
                file.modified = "Fri, 24 May 2013 00:00:01 GMT"
            }
            #expect(await fetching.fetch() == .success(true))
            #expect(FileManager.default.contents(atPath: folder.path(".x.part")) == Data(export.reversed()))
        }
    }

    @Test("the same bytes at another time are not new; those of the day before yesterday are")
    func sameBytes() async throws {
        try await with(.init(content: export, etag: #""a""#, modified: time)) { server, fetching in
            #expect(await fetching.fetch() == .success(true))
            server.change(path) { file in
                file.etag = #""b""#
                file.modified = "Fri, 24 May 2013 01:00:00 GMT"
            }
            #expect(await fetching.fetch() == .success(false))
            // What was said with the same bytes counts from then on.
            #expect(await fetching.fetch() == .success(false))
            #expect(server.statuses == [200, 200, 304])
            server.change(path) { file in
                file.etag = #""c""#
                file.content = Data("x".utf8)
            }
            #expect(await fetching.fetch() == .success(true))
            server.change(path) { file in
                file.etag = #""a""#
                file.content = export
            }
            #expect(await fetching.fetch() == .success(true))
        }
    }

    @Test("206 with the whole is taken for the whole, and named")
    func partial() async throws {
        try await with(.init(content: export, etag: #""a""#, isAlwaysPartial: true)) { _, fetching in
            #expect(await fetching.fetch() == .success(true))
            #expect(FileManager.default.contents(atPath: folder.path(".x.part")) == export)
            #expect(fetching.source.takeNotices().map { $0.contains("answers 206") } == [true])
        }
    }

    @Test("304 to a request without conditions is an error, not an export that has not changed")
    func unasked() async throws {
        try await with(.init(status: 304)) { _, fetching in
            let error = await fetching.failure()
            #expect(error?.description.contains("304") == true)
        }
    }

    @Test(
        "a wish to be left alone is passed on, of the statuses that have one",
        arguments: [
            (429, "120", Duration.seconds(120)), (503, "Fri, 24 May 2199 00:00:00 GMT", .seconds(Int64(Int32.max))),
            (503, "soon", nil), (500, "120", nil),
        ] as [(Int, String, Duration?)])
    func retryAfter(status: Int, text: String, wait: Duration?) async throws {
        var fields = HTTPFields()
        fields[.retryAfter] = text
        try await with(.init(status: status, more: fields)) { _, fetching in
            let error = await fetching.failure()
            #expect(error?.retryAfter == wait)
        }
    }

    @Test("what trickles is given up, and goes on where it ended")
    func trickle() async throws {
        var patience = FetchPatience(leastSpeed: 1 << 40)
        patience.span = .milliseconds(20)
        let file = ExportServer.File(content: export, etag: #""a""#, pause: .milliseconds(60))
        try await with(file, .init(patience: patience)) { server, fetching in
            let error = await fetching.failure()
            #expect(error?.description.contains("source.least-speed") == true)
            #expect(error?.description.contains("goes on later") == true)
            #expect(error?.isOfOneExport == false, "the source is in trouble, as /readyz says")
            #expect(PartialFile(folder: folder.path, name: "x", limit: 10 << 20).version?.etag == #""a""#)
        }
    }

    @Test(
        "a user or a token goes into the header that the standards have for it",
        arguments: [
            (WebSource.basic(user: "Aladdin", password: "open sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
            (WebSource.bearer("mF_9.B5f-4.1JqM"), "Bearer mF_9.B5f-4.1JqM"),
        ])
    func authentication(header: (name: String, value: String), expected: String) async throws {
        try await with(.init(content: export), header: header) { server, fetching in
            #expect(await fetching.fetch() == .success(true))
            #expect(server.seen.last?.headers["authorization"] == expected)
        }
    }

    @Test("a certificate that cannot be read names its setting, and is asked for again")
    func certificates() async throws {
        let text = folder.path("ca.pem")
        try Data("no certificate".utf8).write(to: URL(filePath: text))
        for (options, setting) in [
            (WebOptions(authorities: text), "source.ca-file"),
            (WebOptions(certificate: "/nonexistent", key: text), "source.certificate"),
        ] {
            try await with(.init(content: export), options) { _, fetching in
                for _ in 0..<2 {
                    let error = await fetching.failure()
                    #expect(error?.description.hasPrefix(setting) == true)
                }
            }
        }
    }

    @Test(
        "a head is compared by tag, else by time and length",
        arguments: [
            ("a", "t", 1, "a", "t", 1, true), ("a", "t", 1, "a", "u", 1, true), ("a", "t", 1, "a", "t", 2, false),
            ("a", "t", 1, "b", "t", 1, false), (nil, "t", 1, "b", "t", 1, true), (nil, "t", 1, nil, "t", 2, false),
            (nil, "t", nil, nil, "t", nil, false), (nil, nil, 1, nil, nil, 1, false),
            ("W/a", nil, 1, "a", nil, 1, true),
            (nil, nil, nil, nil, nil, nil, false),
        ] as [(String?, String?, Int?, String?, String?, Int?, Bool)])
    func heads(row: (String?, String?, Int?, String?, String?, Int?, Bool)) {
        let said = ExportVersion(etag: row.0, modified: row.1, size: row.2)
        let known = ExportVersion(etag: row.3, modified: row.4, size: row.5, digest: "d")
        #expect(WebSource.isSame(said, as: known, tagsAreReliable: true) == row.6)
        // Where tags tell nothing, time and length do.
        let byTime = row.1 != nil && row.1 == row.4 && row.2 != nil && row.2 == row.5
        #expect(WebSource.isSame(said, as: known, tagsAreReliable: false) == (row.6 || byTime))
    }
}
