import AsyncHTTPClient
import CommerceSandbox
import Foundation
import NIOCore
import NIOHTTP1
import TestSupport
import Testing

/// A service over an inbox whose second export is refused: 40 of its 60 associations would be deleted.
struct WaitingService {
    static let token = "0123456789abcdef0123"

    let shop: Shop
    let program: Program
    let url: String

    /// Starts it, and waits until the run waits.
    static func start(_ shop: Shop, _ more: String...) async throws -> WaitingService {
        let inbox = shop.folder.path("inbox")
        try FileManager.default.createDirectory(atPath: inbox, withIntermediateDirectories: true)
        _ = try shop.folder.write(export(1...60), to: "inbox/first.csv")
        let program = try shop.start(arguments(shop) + more, environment: ["CARTSYNC_HTTP_APPROVAL_TOKEN": token])
        let service = WaitingService(shop: shop, program: program, url: try await program.pageURL())
        try #require(await service.lies("first.csv", in: "done"))
        _ = try shop.folder.write(export(1...20), to: "inbox/fewer.csv")
        try #require(await service.lies("fewer.csv", in: "waiting"))
        return service
    }

    static func arguments(_ shop: Shop) -> [String] {
        [
            "serve", "--inbox", shop.folder.path("inbox"), "--poll", "100ms", "--settle", "0s", "--http", "127.0.0.1:0",
            "--rate", "500",
        ]
    }

    static func export(_ range: ClosedRange<Int>) -> String {
        "customer_id,cart_id\n" + range.map { "customer-\($0),cart-\($0)\n" }.joined()
    }

    func lies(_ name: String, in folder: String) async -> Bool {
        await eventually { shop.folder.names(in: "inbox/" + folder).contains(name) }
    }

    /// The id of the run that waits.
    func waitingRun() async throws -> String {
        let listed = try await shop.cartsync("runs", "approve", "--output", "json")
        let runs = try JSONDecoder().decode([Listed].self, from: Data(listed.output.utf8))
        return try #require(runs.first).id
    }

    private struct Listed: Decodable {
        let id: String
    }

    func ask(_ method: HTTPMethod, _ path: String, token: String? = nil, body: String? = nil) async throws
        -> (status: UInt, body: String)
    {
        var request = HTTPClientRequest(url: url + path)
        request.method = method
        if let token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
        if let body { request.body = .bytes(Array(body.utf8)) }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
        return (response.status.code, String(buffer: try await response.body.collect(upTo: 1 << 22)))
    }

    func end() async throws -> Program.Result {
        program.send(signal: SIGTERM)
        return try await program.result()
    }
}

@Suite("approvals")
struct ApprovalTests {
    @Test("a refused run waits, and the command lets exactly its plan through while the service runs")
    func approvedByCommand() async throws {
        try await withShop { shop in
            let service = try await WaitingService.start(shop)
            let run = try await service.waitingRun()
            let text = try await shop.cartsync("runs", "approve")
            #expect(text.status == 0 && text.output.contains(run), "\(text.errors)")
            #expect(text.errors.contains("next: cartsync runs approve \(run)"))

            let tooFew = try await shop.cartsync("runs", "approve", "--max-deletes", "39", run)
            #expect(tooFew.status == 3, "\(tooFew.errors)")
            #expect(tooFew.errors.contains("--max-deletes 40"))
            #expect(shop.associations.count == 60)

            let approved = try await shop.cartsync("runs", "approve", run)
            #expect(approved.status == 0, "\(approved.errors)")
            #expect(approved.errors.contains("approved with up to 40 deletes until"))
            #expect(await service.lies("fewer.csv", in: "done"))
            #expect(shop.associations.count == 20)
            #expect(shop.folder.names(in: "state/approvals") == ["key"])
            #expect(shop.folder.names(in: "inbox/waiting").isEmpty)
            let ended = try await service.end()
            #expect(ended.errors.contains("cartsync runs approve --state \(shop.folder.path("state")) \(run)"))
        }
    }

    @Test("an approval is for one export and used once: the next refused one waits again")
    func usedOnce() async throws {
        try await withShop { shop in
            let service = try await WaitingService.start(shop)
            _ = try await shop.cartsync("runs", "approve", "--max-deletes", "100", try await service.waitingRun())
            #expect(await service.lies("fewer.csv", in: "done"))
            _ = try shop.folder.write(WaitingService.export(1...70), to: "inbox/other.csv")
            #expect(await service.lies("other.csv", in: "done"))
            _ = try shop.folder.write(WaitingService.export(1...1), to: "inbox/one.csv")
            #expect(await service.lies("one.csv", in: "waiting"))
            _ = try await service.end()
        }
    }

