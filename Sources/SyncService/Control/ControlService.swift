import CProcess
import CallPacing
import Dispatch
import DurableFiles
import Ledger
import Logging
import ServiceLifecycle
import SyncEngine
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Does for other processes on the machine what they ask of a service, over a socket in the state folder: commands that work
/// on the folder, each when it is its turn, and the pace of their calls to the store.
///
/// Only the service's own user and root are served.
package final class ControlService: Service {
    /// Does a command and says how it ended.
    package typealias Work = @Sendable (HandedCommand) async -> CommandEnd

    /// The most connections at a time.
    private static let mostConnections = 512
    /// The most calls of one process that are let go and not told of yet.
    private static let mostCalls = 64

    /// One process at the other end.
    private final class Peer: Sendable {
        struct State {
            var command: HandedCommand?
            /// Calls that were let go and not told of yet, by their number.
            var calls: [Int: Admission] = [:]
            var asked = 0
            var isGone = false
        }

        let number: Int
        let channel: ControlChannel
        let stop: StopSignal
        let state = Mutex(State())

        init(_ number: Int, _ channel: ControlChannel, within stop: StopSignal) {
            self.number = number
            self.channel = channel
            self.stop = StopSignal(within: stop)
        }
    }

    private enum Asked: Sendable {
        case command(HandedCommand, of: Peer)
        case call(Peer, Int)
    }

    private let jobs: ServiceJobs
    private let version: String
    private let work: Work
    private let queue = DispatchQueue(label: "cartsync.control")
    private let peers = Mutex<(all: [Int: Peer], last: Int)>(([:], 0))
    /// Stops what is done for other processes, and not the jobs.
    private let stop: StopSignal
    private let asked: AsyncStream<Asked>
    private let ask: AsyncStream<Asked>.Continuation

    private var log: Logger { jobs.session.log }
    private var folder: String { jobs.session.ledger.folder }

    /// - Parameter version: that of the program.
    package init(_ jobs: ServiceJobs, version: String, work: @escaping Work) {
        self.jobs = jobs
        self.version = version
        self.work = work
        stop = StopSignal(within: jobs.session.stop)
        (asked, ask) = AsyncStream.makeStream()
    }

    /// Serves until graceful shutdown or cancellation, and returns when the commands under way have stopped.
    package func run() async throws {
        // The texts are used during the call alone.
        let listener = unsafe cartsync_listen(folder, Control.name)
        guard listener >= 0 else {
            log.error(
                "commands beside the service cannot be handed to it",
                metadata: ["socket": "\(folder)/\(Control.name)", "error": "\(SystemError(errno).sentence)"])
            try? await gracefulShutdown()
            return
        }
        let source = DispatchSource.makeReadSource(fileDescriptor: listener, queue: queue)
        source.setEventHandler { [self] in accept(listener) }
        source.setCancelHandler { close(listener) }
        source.resume()
        await withGracefulShutdownHandler {
            await withTaskCancellationHandler {
                await withDiscardingTaskGroup { group in
                    for await asked in asked { group.addTask { await self.answer(asked) } }
                }
            } onCancel: {
                finish()
            }
        } onGracefulShutdown: {
            self.finish()
        }
        source.cancel()
        try? FileSystem.remove("\(folder)/\(Control.name)")
    }

    private func finish() {
        ask.finish()
        stop.stop()
    }

    // MARK: - Connections

    private func accept(_ listener: Int32) {
        while true {
            let socket = cartsync_accept(listener)
            guard socket >= 0 else { return }
            let peer = peers.withLock { peers -> Peer? in
                guard peers.all.count < Self.mostConnections, !stop.isStopped else { return nil }
                peers.last += 1
                let peer = Peer(peers.last, ControlChannel(socket, queue: queue), within: stop)
                peers.all[peers.last] = peer
                return peer
            }
            guard let peer else {
                close(socket)
                continue
            }
            greet(peer)
        }
    }

    private func greet(_ peer: Peer) {
        let user = peer.channel.peer
        let isServed = user.map { ControlSocket.serves($0, own: geteuid()) } ?? false
        peer.channel.start(program: version, ClientMessage.self) { [self] message, descriptor in
            if isServed, let user {
                take(message, descriptor, of: peer, user)
            } else if let descriptor {
                close(descriptor)
            }
        } onEnd: { [self] _ in
            lose(peer)
        }
        guard !isServed else { return }
        log.warning("a process of another user is refused", metadata: ["user": "\(user.map(String.init) ?? "unknown")"])
        _ = peer.channel.send(
            ServiceMessage.refused("the service serves its own user (number \(geteuid())) and root alone"))
        peer.channel.end()
        lose(peer)
    }

    /// Called on the queue, as all that concerns a connection.
    private func take(_ message: ClientMessage, _ descriptor: Int32?, of peer: Peer, _ user: UInt32) {
        let command = peer.state.withLock { $0.command }
        switch message {
        case .command(let request):
            guard command == nil else { return lose(peer) }
            let command = HandedCommand(request, of: user, peer.channel, jobs, within: peer.stop)
            peer.state.withLock { $0.command = command }
            if case .terminated = ask.yield(.command(command, of: peer)) { command.lose() }
        case .stop: command?.interrupt()
        case .answer(let answer): command?.take(answer)
        case .file(let code):
            let file: Result<Int32, SystemError> =
                if let descriptor { .success(descriptor) } else { .failure(SystemError(code == 0 ? EIO : code)) }
            if let command { command.take(file: file) } else if let descriptor { close(descriptor) }
        case .admit(let number):
            let isAllowed = peer.state.withLock { state in
                state.asked += 1
                return state.asked <= Self.mostCalls
            }
            guard isAllowed else { return lose(peer) }
            ask.yield(.call(peer, number))
        case .complete(let number, let call):
            let admission = peer.state.withLock { state in
                let admission = state.calls.removeValue(forKey: number)
                if admission != nil { state.asked -= 1 }
                return admission
            }
            if let admission { jobs.session.pacer.complete(admission, call) }
        }
    }

    /// Forgets a process. The calls that it did not tell of may have gone to the store until now.
    private func lose(_ peer: Peer) {
        peers.withLock { $0.all[peer.number] = nil }
        let (command, calls) = peer.state.withLock { state in
            defer { (state.isGone, state.command, state.calls) = (true, nil, [:]) }
            return (state.command, state.calls)
        }
        command?.lose()
        peer.stop.stop()
        peer.channel.end()
        for admission in calls.values { jobs.session.pacer.abandon(admission) }
    }

    // MARK: - What is asked

    private func answer(_ asked: Asked) async {
        switch asked {
        case .call(let peer, let number): await admit(number, of: peer)
        case .command(let command, let peer):
            let about: Logger.Metadata = [
                "command": "\(command.request.name)", "process": "\(command.request.process)",
                "user": "\(command.user)",
            ]
            log.notice("a command is handed over", metadata: about)
            let end = await work(command)
            log.notice("a command ended", metadata: about.merging(["status": "\(end.status)"]) { first, _ in first })
            await command.finish(end)
            peers.withLock { $0.all[peer.number] = nil }
        }
    }

    private func admit(_ number: Int, of peer: Peer) async {
        let pacer = jobs.session.pacer
        guard let admission = try? await pacer.lend(until: peer.stop) else { return }
        let isThere = peer.state.withLock { state in
            if !state.isGone { state.calls[number] = admission }
            return !state.isGone
        }
        guard isThere else { return pacer.giveBack(admission) }
        if !peer.channel.send(ServiceMessage.admitted(number, at: admission.granted)) {
            queue.async { self.lose(peer) }
        }
    }
}
