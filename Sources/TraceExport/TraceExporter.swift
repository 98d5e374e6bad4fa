package import CallPacing
import ExportSources
import Foundation
import Synchronization
package import Tracing

/// Sends ended spans to a collector, by OTLP over HTTP in JSON.
///
/// It never holds up who ends a span: what a slow collector leaves no room for is dropped, counted and told.
package final class TraceExporter: Sendable {
    private struct State {
        var queue = SpanQueue()
        /// Spans that did not arrive, and how many of them were told of.
        var lost = 0
        var told = 0
        var tell: @Sendable (String) -> Void
    }

    /// How long spans may wait for others.
    private static let interval = Duration.seconds(5)
    /// How long the last spans may take when the command ends.
    static let lastPatience = Duration.seconds(3)
    /// How often a request is made.
    private static let attempts = 5
    private static let waits = Backoff(first: .seconds(1), longest: .seconds(30))

    private let settings: TraceSettings
    private let origin: OTLPDocument.Origin
    private let time: TimeSource
    private let end = StopSignal()
    private let state: Mutex<State>

    /// - Parameters:
    ///   - version: that of the program.
    ///   - tell: told, as a sentence, when spans are lost for the first time, and of how many at the end.
    package init(
        _ settings: TraceSettings, version: String, time: TimeSource, tell: @escaping @Sendable (String) -> Void
    ) {
        self.settings = settings
        self.time = time
        var resource = settings.resource
        resource["service.version"] = resource["service.version"] ?? version
        origin = .init(resource: resource, version: version)
        state = Mutex(State(tell: tell))
    }

    /// The tracer whose spans it sends.
    package var tracer: any Tracer { RunTracer(ratio: settings.ratio, self) }

    /// Tells of lost spans in another way from now on.
    package func tell(by tell: @escaping @Sendable (String) -> Void) { state.withLock { $0.tell = tell } }

    /// Takes a span that is over.
    func add(_ span: EndedSpan) {
        if !state.withLock({ $0.queue.add(span) }) {
            lose(1, "more than \(SpanQueue.limit) spans wait for it")
        }
    }

    /// No more spans come: `run` ends soon.
    package func finish() { end.stop() }

    /// Sends spans until `finish`, and at last those that are left, within three seconds.
    package func run() async {
        let post = WebPost(time: time)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.sendUntilTheEnd(post) }
            group.addTask { await self.waitForTheLast() }
            await group.next()
            group.cancelAll()
        }
        await post.shutdown()
        let (left, lost) = state.withLock { state in
            (state.queue.count, state.lost > state.told ? state.lost : 0)
        }
        if left > 0 { lose(left, "it did not take them in time") }
        if lost > 0 { state.withLock(\.tell)("traces: in all \(lost + left) spans did not reach \(settings.host)") }
    }

    /// Waits for the end, and then as long as the last spans may take.
    private func waitForTheLast() async {
        while !end.isStopped, !Task.isCancelled {
            _ = try? await end.cancelling { [time] in try await time.sleep(for: .seconds(3600)) }
        }
        if !Task.isCancelled { try? await time.sleep(for: Self.lastPatience) }
    }

    private func sendUntilTheEnd(_ post: WebPost) async {
        while !end.isStopped {
            _ = try? await end.cancelling { [time] in
                try await time.sleep(for: Self.interval, tolerance: .seconds(1))
            }
            await sendAll(post)
        }
        await sendAll(post)
    }

    private func sendAll(_ post: WebPost) async {
        while !Task.isCancelled {
            let batch = state.withLock { $0.queue.take() }
            if batch.isEmpty { return }
            await send(batch, post)
        }
    }

    private func send(_ batch: [EndedSpan], _ post: WebPost) async {
        guard let body = try? OTLPDocument(batch, from: origin).json() else {
            return lose(batch.count, "they cannot be written")
        }
        var problem = ""
        for attempt in 1...Self.attempts {
            var wait = Self.waits.wait(afterFailures: attempt)
            do throws(SourceError) {
                let answer = try await post.send(
                    to: settings.address, json: body, headers: settings.headers, within: settings.timeout)
                if (200..<300).contains(answer.status) {
                    let rejected = Self.rejected(answer.body)
                    if rejected > 0 { lose(rejected, "it rejected them") }
                    return
                }
                problem = "it answered \(answer.status)"
                // What the specification of OTLP has as repeatable.
                guard [429, 502, 503, 504].contains(answer.status) else { break }
                wait = max(wait, answer.retryAfter ?? .zero)
            } catch {
                problem = "it cannot be reached"
            }
            guard attempt < Self.attempts, !end.isStopped else { break }
            _ = try? await end.cancelling { [time, wait] in try await time.sleep(for: wait) }
        }
        lose(batch.count, problem)
    }

    /// The spans that a collector took the request without.
    private static func rejected(_ body: [UInt8]) -> Int {
        struct Answer: Decodable {
            struct Partial: Decodable {
                /// A number of 64 bits, as a text or as a number.
                let rejectedSpans: Count?
            }

            struct Count: Decodable {
                let value: Int

                init(from decoder: any Decoder) throws {
                    let single = try decoder.singleValueContainer()
                    value = try (try? single.decode(Int.self)) ?? Int(single.decode(String.self)) ?? 0
                }
            }
            let partialSuccess: Partial?
        }
        return (try? JSONDecoder().decode(Answer.self, from: Data(body)))?.partialSuccess?.rejectedSpans?.value ?? 0
    }

    private func lose(_ count: Int, _ reason: String) {
        let tell = state.withLock { state -> (@Sendable (String) -> Void)? in
            state.lost += count
            guard state.told == 0 else { return nil }
            state.told = count
            return state.tell
        }
        let spans = count == 1 ? "1 span" : "\(count) spans"
        tell?("traces: \(spans) did not reach \(settings.host): \(reason); runs go on without them")
    }
}
