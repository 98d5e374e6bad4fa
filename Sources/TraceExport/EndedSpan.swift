import Tracing

/// A span that is over, as it is exported.
struct EndedSpan: Sendable {
    let trace: TraceID
    let id: SpanID
    /// The span that it is a part of; nil for that of a run.
    let parent: SpanID?
    let name: String
    let kind: SpanKind
    /// Nanoseconds since 1970.
    let start: UInt64
    let end: UInt64
    let attributes: SpanAttributes
    /// Whether it failed; nil if nobody said.
    let status: SpanStatus.Code?
}
