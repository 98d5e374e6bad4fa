import CallPacing
import Dispatch
import Foundation
import SyncEngine
import TestSupport
import Testing

@testable import SyncService

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

@Suite("What a service does for a process that behaves badly", .timeLimit(.minutes(10)))
struct HandedBoundsTests {
    private static let request = CommandRequest(
        words: ["sync", "a.csv"], settings: [],
        terminal: .init(errorIsTerminal: true, outputIsTerminal: true, outputHasColor: true, canAsk: true, width: 80),
        process: 1)

    /// Both ends of a connection.
    private static func pair() -> (Int32, Int32) {
        var ends: [Int32] = [-1, -1]
        #if canImport(Glibc)
            let kind = Int32(SOCK_STREAM.rawValue)
        #else
            let kind = SOCK_STREAM
        #endif
        // The array outlives the call.
        _ = unsafe socketpair(AF_UNIX, kind, 0, &ends)
        return (ends[0], ends[1])
    }

    private static func frame(_ json: String) -> [UInt8] {
        let length = UInt32(json.utf8.count)
        return (0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - 8 * $0)) } + Array(json.utf8)
    }

    private static func said(_ bytes: [UInt8], to socket: Int32) {
        // The bytes outlive the call.
        _ = unsafe write(socket, bytes, bytes.count)
    }

    /// How the service's end of a connection ends when the other end says these bytes first.
    private func end(after bytes: [UInt8]) async -> (ControlChannel.End, messages: Int) {
        let (own, other) = Self.pair()
        let channel = ControlChannel(own, queue: DispatchQueue(label: "test"))
        let messages = Recorder<Bool>()
        let (ends, ended) = AsyncStream.makeStream(of: ControlChannel.End.self)
        channel.start(program: "1", ClientMessage.self) { _, _ in
            messages.add(true)
        } onEnd: {
            ended.yield($0)
        }
        Self.said(bytes, to: other)
        if case .none = Self.mismatch(bytes) { close(other) }
        var iterator = ends.makeAsyncIterator()
        let end = await iterator.next() ?? .closed
        if case .some = Self.mismatch(bytes) { close(other) }
        return (end, messages.values.count)
    }

    /// Nil if the bytes are those of this version.
    private static func mismatch(_ bytes: [UInt8]) -> Bool? {
        String(decoding: bytes, as: UTF8.self).contains("\"version\":\(Control.version),") ? nil : true
    }

    @Test("a process of another version is told apart by its greeting, and nothing that it says is done")
    func otherVersion() async throws {
        let stop = try String(decoding: JSONEncoder().encode(ClientMessage.stop), as: UTF8.self)
        let greeting = Self.frame(#"{"program":"9.9","version":99,"more":[1,2]}"#)
        let (end, messages) = await end(after: greeting + Self.frame(stop))
        guard case .otherVersion(let program) = end else {
            Issue.record("it ended as \(end)")
            return
        }
        #expect(program == "9.9" && messages == 0)
        let own = Self.frame(#"{"program":"1","version":\#(Control.version),"more":1}"#)
        let (closed, taken) = await self.end(after: own + Self.frame(stop))
        guard case .closed = closed else {
            Issue.record("it ended as \(closed)")
            return
        }
        #expect(taken == 1)
    }

    @Test("a frame that is too large to be believed, and one that is no message, end the connection")
    func garbage() async {
        for bytes in [[0xFF, 0xFF, 0xFF, 0xFF], Self.frame("{}"), Self.frame("no JSON")] as [[UInt8]] {
            let (end, messages) = await end(after: bytes)
            guard case .closed = end else {
                Issue.record("it ended as \(end)")
                continue
            }
            #expect(messages == 0)
        }
    }

    private func withCommand(
        time: TimeSource, _ body: (HandedCommand, _ other: Int32) async throws -> Void
    ) async throws {
        try await Shop.with { (shop) async throws in
            let session = StoreSession(shop.ledger, shop.api, rate: 10, isAdaptive: false, time: time, log: .silent)
            let jobs = try shop.jobs(session)
            let (own, other) = Self.pair()
            let channel = ControlChannel(own, queue: DispatchQueue(label: "test"))
            channel.start(program: "1", ClientMessage.self, onMessage: { _, _ in }, onEnd: { _ in })
            let command = HandedCommand(Self.request, of: 0, channel, jobs, within: StopSignal())
            try await body(command, other)
            command.lose()
            close(other)
        }
    }

    @Test("a question that nobody answers is answered no after ten minutes, and holds the jobs up no longer")
    func unanswered() async throws {
        let clock = HandTurnedClock()
        try await withCommand(time: clock.time) { (command, _) async throws in
            async let answer = command.ask("Apply this plan?")
            await clock.waitForSleeper()
            clock.advance(.seconds(600))
            #expect(await answer == false)
            // A late yes is the answer to nothing.
            command.take(true)
        }
    }

    @Test("an answer in time is the answer")
    func answered() async throws {
        try await withCommand(time: .system) { (command, _) async throws in
            for expected in [true, false] {
                async let answer = command.ask("Apply this plan?")
                command.take(expected)
                #expect(await answer == expected)
            }
        }
    }

    @Test("of a process that reads nothing 8 MB are kept, and then its command is stopped")
    func unread() async throws {
        try await withCommand(time: .system) { (command, _) async throws in
            command.output([UInt8](repeating: 65, count: 7 << 20))
            #expect(!command.stop.isStopped)
            command.output([UInt8](repeating: 65, count: 2 << 20))
            #expect(command.stop.isStopped)
            #expect(await !command.ask("Apply this plan?"), "nobody is there to say yes")
        }
    }
}
