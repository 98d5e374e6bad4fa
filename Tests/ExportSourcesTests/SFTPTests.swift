import CallPacing
import Foundation
import TestSupport
import Testing

@testable import ExportSources

@Suite("SFTP")
struct SFTPTests {
    private static let folder = Array("/exports".utf8)

    /// What a source makes of the folder of a stand-in.
    private func listing(_ server: SFTPStandIn) async throws -> SFTPListing {
        var client = server.client()
        try await client.begin()
        var names = try await client.list(Self.folder)
        try await SFTPSource.complete(&names, of: Self.folder, by: &client)
        return SFTPListing(names)
    }

    private func fetch(_ name: [UInt8], from server: SFTPStandIn, to file: PartialFile) async throws -> Bool {
        var client = server.client()
        try await client.begin()
        if file.size == 0 { try file.begin(ExportVersion(), keeping: false) }
        return try await SFTPSource.fetch(
            SFTPSource.path(of: name, in: Self.folder), to: file, &client, SFTPWatch(FetchPatience(), .system))
    }

    @Test(
        "names of all kinds are listed and fetched as they are",
        arguments: [
            "customers.csv", "Kundenübersicht Mü.csv", "a b  c.csv", "star*.csv", "what?.csv", "list[1].csv",
            "quo\"te'.csv", "back\\slash.csv", "-rf.csv", "$(x).csv", "`x`.csv", "%41.csv", "日本.csv", "line\nend.csv",
        ])
    func names(name: String) async throws {
        let server = SFTPStandIn([.init(name: Array(name.utf8), content: [1, 2, 3])])
        let listing = try await listing(server)
        #expect(listing.exports.map(\.name) == [name])
        #expect(listing.exports.map(\.bytes) == [nil])
        #expect(listing.notices == [])
        let folder = try TemporaryFolder()
        let file = PartialFile(folder: folder.path, name: "x", limit: 100)
        #expect(try await fetch(Array(name.utf8), from: server, to: file))
        #expect(FileManager.default.contents(atPath: file.path) == Data([1, 2, 3]))
    }

    @Test("a name that is no UTF-8 is shown with %XX, and two that are one text get names of their own")
    func otherBytes() async throws {
        let latin = Array("K".utf8) + [0xFC] + Array("ndigung.csv".utf8)
        let composed = Array("m\u{FC}.csv".utf8)
        let decomposed = Array("mu\u{308}.csv".utf8)
        let entries = [latin, composed, decomposed].map { SFTPStandIn.Entry(name: $0) }
        for order in [entries, entries.reversed()] {
            let exports = try await listing(SFTPStandIn(order)).exports
            #expect(exports.map(\.name) == ["K%FCndigung.csv", "mu\u{308}.csv", "m%C3%BC.csv"])
            #expect(exports.map(\.bytes) == [latin, nil, composed])
        }
    }

    @Test("folders, links and what else is no file are left alone, and links are named")
    func kinds() async throws {
        let server = SFTPStandIn([
            .init(name: Array(".".utf8), mode: 0o040755), .init(name: Array("..".utf8), mode: 0o040755),
            .init(name: Array("folder.csv".utf8), mode: 0o040755), .init(name: Array("link.csv".utf8), mode: 0o120777),
            .init(name: Array("pipe.csv".utf8), mode: 0o010644), .init(name: Array("../etc/passwd".utf8)),
            .init(name: [97, 0]), .init(name: []), .init(name: Array("file.csv".utf8), modified: 7),
        ])
        let listing = try await listing(server)
        #expect(listing.exports.map(\.name) == ["file.csv"])
        #expect(listing.exports.first?.modified == .seconds(7))
        #expect(listing.notices.count == 5)
        #expect(listing.notices.contains("link.csv is a link, and is left alone; put the file itself there"))
    }

