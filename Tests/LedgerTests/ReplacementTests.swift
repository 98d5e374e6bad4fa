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

    /// Makes an old ledger whose source has applied an export, another one in part, and was seen to have two.
    private func makeOldWithExports() throws -> Ledger {
        let ledger = try Ledger.open(in: folder)
        for (id, state, time) in [("done", RunRecord.State.finished, 1), ("half", .stopped, 2), ("none", .refused, 3)] {
            try ledger.beginRun(makeRun(id, source: "s"))
            try ledger.recordExports(
                [.init(path: id, digest: id, records: 7, bytes: 1, time: .seconds(time), ownerKinds: [.customer])],
                source: "s", run: id, isSnapshot: true, isAccepted: state != .refused)
            var figures = PlanFigures()
            figures.usable = 7
            try ledger.updateRun(id) { ($0.state, $0.exitStatus, $0.figures) = (state, .done, figures) }
        }
        let seen = (1...2).map {
            SeenExport(name: "e\($0)", version: "v", stated: .seconds($0), time: .seconds($0), firstSeen: .seconds(9))
        }
        try ledger.recordSeen(seen, forgetting: [], of: "s")
        return ledger
    }

    @Test("knows what was applied and seen, and nobody can go on with a run whose journal is gone")
    func keepsMemory() throws {
        let old = try makeOldWithExports()
        let (applied, seen) = (try old.applied(by: "s", digests: ["done"]), try old.seenExports(of: "s"))
        let log = try bytes(folder.state)
        try old.close()
        // As a crash leaves it: with a write-ahead log.
        for (name, data) in log { try data.write(to: URL(filePath: folder.state + "/" + name)) }
        let replacement = try LedgerReplacement(folder: folder.state, store: testStore, now: noon)
        #expect(try replacement.keepMemory(inPlaceOf: "new") == KeptMemory(runs: 2, seen: 2))
        let ledger = replacement.ledger
        try ledger.beginRun(makeRun("new", source: "other"))
        try ledger.updateRun("new") { $0.state = .finished }
        let now = try ledger.applied(by: "s", digests: ["done"])
        #expect((now.sameBytes, now.snapshots) == (applied.sameBytes, applied.snapshots))
        #expect(try ledger.seenExports(of: "s") == seen)
        #expect(try ledger.appliedVolumes(of: "s") == [7])
        #expect(try ledger.runs().map(\.id) == ["new", "half", "done"])
        #expect(try ledger.run("half")?.isResumable == false && ledger.run("half")?.supersededBy == "new")
        _ = try replacement.finish()
        #expect(try runs() == ["new", "half", "done"])
    }

    @Test("knows until when exports may have been applied by runs that are no longer kept")
    func keepsRemoval() throws {
        let old = try makeOldWithExports()
        var figures = PlanFigures()
        figures.usable = 7
        // As many as the usual volume is taken from.
        for number in 10..<20 {
            try old.beginRun(makeRun("later-\(number)", source: "s"))
            try old.updateRun("later-\(number)") { ($0.state, $0.exitStatus, $0.figures) = (.finished, .done, figures) }
        }
        var retention = RunRetention(window: .zero)
        retention.most = 2
        // "done" goes; "half" has the newest snapshot.
        #expect(try old.forgetRuns(by: retention, waiting: [], now: noon) == nil)
        #expect(try old.run("done") == nil && old.run("half") != nil)
        #expect(try old.applied(by: "s", digests: ["done"]).removedUntil == .seconds(1))
        let newest = try old.newestRemovedRun()
        try old.close()
        let replacement = try LedgerReplacement(folder: folder.state, store: testStore, now: noon)
        _ = try replacement.keepMemory(inPlaceOf: "new")
        let ledger = replacement.ledger
        #expect(try ledger.applied(by: "s", digests: ["done"]).removedUntil == .seconds(1))
        #expect(try ledger.newestRemovedRun() == newest && newest != nil)
        replacement.abandon()
    }

    @Test("says what it cannot know", arguments: ["gone", "damaged", "older copy", "another store", "another ledger"])
    func losesMemory(how: String) throws {
        let old = try makeOldWithExports()
        try old.close()
        let path = LedgerFiles(folder: folder.state).database
        var words: (kept: Int, problem: String)
        switch how {
        case "gone":
            try FileManager.default.removeItem(atPath: path)
            words = (0, "the old ledger is gone")
        case "damaged":
            try Data(repeating: 7, count: 30_000).write(to: URL(filePath: path))
            words = (0, "the old ledger cannot be read")
        case "older copy":
            let marker = try String(contentsOfFile: files.marker, encoding: .utf8)
            let newer = marker.replacing(#/revision \d+/#, with: "revision 100000")
            try newer.write(toFile: files.marker, atomically: true, encoding: .utf8)
            words = (2, "the old ledger is an older copy, and does not know what came later")
        case "another store": words = (0, "the old ledger belongs to another store")
        default:
            let marker = try String(contentsOfFile: files.marker, encoding: .utf8)
            let other = marker.replacing(#/ledger [0-9a-f]+/#, with: "ledger 00")
            try other.write(toFile: files.marker, atomically: true, encoding: .utf8)
            words = (0, "what lies in its place is another ledger")
        }
        let store = how == "another store" ? StoreIdentity(baseURL: "https://other", clientID: "x") : testStore
        let replacement = try LedgerReplacement(folder: folder.state, store: store, now: noon)
        let kept = try replacement.keepMemory(inPlaceOf: "new")
        #expect(kept == KeptMemory(runs: words.kept, seen: words.kept, problem: words.problem))
        replacement.abandon()
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
