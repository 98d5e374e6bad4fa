import CallPacing
import NIOCore
import NIOPosix
import NIOSSL

/// Asks a status server of this machine how it is, as `cartsync health` does for an image without a shell.
package enum HealthCheck {
    /// Asks `/healthz`.
    ///
    /// Throws the system's or `ChannelError` if no answer comes.
    ///
    /// - Parameters:
    ///   - host: the address that the server listens on; of one for all addresses that of loopback is asked.
    ///   - isEncrypted: whether it speaks TLS; whose certificate it shows does not matter on this machine.
    ///   - limit: how long an answer may take.
    ///
    /// - Returns: the status of the answer, 200 if the service polls; nil if it is no answer of HTTP.
    package static func ask(host: String, port: Int, isEncrypted: Bool, within limit: Duration) async throws -> Int? {
        let address = ["0.0.0.0": "127.0.0.1", "::": "::1"][host] ?? host
        let group = MultiThreadedEventLoopGroup.singleton
        let answer = group.next().makePromise(of: String.self)
        let bootstrap = ClientBootstrap(group: group).connectTimeout(.nanoseconds(limit.nanoseconds))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if isEncrypted {
                        var tls = TLSConfiguration.makeClientConfiguration()
                        tls.certificateVerification = .none
                        let context = try NIOSSLContext(configuration: tls)
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLClientHandler(context: context, serverHostname: nil))
                    }
                    try channel.pipeline.syncOperations.addHandler(FirstLine(answer))
                }
            }
        let channel: any Channel
        do {
            channel = try await bootstrap.connect(host: address, port: port).get()
        } catch {
            answer.fail(error)
            throw error
        }
        let name = address.contains(":") ? "[\(address)]" : address
        let request = "GET /healthz HTTP/1.1\r\nHost: \(name):\(port)\r\nConnection: close\r\n\r\n"
        let deadline = channel.eventLoop.scheduleTask(in: .nanoseconds(limit.nanoseconds)) {
            channel.close(promise: nil)
        }
        defer { deadline.cancel() }
        channel.writeAndFlush(ByteBuffer(string: request), promise: nil)
        let line = try await answer.futureResult.get()
        channel.close(promise: nil)
        let words = line.split(separator: " ")
        return words.count > 1 && words[0].hasPrefix("HTTP/1.") ? Int(words[1]) : nil
    }
}

/// Hands on what comes first on a connection.
private final class FirstLine: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let answer: EventLoopPromise<String>
    private var bytes = ByteBuffer()

    init(_ answer: EventLoopPromise<String>) { self.answer = answer }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var part = unwrapInboundIn(data)
        bytes.writeBuffer(&part)
        let text = String(buffer: bytes)
        guard
            let end = text.utf8.firstIndex(of: UInt8(ascii: "\r")) ?? (bytes.readableBytes > 256 ? text.endIndex : nil)
        else { return }
        answer.succeed(String(text[..<end]))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        answer.fail(error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        answer.fail(ChannelError.eof)
        context.fireChannelInactive()
    }
}