    @Test("an approval that was given while no service ran is taken at its start")
    func givenBefore() async throws {
        try await withShop { shop in
            let service = try await WaitingService.start(shop)
            let run = try await service.waitingRun()
            _ = try await service.end()
            let list = try await shop.cartsync("runs", "list")
            #expect(list.output.contains("waiting"), "\(list.output)")
            #expect(try await shop.cartsync("runs", "approve", String(run.suffix(4))).status == 0)
            let again = try await shop.start(WaitingService.arguments(shop) + ["--once"]).result()
            #expect(again.status == 0, "\(again.errors)")
            #expect(shop.associations.count == 20)
        }
    }

    @Test(
        "a run that is declined goes no further, while the service runs or before it starts, and its job goes on",
        arguments: [true, false])
    func declined(whileItRuns: Bool) async throws {
        try await withShop { shop in
            let service = try await WaitingService.start(shop)
            let run = try await service.waitingRun()
            if !whileItRuns { _ = try await service.end() }
            let declined = try await shop.cartsync("runs", "decline", String(run.suffix(4)))
            #expect(declined.status == 0 && declined.errors.contains("run \(run) is declined"), "\(declined.errors)")
            if whileItRuns {
                #expect(await service.lies("fewer.csv", in: "superseded"))
                // The next one is taken, and nothing of the declined one was changed.
                _ = try shop.folder.write(WaitingService.export(1...61), to: "inbox/next.csv")
                #expect(await service.lies("next.csv", in: "done"))
                _ = try await service.end()
            } else {
                _ = try shop.folder.write(WaitingService.export(1...61), to: "inbox/next.csv")
                let once = try await shop.start(WaitingService.arguments(shop) + ["--once"]).result()
                #expect(once.status == 0, "\(once.errors)")
                #expect(await service.lies("fewer.csv", in: "superseded"))
            }
            #expect(shop.associations.count == 61)
            for command in [["runs", "decline", run], ["runs", "approve", run]] {
                let again = try await shop.start(command).result()
                #expect(again.status == 64 && again.errors.contains("no run \(run) waits"), "\(again.errors)")
            }
            let listed = try await shop.cartsync("runs", "show", run)
            #expect(listed.output.contains("declined by a person"), "\(listed.output)")
            #expect(!listed.lastLine.contains("next:"))
        }
    }

    @Test("a run that a newer snapshot has superseded cannot be approved, and what waits is counted the next night too")
    func superseded() async throws {
        try await withShop { shop in
            let service = try await WaitingService.start(shop)
            let run = try await service.waitingRun()
            _ = try await service.end()
            // Nothing new has come, and what waits is not forgotten.
            let night = try await shop.start(WaitingService.arguments(shop) + ["--once"]).result()
            #expect(night.lastLine.contains("1 waiting for approval"), "\(night.errors)")
            _ = try shop.folder.write(WaitingService.export(1...62), to: "inbox/newer.csv")
            let next = try await shop.start(WaitingService.arguments(shop) + ["--once"]).result()
            #expect(next.status == 0 && next.lastLine.contains("0 waiting"), "\(next.errors)")
            #expect(shop.folder.names(in: "inbox/superseded").contains("fewer.csv") && shop.associations.count == 62)
            let refused = try await shop.cartsync("runs", "approve", run)
            #expect(refused.status == 64 && refused.errors.contains("no run \(run) waits"), "\(refused.errors)")
            let shown = try await shop.cartsync("runs", "list")
            #expect(!shown.lastLine.contains("next:"), "\(shown.errors)")
        }
    }

    @Test("an export of which every record is rejected waits, and a newer snapshot takes its place")
    func allRejected() async throws {
        try await withShop { shop in
            try shop.folder.createFolder("inbox")
            let once = { try await shop.start(WaitingService.arguments(shop) + ["--once"]).result() }
            _ = try shop.folder.write(
                "customer_id,cart_id\n" + String(repeating: "c 1,k 1\n", count: 9), to: "inbox/bad.csv")
            #expect(try await once().status == 3)
            #expect(shop.folder.names(in: "inbox/waiting").contains("bad.csv"))
            _ = try shop.folder.write(WaitingService.export(1...5), to: "inbox/good.csv")
            let next = try await once()
            #expect(next.status == 0, "\(next.errors)")
            #expect(shop.associations.count == 5)
            #expect(shop.folder.names(in: "inbox/superseded").contains("bad.csv"))
        }
    }

