import CallPacing
import CartAssociations
import ExportSources
import Foundation
import Ledger
import Logging
import NIOCore
import NIOPosix
import SyncEngine
import Synchronization
import TestStore
import TestSupport
import Testing

@testable import SyncService

@Suite("Telling people", .timeLimit(.minutes(10)))
struct NotifierTests {
    private struct Message: Decodable {
        struct Item: Decodable {
            let key: String
            let severity: String
            let text: String
        }

        let store: String
        let title: String
        let began: [Item]
        let ended: [Item]
    }

    private static func messages(_ server: ExportServer, _ path: String = "/hook") throws -> [Message] {
        try server.seen.filter { $0.path == path }.map {
            try JSONDecoder().decode(Message.self, from: Data($0.body.utf8))
        }
    }

    @Test("an export that fails and a plan that waits are told once, with no owner, and so is their end")
    func told() async throws {
        try await Shop.with { (shop) async throws in
            try await ExportServer.with { (server, url) async throws in
                server.put("/hook", .init())
                try await shop.serve("first.csv", 1...60)
                _ = try shop.folder.write("a,b\n1,2\n", to: "inbox/bad.csv")
                try await shop.serve("fewer.csv", 1...20)
                func notifier() throws -> (Notifier, ServiceJobs) {
                    let jobs = try shop.jobs()
                    let receiver = Receiver.web(WebReceiver(.webhook, try WebAddress(url + "/hook")))
                    return (
                        Notifier(jobs, version: "1", receivers: [receiver], once: true), jobs
                    )
                }
                let (first, jobs) = try notifier()
                try await jobs.run()
                await first.look(isLast: true)
                await first.look(isLast: true)
                let told = try Self.messages(server)
                #expect(told.count == 1, "once, and both together")
                let texts = told.first?.began.map(\.text) ?? []
                #expect(texts.contains("job nightly: 1 export in failed/, last bad.csv"))
                #expect(
                    texts.contains { $0.contains("of fewer.csv waits for a person") && $0.contains("runs approve") })
                #expect(told.first?.store == shop.ledger.store.baseURL)
                #expect(!server.seen.contains { $0.body.contains("customer-") }, "no owner's id")

                // Another process says nothing of what was told, and tells of the end.
                for name in shop.folder.names(in: "inbox/failed") {
                    try FileManager.default.removeItem(atPath: shop.folder.path("inbox/failed/\(name)"))
                }
                let (second, more) = try notifier()
                try await more.run()
                await second.look(isLast: true)
                let later = try Self.messages(server)
                #expect(later.count == 2)
                #expect(later.last?.began.isEmpty == true && later.last?.ended.map(\.key) == ["job nightly: failed"])
            }
        }
    }

    @Test("a receiver that is down is in nobody's way, and is told when it is back")
    func down() async throws {
        try await Shop.with { (shop) async throws in
            try await ExportServer.with { (server, url) async throws in
                server.put("/good", .init())
                server.put("/down", .init(status: 500))
                let receivers = try ["/down", "/good"].map {
                    Receiver.web(WebReceiver(.webhook, try WebAddress(url + $0)))
                }
                _ = try shop.folder.write("a,b\n1,2\n", to: "inbox/bad.csv")
                let jobs = try await shop.serve()
                let notifier = Notifier(jobs, version: "1", receivers: receivers, once: true)
                await notifier.look(isLast: true)
                #expect(try Self.messages(server, "/good").count == 1)
                server.put("/down", .init())
                await notifier.look(isLast: true)
                #expect(try Self.messages(server, "/good").count == 1, "it knows already")
                #expect(try Self.messages(server, "/down").last?.began.map(\.key) == ["job nightly: failed"])
            }
        }
    }

    @Test("a job without a success for too long is told")
    func late() {
        var view = ServiceView.quiet
        view.jobs = [ServiceView.Job(name: "nightly", source: "", exportsWaiting: 0, problems: [], notes: [])]
        var success = RunsView.Run.known
        success.exitStatus = .done
        success.ended = view.time - 3601
        (view.jobs[0].lastRun, view.jobs[0].lastSuccess) = (success, success)
        #expect(view.conditions().isEmpty)
        #expect(view.jobs[0].lateness(allowing: .seconds(3602), now: view.time) == nil)
        view.jobs[0].late = view.jobs[0].lateness(allowing: .seconds(3600), now: view.time)
        #expect(view.conditions().map(\.key) == ["job nightly: late"])
        #expect(view.lines().map(\.tone) == [.bad] && view.openEnds.count == 1, "the page and /readyz say so too")
        view.jobs[0].lastSuccess = nil
        #expect(view.jobs[0].lateness(allowing: .seconds(3600), now: view.time)?.contains("none yet") == true)
        view.jobs[0].lastRun = nil
        #expect(view.jobs[0].lateness(allowing: .seconds(3600), now: view.time) == nil, "a new service had no time yet")
    }

    @Test("Slack, Teams and PagerDuty get what they understand")
    func bodies() throws {
        var notice = Notice(version: "1", store: "https://store.example", time: Date(timeIntervalSince1970: 0))
        notice.began = [Condition(key: "job a: failed", severity: .critical, text: "a <b>&\u{202e}\n.csv failed")]
        notice.ended = [Condition(key: "run b: waits", severity: .warning, text: "run b waits")]
        func object(_ data: Data) throws -> [String: Any] {
            try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        }
        let slack = try object(try #require(try notice.bodies(for: .slack).first))
        #expect(
            slack["text"] as? String
                == "*cartsync* for https://store.example\n:red_circle: a &lt;b&gt;&amp;  .csv failed\n"
                + ":large_green_circle: over: run b waits")
        let teams = try object(try #require(try notice.bodies(for: .teams).first))
        let attachment = try #require((teams["attachments"] as? [[String: Any]])?.first)
        #expect(attachment["contentType"] as? String == "application/vnd.microsoft.card.adaptive")
        let blocks = try #require((attachment["content"] as? [String: Any])?["body"] as? [[String: Any]])
        #expect(blocks.map { $0["color"] as? String ?? "" } == ["", "Attention", "Good"])
        let events = try notice.bodies(for: .pagerDuty(key: "key-1")).map(object)
        #expect(events.map { $0["event_action"] as? String } == ["trigger", "resolve"])
        #expect(events.allSatisfy { $0["routing_key"] as? String == "key-1" })
        #expect(events.first?["dedup_key"] as? String == "cartsync https://store.example job a: failed")
        #expect((events.first?["payload"] as? [String: Any])?["severity"] as? String == "critical")
    }

    @Test("a heartbeat begins with each run, and says how it ended")
    func heartbeat() async throws {
        try await Shop.with { (shop) async throws in
            try await ExportServer.with { (server, url) async throws in
                for path in ["/ping", "/ping/start", "/ping/fail"] { server.put(path, .init()) }
                func serve() async throws {
                    var run = RunOptions(
                        command: "serve", exports: [], settings: RunSettings(), concurrency: 4, rateLimit: 0)
                    run.source = "nightly"
                    let options = JobOptions(
                        name: "nightly", run: run, poll: .seconds(10), settle: .zero, remember: .seconds(86_400),
                        heartbeat: try WebAddress(url + "/ping"), metricsFile: nil)
                    try await ServiceJobs(
                        [(options, .folder(shop.folder.path("inbox")))], shop.session(), once: true
                    ).run()
                }
                try await serve()
                #expect(server.seen.isEmpty, "a look without an export is no success")
                try shop.put("first.csv", 1...60)
                try await serve()
                #expect(server.seen.map(\.path) == ["/ping/start", "/ping"])
                try shop.put("fewer.csv", 1...2)
                try await serve()
                #expect(server.seen.map(\.path).suffix(2) == ["/ping/start", "/ping/fail"])
            }
        }
    }
}

