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
struct Shop: Sendable {
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
    ///
    /// - Parameter late: by how much the clock on its wall is ahead of this one.
    func session(rate: Int = 2000, late: TimeInterval = 0) -> StoreSession {
        let system = TimeSource.system
        let time = TimeSource(now: system.now, wall: { Date() + late }) { instant, tolerance in
            try await system.sleep(until: instant, tolerance: tolerance)
        }
        return StoreSession(ledger, api, rate: rate, isAdaptive: false, time: time, log: .silent)
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
        var names = NameRules()
        names.parts = run.parts
        let options = JobOptions(
            name: "nightly", run: run, poll: .seconds(10), settle: .zero, remember: .seconds(86_400), names: names,
            metricsFile: folder.path("metrics.prom"))
        return try ServiceJobs(
            [(options, .folder(folder.path("inbox")))], session ?? self.session(), once: true)
    }

    /// The job with exports that are fetched, which looks once, in a new process.
    func jobs(from source: ScriptedSource, keeping kept: Int = 30, late: TimeInterval = 0) throws -> ServiceJobs {
        var run = RunOptions(
            command: "serve", exports: [], settings: RunSettings(), concurrency: 4, rateLimit: 0)
        run.source = "fetched"
        let options = JobOptions(
            name: "fetched", run: run, poll: .seconds(10), settle: .zero, remember: .seconds(400 * 86_400),
            metricsFile: nil)
        return try ServiceJobs(
            [(options, .remote(source, mostBytes: 1 << 20, kept: kept))], session(late: late), once: true)
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

    func put(_ name: String, _ range: ClosedRange<Int>, modified: Int? = nil) throws {
        let rows = range.map { "customer-\($0),cart-\($0)\n" }.joined()
        _ = try folder.write("customer_id,cart_id\n" + rows, to: "inbox/" + name, modified: modified)
    }

    func names(_ place: String) -> [String] { folder.names(in: "inbox/" + place).filter { $0.hasSuffix(".csv") } }

    /// The associations in the store.
    var count: Int { sandbox.associations().count }

    var approvals: WaitingRuns { WaitingRuns(stateFolder: ledger.folder) }
}

extension [Duration] {
    fileprivate var isSorted: Bool { zip(self, dropFirst()).allSatisfy { $0 <= $1 } }
}

@Suite("what a job does with its exports", .timeLimit(.minutes(10)))
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
            try shop.approvals.add(try waiting.approval(deletes: nil, by: .command, now: Date()))
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

    @Test("what a person approved is applied although a newer snapshot was applied by hand since")
    func approvedOlder() async throws {
        try await Shop.with { (shop) async throws in
            try shop.put("first.csv", 1...60, modified: 1000)
            try await shop.serve()
            try shop.put("fewer.csv", 1...20, modified: 2000)
            try await shop.serve()
            let waiting = try #require(shop.approvals.all().first)
            let session = shop.session()
            try shop.put("../by-hand.csv", 1...61, modified: 3000)
            var options = RunOptions(
                command: "sync", exports: [shop.folder.path("by-hand.csv")], settings: RunSettings(), concurrency: 4,
                rateLimit: 0)
            options.source = "nightly"
            _ = try await RunPlanner(options, session.beginRun()).plan(keepingRejects: false).apply()
            await session.endRun()
            #expect(shop.count == 61)
            try shop.approvals.add(try waiting.approval(deletes: 41, by: .command, now: Date()))
            try await shop.serve()
            #expect(shop.names("done") == ["fewer.csv", "first.csv"] && shop.names("superseded").isEmpty)
            #expect(shop.count == 20)
        }
    }

    @Test("an approval that nobody of this ledger has given lets nothing through, whatever it says")
    func forged() async throws {
        try await Shop.with { (shop) async throws in
            try await shop.serve("first.csv", 1...60)
            try await shop.serve("fewer.csv", 1...20)
            let waiting = try #require(shop.approvals.all().first)
            try await Shop.with { (other) async throws in
                let forger = WaitingRuns(other.ledger)
                try forger.add(waiting)
                try forger.add(Approval(of: waiting, deletes: 9999, by: .command, given: Date()))
                let name = "approvals/\(waiting.id).approval.json"
                try FileManager.default.copyItem(
                    atPath: other.folder.path("state/" + name), toPath: shop.folder.path("state/" + name))
            }
            try await shop.serve()
            #expect(shop.names("waiting") == ["fewer.csv"])
            #expect(shop.count == 60)
        }
    }

