import CartAssociations
import Foundation
import Ledger
import Logging
import SyncReporting
import TestSupport
import Testing

@testable import SyncEngine

@Suite("runs that are no longer kept")
struct OldRunsTests {
    private let folder: TemporaryFolder
    private let ledger: Ledger
    private static let noon = Date(timeIntervalSince1970: 1_795_262_400)

    init() throws {
        folder = try TemporaryFolder()
        ledger = try Self.open(folder.path("state"))
    }

    private static func open(_ path: String) throws -> Ledger {
        try Ledger.open(folder: path, store: StoreIdentity(baseURL: "http://127.0.0.1:1", clientID: "t"), now: noon)
    }

    private static func retention(most: Int, days: Int = 400) -> RunRetention {
        var retention = RunRetention(window: .seconds(20 * 3600))
        (retention.most, retention.age) = (most, .seconds(days * 86_400))
        return retention
    }

    /// Adds a run of an hour with its folder.
    @discardableResult
    private func add(
        _ hour: Int, _ state: RunRecord.State = .finished, supersededBy later: String? = nil,
        change: (inout PastRun) -> Void = { _ in }
    ) throws -> String {
        var generator = SeededGenerator(seed: UInt64(hour))
        let date = Self.noon + Double(hour) * 3600
        var run = PastRun(id: RunRecord.makeID(at: date, using: &generator), date: date, state: state)
        run.isSnapshot = false
        change(&run)
        try run.record(in: ledger)
        if let later { try ledger.updateRun(run.id) { $0.supersededBy = later } }
        try folder.createFolder("state/runs/\(run.id)")
        try folder.write("{}", to: "state/runs/\(run.id)/report.json")
        return run.id
    }

    private var left: [String] { folder.names(in: "state/runs") }

    private var known: [String] { get throws { try ledger.runs(limit: 10_000).map(\.id).reversed() } }

    @Test("of runs that are over the newest are kept, with their reports", arguments: [1, 3, 9, 10, 11])
    func newest(most: Int) throws {
        let runs = try (0..<12).map { try add($0, $0 % 2 == 0 ? .refused : .finished) }
        try OldRuns(Self.retention(most: most)).removeAll(from: ledger, now: Self.noon + 12 * 3600)
        #expect(try known == runs.suffix(most) && left == known)
        #expect(try ledger.newestRemovedRun() == runs.dropLast(most).last)
    }

    @Test("latest and previous mean runs that had a plan, which stay however many failed after them")
    func planned() throws {
        let runs = try (0..<20).map { try add($0, $0 < 5 ? .finished : .failed) }
        try OldRuns(Self.retention(most: 2)).removeAll(from: ledger, now: Self.noon + 20 * 3600)
        #expect(try known == Array(runs[3..<5]) + Array(runs[18...]))
    }

    @Test("runs are kept for their age, and the newest fifty however old they are")
    func age() throws {
        let runs = try (0..<70).map { try add($0 * 24) }
        let removal = OldRuns(Self.retention(most: 10_000, days: 65))
        try removal.removeAll(from: ledger, now: Self.noon + 70 * 86_400)
        #expect(try known == runs.suffix(65))
        try removal.removeAll(from: ledger, now: Self.noon + 1000 * 86_400)
        #expect(try known == runs.suffix(50) && left == known)
    }

    @Test("what can go on, waits for a person, or is no run of this ledger stays, however old it is")
    func needed() throws {
        let stopped = try add(0, .stopped)
        let refused = try add(1, .refused)
        let applying = try add(2, .applying)
        let replaced = try add(3, .stopped, supersededBy: "20261121-101500-1004")
        let rest = try (4..<8).map { try add($0) }
        try folder.createFolder("state/runs/20200101-000000-abcd")
        try WaitingRuns(ledger).add(
            WaitingRun(
                id: refused, cause: .refused, job: "nightly", export: "a.csv", digest: "abc", bytes: 1, since: Date()))
        try OldRuns(Self.retention(most: 1)).removeAll(from: ledger, now: Self.noon + 8 * 3600)
        #expect(left == ["20200101-000000-abcd", stopped, refused, applying, rest[3]].sorted())
        #expect(try known == [stopped, refused, applying, rest[3]])
        #expect(!left.contains(replaced))
    }

