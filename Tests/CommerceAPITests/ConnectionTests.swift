import CallPacing
import CartAssociations
import CommerceSandbox
import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
import TestStore
import Testing

@testable import CommerceAPI

@Suite("connections: TLS, proxies and headers")
struct ConnectionTests {
    private static func fixture(_ name: String) -> String {
        URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/\(name)").path
    }

    private func encrypted(_ certificate: String = "server.pem") -> SandboxOptions {
        var options = SandboxOptions()
        options.tls = (Self.fixture(certificate), Self.fixture("server-key.pem"))
        return options
    }

    private func trusted() throws -> TrustedCertificates { try TrustedCertificates(file: Self.fixture("ca.pem")) }

    @Test("a store whose certificate an authority of api.ca-file has signed is spoken to by TLS")
    func ownAuthority() async throws {
        let trusted = try trusted()
        try await Stage.with(encrypted(), scheme: "https", change: { $0.trusted = trusted }) { stage in
            let result = try await stage.client.create(try association("c-1", "cart-1"))
            #expect(result.outcome == .created)
            #expect(stage.sandbox.associations().count == 1)
        }
    }

    @Test(
        "a store that speaks no TLS from 1.2 on gets no token",
        arguments: [TLSVersion.tlsv1, .tlsv11, .tlsv12, .tlsv13])
    func versions(newest: TLSVersion) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        var tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile(Self.fixture("server.pem")).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: Self.fixture("server-key.pem"), format: .pem)))
        tls.minimumTLSVersion = .tlsv1
        tls.maximumTLSVersion = newest
        let context = try NIOSSLContext(configuration: tls)
        let server = try await ServerBootstrap(group: group).childChannelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
            }
        }.bind(host: "127.0.0.1", port: 0).get()
        let url = try BaseURL("https://127.0.0.1:\(try #require(server.localAddress?.port))")
        let trusted = try trusted()
        try await Stage.with(
            change: {
                $0.trusted = trusted
                $0.baseURL = url
            }
        ) { stage in
            let way = await stage.client.tryConnection()
            let isNew = newest == .tlsv12 || newest == .tlsv13
            #expect((way.security != nil) == isNew, "\(String(describing: way.failure))")
            #expect((way.failure == nil) == isNew)
        }
        try await server.close()
        try await group.shutdownGracefully()
    }

    @Test("a certificate that nobody vouches for gets no token, and the message says what to set")
    func unknownAuthority() async throws {
        try await Stage.with(encrypted(), scheme: "https") { stage in
            let error = await #expect(throws: APIError.self) { try await stage.client.authenticate() }
            #expect(error?.kind == .unavailable)
            #expect(error?.message.contains("api.ca-file") == true, "\(String(describing: error))")
            #expect(stage.sandbox.statistics().total == 0)
        }
    }

    @Test("a certificate for another name gets no token")
    func otherName() async throws {
        let trusted = try trusted()
        try await Stage.with(encrypted("other-name.pem"), scheme: "https", change: { $0.trusted = trusted }) { stage in
            let error = await #expect(throws: APIError.self) { try await stage.client.authenticate() }
            #expect(error?.message.contains("certificate") == true, "\(String(describing: error))")
            #expect(stage.sandbox.statistics().total == 0)
        }
    }

    @Test("a file without certificates is named", arguments: ["README.md", "nowhere.pem"])
    func badFile(name: String) {
        let error = #expect(throws: InvalidConnectionSetting.self) {
            try TrustedCertificates(file: Self.fixture(name))
        }
        #expect(error?.description.contains(name) == true)
    }

    @Test("calls go through the proxy, which sees its own credentials and nothing of the call")
    func proxy() async throws {
        let proxy = try await TunnelProxy.start()
        let trusted = try trusted()
        let setting = try HTTPProxy("http://user:proxy-marker-81@127.0.0.1:\(proxy.port)")
        try await Stage.with(
            encrypted(), scheme: "https",
            change: {
                $0.trusted = trusted
                $0.proxy = setting
            }
        ) { stage in
            let result = try await stage.client.create(try association("c-1", "cart-1"))
            #expect(result.outcome == .created)
            let heads = proxy.heads
            #expect(heads.first?.hasPrefix("CONNECT 127.0.0.1:\(stage.client.options.baseURL.port) ") == true)
            let basic = Data("user:proxy-marker-81".utf8).base64EncodedString()
            #expect(heads.first?.lowercased().contains("proxy-authorization: basic \(basic.lowercased())") == true)
            #expect(!heads.joined().contains("Bearer"))
            #expect(!proxy.bytes.contains(TestStore.secret))
        }
        try await proxy.stop()
    }

    @Test("a proxy that is not there is named, and its password is not")
    func noProxy() async throws {
        let trusted = try trusted()
        let setting = try HTTPProxy("user:proxy-marker-81@127.0.0.1:9")
        try await Stage.with(
            encrypted(), scheme: "https",
            change: {
                $0.trusted = trusted
                $0.proxy = setting
            }
        ) { stage in
            let error = await #expect(throws: APIError.self) { try await stage.client.authenticate() }
            #expect(error?.message.contains("127.0.0.1:9") == true, "\(String(describing: error))")
            #expect(error?.message.contains("proxy-marker-81") == false)
            #expect(!stage.log.text.contains("proxy-marker-81"))
        }
    }

    @Test("the usual variables name the proxy, in their order, unless NO_PROXY names the store")
    func environment() throws {
        let store = try BaseURL("https://euwest.api.elasticpath.com")
        func named(_ variables: [String: String], _ store: BaseURL) throws -> String? {
            try HTTPProxy.named(in: variables, for: store).map { "\($0.proxy) \($0.variable)" }
        }
        #expect(try named(["HTTPS_PROXY": "http://p:1", "ALL_PROXY": "http://q:2"], store) == "p:1 HTTPS_PROXY")
        #expect(try named(["https_proxy": "p:1"], store) == "p:1 https_proxy")
        #expect(try named(["ALL_PROXY": "http://[::1]"], store) == "::1:80 ALL_PROXY")
        #expect(try named(["HTTP_PROXY": "http://p:1"], store) == nil)
        #expect(try named(["HTTPS_PROXY": ""], store) == nil)
        let proxy = ["HTTPS_PROXY": "http://p:1"]
        for exception in [
            "*", "elasticpath.com", ".elasticpath.com", "*.elasticpath.com", "a.example, euwest.api.elasticpath.com",
            "EUWEST.api.elasticpath.com:443",
        ] {
            #expect(try named(proxy.merging(["NO_PROXY": exception]) { $1 }, store) == nil, "\(exception)")
        }
        for other in ["path.com", "api.elasticpath.com:8443", "useast.api.elasticpath.com", ""] {
            #expect(try named(proxy.merging(["no_proxy": other]) { $1 }, store) != nil, "\(other)")
        }
        #expect(try named(proxy, try BaseURL("https://localhost:8443")) == nil)
        let error = #expect(throws: InvalidConnectionSetting.self) {
            try named(["HTTPS_PROXY": "socks5://user:proxy-marker-81@p:1"], store)
        }
        #expect(error?.description.contains("HTTPS_PROXY") == true)
        #expect(error?.description.contains("proxy-marker-81") == false)
    }

    @Test(
        "what is no proxy is refused without a word of it",
        arguments: ["", "socks5://p:1", "http://", "http://p:1/path", "https://p:1", "http://p:99999999"])
    func badProxy(text: String) {
        #expect(throws: InvalidConnectionSetting.self) { try HTTPProxy(text) }
    }

    @Test("further headers and the program's name go with every call")
    func headers() async throws {
        let headers = [try ExtraHeader("EP-Channel: web"), try ExtraHeader("X-Gateway-Key: header-marker-3")]
        let listener = try await TunnelProxy.start()
        let pacer = Pacer(limit: 1000, time: .system)
        var options = APIOptions(
            baseURL: try BaseURL("http://127.0.0.1:\(listener.port)"),
            credentials: Credentials(clientID: "a", clientSecret: "b"))
        options.headers = headers
        options.userAgent = "cartsync/9.9"
        let client = CommerceClient(
            options: options, pacer: pacer, retry: TestStore.promptRetry, logger: CapturedLog().logger)
        _ = try? await client.authenticate()
        try await client.shutdown()
        let head = try #require(listener.heads.first)
        #expect(head.contains("EP-Channel: web\r\n"))
        #expect(head.contains("X-Gateway-Key: header-marker-3\r\n"))
        #expect(head.contains("User-Agent: cartsync/9.9\r\n"))
        #expect(!"\(headers)".contains("header-marker-3"))
        #expect(!String(reflecting: headers).contains("header-marker-3"))
        try await listener.stop()
    }

    @Test(
        "a header that calls set themselves, or that is none, is refused",
        arguments: [
            "Authorization: Bearer x", "x-moltin-customer-token: x", "Host: x", "no colon", ": x", "A B: x", "A:",
            "A: x\u{1}", "EP-Account-Management-Authentication-Token: x", "Content-Length: 1",
        ])
    func badHeader(text: String) {
        #expect(throws: InvalidConnectionSetting.self) { try ExtraHeader(text) }
    }

    @Test("a redirect takes neither the token nor the call to another server", arguments: [301, 302, 303, 307, 308])
    func redirect(status: Int) async throws {
        let other = try await TunnelProxy.start()
        try await Stage.with { stage in
            let away = ["Location": "http://127.0.0.1:\(other.port)/v2/carts"]
            stage.sandbox.inject(SandboxFault(.answer(status: status, headers: away), count: nil))
            await #expect(throws: APIError.self) { try await stage.client.authenticate() }
            #expect(other.heads.isEmpty)
        }
        try await Stage.with { stage in
            try await stage.client.authenticate()
            let away = ["Location": "http://127.0.0.1:\(other.port)/v2/carts"]
            stage.sandbox.inject(SandboxFault(.answer(status: status, headers: away), count: nil))
            _ = try? await stage.client.create(try association("c-1", "cart-1"))
            _ = try? await stage.client.listAssociations()
            #expect(other.heads.isEmpty)
        }
        try await other.stop()
    }
}