    @Test("a declined run goes no further: its export is put aside, nothing is changed, and the job goes on")
    func declined() async throws {
        try await Shop.with { (shop) async throws in
            try await shop.serve("first.csv", 1...60)
            let jobs = try await shop.serve("fewer.csv", 1...20)
            let status = ServiceStatus(jobs, version: "1", takesApprovals: true)
            let view = status.service(withOwners: true)
            let waiting = try #require(view.waiting.first)
            #expect(view.headline == ServiceLine(tone: .warning, text: "1 run waits for a person"))
            #expect(view.jobs.first?.heldBy == "fewer.csv, which waits for a person")
            #expect(waiting.hasDeletes && waiting.declineCommand.contains("runs decline --state"))
            var query = DeletesQuery()
            query.limit = 30
            let first = try status.deletes(waiting.run, query, withOwners: true)
            #expect(first.deletes.count == 30 && first.next?.contains("from=") == true)
            query.from = try #require(first.from)
            let rest = try status.deletes(waiting.run, query, withOwners: true)
            #expect(rest.next == nil)
            let carts = Set((first.deletes + rest.deletes).map(\.cart))
            #expect(carts == Set((21...60).map { "cart-\($0)" }))
            query = DeletesQuery(search: "customer-33")
            #expect(try status.deletes(waiting.run, query, withOwners: true).deletes.map(\.cart) == ["cart-33"])
            #expect(try status.deletes(waiting.run, query, withOwners: false).deletes.isEmpty)

            _ = try status.approve(waiting.run, maxDeletes: nil)
            #expect(try status.decline(waiting.run).contains("superseded/"))
            #expect(throws: StatusRefusal.self) { try status.decline("20000101-000000-aaaa") }
            _ = try shop.folder.write(
                "customer_id,cart_id,action\ncustomer-99,cart-99,create\n", to: "inbox/changes.csv")
            try await shop.serve()
            #expect(shop.names("superseded") == ["fewer.csv"] && shop.names("waiting").isEmpty)
            #expect(shop.names("done").contains("changes.csv"))
            #expect(shop.count == 61, "nothing was deleted")
            #expect(shop.approvals.all().isEmpty)
            #expect(try shop.ledger.run(waiting.run)?.reason?.hasSuffix("; declined by a person") == true)
            #expect(shop.folder.names(in: "state/approvals") == ["key"])
        }
    }

