import Synchronization
import Tracing

/// Records the spans of the runs that are sampled, and gives each to the exporter when it is over.
///
/// A trace is sampled or not as a whole, when its first span begins. Trace context goes to no other process.
struct RunTracer: Tracer {
    private let ratio: Double
    private let exporter: TraceExporter

    /// - Parameter ratio: the part of all traces that is sampled, 0 to 1.
    init(ratio: Double, _ exporter: TraceExporter) {
        self.ratio = ratio
        self.exporter = exporter
    }

    func startSpan<Instant: TracerInstant>(
        _ operationName: String, context: @autoclosure () -> ServiceContext, ofKind kind: SpanKind,
        at instant: @autoclosure () -> Instant, function: String, file fileID: String, line: UInt
    ) -> RecordedSpan {
        var generator = SystemRandomNumberGenerator()
        var context = context()
        let outer = context[Place.self]
        let trace = outer?.trace ?? TraceID(using: &generator)
        let place = Place(
            trace: trace, span: SpanID(using: &generator), isSampled: outer?.isSampled ?? trace.isSampled(by: ratio))
        context[Place.self] = place
        return RecordedSpan(
            operationName, place, within: outer?.span, context, kind, start: instant().nanosecondsSinceEpoch,
            place.isSampled ? exporter : nil)
    }

    func forceFlush() {}

    func extract<Carrier, Extract: Extractor>(
        _ carrier: Carrier, into context: inout ServiceContext, using extractor: Extract
    ) where Extract.Carrier == Carrier {}

    func inject<Carrier, Inject: Injector>(
        _ context: ServiceContext, into carrier: inout Carrier, using injector: Inject
    ) where Inject.Carrier == Carrier {}
}

extension TraceID {
    /// Whether a trace is among a part of all, which depends on its identifier alone.
    func isSampled(by ratio: Double) -> Bool {
        if ratio >= 1 { return true }
        return Double(low) < ratio * Double(UInt64.max)
    }
}

/// Where a span is: what its parts need to know of it.
struct Place: Sendable, ServiceContextKey {
    typealias Value = Place

    let trace: TraceID
    let span: SpanID
    let isSampled: Bool
}

/// A span that goes on. Events and links of it are not exported: no span of this program has any.
final class RecordedSpan: Tracing.Span {
    private struct State {
        var name: String
        var attributes = SpanAttributes([:])
        var status: SpanStatus.Code?
        var isOver = false
    }

    let context: ServiceContext
    private let place: Place
    private let outer: SpanID?
    private let kind: SpanKind
    private let start: UInt64
    private let exporter: TraceExporter?
    private let state: Mutex<State>

    /// - Parameters:
    ///   - start: nanoseconds since 1970.
    ///   - exporter: nil if the span is not sampled.
    init(
        _ name: String, _ place: Place, within outer: SpanID?, _ context: ServiceContext, _ kind: SpanKind,
        start: UInt64, _ exporter: TraceExporter?
    ) {
        (self.place, self.outer, self.context, self.kind) = (place, outer, context, kind)
        (self.start, self.exporter) = (start, exporter)
        state = Mutex(State(name: name))
    }

    var isRecording: Bool { exporter != nil && !state.withLock(\.isOver) }

    var operationName: String {
        get { state.withLock(\.name) }
        set { state.withLock { $0.name = newValue } }
    }

    var attributes: SpanAttributes {
        get { state.withLock(\.attributes) }
        set { state.withLock { $0.attributes = newValue } }
    }

    func setStatus(_ status: SpanStatus) { state.withLock { $0.status = status.code } }

    func addEvent(_ event: SpanEvent) {}

    func addLink(_ link: SpanLink) {}

    /// Keeps the kind of the error alone: its words may name an owner or a cart.
    func recordError<Instant: TracerInstant>(
        _ error: any Error, attributes: SpanAttributes, at instant: @autoclosure () -> Instant
    ) {
        state.withLock { $0.attributes["error.type"] = "\(type(of: error))" }
    }

    func end<Instant: TracerInstant>(at instant: @autoclosure () -> Instant) {
        let last = state.withLock { state -> State? in
            defer { state.isOver = true }
            return state.isOver ? nil : state
        }
        guard let last, let exporter else { return }
        exporter.add(
            EndedSpan(
                trace: place.trace, id: place.span, parent: outer, name: last.name, kind: kind, start: start,
                end: max(start, instant().nanosecondsSinceEpoch), attributes: last.attributes, status: last.status))
    }
}
