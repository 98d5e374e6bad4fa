import CallPacing
import Foundation
import Synchronization
import TestStore
import TestSupport
import Testing
import Tracing

@testable import TraceExport

@Suite("exporting traces", .timeLimit(.minutes(10)))
struct TraceExporterTests {
    /// What was told.
    private final class Told: Sendable {
        private let lines = Mutex<[String]>([])
        var all: [String] { lines.withLock { $0 } }
        func tell(_ line: String) { lines.withLock { $0.append(line) } }
    }

    private func exporter(
        _ url: String, _ clock: HandTurnedClock, _ told: Told, _ more: [String: String] = [:]
    ) throws -> TraceExporter {
        let environment = ["OTEL_EXPORTER_OTLP_ENDPOINT": url].merging(more) { $1 }
        guard case .on(let settings, _) = TraceSettings.find(environment) else { throw CancellationError() }
        return TraceExporter(settings, version: "1.2.3", time: clock.time) { told.tell($0) }
    }

    private struct SecretError: Error, CustomStringConvertible {
        let description = "customer-4711 has no cart"
    }

    @Test("a span and its parts arrive together after some seconds, with the headers, and nothing that an error says")
    func arrives() async throws {
        try await Collector.with { (collector, url) async throws in
            let (clock, told) = (HandTurnedClock(), Told())
            let exporter = try exporter(url, clock, told, ["OTEL_EXPORTER_OTLP_HEADERS": "x-key=abc"])
            async let exporting: Void = exporter.run()
            let tracer = exporter.tracer
            let run = tracer.startSpan("run", context: .topLevel)
            let part = tracer.startSpan("read", context: run.context)
            part.recordError(SecretError())
            part.setStatus(.init(code: .error, message: "customer-4711"))
            part.end()
            part.end()
            run.attributes["cartsync.run"] = "r-1"
            run.end()
            await clock.waitForSleeper()
            #expect(collector.requests.isEmpty)
            clock.advance(.seconds(6))
            #expect(await eventually { collector.requests.count == 1 })
            exporter.finish()
            await exporting
            let spans = try collector.spans()
            #expect(spans.map(\.name) == ["read", "run"])
            #expect(Set(spans.map(\.traceId)).count == 1)
            #expect(spans[0].parentSpanId == spans[1].spanId && spans[1].parentSpanId == nil)
            #expect(spans[0]["error.type"] == "SecretError" && spans[0].status?.code == 2)
            #expect(spans[1]["cartsync.run"] == "r-1")
            let request = try #require(collector.requests.first)
            #expect(request.path == "/v1/traces")
            #expect(request.headers["x-key"] == "abc" && request.headers["content-type"] == "application/json")
            let text = String(decoding: request.body, as: UTF8.self)
            #expect(!text.contains("4711") && text.contains("1.2.3"))
            #expect(told.all == [])
        }
    }

    @Test("what was not sampled is not sent")
    func unsampled() async throws {
        try await Collector.with { (collector, url) async throws in
            let (clock, told) = (HandTurnedClock(), Told())
            let exporter = try exporter(url, clock, told, ["OTEL_TRACES_SAMPLER": "always_off"])
            let run = exporter.tracer.startSpan("run", context: .topLevel)
            let part = exporter.tracer.startSpan("read", context: run.context)
            #expect(!run.isRecording && !part.isRecording)
            part.end()
            run.end()
            exporter.finish()
            await exporter.run()
            #expect(collector.requests.isEmpty && told.all == [])
        }
    }

    @Test("a collector that is busy is asked again, and one that says no is not")
    func again() async throws {
        try await Collector.with([(503, ""), (429, ""), (200, "{}"), (400, "")]) { (collector, url) async throws in
            let (clock, told) = (HandTurnedClock(), Told())
            let exporter = try exporter(url, clock, told)
            exporter.tracer.startSpan("first", context: .topLevel).end()
            try await clock.passing {
                async let exporting: Void = exporter.run()
                _ = await eventually { collector.requests.count == 3 }
                exporter.tracer.startSpan("second", context: .topLevel).end()
                _ = await eventually { !told.all.isEmpty }
                exporter.finish()
                await exporting
            }
            #expect(collector.requests.count == 4)
            #expect(told.all == ["traces: 1 span did not reach 127.0.0.1: it answered 400; runs go on without them"])
        }
    }

    @Test("what a collector rejects of a request that it took is counted")
    func rejected() async throws {
        try await Collector.with([(200, #"{"partialSuccess":{"rejectedSpans":"2","errorMessage":"no"}}"#)]) {
            (_, url) async throws in
            let told = Told()
            let exporter = try exporter(url, HandTurnedClock(), told)
            for name in ["a", "b", "c"] { exporter.tracer.startSpan(name, context: .topLevel).end() }
            exporter.finish()
            await exporter.run()
            #expect(told.all == ["traces: 2 spans did not reach 127.0.0.1: it rejected them; runs go on without them"])
        }
    }

    @Test("a collector that answers nothing costs three seconds at the end, and what was lost is counted")
    func silent() async throws {
        try await Collector.with([(0, "")]) { (collector, url) async throws in
            let (clock, told) = (HandTurnedClock(), Told())
            let exporter = try exporter(url, clock, told)
            for _ in 0..<SpanQueue.limit + 10 { exporter.tracer.startSpan("span", context: .topLevel).end() }
            exporter.finish()
            async let exporting: Void = exporter.run()
            #expect(await eventually { collector.requests.count == 1 })
            await clock.waitForSleeper()
            clock.advance(TraceExporter.lastPatience)
            await exporting
            #expect(told.all.count == 2)
            #expect(told.all.first?.contains("1 span did not reach") == true)
            #expect(told.all.last == "traces: in all \(SpanQueue.limit + 10) spans did not reach 127.0.0.1")
        }
    }
}