    @Test("an approval for fewer deletes than the plan has lets nothing through")
    func tooFew() async throws {
        try await Shop.with { (shop) async throws in
            try await shop.serve("first.csv", 1...60)
            try await shop.serve("fewer.csv", 1...20)
            let waiting = try #require(shop.approvals.all().first)
            let approval = Approval(of: waiting, deletes: 39, by: .command, given: Date())
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

    @Test("an older snapshot is passed over with its reason and the command that applies it, and stays so")
    func older() async throws {
        try await Shop.with { (shop) async throws in
            try shop.put("new.csv", 1...60, modified: 2000)
            try await shop.serve()
            try shop.put("old.csv", 1...50, modified: 1000)
            let accounts = (1...60).map { "account-\($0),cart-\($0 + 100)\n" }.joined()
            _ = try shop.folder.write("account_id,cart_id\n" + accounts, to: "inbox/accounts.csv", modified: 500)
            _ = try shop.folder.write(
                "customer_id,cart_id,action\ncustomer-1,cart-1,delete\n", to: "inbox/changes.csv", modified: 1500)
            let jobs = try await shop.serve()
            #expect(shop.names("superseded") == ["changes.csv", "old.csv"])
            #expect(shop.names("done") == ["accounts.csv", "new.csv"], "other owners have an order of their own")
            #expect(shop.count == 120)
            #expect(jobs.worst == nil)
            let reason = try shop.folder.read("inbox/superseded/old.csv.report/reason.txt")
            let run = try #require(try shop.ledger.runs().last)
            #expect(
                reason.hasPrefix(
                    "not applied: it is older than a snapshot of its source that was applied, by run \(run.id); to apply it "
                        + "all the same: cartsync sync --state \(shop.ledger.folder) --source nightly "))
            #expect(reason.hasSuffix("/inbox/superseded/old.csv\n"))
        }
    }

    @Test("the bytes that were applied last are not applied again, earlier ones are: A, A, B, A ends at A")
    func repeated() async throws {
        try await Shop.with { (shop) async throws in
            for (place, last) in [30, 30, 31, 30].enumerated() {
                try shop.put("customers.csv", 1...last, modified: 1000 + place)
                try await shop.serve()
            }
            #expect(shop.count == 30)
            #expect(try shop.ledger.runs().count == 3)
            #expect(shop.names("done").count == 4)
            let reason = try shop.folder.read("inbox/done/customers-2.csv.report/reason.txt")
            #expect(reason.hasPrefix("not applied: it has the bytes of the export that was applied last, by run "))
            // The same version once more, as a copy that kept its time.
            try shop.put("copy.csv", 1...31, modified: 1002)
            try await shop.serve()
            #expect(shop.names("superseded") == ["copy.csv"])
            #expect(shop.count == 30)
            // What came again counts as of then: the one in between is older.
            try shop.put("customers.csv", 1...30, modified: 2000)
            try await shop.serve()
            try shop.put("between.csv", 1...32, modified: 1500)
            try await shop.serve()
            #expect(shop.names("superseded") == ["between.csv", "copy.csv"])
            #expect(shop.count == 30)
        }
    }

    @Test(
        "of what is fetched again a snapshot is applied again after a night, if records of it were rejected",
        arguments: [
            ("customer_id,cart_id\nc-1,cart-1\nc-2,Grüße\n", true), ("customer_id,cart_id\nc-1,cart-1\n", false),
            ("customer_id,cart_id,action\nc-1,cart-1,create\nc-2,Grüße,create\n", false),
        ])
    func fetchedAgain(text: String, isRepeated: Bool) async throws {
        try await Shop.with { (shop) async throws in
            let source = ScriptedSource()
            let hour: TimeInterval = 3600
            for (place, late) in [0, 0.1 * hour, 19 * hour, 21 * hour, 22 * hour].enumerated() {
                source.put("export.csv", text, modified: 1000 + place)
                try await shop.jobs(from: source, late: late).run()
                #expect(shop.count == 1)
                #expect(try shop.ledger.runs().count == (isRepeated && place >= 3 ? 2 : 1))
            }
        }
    }

    @Test("a time in the future counts as of when it was first seen, and shuts out nothing that comes later")
    func future() async throws {
        try await Shop.with { (shop) async throws in
            let ahead = Int(Date().timeIntervalSince1970) + 86_400 * 365
            try shop.put("ahead.csv", 1...40, modified: ahead)
            try await shop.serve()
            #expect(shop.count == 40)
            #expect(try shop.ledger.seenExports(of: "nightly").map(\.name) == ["ahead.csv"])
            try shop.put("later.csv", 1...41, modified: Int(Date().timeIntervalSince1970) + 1)
            try await shop.serve()
            #expect(shop.names("done") == ["ahead.csv", "later.csv"])
            #expect(shop.count == 41)
            let earlier = try #require(try shop.ledger.seenExports(of: "nightly").first)
            #expect(earlier.time == earlier.firstSeen)
        }
    }

    @Test("with order by name, the date in the name decides, whatever the files' times say")
    func orderByName() async throws {
        try await Shop.with { (shop) async throws in
            try shop.put("customers-20261126.csv", 1...39, modified: 5000)
            try shop.put("customers-20261127.csv", 1...40, modified: 1000)
            try await shop.serve { $0.order = .name }
            #expect(shop.names("superseded") == ["customers-20261126.csv"])
            #expect(shop.count == 40)
            try shop.put("customers-20261125.csv", 1...38, modified: 9000)
            try await shop.serve { $0.order = .name }
            #expect(shop.names("superseded") == ["customers-20261125.csv", "customers-20261126.csv"])
            #expect(shop.count == 40)
        }
    }

    @Test("a checksum beside an export, or a list of them, is believed and goes where the export goes")
    func checksums() async throws {
        try await Shop.with { (shop) async throws in
            try shop.put("good.csv", 1...10, modified: 1000)
            // The newer one makes the older one void only if it is what it is said to be.
            try shop.put("bad.csv", 1...11, modified: 2000)
            let digest = try ExportFile.open(shop.folder.path("inbox/good.csv"), spoolFolder: "").sha256()
            _ = try shop.folder.write("\(digest)  good.csv\n\(digest)  bad.csv\n", to: "inbox/SHA256SUMS")
            try await shop.serve()
            #expect(shop.names("done") == ["good.csv"] && shop.names("failed") == ["bad.csv"])
            #expect(shop.folder.names(in: "inbox/done").contains("good.csv.sha256"))
            #expect(shop.folder.names(in: "inbox").contains("SHA256SUMS"))
            let reason = try shop.folder.read("inbox/failed/bad.csv.report/reason.txt")
            #expect(
                reason.contains("the file's sha256 is ") && reason.contains("the checksum beside it says \(digest)"))
        }
    }