    @Test("what the listing leaves out is asked for", arguments: [true, false])
    func incomplete(listsPermissions: Bool) async throws {
        let oddities = SFTPStandIn.Oddities(
            listsPermissions: listsPermissions, listsTypes: false, listsSizes: false, listsTimes: false)
        let server = SFTPStandIn(
            [
                .init(name: Array("a.csv".utf8), content: [1, 2]), .init(name: Array("b".utf8), mode: 0o040755),
                .init(name: Array("c".utf8), mode: 0o120777),
            ], oddities)
        let whole = try await listing(server)
        #expect(whole.exports.map(\.name) == ["a.csv"])
        #expect(whole.exports.first?.version == ExportVersion(modified: "1795280400", size: 2))
        // A server that tells nothing at all of a path: what opens as a folder is one.
        server.oddities.answersAttributes = false
        let bare = try await listing(server)
        #expect(bare.exports.map(\.name) == ["a.csv", "c"])
        #expect(bare.exports.map(\.version) == [nil, nil])
        #expect(bare.notices.contains { $0.hasPrefix("the server tells no times") })
    }

    @Test("a listing that fails is an error, whatever was listed before", arguments: [2, 3, 4, 8, 0, 99] as [UInt32])
    func failedListing(code: UInt32) async throws {
        let server = SFTPStandIn([.init(name: [97])], .init(hasMessages: code % 2 == 0, listingStatus: code))
        await #expect(throws: SFTPError.self) { try await listing(server) }
    }

    @Test("a folder without end is an error")
    func endless() async throws {
        let server = SFTPStandIn(
            Array(repeating: .init(name: Array("a.csv".utf8)), count: 100_001), .init(namesEach: 1000))
        await #expect(throws: SFTPError.endless(100_000)) { try await listing(server) }
    }

    @Test("a file that changes while it is fetched is not taken for whole")
    func changing() async throws {
        let folder = try TemporaryFolder()
        for change in ["grows", "shrinks", "is touched"] {
            let server = SFTPStandIn([.init(name: [97], content: Array(repeating: 7, count: 100_000))])
            server.beforeRead = { server in
                switch change {
                case "grows": server.entries[0].content.append(8)
                case "shrinks": server.entries[0].content.removeLast(min(50_000, server.entries[0].content.count))
                default: server.entries[0].modified += 1
                }
            }
            let file = PartialFile(folder: folder.path, name: "x", limit: 1 << 20)
            #expect(try await fetch([97], from: server, to: file) == false, "\(change)")
            file.discard()
        }
    }

    @Test("more bytes than are allowed end the fetch")
    func tooLarge() async throws {
        let folder = try TemporaryFolder()
        let server = SFTPStandIn([.init(name: [97], content: Array(repeating: 7, count: 100_000))])
        let file = PartialFile(folder: folder.path, name: "x", limit: 50_000)
        let error = await #expect(throws: SourceError.self) { try await fetch([97], from: server, to: file) }
        #expect(error?.isOfOneExport == true)
        #expect(folder.names() == [])
    }

    @Test(
        "any folder on any server is listed as it is, and any file of it fetched whole",
        arguments: 0..<200 as Range<UInt64>)
    func anyFolder(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let server = SFTPStandIn(Self.entries(&random), Self.oddities(&random), seed: seed)
        let exports = try await listing(server).exports
        let files = server.entries.filter { $0.mode & 0o170000 == 0o100000 }
        let byName = Dictionary(uniqueKeysWithValues: exports.map { ($0.bytes ?? Array($0.name.utf8), $0) })
        #expect(Set(byName.keys) == Set(files.map(\.name)))
        for file in files { #expect(byName[file.name]?.modified == .seconds(Int64(file.modified))) }
        #expect(Set(exports.map(\.name)).count == exports.count)
        guard let file = files.randomElement(using: &random) else { return }
        let folder = try TemporaryFolder()
        let partial = PartialFile(folder: folder.path, name: "x", limit: 1 << 20)
        // It may go on where an earlier attempt ended.
        try partial.begin(ExportVersion(), keeping: false)
        try partial.append(Array(file.content.prefix(Int.random(in: 0...file.content.count, using: &random))))
        #expect(try await fetch(file.name, from: server, to: partial))
        #expect(FileManager.default.contents(atPath: partial.path).map(Array.init) ?? [] == file.content)
    }

    private static func entries(_ random: inout SeededGenerator) -> [SFTPStandIn.Entry] {
        var names: Set<[UInt8]> = []
        for _ in 0..<Int.random(in: 0...40, using: &random) {
            let length = Int.random(in: 1...30, using: &random)
            names.insert(
                (0..<length).map { _ in
                    // Text and bytes of all kinds, but what no name has.
                    let byte = UInt8.random(in: random.oneIn(2) ? 32...126 : 1...255, using: &random)
                    return byte == 47 ? 46 : byte
                })
        }
        for name in [".", ".."] { names.remove(Array(name.utf8)) }
        return names.map { name in
            let count = random.oneIn(3) ? 0 : Int.random(in: 0...(random.oneIn(20) ? 150_000 : 2000), using: &random)
            return .init(
                name: name, content: (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ count) },
                modified: UInt32.random(in: 0 ... .max, using: &random),
                mode: [0o100644, 0o100600, 0o040755, 0o120777].randomElement(using: &random) ?? 0)
        }
    }