@Suite("Mail")
struct MailTests {
    private static func receiver(_ port: Int, login: Bool = false) throws -> MailReceiver {
        MailReceiver(
            server: try #require(MailServer("smtp://127.0.0.1:\(port)")),
            login: login ? (user: "user", password: "pass word") : nil, authorities: nil,
            from: "cartsync@example.com", to: ["a@example.com", "b@example.com"])
    }

    private static var notice: Notice {
        var notice = Notice(version: "1", store: "https://store.example", time: Date(timeIntervalSince1970: 0))
        notice.began = [
            Condition(
                key: "a", severity: .critical,
                text: "nächtlich.csv\r\nBcc: evil@example.com\r\n.\r\nfailed " + String(repeating: "x", count: 200))
        ]
        return notice
    }

    @Test("a mail is said to the server as it wants it, with a login, and no name can add a line to it")
    func conversation() async throws {
        try await MailStandIn.with { (server) async throws in
            try await Self.receiver(server.port, login: true).send(Self.notice)
            let lines = server.lines
            #expect(
                lines.prefix(5) == [
                    "EHLO localhost", "AUTH PLAIN AHVzZXIAcGFzcyB3b3Jk", "MAIL FROM:<cartsync@example.com>",
                    "RCPT TO:<a@example.com>", "RCPT TO:<b@example.com>",
                ])
            #expect(lines.filter { $0 == "." }.count == 1)
            #expect(!lines.contains { $0.hasPrefix("Bcc") })
            #expect(lines.allSatisfy { $0.utf8.count <= 998 && $0.utf8.allSatisfy { $0 < 128 } })
            let blank = try #require(lines.firstIndex(of: ""))
            let dot = try #require(lines.firstIndex(of: "."))
            let body: String = lines[(blank + 1)..<dot].joined()
            let text = String(decoding: try #require(Data(base64Encoded: body), "\(lines)"), as: UTF8.self)
            #expect(text.contains("critical: nächtlich.csv  Bcc: evil@example.com  .  failed"))
        }
    }