    @Test("a name of 255 bytes goes the whole way", arguments: ["a", "ü"])
    func longName(character: String) async throws {
        try await Shop.with { (shop) async throws in
            let name = String(repeating: character, count: 250 / character.utf8.count) + "a.csv"
            #expect(name.utf8.count == 255)
            for last in [10, 11] {
                // Written under another name, which is longer than this.
                try shop.put("x.csv", 1...last)
                try FileManager.default.moveItem(
                    atPath: shop.folder.path("inbox/x.csv"), toPath: shop.folder.path("inbox/" + name))
                try await shop.serve()
                #expect(shop.count == last)
            }
            #expect(shop.folder.names(in: "inbox/done").count == 4)
        }
    }

    @Test("what a list of checksums says of a long name is believed", arguments: 248...255)
    func longNameWithChecksum(bytes: Int) async throws {
        try await Shop.with { (shop) async throws in
            let name = String(repeating: "a", count: bytes - 4) + ".csv"
            for (last, isRight) in [(10, true), (11, true), (12, false)] {
                try shop.put("x.csv", 1...last)
                let digest = try ExportFile.open(shop.folder.path("inbox/x.csv"), spoolFolder: "").sha256()
                let said = isRight ? digest : String(repeating: "0", count: 64)
                try FileManager.default.moveItem(
                    atPath: shop.folder.path("inbox/x.csv"), toPath: shop.folder.path("inbox/" + name))
                try shop.folder.write("\(said)  \(name)\n", to: "inbox/SHA256SUMS")
                try await shop.serve()
                #expect(shop.count == min(last, 11))
            }
            #expect(shop.names("done").count == 2 && shop.names("failed") == [name])
            let checksums = shop.folder.names(in: "inbox/done").filter { $0.hasSuffix(".sha256") }
            #expect(checksums.count == 2 && shop.folder.names(in: "inbox/working").isEmpty)
        }
    }

    @Test("seventeen exports one after the other, each of them below the guards, do not empty the store")
    func emptying() async throws {
        try await Shop.with { (shop) async throws in
            // In no order, so that what is missing is not missing at the end.
            func put(_ count: Int, as name: String, modified: Int) throws {
                let numbers = (1...count).sorted { ($0 % 10, $0) < ($1 % 10, $1) }
                let rows = numbers.map { "customer-\($0),cart-\($0)\n" }.joined()
                try shop.folder.write("customer_id,cart_id\n" + rows, to: "inbox/" + name, modified: modified)
            }
            try put(200, as: "all.csv", modified: 1000)
            try await shop.serve()
            #expect(shop.count == 200)
            for number in 1...17 {
                try put(200 - 11 * number, as: "fewer-\(number).csv", modified: 1000 + number)
                try await shop.serve()
            }
            // Three of them stay below a fifth of what there was before the first.
            #expect(shop.count == 200 - 3 * 11)
            #expect(shop.names("waiting") == ["fewer-17.csv"] && shop.names("superseded").count == 13)
            let ids = try shop.ledger.runs().reversed().map(\.id)
            let reason = try shop.folder.read("inbox/superseded/fewer-4.csv.report/reason.txt")
            #expect(reason.contains("44 deletes of 200 associations in scope"), "\(reason)")
            #expect(ids[1...3].allSatisfy { reason.contains($0) }, "\(reason)")
        }
    }

    /// A session that keeps so many runs.
    private func session(_ shop: Shop, keeping most: Int) -> StoreSession {
        var session = shop.session()
        var retention = RunRetention(window: .zero)
        retention.most = most
        session.oldRuns = OldRuns(retention)
        return session
    }

