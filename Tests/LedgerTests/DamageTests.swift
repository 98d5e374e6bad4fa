import CartAssociations
import Foundation
import Ledger
import TestSupport
import Testing

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
            try Ledger.open(folder: folder.path + "/copy", store: testStore)
        }
        #expect(error.kind == .damaged)
    }
}
