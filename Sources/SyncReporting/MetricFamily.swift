/// One metric in Prometheus' text format, version 0.0.4.
struct MetricFamily {
    enum Kind: String { case counter, gauge, histogram }

    struct Sample {
        var suffix = ""
        var labels: [(name: String, value: String)] = []
        let value: Double
    }

    let name: String
    let help: String
    let kind: Kind
    var samples: [Sample] = []

    init(_ name: String, _ kind: Kind, _ help: String) {
        self.name = "cartsync_" + name
        self.kind = kind
        self.help = help
    }

    mutating func add(_ value: Double, _ labels: (name: String, value: String)...) {
        samples.append(Sample(labels: labels, value: value))
    }

    mutating func add(_ value: Int, _ labels: (name: String, value: String)...) {
        samples.append(Sample(labels: labels, value: Double(value)))
    }

    /// Adds a latency as a histogram in seconds, its buckets cumulative.
    mutating func add(_ figures: LatencyFigures, _ label: (name: String, value: String)) {
        var passed = 0
        for bucket in figures.buckets {
            passed += bucket.count
            let bound = bucket.upTo.map { Figures.plain($0 / 1000) } ?? "+Inf"
            samples.append(Sample(suffix: "_bucket", labels: [label, ("le", bound)], value: Double(passed)))
        }
        samples.append(Sample(suffix: "_sum", labels: [label], value: figures.sum / 1000))
        samples.append(Sample(suffix: "_count", labels: [label], value: Double(passed)))
    }

    var text: String {
        var lines = ["# HELP \(name) \(help)", "# TYPE \(name) \(kind.rawValue)"]
        for sample in samples {
            let labels = sample.labels.map { "\($0.name)=\"\(Self.escaped($0.value))\"" }.joined(separator: ",")
            lines.append("\(name)\(sample.suffix)\(labels.isEmpty ? "" : "{\(labels)}") \(Self.number(sample.value))")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func number(_ value: Double) -> String {
        value == .infinity ? "+Inf" : Figures.plain(value)
    }

    private static func escaped(_ label: String) -> String {
        var escaped = String.UnicodeScalarView()
        for scalar in label.unicodeScalars {
            switch scalar {
            case "\\": escaped.append(contentsOf: "\\\\".unicodeScalars)
            case "\"": escaped.append(contentsOf: "\\\"".unicodeScalars)
            case "\n": escaped.append(contentsOf: "\\n".unicodeScalars)
            default: escaped.append(scalar)
            }
        }
        return String(escaped)
    }
}