    @Test("small exports without end leave the newest runs alone")
    func withoutEnd() async throws {
        try await Shop.with { (shop) async throws in
            let session = session(shop, keeping: 4)
            for number in 1...12 {
                let folders = shop.folder.names(in: "state/runs").count
                try shop.folder.write(
                    "customer_id,cart_id,action\ncustomer-\(number),cart-\(number),add\n",
                    to: "inbox/\(number).csv")
                try await shop.jobs(session).run()
                #expect(shop.folder.names(in: "state/runs").count == min(folders + 1, 4))
            }
            let runs = try shop.ledger.runs().map(\.id)
            #expect(shop.count == 12 && runs.count == 4)
            #expect(shop.folder.names(in: "state/runs") == runs.reversed())
            let reports = shop.folder.names(in: "inbox/done").filter { $0.hasSuffix(".report") }
            #expect(Set(reports) == Set((9...12).map { "\($0).csv.report" }) && shop.names("done").count == 12)
        }
    }

    @Test("an export whose run is no longer kept is not applied again when it comes back")
    func comesBack() async throws {
        try await Shop.with { (shop) async throws in
            let session = session(shop, keeping: 2)
            // What a person allowed does not count in the guards, so that its run is not kept for them.
            func serve() async throws { try await shop.jobs(session) { $0.planGuard.approvedDeletes = 1 }.run() }
            func put(_ action: String, _ cart: Int, as name: String, modified: Int) throws {
                try shop.folder.write(
                    "customer_id,cart_id,action\ncustomer-1,cart-\(cart),\(action)\n", to: "inbox/" + name,
                    modified: modified)
            }
            try put("add", 1, as: "first.csv", modified: 1000)
            try await serve()
            try put("delete", 1, as: "second.csv", modified: 2000)
            try await serve()
            #expect(shop.count == 0)
            try put("add", 1, as: "third.csv", modified: 3000)
            for number in 4...8 { try put("add", number, as: "\(number).csv", modified: 1000 * number) }
            try await serve()
            #expect(shop.count == 6)
            #expect(try shop.ledger.runs().count == 2)
            // The delete would be made again, and the first create is what it was.
            for name in ["first", "second"] {
                try FileManager.default.moveItem(
                    atPath: shop.folder.path("inbox/done/\(name).csv"),
                    toPath: shop.folder.path("inbox/\(name)-again.csv"))
            }
            try put("add", 99, as: "late.csv", modified: 2500)
            try await serve()
            #expect(shop.count == 6)
            #expect(Set(shop.names("superseded")) == ["first-again.csv", "second-again.csv", "late.csv"])
            // As many reports are kept as runs.
            for name in ["second-again", "late"] {
                let reason = try shop.folder.read("inbox/superseded/\(name).csv.report/reason.txt")
                #expect(reason.contains("may have been applied; to apply it all the same: cartsync sync"), "\(reason)")
            }
            try put("delete", 1, as: "new.csv", modified: 9000)
            try await serve()
            #expect(shop.count == 5)
        }
    }

    @Test("of fetched exports the newest copies are kept, with what lies beside them")
    func fetchedWithoutEnd() async throws {
        try await Shop.with { (shop) async throws in
            let source = ScriptedSource()
            for number in 1...7 {
                let name = "night-\(number).csv"
                // Each third one is broken.
                let text = number % 3 == 0 ? "customer_id\n" : numbered(1...(10 + number))
                source.put(name, text, modified: 1000 * number)
                source.put(name + ".manifest.json", #"{"records": \#(10 + number)}"#, modified: 1000 * number)
                try await shop.jobs(from: source, keeping: 2).run()
            }
            #expect(shop.count == 17)
            #expect(
                shop.folder.names(in: "state/sources/fetched/done") == [
                    "night-5.csv", "night-5.csv.manifest.json", "night-5.csv.report", "night-7.csv",
                    "night-7.csv.manifest.json", "night-7.csv.report",
                ])
            let failed = shop.folder.names(in: "state/sources/fetched/failed").filter { $0.hasSuffix(".csv") }
            #expect(failed == ["night-3.csv", "night-6.csv"])
            try await shop.jobs(from: source, keeping: 2).run()
            #expect(shop.count == 17)
            #expect(try shop.ledger.runs().count { $0.state == .finished } == 5)
        }
    }

    private func numbered(_ range: ClosedRange<Int>) -> String {
        "customer_id,cart_id\n" + range.map { "customer-\($0),cart-\($0)\n" }.joined()
    }

