/// The identifier of a trace: 16 bytes, not all of them zero (W3C Trace Context).
struct TraceID: Sendable, Hashable {
    let high: UInt64
    let low: UInt64

    /// - Parameter generator: where its bytes come from.
    init(using generator: inout some RandomNumberGenerator) {
        high = .random(in: .min ... .max, using: &generator)
        low = .random(in: 1 ... .max, using: &generator)
    }

    /// 32 digits, as OTLP in JSON has it.
    var text: String { Hexadecimal.text(high) + Hexadecimal.text(low) }
}

/// The identifier of a span in its trace: 8 bytes, not all of them zero.
struct SpanID: Sendable, Hashable {
    let value: UInt64

    /// - Parameter generator: where its bytes come from.
    init(using generator: inout some RandomNumberGenerator) { value = .random(in: 1 ... .max, using: &generator) }

    /// 16 digits, as OTLP in JSON has it.
    var text: String { Hexadecimal.text(value) }
}

private enum Hexadecimal {
    static func text(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