/// A server that remembers what it is sent: it makes the tunnel that a CONNECT asks for, and answers nothing else.
final class TunnelProxy: Sendable {
    private struct Seen {
        var heads: [String] = []
        var bytes = ""
    }

    private let seen: Mutex<Seen>
    private let channel: any Channel

    var port: Int { channel.localAddress?.port ?? 0 }
    /// The heads of the requests, as they came.
    var heads: [String] { seen.withLock { $0.heads } }
    /// Everything that went to the store, as far as it is text.
    var bytes: String { seen.withLock { $0.bytes } }

    private init(_ channel: any Channel) {
        self.channel = channel
        seen = Mutex(Seen())
    }

    static func start() async throws -> TunnelProxy {
        let found = Found()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Tunnel(found))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let proxy = TunnelProxy(channel)
        found.proxy.withLock { $0 = proxy }
        return proxy
    }

    func stop() async throws { try await channel.close() }

    fileprivate func note(head: String) { seen.withLock { $0.heads.append(head) } }
    fileprivate func note(bytes: String) { seen.withLock { $0.bytes += bytes } }

    fileprivate final class Found: Sendable {
        let proxy = Mutex<TunnelProxy?>(nil)
    }
}

/// Reads one head and connects through; afterwards bytes go both ways.
private final class Tunnel: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let found: TunnelProxy.Found
    private var head = ""
    private var onward: (any Channel)?
    private var isDone = false

    init(_ found: TunnelProxy.Found) { self.found = found }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        let proxy = found.proxy.withLock { $0 }
        if let onward {
            proxy?.note(bytes: String(buffer: buffer))
            onward.writeAndFlush(buffer, promise: nil)
            return
        }
        head += String(buffer: buffer)
        guard head.contains("\r\n\r\n"), !isDone else { return }
        isDone = true
        proxy?.note(head: head)
        guard head.hasPrefix("CONNECT "), let address = head.split(separator: " ").dropFirst().first,
            let port = address.split(separator: ":").last.flatMap({ Int($0) })
        else {
            context.close(promise: nil)
            return
        }
        let back = context.channel
        let loop = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        ClientBootstrap(group: context.eventLoop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Back(back))
                }
            }
            .connect(host: "127.0.0.1", port: port).whenSuccess { channel in
                loop.value.0.onward = channel
                back.writeAndFlush(ByteBuffer(string: "HTTP/1.1 200 OK\r\n\r\n"), promise: nil)
            }
    }

    func channelInactive(context: ChannelHandlerContext) {
        onward?.close(promise: nil)
    }

    private final class Back: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let client: any Channel

        init(_ client: any Channel) { self.client = client }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            client.writeAndFlush(unwrapInboundIn(data), promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) { client.close(promise: nil) }
    }
}
