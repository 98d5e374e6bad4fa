import CallPacing
package import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS

/// What can be found out about the way to a store before any call is made.
package struct StoreConnection: Sendable {
    /// One step of the way.
    package struct Step: Sendable {
        package let took: Duration
        /// What was found, in a few words.
        package let words: String
    }

    /// The address of the store, or of the proxy.
    package internal(set) var name: Step?
    package internal(set) var connection: Step?
    /// Nil for plain HTTP and behind a proxy.
    package internal(set) var security: Step?
    /// When the store's certificate ends.
    package internal(set) var certificateEnds: Date?
    /// Why the next step did not succeed; nil if all did.
    package internal(set) var failure: String?
}

extension HTTPTransport {
    /// Looks up the store's name, connects, and does the TLS handshake, as a call would; sends no request.
    func tryConnection() async -> StoreConnection {
        let host = options.proxy?.host ?? options.baseURL.host.trimmingBrackets
        let port = options.proxy?.port ?? options.baseURL.port
        var found = StoreConnection()
        do {
            let address = try await measured(&found.name) {
                try await NIOThreadPool.singleton.runIfActive {
                    try SocketAddress.makeAddressResolvingHost(host, port: port)
                }
            } words: {
                $0.ipAddress ?? "\($0)"
            }
            let channel = try await measured(&found.connection) {
                try await ClientBootstrap(group: group).connectTimeout(.seconds(10)).connect(to: address).get()
            } words: { _ in
                "\(host):\(port)"
            }
            if options.baseURL.isEncrypted && options.proxy == nil {
                let end = try await measured(&found.security) {
                    try await secure(channel)
                } words: { _ in
                    "TLS with \(options.baseURL.host)"
                }
                found.certificateEnds = end
            }
            try? await channel.close()
        } catch {
            found.failure = fault(error).words
        }
        return found
    }

    private func measured<Value: Sendable>(
        _ step: inout StoreConnection.Step?, _ body: () async throws -> Value, words: (Value) -> String
    ) async throws -> Value {
        let began = time.now()
        let value = try await body()
        step = .init(took: time.now() - began, words: words(value))
        return value
    }

    /// Returns when the certificate ends; nil if that cannot be read.
    private func secure(_ channel: any Channel) async throws -> Date? {
        let context = try NIOSSLContext(configuration: options.tls)
        let host = options.baseURL.host.trimmingBrackets
        let isAddress = (try? SocketAddress(ipAddress: host, port: 0)) != nil
        let done = channel.eventLoop.makePromise(of: Date?.self)
        do {
            try await channel.eventLoop.submit {
                // An address cannot be named in the handshake, and is compared with the certificate all the same.
                let handler = try NIOSSLClientHandler(context: context, serverHostname: isAddress ? nil : host)
                try channel.pipeline.syncOperations.addHandlers([handler, HandshakeEnd(done)])
            }.get()
        } catch {
            done.fail(error)
        }
        let deadline = channel.eventLoop.scheduleTask(in: .seconds(10)) { done.fail(HandshakeTooSlow()) }
        defer { deadline.cancel() }
        return try await done.futureResult.get()
    }
}

private struct HandshakeTooSlow: Error {}

/// Tells how the handshake ended.
private final class HandshakeEnd: ChannelInboundHandler {
    typealias InboundIn = NIOAny

    private let done: EventLoopPromise<Date?>

    init(_ done: EventLoopPromise<Date?>) { self.done = done }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted = event {
            let certificate = try? context.channel.pipeline.syncOperations.nioSSL_peerCertificate()
            done.succeed(certificate.map { Date(timeIntervalSince1970: TimeInterval($0.notValidAfter)) })
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        done.fail(error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        done.fail(ChannelError.eof)
        context.fireChannelInactive()
    }
}