    @Test("a server that refuses is named with its words, and a login is not")
    func refused() async throws {
        try await MailStandIn.with(refusing: "AUTH") { (server) async throws in
            let receiver = try Self.receiver(server.port, login: true)
            do throws(NoticeError) {
                try await receiver.send(Self.notice)
                Issue.record("it was taken")
            } catch {
                #expect("\(error)" == "127.0.0.1 answered 535 to the login: 5.7.8 no")
            }
        }
        try await MailStandIn.with(refusing: "RCPT TO:<b@") { (server) async throws in
            let receiver = try Self.receiver(server.port)
            do throws(NoticeError) {
                try await receiver.send(Self.notice)
                Issue.record("it was taken")
            } catch {
                #expect("\(error)".contains("answered 535 to RCPT TO:<b@example.com>"))
            }
            #expect(!server.lines.contains("DATA"))
        }
    }

    @Test(
        "addresses and servers",
        arguments: [
            ("a@example.com", true), ("a b@example.com", false), ("a@example.com>", false), ("a", false),
            ("a@b\r\nRCPT", false), ("", false),
        ])
    func addresses(text: String, isAddress: Bool) {
        #expect(MailReceiver.isAddress(text) == isAddress)
        #expect(MailServer("smtp://mail.example.com") == MailServer("smtp://mail.example.com:587"))
        #expect(MailServer("smtps://mail.example.com") == MailServer("smtps://mail.example.com:465"))
        #expect(MailServer("https://mail.example.com") == nil && MailServer("smtp://u@mail.example.com") == nil)
    }
}

/// A mail server that takes everything, or refuses the lines that begin so; it speaks no TLS.
final class MailStandIn: Sendable {
    let port: Int
    private let heard: Recorder<String>

    var lines: [String] { heard.values }

    private init(port: Int, heard: Recorder<String>) { (self.port, self.heard) = (port, heard) }

    static func with(refusing start: String? = nil, _ body: (MailStandIn) async throws -> Void) async throws {
        let heard = Recorder<String>()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Talk(heard, refusing: start))
                }
            }.bind(host: "127.0.0.1", port: 0).get()
        try await body(MailStandIn(port: channel.localAddress?.port ?? 0, heard: heard))
        try await channel.close()
    }

    private final class Talk: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let heard: Recorder<String>
        private let refused: String?
        private var bytes: [UInt8] = []
        private var isMessage = false

        init(_ heard: Recorder<String>, refusing start: String?) { (self.heard, refused) = (heard, start) }

        private func say(_ text: String, _ context: ChannelHandlerContext) {
            context.channel.writeAndFlush(ByteBuffer(string: text + "\r\n"), promise: nil)
        }

        func channelActive(context: ChannelHandlerContext) { say("220 ready", context) }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            bytes += unwrapInboundIn(data).readableBytesView
            while let end = bytes.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: bytes[..<end], as: UTF8.self).trimmingCharacters(in: .newlines)
                bytes.removeSubrange(...end)
                heard.add(line)
                if isMessage {
                    guard line == "." else { continue }
                    isMessage = false
                    say("250 taken", context)
                } else if let refused, line.hasPrefix(refused) {
                    say("535 5.7.8 no", context)
                } else if line.hasPrefix("EHLO") {
                    say("250-here\r\n250-SIZE 1000\r\n250 AUTH LOGIN PLAIN", context)
                } else if line.hasPrefix("AUTH") {
                    say("235 welcome", context)
                } else if line == "DATA" {
                    isMessage = true
                    say("354 go on", context)
                } else {
                    say("250 ok", context)
                }
            }
        }
    }
}
