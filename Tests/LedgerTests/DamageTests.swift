import CartAssociations
import Foundation
import GRDB
import TestSupport
import Testing

@testable import Ledger

@Suite("A damaged ledger")
struct DamageTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// Everything that a ledger can say, in one value.
    private struct Content: Equatable {
        let associations: [StoredAssociation]
        let entries: [JournalEntry]
        let run: RunRecord?

        init(_ ledger: Ledger) throws {
            associations = try ledger.allAssociations()
            entries = try ledger.allEntries(of: "r")
            run = try ledger.run("r")
        }
    }

    private func fill(_ count: Int) throws -> Content {
        let ledger = try Ledger.open(in: folder, run: makeRun("r"))
        let all = try (0..<count).map { try association("customer-\($0)", "cart-\($0 % 700)") }
        try ledger.assert(all, by: "default", run: "r", confirmation: .listed)
        try ledger.plan(all.prefix(count / 2).map { Change(.create, $0) }, for: "r")
        try ledger.updateRun("r") { $0.state = .applying }
        let content = try Content(ledger)
        try ledger.close()
        return content
    }

    /// Opens, reads and writes; the ledger must refuse, or say what it said before.
    private func tryOut(_ expected: Content, _ comment: Comment) throws -> Bool {
        do {
            let ledger = try Ledger.open(in: folder)
            defer { try? ledger.close() }
            let content = try Content(ledger)
            #expect(content == expected, comment)
            return false
        } catch let error as LedgerError {
            #expect(error.kind == .damaged || error.kind == .missing, "\(comment): \(error)")
            #expect(error.description.contains("cartsync ledger rebuild --state"), comment)
            return true
        }
    }

    @Test("random pages that were overwritten are noticed, or were of no use", arguments: 0..<20 as Range<UInt64>)
    func overwritten(seed: UInt64) throws {
        let content = try fill(1_000)
        var generator = SeededGenerator(seed: seed)
        var bytes = try Data(contentsOf: URL(fileURLWithPath: folder.database))
        let page = 8_192
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            let start = Int.random(in: 0..<bytes.count / page, using: &generator) * page
            for offset in start..<start + page { bytes[offset] = UInt8.random(in: .min ... .max, using: &generator) }
        }
        try bytes.write(to: URL(fileURLWithPath: folder.database))
        #expect(try tryOut(content, "seed \(seed)"), "seed \(seed): a page of this ledger is always of use")
    }

    @Test("a ledger cut off anywhere is noticed", arguments: 0..<12 as Range<UInt64>)
    func truncated(seed: UInt64) throws {
        let content = try fill(500)
        var generator = SeededGenerator(seed: seed)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: folder.database))
        let count = Int.random(in: 0..<bytes.count, using: &generator)
        try bytes.prefix(count).write(to: URL(fileURLWithPath: folder.database))
        #expect(try tryOut(content, "seed \(seed)"), "seed \(seed): cut at \(count) of \(bytes.count)")
    }

    @Test("zeros all over are noticed")
    func zeros() throws {
        let content = try fill(200)
        let size = try Data(contentsOf: URL(fileURLWithPath: folder.database)).count
        try Data(repeating: 0, count: size).write(to: URL(fileURLWithPath: folder.database))
        #expect(try tryOut(content, "zeros"))
    }

    @Test("a write-ahead log that was lost with recorded runs is noticed")
    func logLost() throws {
        let ledger = try Ledger.open(in: folder, run: makeRun("r"))
        // A copy of what a crash would leave, without the log.
        try FileManager.default.createDirectory(atPath: folder.path + "/copy", withIntermediateDirectories: true)
        for file in ["ledger.sqlite", "ledger.marker"] {
            try FileManager.default.copyItem(
                atPath: folder.state + "/" + file, toPath: folder.path + "/copy/" + file)
        }
        try ledger.close()
        let error = try #require(throws: LedgerError.self) {
            try Ledger.open(folder: folder.path + "/copy", store: testStore, now: noon)
        }
        #expect(error.kind == .damaged)
    }

    @Test("pages of a ledger that is too large to be checked when it is opened are noticed when they are read")
    func large() throws {
        let ledger = try Ledger.open(in: folder, run: makeRun("r"))
        try ledger.database.write { db in
            try db.execute(
                sql: """
                    INSERT INTO association SELECT printf('cart-%07d-%s', value, hex(randomblob(90))), 0, 'c', randomblob(16),
                        2, 0, 1, NULL, NULL, NULL
                    FROM (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n LIMIT 160000)
                        SELECT value FROM n)
                    """)
        }
        // One that was planning would have all pages read.
        try ledger.updateRun("r") { $0.state = .finished }
        try ledger.close()
        let file = try #require(FileHandle(forUpdatingAtPath: folder.database))
        let size = try file.seekToEnd()
        #expect(size > 33 << 20)
        var generator = SeededGenerator(seed: 5)
        for _ in 0..<8 {
            try file.seek(toOffset: UInt64.random(in: 40..<size / 8_192, using: &generator) * 8_192)
            file.write(Data((0..<8_192).map { _ in UInt8.random(in: .min ... .max, using: &generator) }))
        }
        try file.close()
        let again = try Ledger.open(in: folder)
        let error = try #require(throws: LedgerError.self) { try again.scan(from: "default") { _ in } }
        #expect(error.kind == .damaged)
        #expect(error.description.contains("cartsync ledger rebuild --state"))
        #expect(try !again.check().isEmpty)
        try again.close()
    }
}
