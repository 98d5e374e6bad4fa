import Hummingbird
import HummingbirdCore
package import Logging
import NIOCore
import ServiceLifecycle

#if canImport(FoundationEssentials)
    package import FoundationEssentials
#else
    package import Foundation
#endif

/// Where the status server gets what it shows.
package struct StatusSources: Sendable {
    package var health: @Sendable () -> ServiceHealth
    /// The metrics in Prometheus' text format.
    package var metrics: @Sendable () async throws -> String
    /// The latest runs as one JSON document.
    package var runs: @Sendable () async throws -> Data

    package init(
        health: @escaping @Sendable () -> ServiceHealth, metrics: @escaping @Sendable () async throws -> String,
        runs: @escaping @Sendable () async throws -> Data
    ) {
        self.health = health
        self.metrics = metrics
        self.runs = runs
    }
}

/// Why the status server cannot start.
package enum StatusServerError: Error, Hashable, CustomStringConvertible {
    /// Others could reach it, and there is no token that keeps them from approving.
    case exposed(host: String)
    case cannotListen(host: String, port: Int, reason: String)

    package var description: String {
        switch self {
        case .exposed(let host):
            "the status endpoints would be open to others on \(host); listen on 127.0.0.1"
        case .cannotListen(let host, let port, let reason):
            "the status page cannot listen on \(host):\(port): \(reason); choose another port with --http, or --http off"
        }
    }
}

/// The service's page of numbers: /healthz, /readyz, /metrics and /api/runs. It only ever reads.
package final class StatusServer: Service, Sendable {
    package struct Options: Sendable {
        /// The address to listen on.
        package var host: String
        /// 0 takes a free port.
        package var port: Int
        /// Further names under which a browser may ask, beside loopback names and `host`.
        package var names: [String]
        /// Whether there is an approval token; without one only loopback addresses are allowed.
        package var hasToken: Bool

        package init(host: String = "127.0.0.1", port: Int = 8480, names: [String] = [], hasToken: Bool = false) {
            self.host = host
            self.port = port
            self.names = names
            self.hasToken = hasToken
        }
    }

    /// Connections at the same time; further ones wait.
    static let maxConnections = 64
    /// A connection without a whole request for this long is closed, in seconds.
    static let idleSeconds: Int64 = 10
    /// All header fields of a request, in bytes.
    static let maxHeader = 8192

    private let options: Options
    private let responder: StatusResponder
    private let logger: Logger
    private let onListening: @Sendable (_ port: Int) -> Void

    /// Throws `StatusServerError.exposed`.
    package init(
        options: Options = Options(), sources: StatusSources, logger: Logger,
        onListening: @escaping @Sendable (_ port: Int) -> Void = { _ in }
    ) throws(StatusServerError) {
        let isLoopback = HostName(options.host.contains(":") ? "[\(options.host)]" : options.host)?.isLoopback == true
        guard isLoopback || options.hasToken else { throw .exposed(host: options.host) }
        self.options = options
        self.logger = logger
        self.onListening = onListening
        responder = StatusResponder(
            sources: sources, names: Set(([options.host] + options.names).map { $0.lowercased() }), logger: logger)
    }

    /// Serves until graceful shutdown or cancellation. Throws `StatusServerError.cannotListen`.
    package func run() async throws {
        var channel = HTTP1Channel.Configuration(idleTimeout: .seconds(Self.idleSeconds))
        channel.httpDecoder = .init(maxHeaderFieldSize: Self.maxHeader, maxHeaderListSize: Self.maxHeader)
        let onListening = onListening
        let application = Application(
            responder: responder,
            server: .http1(configuration: channel),
            configuration: ApplicationConfiguration(
                address: .hostname(options.host, port: options.port),
                availableConnectionsDelegate: .maximum(Self.maxConnections, logger: logger)),
            onServerRunning: { onListening($0.localAddress?.port ?? 0) },
            logger: logger)
        do {
            try await application.run()
        } catch is CancellationError {
            return
        } catch {
            throw StatusServerError.cannotListen(host: options.host, port: options.port, reason: "\(error)")
        }
    }
}
