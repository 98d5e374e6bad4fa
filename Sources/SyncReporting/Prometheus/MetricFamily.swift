/// One metric in Prometheus' text format, version 0.0.4.
struct MetricFamily {
    enum Kind: String { case counter, gauge, histogram }

    private static let prefix = "cartsync_"

    struct Sample {
        var suffix = ""
        var labels: [(name: String, value: String)] = []
        let value: Double
    }

    private(set) var name: String
    private(set) var help: String
    private(set) var kind: Kind
    var samples: [Sample] = []

    init(_ name: String, _ kind: Kind, _ help: String) {
        self.name = Self.prefix + name
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
    mutating func add(_ sums: LatencySums, _ label: (name: String, value: String)) {
        var passed = 0
        let bounds = LatencyBuckets.bounds.map { Figures.plain($0 / 1000) } + ["+Inf"]
        for (count, bound) in zip(sums.counts, bounds) {
            passed += count
            samples.append(Sample(suffix: "_bucket", labels: [label, ("le", bound)], value: Double(passed)))
        }
        samples.append(Sample(suffix: "_sum", labels: [label], value: sums.sum / 1000))
        samples.append(Sample(suffix: "_count", labels: [label], value: Double(passed)))
    }

    /// The family with the figures of the last run alone. They do not add up from run to run: counters become gauges.
    /// Each sample is labelled with its source, because the files of several sources lie in one folder.
    func ofLastRun(source: String) -> MetricFamily {
        var family = self
        let stem = name.dropFirst(Self.prefix.count)
        family.name = Self.prefix + "last_run_" + (stem.hasSuffix("_total") ? stem.dropLast("_total".count) : stem)
        if kind == .counter { family.kind = .gauge }
        family.help = "Of the last run. " + help
        family.samples = samples.map { sample in
            var sample = sample
            if !sample.labels.contains(where: { $0.name == "source" }) {
                sample.labels.insert(("source", source), at: 0)
            }
            return sample
        }
        return family
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
        label.replacing(["\\": "\\\\", "\"": "\\\"", "\n": "\\n"])
    }
}