    @Test("what was left beside an export that was taken away holds up none of its name")
    func leftBeside() async throws {
        try await Shop.with { (shop) async throws in
            for last in [3, 4] {
                try shop.put("a.csv", 1...last)
                try shop.folder.write(#"{"records": \#(last)}"#, to: "inbox/a.csv.manifest.json")
                try await shop.serve()
                #expect(shop.count == last && shop.folder.names(in: "inbox/working").isEmpty)
                guard last == 3 else { continue }
                for name in ["a.csv", "a.csv.report"] {
                    try FileManager.default.removeItem(atPath: shop.folder.path("inbox/done/" + name))
                }
            }
            #expect(shop.names("done") == ["a-2.csv"])
            #expect(
                shop.folder.names(in: "inbox/done").filter { $0.hasSuffix(".json") }
                    == ["a-2.csv.manifest.json", "a.csv.manifest.json"])
        }
    }

    @Test("what is not included is left where it is, and shown")
    func notIncluded() async throws {
        try await Shop.with { (shop) async throws in
            _ = try shop.folder.write("x", to: "inbox/report.pdf")
            _ = try shop.folder.write("x", to: "inbox/.hidden.csv")
            let jobs = try await shop.serve("customers.csv", 1...3)
            #expect(shop.folder.names(in: "inbox").contains("report.pdf") && shop.names("failed").isEmpty)
            let notes = ServiceStatus(jobs, version: "1", takesApprovals: false).service(withOwners: true).jobs.map(
                \.notes)
            #expect(notes.count == 1 && notes[0].count == 1 && notes[0][0].hasPrefix("report.pdf is not taken: "))
            #expect(jobs.worst == nil)
        }
    }

    @Test(
        "a source is followed through listings that fail and versions that come back", arguments: 0..<3 as Range<UInt64>
    )
    func followed(seed: UInt64) async throws {
        try await Shop.with { (shop) async throws in
            let source = ScriptedSource()
            var random = SeededGenerator(seed: seed)
            var newest = (time: 0, last: 0)
            var earlier: [(name: String, file: ScriptedSource.File)] = []
            for round in 1...12 {
                let name = "customers-\(random.within(1...3)).csv"
                let last = Int(random.within(40...44))
                let time = 1000 * round + 1000 - (random.oneIn(3) ? 1500 : 0)
                let text = "customer_id,cart_id\n" + (1...last).map { "customer-\($0),cart-\($0)\n" }.joined()
                if random.oneIn(3), let old = earlier.randomElement(using: &random) {
                    source.change { $0.files[old.name] = old.file }
                } else {
                    source.put(name, text, modified: time)
                    earlier.append((name, .init(text: text, modified: time)))
                    if time > newest.time { newest = (time, last) }
                }
                source.change { ($0.isDown, $0.hidden) = (random.oneIn(4), random.oneIn(4) ? [name] : []) }
                try? await shop.jobs(from: source).run()
                // What was hidden or could not be listed comes now, late.
                source.change { ($0.isDown, $0.hidden) = (false, []) }
                try await shop.jobs(from: source).run()
                #expect(shop.count == newest.last, "round \(round)")
            }
            let accepted = try shop.ledger.runs().filter { $0.state == .finished }
            let digests = accepted.reversed().flatMap { $0.exports.map(\.digest) }
            #expect(zip(digests, digests.dropFirst()).allSatisfy { $0 != $1 }, "no bytes twice in a row")
            #expect(accepted.reversed().compactMap { $0.exports[0].time }.isSorted, "none after a newer one")
        }
    }

    @Test("a run that ended before its export was moved is not made again")
    func endedBeforeMove() async throws {
        try await Shop.with { (shop) async throws in
            try shop.put("customers.csv", 1...10, modified: 1000)
            try await shop.serve()
            // As if the process had ended between the run and the move.
            try FileManager.default.moveItem(
                atPath: shop.folder.path("inbox/done/customers.csv"),
                toPath: shop.folder.path("inbox/working/customers.csv"))
            try FileManager.default.removeItem(atPath: shop.folder.path("inbox/done/customers.csv.report"))
            try await shop.serve()
            #expect(shop.names("done") == ["customers.csv"] && shop.names("working").isEmpty)
            #expect(shop.folder.names(in: "inbox/done/customers.csv.report").contains("report.json"))
            #expect(try shop.ledger.runs().count == 1)
        }
    }

