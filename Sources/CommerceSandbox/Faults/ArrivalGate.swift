import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Hands each request on once it is whole, with the time at which its last byte was read.
///
/// A request that waits for a thread has arrived all the same: if many come at once, the time at which one is worked
/// on says more about this process than about its clients.
///
/// To be used by one connection, between the decoder and what answers.
final class ArrivalGate: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart

    // A header, since that is all that comes through to the one who answers. What a client sends under this name is lost.
    private static let header = HTTPField.Name("x-sandbox-arrived-ns")

    private let now: @Sendable () -> Duration
    /// A larger body is handed on as it comes.
    private let maxBody: Int
    private var held: [HTTPRequestPart] = []
    private var size = 0

    init(maxBody: Int, now: @escaping @Sendable () -> Duration) {
        self.maxBody = maxBody
        self.now = now
    }

    /// When a request that came through a gate had arrived.
    static func arrival(of request: HTTPRequest) -> Duration? {
        guard let header, let text = request.headerFields[header], let nanoseconds = Int64(text) else { return nil }
        return .nanoseconds(nanoseconds)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        held.append(part)
        switch part {
        case .head: break
        case .body(let bytes):
            size += bytes.readableBytes
            if size > maxBody { release(context) }
        case .end: release(context)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event { release(context) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        release(context)
        context.fireErrorCaught(error)
    }

    func channelInactive(context: ChannelHandlerContext) {
        release(context)
        context.fireChannelInactive()
    }

    private func release(_ context: ChannelHandlerContext) {
        let parts = held
        held.removeAll(keepingCapacity: true)
        for part in parts {
            if case .head(var request) = part {
                size = 0
                if let header = Self.header {
                    let (seconds, attoseconds) = now().components
                    request.headerFields[header] = "\(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)"
                }
                context.fireChannelRead(wrapInboundOut(.head(request)))
            } else {
                context.fireChannelRead(wrapInboundOut(part))
            }
        }
    }
}
