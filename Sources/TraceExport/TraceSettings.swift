import ExportSources
import Foundation

/// Where traces go, by the names of OpenTelemetry in the environment (opentelemetry.io, "Environment Variable
/// Specification" and "OpenTelemetry Protocol Exporter").
package struct TraceSettings: Sendable {
    /// What the environment says.
    package enum Found: Sendable {
        /// There is no address, or traces are switched off.
        case off
        case on(TraceSettings, notes: [String])
        /// Traces are wanted and cannot be sent; completes the sentence "no traces are sent: ...".
        case impossible(String)
    }

    let address: WebAddress
    /// May be secret.
    let headers: [(name: String, value: String)]
    /// How long one request may take.
    let timeout: Duration
    /// The attributes of all spans' origin, without the version of the program.
    let resource: [String: String]
    /// The part of all runs that is traced, 0 to 1.
    let ratio: Double

    var host: String { address.host }

    /// Reads the variables of an environment. An empty one is the same as one that is not set.
    package static func find(_ environment: [String: String]) -> Found {
        func value(_ name: String) -> (name: String, text: String)? {
            guard let text = environment[name]?.trimmingCharacters(in: .whitespaces), !text.isEmpty else { return nil }
            return (name, text)
        }
        func otlp(_ ending: String) -> (name: String, text: String)? {
            value("OTEL_EXPORTER_OTLP_TRACES_\(ending)") ?? value("OTEL_EXPORTER_OTLP_\(ending)")
        }
        if value("OTEL_SDK_DISABLED")?.text.lowercased() == "true" { return .off }
        let exporters = (value("OTEL_TRACES_EXPORTER")?.text ?? "otlp").split(separator: ",").map {
            $0.trimmingCharacters(in: .whitespaces)
        }
        guard let endpoint = otlp("ENDPOINT"), exporters != ["none"] else { return .off }
        guard exporters.contains("otlp") else {
            return .impossible("OTEL_TRACES_EXPORTER is \(exporters.joined(separator: ",")), and otlp alone is known")
        }
        if let asked = otlp("PROTOCOL"), asked.text == "grpc" {
            return .impossible(
                "\(asked.name) is grpc; set it to http/json, and the endpoint to the collector's port for HTTP")
        }
        let address: WebAddress
        do throws(InvalidAddress) {
            let isWhole = endpoint.name == "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
            let base = endpoint.text.hasSuffix("/") ? String(endpoint.text.dropLast()) : endpoint.text
            address = try WebAddress(isWhole ? endpoint.text : base + "/v1/traces")
        } catch {
            return .impossible("\(endpoint.name) is not an address; write it as http://127.0.0.1:4318")
        }
        let given = otlp("HEADERS")
        let headers = given.map { pairs($0.text) } ?? []
        if address.isOpen, !headers.isEmpty {
            return .impossible(
                "\(given?.name ?? "") would go unencrypted to \(address.host); use https:// in \(endpoint.name)")
        }
        var notes: [String] = []
        let settings = TraceSettings(
            address: address, headers: headers, timeout: timeout(otlp("TIMEOUT"), &notes),
            resource: resource(
                attributes: value("OTEL_RESOURCE_ATTRIBUTES")?.text, name: value("OTEL_SERVICE_NAME")?.text),
            ratio: ratio(value("OTEL_TRACES_SAMPLER"), value("OTEL_TRACES_SAMPLER_ARG"), &notes))
        return .on(settings, notes: notes)
    }

    /// A value that is invalid is named and passed over, as the specification has it.
    private static func timeout(_ given: (name: String, text: String)?, _ notes: inout [String]) -> Duration {
        guard let given else { return .seconds(10) }
        if let milliseconds = Int(given.text), milliseconds > 0 { return .milliseconds(milliseconds) }
        notes.append("\(given.name) is '\(given.text)', not a number of milliseconds; it is 10000")
        return .seconds(10)
    }

    private static func ratio(
        _ sampler: (name: String, text: String)?, _ argument: (name: String, text: String)?, _ notes: inout [String]
    ) -> Double {
        guard let sampler else { return 1 }
        switch sampler.text {
        // A run has no parent: it is the root of its trace.
        case "always_on", "parentbased_always_on": return 1
        case "always_off", "parentbased_always_off": return 0
        case "traceidratio", "parentbased_traceidratio":
            guard let argument else { return 1 }
            if let ratio = Double(argument.text), (0...1).contains(ratio) { return ratio }
            notes.append("\(argument.name) is '\(argument.text)', not a number from 0 to 1; every run is traced")
        default: notes.append("\(sampler.name) is '\(sampler.text)', which is not known; every run is traced")
        }
        return 1
    }

    private static func resource(attributes: String?, name: String?) -> [String: String] {
        var resource = ["service.name": "cartsync", "telemetry.sdk.language": "swift"]
        for pair in attributes.map(pairs) ?? [] { resource[pair.name] = pair.value }
        if let name { resource["service.name"] = name }
        return resource
    }

    /// `name=value` with commas between them, the values percent-encoded.
    private static func pairs(_ text: String) -> [(name: String, value: String)] {
        text.split(separator: ",").compactMap { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map {
                $0.trimmingCharacters(in: .whitespaces)
            }
            guard parts.count == 2, !parts[0].isEmpty else { return nil }
            return (parts[0], parts[1].removingPercentEncoding ?? parts[1])
        }
    }
}
