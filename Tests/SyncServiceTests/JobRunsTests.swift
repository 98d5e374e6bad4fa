import CallPacing
import CartAssociations
import CommerceAPI
import CommerceSandbox
import ExportFiles
import Foundation
import Ledger
import Logging
import SyncEngine
import SyncReporting
import TestSupport
import Testing

@testable import SyncService

/// A service of one job in this process, with the sandbox as its store.
private struct Shop: Sendable {
    let sandbox: Sandbox
    let folder: TemporaryFolder
    let ledger: Ledger
    let api: APIOptions

    static func with(_ body: (Shop) async throws -> Void) async throws {
        let sandbox = Sandbox(options: SandboxOptions(), logger: .silent)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await sandbox.run() }
            let url = "http://127.0.0.1:\(try await sandbox.port())"
            let folder = try TemporaryFolder()
            try FileManager.default.createDirectory(
                atPath: folder.path("inbox"), withIntermediateDirectories: true)
            let ledger = try Ledger.open(
                folder: folder.path("state"), store: StoreIdentity(baseURL: url, clientID: "sandbox-id"),
                now: Date())
            let api = APIOptions(
                baseURL: try BaseURL(url),
                credentials: Credentials(clientID: "sandbox-id", clientSecret: "sandbox-secret"))
            try await body(Shop(sandbox: sandbox, folder: folder, ledger: ledger, api: api))
            try ledger.close()
            group.cancelAll()
        }
    }

    /// A process of the service.
    func session(rate: Int = 2000) -> StoreSession {
        StoreSession(ledger, api, rate: rate, isAdaptive: false, time: .system, log: .silent)
    }

    /// The job, which looks once, in a new process.
    func jobs(_ session: StoreSession? = nil, changing change: (inout RunOptions) -> Void = { _ in }) throws
        -> ServiceJobs
    {
        var run = RunOptions(
            command: "serve", exports: [], settings: RunSettings(), concurrency: 4, rateLimit: 0)
        run.missingFinalNewline = .refused
        run.source = "nightly"
        change(&run)
        let options = JobOptions(
            name: "nightly", run: run, poll: .seconds(10), settle: .zero, metricsFile: folder.path("metrics.prom"))
        return try ServiceJobs(
            [(options, .folder(folder.path("inbox")))], session ?? self.session(), once: true)
    }

    /// Puts an export of customers and carts with these numbers into the inbox, and serves once.
    @discardableResult
    func serve(
        _ name: String? = nil, _ range: ClosedRange<Int> = 1...1, changing change: (inout RunOptions) -> Void = { _ in }
    ) async throws -> ServiceJobs {
        if let name { try put(name, range) }
        let jobs = try jobs(changing: change)
        try await jobs.run()
        return jobs
    }

    func put(_ name: String, _ range: ClosedRange<Int>) throws {
        let rows = range.map { "customer-\($0),cart-\($0)\n" }.joined()
        _ = try folder.write("customer_id,cart_id\n" + rows, to: "inbox/" + name)
    }

    func names(_ place: String) -> [String] { folder.names(in: "inbox/" + place).filter { $0.hasSuffix(".csv") } }

    /// The associations in the store.
    var count: Int { sandbox.associations().count }

    var approvals: WaitingRuns { WaitingRuns(stateFolder: ledger.folder) }
}

