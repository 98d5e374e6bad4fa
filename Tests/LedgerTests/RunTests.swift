import CartAssociations
import Foundation
import Ledger
import TestSupport
import Testing

@Suite("Runs and exports in the ledger")
struct RunTests {
    private let folder: TemporaryFolder
    private let ledger: Ledger

    init() throws {
        folder = try TemporaryFolder()
        ledger = try Ledger.open(in: folder)
    }

    @Test("a run is remembered with all it says")
    func remembered() throws {
        var run = makeRun("20261121-101500-4f2a", source: "night", savedPlan: "abc")
        run.exports = [.init(path: "/in/a.csv", digest: "00ff", records: 12, bytes: 345)]
        run.current = .api
        run.currentReason = "the listing is complete"
        run.ended = noon.addingTimeInterval(60)
        run.exitStatus = .incomplete
        run.reason = "some changes failed"
        run.counts.creates = 3
        run.counts.withheld = 2
        try ledger.beginRun(run)
        #expect(try ledger.run(run.id) == run)
        #expect(try ledger.run("nobody") == nil)
        #expect(try ledger.run(applying: "abc") == run)
        #expect(try ledger.run(applying: "other") == nil)
        let changed = try ledger.updateRun(run.id) { $0.state = .stopped }
        #expect(changed?.isResumable == true)
        #expect(try ledger.run(run.id)?.state == .stopped)
        #expect(try ledger.updateRun("nobody") { $0.state = .failed } == nil)
    }

    @Test(
        "a run that failed before its plan is remembered, and makes no plan stale; one that makes changes stays what it is"
    )
    func failed() throws {
        try ledger.beginRun(makeRun("planning"))
        try ledger.beginRun(makeRun("applying"))
        try ledger.updateRun("applying") { $0.state = .applying }
        let revision = try ledger.revision()
        for id in ["new", "planning", "applying"] {
            var run = makeRun(id)
            run.state = .failed
            run.exitStatus = .unavailable
            run.reason = "the API is unavailable"
            try ledger.recordFailure(of: run)
        }
        #expect(try ledger.runs().map(\.id) == ["new", "applying", "planning"])
        #expect(try ledger.runs().map(\.state) == [.failed, .applying, .failed])
        #expect(try ledger.run("planning")?.reason == "the API is unavailable")
        #expect(try ledger.revision() == revision)
        #expect(try ledger.lastSuccess(of: "default") == nil)
    }

    @Test(
        "what runs of a source deleted of late counts together, without what a person allowed, undid or did not allow")
    func deletesOfLate() throws {
        func add(
            _ id: String, _ state: RunRecord.State, source: String = "night",
            change: (inout RunRecord) -> Void = { _ in }
        ) throws {
            var run = makeRun(id, source: source)
            run.counts.deletes = 2
            run.figures = PlanFigures()
            run.figures?.inScope = 100
            change(&run)
            try ledger.beginRun(run)
            try ledger.plan([Change(.delete, association("c", "x")), Change(.delete, association("d", "x"))], for: id)
            try ledger.updateRun(id) { $0.state = state }
        }
        try add("20261121-115959-aaaa", .finished)
        try add("20261121-120000-bbbb", .finished) { $0.figures?.inScope = 300 }
        try add("20261121-120001-cccc", .stopped)
        try add("20261121-120002-dddd", .applying)
        try add("20261121-120003-eeee", .refused)
        try add("20261121-120004-ffff", .failed)
        try add("20261121-120005-gggg", .finished) { $0.approvedDeletes = 10 }
        try add("20261121-120006-hhhh", .finished) { $0.undone = "20261121-115959-aaaa" }
        try add("20261121-120007-iiii", .finished, source: "day")
        let since = Date(timeIntervalSince1970: 1_795_262_400)  // 2026-11-21T12:00:00Z
        let before = try #require(try ledger.deletes(of: "night", since: since))
        #expect(before.runs == ["20261121-120000-bbbb", "20261121-120001-cccc", "20261121-120002-dddd"])
        #expect((before.deletes, before.inScope) == (6, 300))
        #expect(try ledger.deletes(of: "other", since: since) == nil)
        #expect(try ledger.deletes(of: "night", since: since + 3) == nil)
    }

    @Test("the same id twice is refused")
    func sameID() throws {
        try ledger.beginRun(makeRun("r"))
        #expect(throws: LedgerError.self) { try ledger.beginRun(makeRun("r")) }
    }

