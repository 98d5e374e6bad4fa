import HTTPTypes
import NIOCore
import NIOHTTPTypes
import Synchronization

/// The connections of the status server: when there are too many, the one that has been silent longest is closed.
///
/// A connection is silent while no whole request of it is being answered: who opens many and says nothing, or says it
/// byte by byte, takes no place from those who ask. If all are being answered, the newest is closed.
final class OpenConnections: Sendable {
    private struct State {
        var open: Set<ObjectIdentifier> = []
        var silent: [ObjectIdentifier: (turn: Int, channel: any Channel)] = [:]
        var turns = 0
    }

    private let most: Int
    private let state = Mutex(State())

    /// - Parameter most: connections at the same time.
    init(most: Int) { self.most = most }

    /// How many are open.
    var count: Int { state.withLock { $0.open.count } }

    /// A handler for a new connection, behind the one that reads requests.
    func handler() -> any ChannelDuplexHandler & RemovableChannelHandler { ConnectionWatch(self) }

    fileprivate func opened(_ channel: any Channel) {
        let surplus: (any Channel)? = state.withLock { state in
            var surplus: (any Channel)?
            if state.open.count >= most {
                guard let oldest = state.silent.min(by: { $0.value.turn < $1.value.turn }) else { return channel }
                surplus = oldest.value.channel
                state.silent[oldest.key] = nil
                state.open.remove(oldest.key)
            }
            state.open.insert(ObjectIdentifier(channel))
            Self.fallSilent(channel, &state)
            return surplus
        }
        if let surplus { surplus.eventLoop.execute { surplus.close(promise: nil) } }
    }

    /// A whole request has come.
    fileprivate func asked(_ channel: any Channel) {
        state.withLock { $0.silent[ObjectIdentifier(channel)] = nil }
    }

    /// The request is answered.
    fileprivate func answered(_ channel: any Channel) {
        state.withLock { state in
            if state.open.contains(ObjectIdentifier(channel)) { Self.fallSilent(channel, &state) }
        }
    }

    fileprivate func closed(_ channel: any Channel) {
        state.withLock { state in
            state.open.remove(ObjectIdentifier(channel))
            state.silent[ObjectIdentifier(channel)] = nil
        }
    }

    private static func fallSilent(_ channel: any Channel, _ state: inout State) {
        state.turns += 1
        state.silent[ObjectIdentifier(channel)] = (state.turns, channel)
    }
}

/// Tells what one connection does.
private final class ConnectionWatch: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let connections: OpenConnections

    init(_ connections: OpenConnections) { self.connections = connections }

    func handlerAdded(context: ChannelHandlerContext) { connections.opened(context.channel) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .end = unwrapInboundIn(data) { connections.asked(context.channel) }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) { connections.answered(context.channel) }
        context.write(data, promise: promise)
    }

    func channelInactive(context: ChannelHandlerContext) {
        connections.closed(context.channel)
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { connections.closed(context.channel) }
}
