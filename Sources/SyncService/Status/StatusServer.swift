import CallPacing
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import Logging
import NIOCore
import ServiceLifecycle
import SyncEngine

/// Why the status server cannot start.
package enum StatusServerError: Error, Hashable, CustomStringConvertible {
    /// Other machines could reach it, and no token keeps them from approving.
    case exposed(host: String)
    /// Others on the network could read the token.
    case unencrypted(host: String)
    case unusableCertificate(_ certificate: String, _ key: String)
    case cannotListen(host: String, port: Int, reason: String)

    package var description: String {
        switch self {
        case .exposed(let host):
            "the page would be open to others on \(host) without a token; set http.approval-token, or listen on 127.0.0.1"
        case .unencrypted(let host):
            "the token would be sent to \(host) unencrypted; set http.certificate and http.key, or http.behind-proxy if a "
                + "proxy speaks TLS for it, or listen on 127.0.0.1"
        case .unusableCertificate(let certificate, let key):
            "\(certificate) and \(key) cannot be used as a certificate and its key in PEM form; check http.certificate and "
                + "http.key"
        case .cannotListen(let host, let port, let reason):
            "the status page cannot listen on \(host):\(port): \(reason); choose another port with --http, or --http off"
        }
    }
}

/// The service's page and endpoints: they show what it does, and take approvals that come with the token.
package final class StatusServer: Service {
    package struct Options: Sendable {
        /// The address to listen on.
        var host: String
        /// 0 takes a free port.
        var port: Int
        /// Further names under which a browser may ask, beside loopback names and `host`.
        var names: [String]
        /// The secret of those who may approve and stop; if it is nil nobody may, and only loopback addresses are
        /// allowed.
        var token: ApprovalToken?
        /// Nil for plain HTTP.
        var certificate: StatusCertificate?
        /// Whether a proxy before the server speaks TLS for it.
        var isBehindProxy: Bool

        package init(
            host: String = "127.0.0.1", port: Int = 8480, names: [String] = [], token: ApprovalToken? = nil,
            certificate: StatusCertificate? = nil, isBehindProxy: Bool = false
        ) {
            self.host = host
            self.port = port
            self.names = names
            self.token = token
            self.certificate = certificate
            self.isBehindProxy = isBehindProxy
        }
    }

    /// Connections at the same time; with one more, the one that has been silent longest is closed. It is less than the 1024
    /// files that a process may usually have.
    static let maxConnections = 500
    /// A connection without a whole request for this long is closed, in seconds.
    static let idleSeconds: Int64 = 10
    /// All header fields of a request, in bytes.
    static let maxHeader = 8192

    private let options: Options
    private let responder: StatusResponder
    private let logger: Logger
    private let onListening: @Sendable (_ port: Int) -> Void

    /// The server of a service.
    ///
    /// Throws `StatusServerError.exposed`.
    ///
    /// - Parameter version: that of the program.
    package convenience init(
        _ options: Options, _ jobs: ServiceJobs, version: String, onListening: @escaping @Sendable (_ port: Int) -> Void
    ) throws(StatusServerError) {
        let status = ServiceStatus(jobs, version: version, takesApprovals: options.token != nil)
        try self.init(
            options, source: status, time: jobs.session.time, logger: jobs.session.log, onListening: onListening)
    }

    init(
        _ options: Options, source: any StatusSource, time: TimeSource, logger: Logger,
        onListening: @escaping @Sendable (_ port: Int) -> Void = { _ in }
    ) throws(StatusServerError) {
        let isLoopback = HostName(options.host.contains(":") ? "[\(options.host)]" : options.host)?.isLoopback == true
        guard isLoopback || options.token != nil else { throw .exposed(host: options.host) }
        guard isLoopback || options.certificate != nil || options.isBehindProxy else {
            throw .unencrypted(host: options.host)
        }
        self.options = options
        self.logger = logger
        self.onListening = onListening
        responder = StatusResponder(
            pages: StatusPages(source: source, events: EventStream(time: time)),
            names: Set(([options.host] + options.names).map { $0.lowercased() }), takesAddresses: !isLoopback,
            gate: options.token.map { TokenGate($0, time: time, log: logger) }, logger: logger)
    }

    /// Serves until graceful shutdown or cancellation.
    ///
    /// Throws `StatusServerError.cannotListen`.
    package func run() async throws {
        // What the server says of itself is nothing that an operator waits for.
        var quiet = logger
        quiet.logLevel = max(.warning, logger.logLevel)
        let connections = OpenConnections(most: Self.maxConnections)
        var channel = HTTP1Channel.Configuration(
            additionalChannelHandlers: [connections.handler()], idleTimeout: .seconds(Self.idleSeconds))
        channel.httpDecoder = .init(maxHeaderFieldSize: Self.maxHeader, maxHeaderListSize: Self.maxHeader)
        let onListening = onListening
        let plain = HTTPServerBuilder.http1(configuration: channel)
        do {
            let application = Application(
                responder: responder,
                server: try options.certificate.map { try .tls(plain, tlsConfiguration: $0.tls) } ?? plain,
                configuration: ApplicationConfiguration(address: .hostname(options.host, port: options.port)),
                onServerRunning: { onListening($0.localAddress?.port ?? 0) },
                logger: quiet)
            try await Self.serve(application)
        } catch is CancellationError {
            return
        } catch {
            throw StatusServerError.cannotListen(host: options.host, port: options.port, reason: "\(error)")
        }
    }

    /// Stops gracefully even if it is cancelled: NIO ends the process if a connection is let go of before anybody took it.
    private static func serve(_ application: some ApplicationProtocol) async throws {
        var configuration = ServiceGroupConfiguration(services: [application], logger: application.logger)
        configuration.maximumGracefulShutdownDuration = .seconds(idleSeconds)
        let group = ServiceGroup(configuration: configuration)
        let serving = Task { try await group.run() }
        try await withTaskCancellationHandler {
            try await serving.value
        } onCancel: {
            Task { await group.triggerGracefulShutdown() }
        }
    }
}