    @Test("a newer export that may be cut makes no older one void: it is refused, and the older one is applied")
    func cut() async throws {
        try await Shop.with { (shop) async throws in
            try shop.put("good.csv", 1...10, modified: 1000)
            try shop.folder.write(
                "customer_id,cart_id\ncustomer-1,cart-1\ncustomer-2,cart-2", to: "inbox/cut.csv", modified: 2000)
            try await shop.serve()
            #expect(shop.names("done") == ["good.csv"] && shop.names("failed") == ["cut.csv"])
            #expect(shop.names("superseded").isEmpty && shop.count == 10)
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
            let status = ServiceStatus(jobs, version: "1", takesApprovals: false)
            let runs = try status.runs(limit: 10, before: nil).runs
            #expect(Set(runs.flatMap(\.exports)) == ["bad.csv", "good.csv"])
            let job = try #require(status.service(withOwners: true).jobs.first)
            #expect(job.failedCount == 1 && job.failed.map(\.name) == ["bad.csv"])
            #expect(job.failed.first?.reason?.isEmpty == false)
            #expect(job.lastSuccess?.exports == ["good.csv"])
            let shown = status.service(withOwners: false)
            #expect(shown.jobs.first?.failed.first?.reason == nil, "it may name an owner")
            #expect(shown.headline == ServiceLine(tone: .bad, text: "1 export failed: bad.csv"))
            #expect(status.health().reasons.isEmpty, "it can do its work")
            #expect(status.health().attention == ["1 export in failed/: bad.csv"])
            let failed = try #require(runs.first { $0.exports == ["bad.csv"] })
            #expect((failed.state, failed.exitStatus, failed.job) == (.recorded(.failed), .exportRefused, "nightly"))
            #expect(failed.ended != nil && failed.report == nil)
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
            let run = try #require(status.service(withOwners: true).run)
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

    @Test("an export that is another one since its run was stopped is planned anew")
    func changedWhileStopped() async throws {
        try await Shop.with { (shop) async throws in
            let session = shop.session(rate: 100)
            let jobs = try shop.jobs(session)
            try shop.put("many.csv", 1...200)
            async let ended: Void = jobs.run()
            #expect(await eventually { shop.count >= 10 })
            session.stop.stop()
            try await ended
            #expect(shop.names("working") == ["many.csv"] && shop.count < 200)
            try shop.put("working/many.csv", 1...210)
            try await shop.serve()
            #expect(shop.names("done") == ["many.csv"] && shop.count == 210)
            #expect(try shop.ledger.runs().count == 2)
        }
    }

    @Test("what waits is shown with its owners, and the run as waiting")
    func shown() async throws {
        try await Shop.with { (shop) async throws in
            try await shop.serve("first.csv", 1...60)
            let jobs = try await shop.serve("fewer.csv", 1...20)
            let status = ServiceStatus(jobs, version: "1.2.3", takesApprovals: true)
            let view = status.service(withOwners: true)
            let waiting = try #require(view.waiting.first)
            #expect(waiting.deletes == 40 && waiting.canBeApproved && waiting.approvedUntil == nil)
            #expect(waiting.owners.first?.owner.hasPrefix("customer-") == true)
            #expect(view.runsSeen == 2 && view.run == nil && view.takesApprovals)
            let runs = try status.runs(limit: 1, before: nil)
            #expect(runs.runs.map(\.state) == [.waiting] && runs.runs.map(\.exitStatus) == [.refused])
            #expect(runs.next == "/api/runs?limit=1&before=\(waiting.run)")
            #expect(try status.run(waiting.run)?.report == "/runs/\(waiting.run)/report.html")
            let hidden = status.service(withOwners: false).waiting.first?.owners.map(\.owner) ?? []
            #expect(hidden.count == waiting.owners.count && hidden.allSatisfy { $0.hasPrefix("hidden-") })
            for form in [ReportForm.json, .page] {
                #expect(status.report(waiting.run, form, withOwners: true) != nil)
                let text = String(
                    decoding: try #require(status.report(waiting.run, form, withOwners: false)), as: UTF8.self)
                #expect(!text.contains("customer-"), "\(form)")
            }
            #expect(throws: StatusRefusal.self) { try status.approve(waiting.run, maxDeletes: 39) }
            #expect(throws: StatusRefusal.self) { try status.stop(waiting.run) }
            #expect(throws: StatusRefusal.self) { try status.runs(limit: 1, before: "20000101-000000-aaaa") }
        }
    }
}