    @Test("deletes that count in the guards stay, for as long as they count for their source")
    func window() throws {
        func delete(_ hour: Int, of source: String) throws -> String {
            try add(hour) { run in
                run.source = source
                run.changes = [Change.numbered(.delete, hour, hour)].compactMap(\.self)
            }
        }
        let (a, b) = (try delete(0, of: "a"), try delete(1, of: "b"))
        for hour in 2..<10 { try add(hour) { $0.source = hour % 2 == 0 ? "a" : "b" } }
        let removal = OldRuns(Self.retention(most: 1))
        removal.setWindow(.seconds(5 * 3600), of: "b")
        try removal.removeAll(from: ledger, now: Self.noon + 10 * 3600)
        #expect(try known.first == a && !known.contains(b))
        try removal.removeAll(from: ledger, now: Self.noon + 21 * 3600)
        #expect(try !known.contains(a))
    }

    @Test("a link among them is removed, and what it leads to is not")
    func link() throws {
        let id = try add(0)
        try add(1)
        try FileManager.default.removeItem(atPath: folder.path("state/runs/\(id)"))
        try folder.createFolder("elsewhere")
        try folder.write("x", to: "elsewhere/kept.txt")
        try FileManager.default.createSymbolicLink(
            atPath: folder.path("state/runs/\(id)"), withDestinationPath: folder.path("elsewhere"))
        try OldRuns(Self.retention(most: 1)).removeAll(from: ledger, now: Self.noon + 3600)
        #expect(left.count == 1)
        #expect(folder.names(in: "elsewhere") == ["kept.txt"])
    }

