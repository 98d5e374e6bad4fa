import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import Synchronization

/// Collects one answer on the connection's own thread, as far as it comes, and notes when it travelled.
final class AnswerCollector: HTTPClientResponseDelegate {
    private struct State {
        var answer: Answer?
        var written: ContinuousClock.Instant?
        var begun: ContinuousClock.Instant?
    }

    /// The most bytes of a body.
    private let limit: Int
    private let now: @Sendable () -> ContinuousClock.Instant
    private let state = Mutex(State())

    init(limit: Int, now: @escaping @Sendable () -> ContinuousClock.Instant) {
        self.limit = limit
        self.now = now
    }

    /// The part of the answer that has come; nil before its head.
    var answer: Answer? { state.withLock(\.answer) }

    /// When the request's body left and its answer began; nil if the request has no body, if no answer came, or if it
    /// came before the body left.
    var travel: Travel? {
        state.withLock { state in
            guard let written = state.written, let begun = state.begun, written <= begun else { return nil }
            return Travel(written: written, answerBegun: begun)
        }
    }

    /// A body for the request, which notes when it is written.
    ///
    /// Just before, and not after: between a write and what follows it the thread may have to wait, and the answer
    /// would look quicker than any can be.
    func body(_ bytes: [UInt8]) -> HTTPClient.Body {
        .stream(contentLength: Int64(bytes.count)) { writer in
            let written = self.now()
            self.state.withLock { $0.written = written }
            return writer.write(.byteBuffer(ByteBuffer(bytes: bytes)))
        }
    }

    func didReceiveHead(task: HTTPClient.Task<Void>, _ head: HTTPResponseHead) -> EventLoopFuture<Void> {
        let begun = now()
        let answer = Answer(head)
        state.withLock { state in
            state.begun = begun
            state.answer = answer
        }
        return task.eventLoop.makeSucceededVoidFuture()
    }

    func didReceiveBodyPart(task: HTTPClient.Task<Void>, _ part: ByteBuffer) -> EventLoopFuture<Void> {
        let isTooLarge = state.withLock { state in
            guard let size = state.answer?.body.count, size + part.readableBytes <= limit else { return true }
            state.answer?.body.append(contentsOf: part.readableBytesView)
            return false
        }
        // An error ends the exchange and closes the connection.
        return isTooLarge
            ? task.eventLoop.makeFailedFuture(ConnectionFault.tooLarge(limit))
            : task.eventLoop.makeSucceededVoidFuture()
    }

    func didFinishRequest(task: HTTPClient.Task<Void>) throws {}
}

extension Answer {
    fileprivate init(_ head: HTTPResponseHead) {
        self.init(status: Int(head.status.code))
        for header in head.headers { take(header: header.name, header.value) }
    }

    /// Takes what the program reads of a header; of one that comes again, the first counts.
    mutating func take(header name: String, _ value: String) {
        // Most headers of each call's answer say nothing to the program, and a name in small letters costs an allocation.
        guard status == 429 || Self.mayMatter(name) else { return }
        let name = name.lowercased()
        switch name {
        case "retry-after": retryAfter = retryAfter ?? value
        case "date": date = date ?? value
        case "location": location = location ?? value
        default: if name.contains("request-id") { requestID = requestID ?? value }
        }
        if status == 429 && Self.saysHowLongToWait(name) { waitHeaders[name] = value.printable(limit: 100) }
    }

    /// Whether a header's name begins like one that is read, or may have `request-id` in it.
    private static func mayMatter(_ name: String) -> Bool {
        switch name.utf8.first.map({ $0 | 0x20 }) {
        case UInt8(ascii: "d"), UInt8(ascii: "l"), UInt8(ascii: "r"): true
        default: name.utf8.contains { $0 | 0x20 == UInt8(ascii: "q") }
        }
    }

    private static func saysHowLongToWait(_ name: String) -> Bool {
        name == "retry-after" || name.contains("ratelimit") || name.contains("rate-limit")
    }
}
