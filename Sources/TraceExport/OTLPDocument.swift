import Foundation
import Tracing

/// Spans as a request of OTLP over HTTP in JSON: `ExportTraceServiceRequest` of opentelemetry-proto, with identifiers in
/// hexadecimal and whole numbers of 64 bits as texts.
struct OTLPDocument: Encodable {
    /// What every span is said to come from.
    struct Origin: Sendable, Hashable {
        /// Attributes by OpenTelemetry's names, `service.name` among them.
        let resource: [String: String]
        /// The version of the program.
        let version: String
    }

    private let resourceSpans: [ResourceSpans]

    init(_ spans: [EndedSpan], from origin: Origin) {
        let attributes = origin.resource.sorted { $0.key < $1.key }.map {
            Attribute(key: $0.key, value: .init(.string($0.value)))
        }
        resourceSpans = [
            ResourceSpans(
                resource: .init(attributes: attributes),
                scopeSpans: [
                    .init(scope: .init(name: "cartsync", version: origin.version), spans: spans.map(Span.init))
                ])
        ]
    }

    /// The document as the body of a request.
    ///
    /// Throws if it cannot be written, which is a bug.
    func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
        return try encoder.encode(self)
    }

    private struct ResourceSpans: Encodable {
        let resource: Resource
        let scopeSpans: [ScopeSpans]
    }

    private struct Resource: Encodable {
        let attributes: [Attribute]
    }

    private struct ScopeSpans: Encodable {
        let scope: Scope
        let spans: [Span]
    }

    private struct Scope: Encodable {
        let name: String
        let version: String
    }

    private struct Attribute: Encodable {
        let key: String
        let value: Value
    }

    private struct Status: Encodable {
        /// 1 for well, 2 for an error; 0 is left out.
        let code: Int
    }

    private struct Span: Encodable {
        let traceId: String
        let spanId: String
        let parentSpanId: String?
        let name: String
        let kind: Int
        let startTimeUnixNano: String
        let endTimeUnixNano: String
        let attributes: [Attribute]
        let status: Status?

        init(_ span: EndedSpan) {
            traceId = span.trace.text
            spanId = span.id.text
            parentSpanId = span.parent?.text
            name = span.name
            kind = Self.number(span.kind)
            startTimeUnixNano = String(span.start)
            endTimeUnixNano = String(span.end)
            var attributes: [Attribute] = []
            span.attributes.forEach { attributes.append(Attribute(key: $0, value: Value($1))) }
            self.attributes = attributes.sorted { $0.key < $1.key }
            status = span.status.map { Status(code: $0 == .ok ? 1 : 2) }
        }

        private static func number(_ kind: SpanKind) -> Int {
            switch kind {
            case .internal: 1
            case .server: 2
            case .client: 3
            case .producer: 4
            case .consumer: 5
            }
        }
    }

    private struct Value: Encodable {
        private let attribute: SpanAttribute

        private enum Keys: String, CodingKey {
            case stringValue, boolValue, intValue, doubleValue
        }

        init(_ attribute: SpanAttribute) { self.attribute = attribute }

        func encode(to encoder: any Encoder) throws {
            var value = encoder.container(keyedBy: Keys.self)
            switch attribute {
            case .int32(let number): try value.encode(String(number), forKey: .intValue)
            case .int64(let number): try value.encode(String(number), forKey: .intValue)
            case .double(let number): try value.encode(number, forKey: .doubleValue)
            case .bool(let flag): try value.encode(flag, forKey: .boolValue)
            case .string(let text): try value.encode(text, forKey: .stringValue)
            case .stringConvertible(let text): try value.encode("\(text)", forKey: .stringValue)
            // No span of this program has a list.
            default: try value.encode("\(attribute)", forKey: .stringValue)
            }
        }
    }
}
