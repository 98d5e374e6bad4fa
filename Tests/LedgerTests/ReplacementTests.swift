import CartAssociations
import Foundation
import TestSupport
import Testing

@testable import Ledger

@Suite("A ledger in the place of another")
struct ReplacementTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private var files: LedgerFiles { LedgerFiles(folder: folder.state) }
    private var old: String { folder.state + "/old" }

    /// Makes a ledger with one run and leaves its files as a crash would: with a write-ahead log.
    private func makeOld() throws -> [String: Data] {
        let ledger = try Ledger.open(in: folder, run: makeRun("old"))
        let bytes = try bytes(folder.state)
        try ledger.close()
        for (name, data) in bytes { try data.write(to: URL(filePath: folder.state + "/" + name)) }
        return bytes
    }

    /// The ledger's files in a folder.
    private func bytes(_ path: String) throws -> [String: Data] {
        var found: [String: Data] = [:]
        for name in ["ledger.sqlite", "ledger.sqlite-wal", "ledger.marker"] {
            found[name] = FileManager.default.contents(atPath: path + "/" + name)
        }
        return found
    }

    /// Makes the new ledger beside the old one, complete and closed.
    private func makeNew() throws {
        let ledger = try Ledger.open(folder: files.replacement.folder, store: testStore, now: noon)
        try ledger.beginRun(makeRun("new"))
        try ledger.updateRun("new") { $0.state = .finished }
        try ledger.close()
    }

    private func runs() throws -> [String] {
        let ledger = try Ledger.open(folder: folder.state, store: nil, now: noon)
        defer { try? ledger.close() }
        return try ledger.runs().map(\.id)
    }

    @Test("is complete after a crash at any step, and the old files are kept as they were")
    func crashAtEachStep() throws {
        let steps = LedgerSwap(files, old: old).steps.count
        for taken in 0...steps {
            try? FileManager.default.removeItem(atPath: folder.state)
            let before = try makeOld()
            #expect(before.count == 3, "an old ledger with a write-ahead log")
            try makeNew()
            #expect(try bytes(folder.state) == before, "nothing of the old ledger changes while the new one is made")
            let swap = LedgerSwap(files, old: old)
            try swap.begin()
            for step in swap.steps.prefix(taken) { try step.take() }
            #expect(try runs() == ["new"], "crashed after \(taken) of \(steps) steps")
            #expect(try bytes(old) == before, "crashed after \(taken) of \(steps) steps")
            #expect(!FileManager.default.fileExists(atPath: files.swapNote))
            #expect(!FileManager.default.fileExists(atPath: files.replacement.folder))
            #expect(try runs() == ["new"], "and it stays so")
        }
    }

    @Test("every step can be taken again")
    func stepsTwice() throws {
        let before = try makeOld()
        try makeNew()
        let swap = LedgerSwap(files, old: old)
        try swap.begin()
        let steps = swap.steps
        for index in steps.indices.dropLast() {
            for step in steps[...index] { try step.take() }
        }
        #expect(try runs() == ["new"])
        #expect(try bytes(old) == before)
    }

    @Test("a crash before the exchange leaves the old ledger, and the next try begins anew")
    func crashBefore() throws {
        _ = try makeOld()
        do {
            let replacement = try LedgerReplacement(folder: folder.state, store: testStore, now: noon)
            try replacement.ledger.beginRun(makeRun("half"))
        }
        #expect(try runs() == ["old"])
        let replacement = try LedgerReplacement(folder: folder.state, store: testStore, now: noon)
        #expect(try replacement.ledger.runs().isEmpty)
        replacement.abandon()
        #expect(try runs() == ["old"])
        #expect(!FileManager.default.fileExists(atPath: files.replacement.folder))
    }

    @Test("takes the place of a ledger that is whole, damaged, cut, empty, gone, foreign, or has no marker")
    func replaced() throws {
        let damages: [(String, () throws -> Void)] = [
            ("whole", {}),
            ("damaged", { try Data(repeating: 7, count: 20_000).write(to: URL(filePath: folder.database)) }),
            (
                "cut",
                {
                    try Data(contentsOf: URL(filePath: folder.database)).prefix(9000).write(
                        to: URL(filePath: folder.database))
                }
            ),
            ("empty", { try Data().write(to: URL(filePath: folder.database)) }),
            ("gone", { try FileManager.default.removeItem(atPath: folder.database) }),
            ("without marker", { try FileManager.default.removeItem(atPath: folder.marker) }),
            ("marker damaged", { try Data("x".utf8).write(to: URL(filePath: folder.marker)) }),
            ("nothing", { try FileManager.default.removeItem(atPath: folder.state) }),
        ]
        for (name, damage) in damages {
            try? FileManager.default.removeItem(atPath: folder.state)
            _ = try makeOld()
            try damage()
            let before = try bytes(folder.state)
            let replacement = try LedgerReplacement(folder: folder.state, store: testStore, now: noon)
            try replacement.ledger.beginRun(makeRun("new"))
            try replacement.ledger.updateRun("new") { $0.state = .finished }
            let kept = try replacement.finish()
            #expect(try runs() == ["new"], "\(name)")
            if let kept {
                #expect(try bytes(kept) == before, "\(name)")
                #expect(kept.contains("20261121-120000"))
            } else {
                #expect(before.isEmpty, "\(name)")
            }
        }
    }

    @Test("is refused while another process holds the folder")
    func locked() throws {
        let ledger = try Ledger.open(in: folder)
        let error = try #require(throws: LedgerError.self) {
            try LedgerReplacement(folder: folder.state, store: testStore, now: noon)
        }
        #expect(error.kind == .locked)
        try ledger.close()
    }
}
