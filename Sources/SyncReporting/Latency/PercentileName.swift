import CartAssociations

/// A percentile by the name it has in reports, objectives and comparisons.
enum PercentileName: String, Sendable, CaseIterable, Codable {
    case p50, p75, p90, p95, p99
    case p999 = "p99.9"
    case p9999 = "p99.99"
    case max

    /// From 0 to 100.
    var percentile: Double {
        switch self {
        case .p50: 50
        case .p75: 75
        case .p90: 90
        case .p95: 95
        case .p99: 99
        case .p999: 99.9
        case .p9999: 99.99
        case .max: 100
        }
    }

    /// The calls it takes for ten of them to lie beyond the percentile; under that it is chance. The maximum needs one.
    var fewestCalls: Int {
        self == .max ? 1 : Int((10 / (1 - percentile / 100)).rounded())
    }
}

extension Percentiles {
    /// In milliseconds.
    subscript(_ name: PercentileName) -> Double {
        switch name {
        case .p50: p50
        case .p75: p75
        case .p90: p90
        case .p95: p95
        case .p99: p99
        case .p999: p999
        case .p9999: p9999
        case .max: max
        }
    }
}

extension OperationLatency {
    subscript(_ clock: LatencyClock) -> LatencyFigures { clock == .service ? service : response }
}
