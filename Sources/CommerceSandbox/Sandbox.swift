import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
package import Logging
import NIOCore
import NIOSSL
import ServiceLifecycle
import Synchronization

/// A local Elastic Path API: a real HTTP server that answers as the vendor documents, with faults on demand.
///
/// Its memory is its own: carts and associations are gone when it ends.
package final class Sandbox: Service, Sendable {
    private let options: SandboxOptions
    private let logger: Logger
    let state: SandboxState
    private let listening = ListeningPort()

    package convenience init(options: SandboxOptions = SandboxOptions(), logger: Logger) {
        let start = ContinuousClock.now
        self.init(options: options, logger: logger, epoch: Int(Date().timeIntervalSince1970)) {
            ContinuousClock.now - start
        }
    }

    /// A sandbox whose time since its beginning, and whose date then in seconds since 1970, are given.
    package init(options: SandboxOptions, logger: Logger, epoch: Int, now: @escaping @Sendable () -> Duration) {
        self.options = options
        self.logger = logger
        state = SandboxState(options: options, epoch: epoch, now: now)
    }

    /// Serves until graceful shutdown or cancellation. It serves once; a second sandbox needs a second object.
    ///
    /// Throws `SandboxError.cannotListen` if the port is taken.
    package func run() async throws {
        let (state, listening, host) = (state, listening, options.host)
        let scheme = options.tls == nil ? "http" : "https"
        let application = Application(
            responder: SandboxResponder(state: state), server: try server(),
            configuration: ApplicationConfiguration(address: .hostname(host, port: options.port), backlog: 1024),
            onServerRunning: { channel in
                let port = channel.localAddress?.port ?? 0
                state.listens(at: "\(scheme)://\(host.contains(":") ? "[\(host)]" : host):\(port)")
                listening.found(port)
            },
            logger: logger)
        do {
            try await application.run()
            listening.failed(.stopped)
        } catch is CancellationError {
            listening.failed(.stopped)
        } catch {
            let failure = SandboxError.cannotListen(host: host, port: options.port, reason: "\(error)")
            listening.failed(failure)
            throw failure
        }
    }

    private func server() throws -> HTTPServerBuilder {
        let now = state.now
        let plain = HTTPServerBuilder.http1(
            configuration: .init(
                additionalChannelHandlers: [ArrivalGate(maxBody: SandboxResponder.maxBody, now: now)]))
        guard let (certificate, key) = options.tls else { return plain }
        do {
            let chain = try NIOSSLCertificate.fromPEMFile(certificate).map { NIOSSLCertificateSource.certificate($0) }
            let privateKey = NIOSSLPrivateKeySource.privateKey(try NIOSSLPrivateKey(file: key, format: .pem))
            return try .tls(
                plain,
                tlsConfiguration: .makeServerConfiguration(certificateChain: chain, privateKey: privateKey))
        } catch {
            let failure = SandboxError.unreadable(
                "\(certificate) and \(key) cannot be used as a certificate and its key in PEM form (\(error))")
            listening.failed(failure)
            throw failure
        }
    }

    /// The port it listens on; waits until it does.
    ///
    /// Throws what `run` throws, `SandboxError.stopped` once it has ended, or `CancellationError`.
    package func port() async throws -> Int { try await listening.port() }

    /// What it has seen so far. The sandbox's own pages under /sandbox/ are not counted.
    package func statistics() -> SandboxStatistics { state.statistics }

    /// The associations that exist now.
    package func associations() -> Set<SandboxAssociation> { state.associations }

    /// The ids of the carts that exist now.
    package func carts() -> Set<String> { state.cartIDs }

    /// The names of the carts that exist, by their ids.
    package func cartNames() -> [String: String] { state.cartNames }

    /// The latest requests about associations in the order of their answers, at most `SandboxCall.kept`.
    package func calls() -> [SandboxCall] { state.calls }

    /// The latest access tokens that it gave out, for tests that look for them in places where they must not be.
    package func tokens() -> [String] { state.tokens }

    /// From the next request on, this goes wrong. Of several faults that match a request, the first injected strikes.
    package func inject(_ fault: SandboxFault) { state.inject(fault) }

    /// Has these customers from now on, in the order in which they were created.
    package func have(customers: [SandboxOwnerEntry]) { state.have(customers: customers) }

    /// From the next request on, nothing goes wrong that was injected before.
    package func clearFaults() { state.clearFaults() }

    /// The token that a shopper sends in `X-Moltin-Customer-Token` or `EP-Account-Management-Authentication-Token`.
    package static func shopperToken(_ kind: SandboxOwnerKind, _ owner: String) -> String {
        ShopperTokenText.text(kind, owner)
    }
}

/// A port that becomes known later, or never.
private final class ListeningPort: Sendable {
    private struct State {
        var result: Result<Int, SandboxError>?
        var waiting: [Int: CheckedContinuation<Int, any Error>] = [:]
        var next = 0
    }

    private let state = Mutex(State())

    func found(_ port: Int) {
        settle(.success(port))
    }

    func failed(_ error: SandboxError) {
        settle(.failure(error))
    }

    private func settle(_ result: Result<Int, SandboxError>) {
        let waiting = state.withLock { state in
            state.result = result
            defer { state.waiting = [:] }
            return state.waiting.values
        }
        for waiter in waiting { waiter.resume(with: result.mapError { $0 }) }
    }

    func port() async throws -> Int {
        let ticket = state.withLock { state in
            state.next += 1
            return state.next
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let result: Result<Int, any Error>? = state.withLock { state in
                    if let result = state.result { return result.mapError { $0 } }
                    if Task.isCancelled { return .failure(CancellationError()) }
                    state.waiting[ticket] = continuation
                    return nil
                }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            state.withLock { $0.waiting.removeValue(forKey: ticket) }?.resume(throwing: CancellationError())
        }
    }
}