@Suite("what a job does with its exports", .timeLimit(.minutes(1)))
struct JobRunsTests {
    @Test("a refused plan waits for a person, is approved, and is applied once")
    func refused() async throws {
        try await Shop.with { (shop) async throws in
            try await shop.serve("first.csv", 1...60)
            #expect(shop.names("done") == ["first.csv"])
            let refusing = try await shop.serve("fewer.csv", 1...20)
            #expect(shop.names("waiting") == ["fewer.csv"])
            #expect(shop.count == 60)
            #expect(refusing.worst == .refused)
            #expect(refusing.exports == (done: 0, failed: 0, waiting: 1, interrupted: 0))
            let waiting = try #require(shop.approvals.all().first)
            #expect((waiting.cause, waiting.job, waiting.counts.deletes) == (.refused, "nightly", 40))
            let reason = try shop.folder.read("inbox/waiting/fewer.csv.report/reason.txt")
            #expect(reason.contains("cartsync runs approve --state"))
            #expect(
                try shop.folder.read("metrics.prom").contains("cartsync_last_run_exit_status{source=\"nightly\"} 3"))

            // Without an approval it stays, whatever comes of another kind.
            _ = try shop.folder.write("account_id,cart_id\naccount-1,cart-99\n", to: "inbox/accounts.csv")
            try await shop.serve()
            #expect(shop.names("waiting") == ["fewer.csv"] && shop.names("") == ["accounts.csv"])
            #expect(shop.count == 60)
        }
    }

    @Test("an approval lets one plan through and is used up")
    func approved() async throws {
        try await Shop.with { (shop) async throws in
            try await shop.serve("first.csv", 1...60)
            try await shop.serve("fewer.csv", 1...20)
            let waiting = try #require(shop.approvals.all().first)
            try shop.approvals.add(try waiting.approval(deletes: nil, now: Date()))
            let approved = try await shop.serve()
            #expect(shop.names("done") == ["fewer.csv", "first.csv"])
            #expect(shop.names("waiting").isEmpty)
            #expect(shop.count == 20)
            #expect(approved.worst == nil)
            #expect(shop.approvals.all().isEmpty)

            try await shop.serve("more.csv", 1...70)
            try await shop.serve("one.csv", 1...1)
            #expect(shop.names("waiting") == ["one.csv"], "the approval was for one plan")
            #expect(shop.count == 70)
        }
    }

    @Test("an approval for fewer deletes than the plan has lets nothing through")
    func tooFew() async throws {
        try await Shop.with { (shop) async throws in
            try await shop.serve("first.csv", 1...60)
            try await shop.serve("fewer.csv", 1...20)
            let waiting = try #require(shop.approvals.all().first)
            let approval = Approval(run: waiting.id, digest: waiting.digest, deletes: 39, given: Date())
            try shop.approvals.add(approval)
            try await shop.serve()
            #expect(shop.names("waiting") == ["fewer.csv"])
            #expect(shop.count == 60)
            #expect(shop.approvals.all().count == 1, "the new run waits in the place of the old one")
            #expect(shop.approvals.all().first?.id != waiting.id)
        }
    }

    @Test("a newer snapshot takes the place of a refused one, whose run is forgotten")
    func superseded() async throws {
        try await Shop.with { (shop) async throws in
            try await shop.serve("first.csv", 1...60)
            try await shop.serve("fewer.csv", 1...20)
            try await shop.serve("again.csv", 1...61)
            #expect(shop.names("superseded") == ["fewer.csv"])
            #expect(shop.names("done") == ["again.csv", "first.csv"])
            try await shop.serve()
            #expect(shop.approvals.all().isEmpty)
            #expect(shop.count == 61)
        }
    }

    @Test("an export that cannot be used goes to failed/, with the reason, and the service goes on")
    func failed() async throws {
        try await Shop.with { (shop) async throws in
            _ = try shop.folder.write("a,b\n1,2\n", to: "inbox/bad.csv")
            let jobs = try await shop.serve("good.csv", 1...3)
            #expect(shop.names("failed") == ["bad.csv"])
            #expect(shop.names("done") == ["good.csv"])
            #expect(try !shop.folder.read("inbox/failed/bad.csv.report/reason.txt").isEmpty)
            #expect(jobs.exports == (done: 1, failed: 1, waiting: 0, interrupted: 0))
            #expect(jobs.worst == .incomplete, "for a service that looked once, a part is not done")
            #expect(shop.count == 3)
        }
    }

    @Test("a run that a person stopped waits, and goes on where it was when it is approved")
    func stoppedByPerson() async throws {
        try await Shop.with { (shop) async throws in
            let session = shop.session(rate: 100)
            let jobs = try shop.jobs(session)
            try shop.put("many.csv", 1...200)
            async let ended: Void = jobs.run()
            #expect(await eventually { shop.count >= 10 })
            let status = ServiceStatus(jobs, version: "1", takesApprovals: true)
            let run = try #require(status.service().run)
            #expect(run.phase == .applying && run.total == 200 && !run.isStopping)
            #expect(try status.stop(run.run).hasPrefix("run \(run.run) stops"))
            try await ended
            #expect(shop.names("waiting") == ["many.csv"])
            let before = shop.count
            #expect(before < 200)
            #expect(shop.approvals.all().map(\.cause) == [.stopped])

            #expect(try status.approve(run.run, maxDeletes: nil).hasPrefix("run \(run.run) is approved"))
            try await shop.serve()
            #expect(shop.names("done") == ["many.csv"])
            #expect(shop.count == 200)
            #expect(try shop.ledger.runs().map(\.id) == [run.run], "it is the same run")
            #expect(shop.sandbox.statistics().count(.create) == 200, "nothing is made twice")
        }
    }

    @Test("a run that the end of the process interrupted goes on at the next start, and is counted once")
    func interrupted() async throws {
        try await Shop.with { (shop) async throws in
            let session = shop.session(rate: 100)
            let jobs = try shop.jobs(session)
            try shop.put("many.csv", 1...200)
            async let ended: Void = jobs.run()
            #expect(await eventually { shop.count >= 10 })
            session.stop.stop()
            try await ended
            #expect(shop.names("working") == ["many.csv"])
            #expect(jobs.exports == (done: 0, failed: 0, waiting: 0, interrupted: 1))
            let made = shop.count
            #expect(made < 200)

            let next = try await shop.serve()
            #expect(shop.names("done") == ["many.csv"])
            #expect(shop.count == 200)
            #expect(try shop.ledger.runs().count == 1)
            let metrics = ServiceStatus(next, version: "1", takesApprovals: false).metrics()
            #expect(
                metrics.contains("cartsync_changes_total{kind=\"create\",outcome=\"created\"} \(200 - made)"),
                "\(metrics)")
        }
    }

    @Test("what waits is shown with its owners, and the run as waiting")
    func shown() async throws {
        try await Shop.with { (shop) async throws in
            try await shop.serve("first.csv", 1...60)
            let jobs = try await shop.serve("fewer.csv", 1...20)
            let status = ServiceStatus(jobs, version: "1.2.3", takesApprovals: true)
            let view = status.service()
            let waiting = try #require(view.waiting.first)
            #expect(waiting.deletes == 40 && waiting.canBeApproved && waiting.approvedUntil == nil)
            #expect(waiting.owners.first?.owner.hasPrefix("customer-") == true)
            #expect(view.runsSeen == 2 && view.run == nil && view.takesApprovals)
            let runs = try status.runs(limit: 1, before: nil)
            #expect(runs.runs.map(\.state) == [.waiting] && runs.runs.map(\.exitStatus) == [.refused])
            #expect(runs.next == "/api/runs?limit=1&before=\(waiting.run)")
            #expect(try status.run(waiting.run)?.report == "/runs/\(waiting.run)/report.html")
            #expect(status.report(waiting.run, "report.json") != nil)
            #expect(throws: StatusRefusal.self) { try status.approve(waiting.run, maxDeletes: 39) }
            #expect(throws: StatusRefusal.self) { try status.stop(waiting.run) }
            #expect(throws: StatusRefusal.self) { try status.runs(limit: 1, before: "20000101-000000-aaaa") }
        }
    }
}
