import CallPacing
import Dispatch
import Foundation
import Ledger
import SyncEngine
import Synchronization
import TestSupport
import Testing

@testable import SyncService

@Suite("exports with the same bytes that wait for a person")
struct JobApprovalsTests {
    private let folder: TemporaryFolder
    private let inbox: Inbox
    private let ledger: Ledger
    private let approvals: JobApprovals

    init() throws {
        folder = try TemporaryFolder()
        try folder.createFolder("inbox")
        inbox = Inbox(folder: folder.path("inbox"))
        try inbox.heal()
        ledger = try Ledger.open(
            folder: folder.path("state"), store: StoreIdentity(baseURL: "http://127.0.0.1:1", clientID: "t"),
            now: Date())
        approvals = JobApprovals(
            runs: WaitingRuns(ledger), job: "nightly", inbox: inbox, ledger: ledger, time: .system, log: .silent)
    }

    private func claim(_ name: String) throws -> OpenExport {
        try folder.write("customer_id,cart_id\nc-1,cart-1\n", to: "inbox/" + name)
        let entry = try #require(try inbox.list().entries.first { $0.name == name })
        return try open(try #require(try inbox.claim(entry)))
    }

    private func open(_ claimed: ClaimedExport) throws -> OpenExport {
        OpenExport(
            claimed: claimed, files: try inbox.open(claimed.entry, in: .working, spoolFolder: ledger.folder))
    }

    /// An export whose run waits, under the name that it has in `waiting/`.
    private func wait(_ name: String, run: String) throws -> String {
        let export = try claim(name)
        try approvals.wait(export, run: run, plan: nil, inPlaceOf: nil)
        return try inbox.finish(export.claimed, to: .waiting, reason: "a person stopped it").name
    }

    private func approve(_ run: String) throws {
        let waiting = try approvals.runs.find(run)
        try approvals.runs.add(try waiting.approval(deletes: nil, by: .command, now: Date()))
    }

    @Test("what waits keeps its run, whatever else with its bytes is at work")
    func apart() throws {
        #expect(try wait("second.csv", run: "20261130-120000-aaaa") == "second.csv")
        let first = try claim("first.csv")
        #expect(approvals.waiting(for: first) == nil)
        try inbox.finish(first.claimed, to: .done)
        try approve("20261130-120000-aaaa")
        approvals.review()
        let second = try open(try #require(try inbox.unfinished().first))
        #expect(approvals.waiting(for: second)?.run.id == "20261130-120000-aaaa")
        #expect(approvals.waiting(for: second)?.approval != nil)
    }

    @Test("an approval is of the one that it was given for, also if it had to be given a number")
    func eachItsOwn() throws {
        #expect(try wait("a.csv", run: "20261130-120000-aaaa") == "a.csv")
        #expect(try wait("a.csv", run: "20261130-130000-bbbb") == "a-2.csv")
        try approve("20261130-130000-bbbb")
        approvals.review()
        let released = try inbox.unfinished()
        #expect(released.map(\.name) == ["a-2.csv"])
        #expect(approvals.waiting(for: try open(try #require(released.first)))?.run.id == "20261130-130000-bbbb")
        #expect(try inbox.waiting().map(\.name) == ["a.csv"])
    }

    @Test("one that a person gave another name keeps its run")
    func renamed() throws {
        _ = try wait("a.csv", run: "20261130-120000-aaaa")
        try FileManager.default.moveItem(
            atPath: folder.path("inbox/waiting/a.csv"), toPath: folder.path("inbox/waiting/b.csv"))
        try approve("20261130-120000-aaaa")
        approvals.review()
        let released = try inbox.unfinished()
        #expect(released.map(\.name) == ["b.csv"])
        #expect(approvals.waiting(for: try open(try #require(released.first)))?.run.id == "20261130-120000-aaaa")
    }

    @Test("an export that is on its way between the folders, while somebody looks, keeps its run")
    func moving() throws {
        _ = try wait("a.csv", run: "20261130-120000-aaaa")
        let isOver = Atomic(false)
        let looks = Atomic(0)
        let approvals = approvals
        let ended = DispatchSemaphore(value: 0)
        // A thread of its own: the tasks of all tests share two.
        Thread.detachNewThread {
            while !isOver.load(ordering: .acquiring) {
                approvals.review()
                looks.add(1, ordering: .acquiringAndReleasing)
            }
            ended.signal()
        }
        defer { ended.wait() }
        defer { isOver.store(true, ordering: .releasing) }
        /// Between two moves of an export lies a whole run, and so the look in which the first one was.
        func letLook() {
            let before = looks.load(ordering: .acquiring)
            while looks.load(ordering: .acquiring) < before + 2 { sched_yield() }
        }
        for _ in 0..<300 {
            #expect(try inbox.release("a.csv"))
            letLook()
            let claimed = try #require(try inbox.unfinished().first)
            try inbox.finish(claimed, to: .waiting, reason: "a person stopped it")
            letLook()
        }
        #expect(approvals.runs.all().map(\.id) == ["20261130-120000-aaaa"])
    }
}
