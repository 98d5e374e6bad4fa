import DequeModule

/// Ended spans that wait to be exported, up to a limit: what comes when it is full is dropped.
struct SpanQueue {
    /// The most spans that wait, as the OpenTelemetry specification has it for a batching processor.
    static let limit = 2048
    /// The most spans of one request.
    static let batch = 512

    private var spans = Deque<EndedSpan>()

    /// Takes a span in; false if there is no room for it.
    mutating func add(_ span: EndedSpan) -> Bool {
        guard spans.count < Self.limit else { return false }
        spans.append(span)
        return true
    }

    /// The oldest spans, for one request; empty if none waits.
    mutating func take() -> [EndedSpan] {
        let batch = Array(spans.prefix(Self.batch))
        spans.removeFirst(batch.count)
        return batch
    }

    var count: Int { spans.count }
}
