import CallPacing
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import ServiceLifecycle
import SyncEngine

/// Why the status server cannot start.
package enum StatusServerError: Error, Hashable, CustomStringConvertible {
    /// Other machines could reach it, and no token keeps them from approving.
    case exposed(host: String)
    case cannotListen(host: String, port: Int, reason: String)

    package var description: String {
        switch self {
        case .exposed(let host):
            "the page would be open to others on \(host) without a token; set http.approval-token, or listen on 127.0.0.1"
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

        package init(
            host: String = "127.0.0.1", port: Int = 8480, names: [String] = [], token: ApprovalToken? = nil
        ) {
            self.host = host
            self.port = port
            self.names = names
            self.token = token
        }
    }

    /// Connections at the same time; others wait. It is less than the 1024 files that a process may usually have.
    static let maxConnections = 600
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
        self.options = options
        self.logger = logger
        self.onListening = onListening
        responder = StatusResponder(
            pages: StatusPages(source: source, events: EventStream(time: time)),
            names: Set(([options.host] + options.names).map { $0.lowercased() }), takesAddresses: !isLoopback,
            token: options.token, logger: logger)
    }

    /// Serves until graceful shutdown or cancellation.
    ///
    /// Throws `StatusServerError.cannotListen`.
    package func run() async throws {
        // What the server says of itself is nothing that an operator waits for.
        var quiet = logger
        quiet.logLevel = max(.warning, logger.logLevel)
        var channel = HTTP1Channel.Configuration(idleTimeout: .seconds(Self.idleSeconds))
        channel.httpDecoder = .init(maxHeaderFieldSize: Self.maxHeader, maxHeaderListSize: Self.maxHeader)
        let onListening = onListening
        let application = Application(
            responder: responder,
            server: .http1(configuration: channel),
            configuration: ApplicationConfiguration(
                address: .hostname(options.host, port: options.port),
                availableConnectionsDelegate: .maximum(Self.maxConnections, logger: quiet)),
            onServerRunning: { onListening($0.localAddress?.port ?? 0) },
            logger: quiet)
        do {
            try await application.run()
        } catch is CancellationError {
            return
        } catch {
            throw StatusServerError.cannotListen(host: options.host, port: options.port, reason: "\(error)")
        }
    }
}