    @Test("runs are listed newest first, page by page, and by state")
    func listed() throws {
        for number in 0..<25 { try ledger.beginRun(makeRun("run-\(number)")) }
        for number in [3, 7] { try ledger.updateRun("run-\(number)") { $0.state = .applying } }
        try ledger.updateRun("run-9") { $0.state = .stopped }
        #expect(try ledger.runs(limit: 3).map(\.id) == ["run-24", "run-23", "run-22"])
        #expect(try ledger.runs(limit: 2, before: "run-22").map(\.id) == ["run-21", "run-20"])
        #expect(try ledger.runs(limit: 100).count == 25)
        #expect(try ledger.runs(in: [.applying, .stopped]).map(\.id) == ["run-3", "run-7", "run-9"])
        #expect(try ledger.runs(in: []).isEmpty)
        #expect(throws: LedgerError.self) { try ledger.runs(before: "nobody") }
    }

    @Test("ids are readable and sort by time")
    func ids() {
        var generator = SeededGenerator(seed: 4)
        let first = RunRecord.makeID(at: noon, using: &generator)
        let second = RunRecord.makeID(at: noon.addingTimeInterval(1), using: &generator)
        #expect(first.hasPrefix("20261121-120000-"))
        #expect(second.hasPrefix("20261121-120001-"))
        #expect(first.count == 20 && first < second)
        #expect(RunRecord.makeID(at: noon, using: &generator) != first)
        for milliseconds in 1..<1000 {
            let earlier = RunRecord.makeID(
                at: noon.addingTimeInterval((Double(milliseconds) - 0.5) / 1000), using: &generator)
            let later = RunRecord.makeID(
                at: noon.addingTimeInterval((Double(milliseconds) + 0.5) / 1000), using: &generator)
            #expect(earlier < later && later < second, "\(milliseconds) ms")
        }
    }

    @Test("a plan that was interrupted is ended and its journal removed when the ledger is opened again")
    func interruptedPlan() throws {
        try ledger.beginRun(makeRun("planning"))
        try ledger.plan([Change(.create, association("c", "x"))], for: "planning")
        try ledger.beginRun(makeRun("applying"))
        try ledger.plan([Change(.create, association("c", "x"))], for: "applying")
        try ledger.updateRun("applying") { $0.state = .applying }
        try ledger.close()
        let again = try Ledger.open(in: folder)
        #expect(try again.run("planning")?.state == .failed)
        #expect(try again.run("planning")?.reason?.contains("nothing was written") == true)
        #expect(try again.allEntries(of: "planning").isEmpty)
        #expect(try again.run("applying")?.state == .applying)
        #expect(try again.allEntries(of: "applying").count == 1)
    }

    @Test("volumes are the usable records of snapshots that were applied, newest first")
    func volumes() throws {
        for number in 0..<16 {
            var run = makeRun("r\(number)", source: number == 15 ? "another" : "s")
            run.state = number == 12 ? .stopped : number == 11 ? .refused : .finished
            var figures = PlanFigures()
            (figures.records, figures.usable) = (1_000, number == 10 ? 0 : 100 + number)
            figures.isSnapshot = number != 13
            run.figures = figures
            try ledger.beginRun(run)
        }
        #expect(try ledger.appliedVolumes(of: "s") == [114, 109, 108, 107, 106, 105, 104, 103, 102, 101])
        #expect(try ledger.appliedVolumes(of: "other").isEmpty)
    }

    @Test("the order of a source is that of its last accepted snapshot of the same owner kinds")
    func orders() throws {
        let owners = RecordOrder(key: .owner, comparison: .bytes, isDescending: false).alone
        let carts = RecordOrder(key: .cart, comparison: .bytes, isDescending: false).alone
        func record(
            _ run: String, _ orders: [RecordOrders?], _ kind: OwnerKind = .customer, isSnapshot: Bool = true,
            isAccepted: Bool = true
        ) throws {
            try ledger.beginRun(makeRun(run))
            let exports = orders.map {
                RunRecord.Export(path: "e", digest: "d", records: 1, bytes: 1, ownerKinds: [kind], orders: $0)
            }
            try ledger.recordExports(exports, source: "s", run: run, isSnapshot: isSnapshot, isAccepted: isAccepted)
        }
        #expect(try ledger.lastOrders(of: "s", kinds: [.customer]) == nil)
        try record("1", [nil])
        #expect(try ledger.lastOrders(of: "s", kinds: [.customer]) == nil)
        try record("2", [[owners, carts], [owners]])
        try record("3", [[]], isSnapshot: false)
        try record("4", [[]], isAccepted: false)
        try record("5", [[carts]], .account)
        #expect(try ledger.lastOrders(of: "s", kinds: [.customer]) == owners)
        #expect(try ledger.lastOrders(of: "s", kinds: [.account]) == carts)
        #expect(try ledger.lastOrders(of: "other", kinds: [.customer]) == nil)
        try record("6", [[]])
        #expect(try ledger.lastOrders(of: "s", kinds: [.customer]) == [])
    }
}
