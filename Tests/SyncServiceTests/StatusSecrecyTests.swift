import AsyncHTTPClient
import CallPacing
import CartAssociations
import Foundation
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import SyncEngine
import TestSupport
import Testing

@testable import SyncService

@Suite("What the port tells, and to whom", .timeLimit(.minutes(10)))
struct StatusSecrecyTests {
    private static let token = "0123456789abcdef0123"
    private static let owner = "customer-whose-id-is-secret"

    private func waiting() -> KnownStatus {
        KnownStatus(view: {
            var view = ServiceView.quiet
            let run = WaitingRun(
                id: knownRun, cause: .refused, job: "nightly", export: "a.csv", digest: "d", bytes: 1, since: Date())
            var waiting = ServiceView.Waiting(run, nil, state: "/state", hasDeletes: true)
            waiting.owners = [.init(kind: .customer, owner: Self.owner, deletes: 12)]
            view.waiting = [waiting]
            return view
        })
    }

    @Test(
        "without the token no owner's id comes over HTTP, with a token that is set and with none",
        arguments: [true, false])
    func withoutToken(isSet: Bool) async throws {
        let options = StatusServer.Options(port: 0, token: isSet ? ApprovalToken(Self.token) : nil)
        try await serving(waiting(), options: options) { (server) async throws in
            for path in StatusRoute.paths where !path.contains("events") {
                let reply = try await server.ask(.GET, path.replacing("{run}", with: knownRun))
                #expect(!reply.body.contains(Self.owner), "\(path)")
                #expect(!reply.body.hasSuffix(">owners"), "\(path)")
            }
            #expect(try await server.ask(.GET, "/api/service").body.contains(#""owner":"hidden-"#))
        }
    }

    @Test("with the token owners are named")
    func withToken() async throws {
        try await serving(waiting(), options: .init(port: 0, token: ApprovalToken(Self.token))) {
            (server) async throws in
            let headers = ["Authorization": "Bearer \(Self.token)"]
            #expect(try await server.ask(.GET, "/api/service", headers: headers).body.contains(Self.owner))
            for path in ["/api/runs/\(knownRun)", "/runs/\(knownRun)/report.html"] {
                #expect(try await server.ask(.GET, path, headers: headers).body.hasSuffix(">owners"), "\(path)")
            }
            let wrong = ["Authorization": "Bearer \(Self.token)x"]
            #expect(try await server.ask(.GET, "/api/service", headers: wrong).status == 401)
            // What a proxy asks for itself is no token of ours.
            let basic = ["Authorization": "Basic dTpw"]
            #expect(try await server.ask(.GET, "/api/service", headers: basic).status == 200)
        }
    }