    @Test("no plan becomes stale by it, and a person who is removed with a run is in no byte of the ledger")
    func bytes() throws {
        let owner = "customer-of-long-ago"
        let change = Change(
            .create,
            Association(.customer, try #require(OwnerID(owner)), try #require(CartID("cart"))), place: nil)
        try add(0, .refused)
        try add(1) { $0.changes = [change] }
        try ledger.forget(draft([change.association]), source: "nightly")
        for hour in 2..<6 { try add(hour) }
        let revision = try ledger.revision()
        try OldRuns(Self.retention(most: 2)).removeAll(from: ledger, now: Self.noon + 6 * 3600)
        #expect(try ledger.revision() == revision)
        #expect(try ledger.check().isEmpty)
        try ledger.close()
        let bytes = try Data(contentsOf: URL(filePath: folder.path("state/ledger.sqlite")))
        #expect(bytes.range(of: Data(owner.utf8)) == nil)
    }

    private func draft(_ associations: [Association]) throws -> AssociationDraft {
        let draft = ledger.draftAssociations()
        for association in associations {
            try draft.add(association, ledger.fingerprintKey.fingerprint(association))
        }
        return draft
    }

    @Test("a process that ends between any two steps leaves nothing that another one does not remove")
    func crash() throws {
        for hour in 0..<60 {
            try add(hour) { run in
                // Journals of which a step removes some, a part of one, or several.
                let count = hour % 7 == 0 ? 2500 : hour % 3
                run.changes = (0..<count).compactMap { Change.numbered(.create, hour, $0) }
            }
        }
        let kept = try known.suffix(3)
        let removal = OldRuns(Self.retention(most: 3))
        var steps = 0
        var more = true
        while more {
            let copy = folder.path("copy-\(steps)")
            try FileManager.default.copyItem(atPath: folder.path("state"), toPath: copy)
            try goOn(copy, Array(kept))
            try FileManager.default.removeItem(atPath: copy)
            more = try removal.removeSome(from: ledger, now: Self.noon + 60 * 3600, log: .init(label: "test"))
            steps += 1
        }
        #expect(steps > 20)
    }

    /// What a process finds that begins where another one ended, and what it makes of it.
    private func goOn(_ path: String, _ kept: [String]) throws {
        // The lock is that of the process.
        let ledger = try Self.open(path)
        for run in try ledger.runs(limit: 100) {
            let counts = try ledger.counts(of: run.id)
            #expect(counts.pending == 0, "a run that is known has its whole journal")
            #expect(FileManager.default.fileExists(atPath: "\(path)/runs/\(run.id)/report.json"))
        }
        let cart = try #require(CartID("cart-0"))
        let known = Set(try ledger.runs(limit: 100).map(\.id))
        #expect(try ledger.entries(of: cart).allSatisfy { known.contains($0.run) })
        try OldRuns(Self.retention(most: 3)).removeAll(from: ledger, now: Self.noon + 60 * 3600)
        #expect(try ledger.runs().map(\.id).reversed() == kept)
        #expect(
            try ledger.contents().changes == kept.reduce(0) { $0 + (try ledger.counts(of: $1).planned[.create] ?? 0) })
        #expect(try ledger.removedRuns().isEmpty && ledger.check().isEmpty)
        #expect(((try? FileManager.default.contentsOfDirectory(atPath: path + "/runs")) ?? []).sorted() == kept)
        try ledger.close()
    }

    @Test("what a removed run asserted again is not deleted by an older one that goes on")
    func resumed() throws {
        let association = try #require(Change.numbered(.delete, 1, 1))
        let first = try add(0, .stopped) { $0.changes = [association] }
        let entry = try #require(try ledger.entries(of: association.association.cart).first)
        func judgement() throws -> String? {
            let resumption = Resumption(
                run: try #require(try ledger.run(first)), ledger: ledger, resumed: Self.noon, done: 0,
                isLedgerUnchanged: false)
            return try resumption.judge(entry)
        }
        #expect(try judgement() == nil)
        let second = try add(1) { $0.changes = [Change.numbered(.create, 1, 1)].compactMap(\.self) }
        #expect(try judgement() == "not deleted, because run \(second) asserted it again")
        for hour in 2..<4 { try add(hour) }
        try OldRuns(Self.retention(most: 1)).removeAll(from: ledger, now: Self.noon + 4 * 3600)
        #expect(try ledger.run(second) == nil && ledger.run(first) != nil)
        #expect(try judgement() == "not deleted, because a later run asserted it again")
    }

    @Test("who made an association is told as far as it is known, and that older changes are not shown")
    func explained() throws {
        let change = try #require(Change.numbered(.create, 1, 1))
        let id = try add(0) { $0.changes = [change] }
        for hour in 1..<4 { try add(hour) }
        #expect(RunName.words(unknown: id, in: ledger).hasSuffix("knows no run \(id)"))
        try OldRuns(Self.retention(most: 2)).removeAll(from: ledger, now: Self.noon + 4 * 3600)
        let removed = try #require(try ledger.newestRemovedRun())
        let explanation = try Explanation.of(change.association.cart, in: ledger)
        let known = try #require(explanation.associations.first)
        #expect(known.origin == nil && known.runRemoved == true && known.confirmed == "created")
        #expect(known.sources == ["nightly"] && explanation.changes.isEmpty && explanation.removedUntil == removed)
        let text = TextReport(width: 100, color: false).explanation(explanation)
        #expect(text.contains("a run that is no longer kept") && text.contains(removed))
        for (name, isTold) in [
            (id, true), (String(id.suffix(4)), true), ("20990101-000000-aaaa", false), ("latest", false),
        ] {
            #expect(RunName.words(unknown: name, in: ledger).contains("(state.keep, state.keep-runs)") == isTold)
        }
    }

    @Test("runs without end leave a ledger that does not grow")
    func flat() throws {
        let removal = OldRuns(Self.retention(most: 100))
        func bytes() -> Int {
            Ledger.fileNames.reduce(0) { sum, name in
                let attributes = try? FileManager.default.attributesOfItem(atPath: folder.path("state/" + name))
                return sum + ((attributes?[.size] as? NSNumber)?.intValue ?? 0)
            }
        }
        var sizes: [Int] = []
        for number in 0..<500 {
            try add(number) { run in
                run.isSnapshot = number % 4 == 0
                run.exports = [
                    .init(
                        path: "\(number).csv", digest: "\(number)", records: 1, bytes: 40,
                        time: .seconds(1_795_262_400 + number * 3600), ownerKinds: [.customer])
                ]
                // The same carts again and again, so that only what was done grows.
                run.changes = [Change.numbered(number % 2 == 0 ? .create : .delete, number / 2 % 20, number / 2 % 20)]
                    .compactMap(\.self)
            }
            try removal.removeAll(from: ledger, now: Self.noon + Double(number) * 3600)
            if number % 100 == 99 { sizes.append(bytes()) }
        }
        // The log has its size after the first hundred, and the pages that are free are used again.
        #expect(sizes[4] <= sizes[1] + 64 << 10, "\(sizes)")
        #expect(try ledger.contents().runs <= 100 + 20 && ledger.contents().changes <= 120)
    }
}