    @Test("an approval that is too old, altered, or for another export is none")
    func invalid() async throws {
        try await withShop { shop in
            let service = try await WaitingService.start(shop)
            let run = try await service.waitingRun()
            _ = try await service.end()
            _ = try await shop.cartsync("runs", "approve", run)
            let path = "state/approvals/\(run).approval.json"
            let good = try shop.folder.read(path)
            let file = try FileManager.default.attributesOfItem(atPath: shop.folder.path(path))
            #expect(file[.posixPermissions] as? Int == 0o600)
            let bad = [
                good.replacing(#/"given":"\d{4}/#, with: "\"given\":\"2020"), good.replacing("20", with: "99"),
                good.replacing(#/"digest":"./#, with: "\"digest\":\"x"), good.replacing("40", with: "60"),
                String(good.dropLast()), String(good.prefix { $0 != "\n" }) + "\n", "{", "",
            ]
            #expect(!bad.contains(good))
            for text in bad {
                _ = try shop.folder.write(text, to: path)
                let once = try await shop.start(WaitingService.arguments(shop) + ["--once"]).result()
                #expect(shop.folder.names(in: "inbox/waiting").contains("fewer.csv"), "\(text) \(once.errors)")
            }
            #expect(shop.associations.count == 60)
            _ = try shop.folder.write(good, to: path)
            _ = try await shop.start(WaitingService.arguments(shop) + ["--once"]).result()
            #expect(shop.associations.count == 20)
        }
    }

    @Test("what a number of deletes does not lift cannot be approved")
    func lasting() async throws {
        try await withShop { shop in
            let service = try await WaitingService.start(shop)
            let before = try await service.waitingRun()
            let rows = (1...12).map { "customer-\($0),cart#\($0)\n" }.joined()
            _ = try shop.folder.write(WaitingService.export(1...60) + rows, to: "inbox/rejects.csv")
            #expect(await service.lies("fewer.csv", in: "superseded"))
            #expect(await service.lies("rejects.csv", in: "waiting"))
            var run = before
            #expect(
                try await eventually {
                    run = try await service.waitingRun()
                    return run != before
                })
            let refused = try await shop.cartsync("runs", "approve", run)
            #expect(refused.status == 3)
            #expect(refused.errors.contains("12 of 72 records are rejected"), "\(refused.errors)")
            let ended = try await service.end()
            #expect(ended.errors.contains("set guard.max-rejected 12"), "\(ended.errors)")
        }
    }

    @Test("the token approves over HTTP, what waits is shown with its owners, and the events end with the run")
    func overHTTP() async throws {
        try await withShop { shop in
            let service = try await WaitingService.start(shop)
            let run = try await service.waitingRun()
            let hidden = try await service.ask(.GET, "/api/service").body
            #expect(hidden.contains(#""deletes":40"#) && !hidden.contains("customer-"), "\(hidden)")
            let shown = try await service.ask(.GET, "/api/service", token: WaitingService.token).body
            #expect(shown.contains(#""deletes":40"#) && shown.contains(#""owner":"customer-21""#), "\(shown)")
            #expect(try await service.ask(.GET, "/api/runs").body.contains(#""state":"waiting""#))
            #expect(try await service.ask(.GET, "/runs/\(run)/report.html").body.contains("40 deletes"))
            let path = "/api/runs/\(run)/approve"
            #expect(try await service.ask(.POST, path, token: "wrong").status == 401)
            #expect(
                try await service.ask(.POST, path, token: WaitingService.token, body: #"{"maxDeletes":1}"#).status
                    == 409)
            #expect(shop.associations.count == 60)
            let approved = try await service.ask(.POST, path, token: WaitingService.token)
            #expect(approved.status == 202, "\(approved.body)")
            #expect(await service.lies("fewer.csv", in: "done"))
            #expect(shop.associations.count == 20)
            let events = try await service.ask(.GET, "/api/runs/\(run)/events").body
            #expect(events.contains("event: end"))
            _ = try await service.end()
        }
    }

    @Test("a run that a person stopped waits, and goes on where it was when it is approved")
    func stopped() async throws {
        try await withShop { shop in
            let service = try await WaitingService.start(shop, "--rate", "100")
            _ = try shop.folder.write(WaitingService.export(1...260), to: "inbox/more.csv")
            #expect(await eventually { shop.sandbox.statistics().count(.create) >= 70 })
            let view = try await service.ask(.GET, "/api/service").body
            let run = try #require(view.firstMatch(of: #/"retries":\d+,"run":"(\d{8}-\d{6}-\w{4})"/#)).output.1
            let stopped = try await service.ask(.POST, "/api/runs/\(run)/stop", token: WaitingService.token)
            #expect(stopped.status == 202, "\(stopped.body)")
            #expect(await service.lies("more.csv", in: "waiting"))
            let before = shop.associations.count
            #expect(before < 260)
            #expect(try await shop.cartsync("runs", "approve", String(run)).status == 0)
            #expect(await service.lies("more.csv", in: "done"))
            #expect(shop.associations.count == 260)
            let report = try await service.ask(.GET, "/api/runs/\(run)").body
            #expect(report.contains("200 changes made"), "\(report.prefix(300))")
            let ended = try await service.end()
            #expect(ended.status == 0, "\(ended.errors)")
        }
    }

    @Test("the page is refused to other machines without a token")
    func exposed() async throws {
        try await withShop { shop in
            try FileManager.default.createDirectory(
                atPath: shop.folder.path("inbox"), withIntermediateDirectories: true)
            let result = try await shop.cartsync(
                "serve", "--inbox", shop.folder.path("inbox"), "--http", "0.0.0.0:0", "--once")
            #expect(result.status == 78)
            #expect(result.errors.contains("set http.approval-token, or listen on 127.0.0.1"), "\(result.errors)")
        }
    }
}