    private static func oddities(_ random: inout SeededGenerator) -> SFTPStandIn.Oddities {
        .init(
            listsPermissions: random.oneIn(2), listsTypes: random.oneIn(2), listsSizes: random.oneIn(2),
            listsTimes: random.oneIn(2), hasMessages: random.oneIn(2),
            namesEach: Int.random(in: 1...50, using: &random),
            mostEach: random.oneIn(2) ? 32 << 10 : Int.random(in: 500...32 << 10, using: &random),
            extendedAttributes: random.oneIn(2), shuffles: random.oneIn(2))
    }

    @Test("damaged answers end in an error or an answer, never in anything else", arguments: 0..<300 as Range<UInt64>)
    func damaged(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let server = SFTPStandIn(Self.entries(&random), Self.oddities(&random), seed: seed)
        var damage = SeededGenerator(seed: seed &+ 1_000_000)
        var client = server.client { bytes in
            guard damage.oneIn(4) else { return bytes }
            var bytes = bytes
            let place = Int.random(in: 0..<bytes.count, using: &damage)
            if damage.oneIn(2) {
                bytes[place] = UInt8.random(in: 0...255, using: &damage)
            } else {
                bytes.remove(at: place)
            }
            return bytes
        }
        do {
            try await client.begin()
            var names = try await client.list(Self.folder)
            try await SFTPSource.complete(&names, of: Self.folder, by: &client)
            #expect(SFTPListing(names).exports.allSatisfy { !($0.bytes ?? Array($0.name.utf8)).contains(47) })
        } catch is SFTPError {}
    }

    @Test(
        "packets that are not whole, too long or of another kind are refused",
        arguments: [
            [0, 0, 0, 0], [0xFF, 0xFF, 0xFF, 0xFF], [0, 0, 0, 1, 99], [0, 0, 0, 1, 2], [0, 0, 0, 6, 2, 0, 0, 0, 6],
            [0, 0, 0, 5, 102, 0, 0, 0, 1],
        ] as [[UInt8]])
    func badPackets(bytes: [UInt8]) async throws {
        var answers = [bytes]
        var client = SFTPClient(send: { _ in }, receive: { answers.isEmpty ? nil : answers.removeFirst() })
        await #expect(throws: SFTPError.self) { try await client.begin() }
    }

    @Test("a greeting of the shell is shown")
    func talk() async throws {
        var answers = [Array("\nWelcome to\u{1B}[1m files.example!\n\0\0\0\u{9}\u{2}".utf8)]
        var client = SFTPClient(send: { _ in }, receive: { answers.isEmpty ? nil : answers.removeFirst() })
        await #expect(throws: SFTPError.talk("Welcome to [1m files.example!")) { try await client.begin() }
    }

    @Test("bytes that were not asked for are refused")
    func unaskedBytes() throws {
        var id: UInt32 = 0
        for count in [0, 11] {
            var reading = SFTPReading(offset: 0, window: 2, piece: 10)
            while reading.next(after: &id) != nil {}
            #expect(throws: SFTPError.self) { try reading.take(id, .data(Array(repeating: 1, count: count))) }
        }
        var reading = SFTPReading(offset: 0, window: 2, piece: 10)
        #expect(throws: SFTPError.self) { try reading.take(9, .end) }
    }
}
