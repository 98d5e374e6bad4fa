import Foundation
import Synchronization
import TestSupport
import Testing
import Tracing

@testable import TraceExport

extension EndedSpan {
    /// A span like many.
    static func some(_ number: Int = 1, using generator: inout SeededGenerator) -> EndedSpan {
        EndedSpan(
            trace: TraceID(using: &generator), id: SpanID(using: &generator), parent: nil, name: "span \(number)",
            kind: .internal, start: 1, end: 2, attributes: [:], status: nil)
    }
}

@Suite("spans")
struct SpanTests {
    @Test("a span is written as OTLP has it in JSON")
    func document() throws {
        var generator = SeededGenerator(seed: 1)
        let (trace, parent, id) = (
            TraceID(using: &generator), SpanID(using: &generator), SpanID(using: &generator)
        )
        var attributes = SpanAttributes([:])
        attributes["server.port"] = 443
        attributes["b"] = true
        attributes["d"] = 0.5
        attributes["t"] = "a \"quoted\" text"
        let span = EndedSpan(
            trace: trace, id: id, parent: parent, name: "GET /v2/carts", kind: .client,
            start: 1_795_262_400_000_000_001,
            end: 1_795_262_400_000_000_002, attributes: attributes, status: .error)
        let origin = OTLPDocument.Origin(resource: ["service.name": "cartsync"], version: "1")
        let json = String(decoding: try OTLPDocument([span], from: origin).json(), as: UTF8.self)
        #expect(
            json == """
                {"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"cartsync"}}]},\
                "scopeSpans":[{"scope":{"name":"cartsync","version":"1"},"spans":[{"attributes":[\
                {"key":"b","value":{"boolValue":true}},{"key":"d","value":{"doubleValue":0.5}},\
                {"key":"server.port","value":{"intValue":"443"}},{"key":"t","value":{"stringValue":"a \\"quoted\\" text"}}],\
                "endTimeUnixNano":"1795262400000000002","kind":3,"name":"GET /v2/carts",\
                "parentSpanId":"\(parent.text)","spanId":"\(id.text)","startTimeUnixNano":"1795262400000000001",\
                "status":{"code":2},"traceId":"\(trace.text)"}]}]}]}
                """)
        #expect(trace.text.count == 32 && id.text.count == 16)
    }

    @Test("identifiers keep their zeros in front")
    func zeros() {
        struct Small: RandomNumberGenerator {
            mutating func next() -> UInt64 { 1 }
        }
        var small = Small()
        #expect(TraceID(using: &small).text == String(repeating: String(repeating: "0", count: 15) + "1", count: 2))
        #expect(SpanID(using: &small).text == String(repeating: "0", count: 15) + "1")
    }

    @Test(
        "a queue keeps the order, gives at most a batch at a time, and takes no more than its limit", arguments: 1...20)
    func queue(seed: Int) {
        var generator = SeededGenerator(seed: UInt64(seed))
        var queue = SpanQueue()
        var expected: [String] = []
        var number = 0
        var wrong = 0
        for _ in 0..<120 {
            for _ in 0..<Int.random(in: 0...80, using: &generator) {
                number += 1
                let span = EndedSpan.some(number, using: &generator)
                let isTaken = queue.add(span)
                if isTaken != (expected.count < SpanQueue.limit) { wrong += 1 }
                if isTaken { expected.append(span.name) }
            }
            if Int.random(in: 0..<20, using: &generator) == 0 {
                let batch = queue.take()
                #expect(batch.map(\.name) == Array(expected.prefix(SpanQueue.batch)))
                expected.removeFirst(batch.count)
            }
            if queue.count != expected.count { wrong += 1 }
        }
        #expect(wrong == 0)
    }

    @Test("a trace is sampled as a whole, by its identifier, and in its part of all", arguments: [0, 0.1, 0.5, 1])
    func sampling(ratio: Double) {
        var generator = SeededGenerator(seed: 7)
        let taken = (0..<10_000).count { _ in TraceID(using: &generator).isSampled(by: ratio) }
        #expect(abs(Double(taken) / 10_000 - ratio) < 0.02)
    }
}