    @Test("who gives wrong tokens waits ever longer, and others do not")
    func slowed() {
        let clock = HandTurnedClock()
        let gate = TokenGate(ApprovalToken(Self.token), time: clock.time, log: .silent)
        let right = "Bearer \(Self.token)"
        #expect(gate.judge(nil, from: "a") == .absent)
        #expect(gate.judge(right, from: "a") == .right)
        for _ in 0..<TokenGate.mistakes { #expect(gate.judge("Bearer x", from: "a") == .wrong) }
        #expect(gate.judge("Bearer x", from: "a") == .wait(seconds: 1))
        #expect(gate.judge(right, from: "a") == .wait(seconds: 1), "whether it is right is not told meanwhile")
        #expect(gate.judge(right, from: "b") == .right)
        // A guesser who never rests: in an hour it is told of a few dozen tokens.
        var looked = 0
        for _ in 0..<36_000 {
            clock.advance(.milliseconds(100))
            if gate.judge("Bearer x", from: "a") == .wrong { looked += 1 }
        }
        #expect((55...70).contains(looked), "\(looked)")
        clock.advance(TokenGate.longestPause)
        #expect(gate.judge(right, from: "a") == .right)
        #expect(gate.judge("Bearer x", from: "a") == .wrong, "and it begins anew")
    }

    @Test("wrong tokens are logged once a minute with their number, and no token is")
    func logged() {
        let clock = HandTurnedClock()
        let lines = Recorder<String>()
        let gate = TokenGate(ApprovalToken(Self.token), time: clock.time, log: Logger(lines))
        for second in 0..<150 {
            _ = gate.judge("Bearer guess-\(second)", from: "address-\(second)")
            gate.tell()
            clock.advance(.seconds(1))
        }
        clock.advance(.seconds(60))
        gate.tell()
        gate.tell()
        #expect(lines.values == ["1", "60", "60", "29"].map { "warning wrong approval tokens number=\($0)" })
    }

    @Test("the addresses that are remembered have a limit")
    func bounded() {
        let clock = HandTurnedClock()
        let gate = TokenGate(ApprovalToken(Self.token), time: clock.time, log: .silent)
        for number in 0..<(3 * TokenGate.mostAddresses) {
            _ = gate.judge("Bearer x", from: "\(number)")
            #expect(gate.remembered <= TokenGate.mostAddresses)
        }
    }

    @Test("/healthz answers while 2,000 connections say nothing, and a slow one loses its place before one that asks")
    func silentConnections() async throws {
        try await serving { (server) async throws in
            let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
            let bootstrap = ClientBootstrap(group: group)
            var silent: [any Channel] = []
            for number in 0..<2000 {
                let channel = try await bootstrap.connect(host: "127.0.0.1", port: server.port).get()
                silent.append(channel)
                // Some begin a request and do not end it.
                if number % 10 == 0 {
                    try? await channel.writeAndFlush(ByteBuffer(string: "GET /healthz HTTP/1.1\r\nHost: local"))
                }
                if number % 500 == 499 {
                    // A connection of its own: one that was kept is silent too.
                    let reply = try await server.ask(.GET, "/healthz", headers: ["Connection": "close"])
                    #expect(reply.status == 200)
                }
            }
            let closed = await eventually { silent.filter { !$0.isActive }.count >= 1500 }
            #expect(closed, "\(silent.filter { !$0.isActive }.count) were closed")
            #expect(silent.prefix(1000).allSatisfy { !$0.isActive }, "the oldest are closed first")
            #expect(silent.last?.isActive == true)
            for channel in silent { channel.close(promise: nil) }
            try await group.shutdownGracefully()
        }
    }

    @Test("a server that is cancelled while connections come ends, and not the process")
    func cancelled() async {
        await #expect(processExitsWith: .success) {
            for _ in 0..<20 {
                let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
                try await serving { server in
                    let bootstrap = ClientBootstrap(group: group)
                    for _ in 0..<200 { _ = bootstrap.connect(host: "127.0.0.1", port: server.port) }
                    _ = try await bootstrap.connect(host: "127.0.0.1", port: server.port).get()
                }
                try await group.shutdownGracefully()
            }
            exit(EXIT_SUCCESS)
        }
    }

    private static func fixture(_ name: String) -> String {
        URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../CommerceAPITests/Fixtures/\(name)").standardizedFileURL.path
    }

    @Test("with a certificate the page speaks TLS 1.2 at least, and nothing else")
    func encrypted() async throws {
        let certificate = try StatusCertificate(
            certificate: Self.fixture("server.pem"), key: Self.fixture("server-key.pem"))
        let options = StatusServer.Options(port: 0, certificate: certificate)
        try await serving(options: options) { (server) async throws in
            func ask(_ scheme: String, most: TLSVersion?) async throws -> UInt {
                var tls = TLSConfiguration.makeClientConfiguration()
                tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(Self.fixture("ca.pem")))
                tls.minimumTLSVersion = .tlsv1
                tls.maximumTLSVersion = most
                let client = HTTPClient(
                    eventLoopGroupProvider: .singleton, configuration: .init(tlsConfiguration: tls))
                let request = HTTPClientRequest(url: "\(scheme)://127.0.0.1:\(server.port)/healthz")
                let answer = await Result { try await client.execute(request, timeout: .seconds(60)) }
                try await client.shutdown()
                return try answer.get().status.code
            }
            #expect(try await ask("https", most: nil) == 200)
            #expect(try await ask("https", most: .tlsv12) == 200)
            await #expect(throws: (any Error).self) { try await ask("https", most: .tlsv11) }
            await #expect(throws: (any Error).self) { try await ask("http", most: nil) }
        }
        #expect(throws: StatusServerError.self) {
            try StatusCertificate(certificate: Self.fixture("ca.pem"), key: Self.fixture("server-key.pem"))
        }
    }
}

extension Logger {
    /// Adds each line to a recorder, with its number.
    fileprivate init(_ lines: Recorder<String>) {
        struct Handler: LogHandler {
            let lines: Recorder<String>
            var logLevel = Logger.Level.trace
            var metadata: Logger.Metadata = [:]

            subscript(metadataKey key: String) -> Logger.Metadata.Value? {
                get { metadata[key] }
                set { metadata[key] = newValue }
            }

            func log(event: LogEvent) {
                let fields = (event.metadata ?? [:]).map { "\($0.key)=\($0.value)" }.joined(separator: " ")
                lines.add("\(event.level) \(event.message) \(fields)")
            }
        }
        self.init(label: "test") { _ in Handler(lines: lines) }
    }
}

extension Result where Failure == any Error {
    fileprivate init(_ body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
