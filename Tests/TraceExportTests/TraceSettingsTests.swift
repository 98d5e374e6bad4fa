import ExportSources
import Testing

@testable import TraceExport

@Suite("where traces go, by OpenTelemetry's variables")
struct TraceSettingsTests {
    private func on(_ environment: [String: String]) throws -> (TraceSettings, notes: [String]) {
        guard case .on(let settings, let notes) = TraceSettings.find(environment) else {
            throw Unexpected(found: "\(TraceSettings.find(environment))")
        }
        return (settings, notes)
    }

    private struct Unexpected: Error { let found: String }

    @Test(
        "nothing is sent without an address, or where it is switched off",
        arguments: [
            [:], ["OTEL_SERVICE_NAME": "x"], ["OTEL_EXPORTER_OTLP_ENDPOINT": " "],
            ["OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "OTEL_SDK_DISABLED": "TRUE"],
            ["OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "OTEL_TRACES_EXPORTER": "none"],
        ])
    func off(environment: [String: String]) {
        guard case .off = TraceSettings.find(environment) else {
            Issue.record("\(environment)")
            return
        }
    }

    @Test(
        "the general address gets the path of traces, their own is taken as it is and wins",
        arguments: [
            (["OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"], "http://127.0.0.1:4318/v1/traces"),
            (["OTEL_EXPORTER_OTLP_ENDPOINT": "https://c.example/otlp/"], "https://c.example/otlp/v1/traces"),
            (["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://c.example/t"], "https://c.example/t"),
            (
                [
                    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318",
                    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://c.example/t",
                ], "https://c.example/t"
            ),
        ])
    func address(environment: [String: String], address: String) throws {
        #expect(try on(environment).0.address.words == address)
    }

    @Test("headers, time, resource and sampler are read, those of traces before the general ones")
    func everything() throws {
        let (settings, notes) = try on([
            "OTEL_EXPORTER_OTLP_ENDPOINT": "https://c.example", "OTEL_EXPORTER_OTLP_HEADERS": "a=1",
            "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "authorization=Bearer%20x=, b = 2,,c",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
            "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "2500", "OTEL_SERVICE_NAME": "carts",
            "OTEL_RESOURCE_ATTRIBUTES": "service.name=other,deployment.environment.name=pre%20prod",
            "OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.25",
            "OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json",
        ])
        #expect(notes.isEmpty)
        #expect(settings.headers.map(\.name) == ["authorization", "b"])
        #expect(settings.headers.map(\.value) == ["Bearer x=", "2"])
        #expect(settings.timeout == .milliseconds(2500))
        #expect(settings.ratio == 0.25)
        #expect(settings.resource["service.name"] == "carts")
        #expect(settings.resource["deployment.environment.name"] == "pre prod")
        let usual = try on(["OTEL_EXPORTER_OTLP_ENDPOINT": "https://c.example"]).0
        #expect(usual.resource["service.name"] == "cartsync")
        #expect(usual.timeout == .seconds(10) && usual.ratio == 1 && usual.headers.isEmpty)
    }

    @Test(
        "what cannot be is said with the variable's name",
        arguments: [
            (["OTEL_EXPORTER_OTLP_ENDPOINT": "127.0.0.1:4318"], "OTEL_EXPORTER_OTLP_ENDPOINT"),
            (
                ["OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"],
                "OTEL_EXPORTER_OTLP_PROTOCOL"
            ),
            (
                ["OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "OTEL_TRACES_EXPORTER": "zipkin"],
                "OTEL_TRACES_EXPORTER"
            ),
            (
                ["OTEL_EXPORTER_OTLP_ENDPOINT": "http://c.example:4318", "OTEL_EXPORTER_OTLP_HEADERS": "key=hidden"],
                "OTEL_EXPORTER_OTLP_HEADERS"
            ),
        ])
    func impossible(environment: [String: String], name: String) {
        guard case .impossible(let why) = TraceSettings.find(environment) else {
            Issue.record("\(environment)")
            return
        }
        #expect(why.contains(name))
        #expect(!why.contains("hidden"))
    }

    @Test(
        "a value that is invalid is named, and the usual one holds",
        arguments: [
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon"), ("OTEL_TRACES_SAMPLER", "mine"), ("OTEL_TRACES_SAMPLER_ARG", "2"),
        ])
    func invalid(name: String, text: String) throws {
        var environment = [
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c.example:4318", "OTEL_TRACES_SAMPLER": "traceidratio",
        ]
        environment[name] = text
        let (settings, notes) = try on(environment)
        #expect(notes.count == 1 && notes[0].contains(name) && notes[0].contains("'\(text)'"), "\(notes)")
        #expect(settings.timeout == .seconds(10) && settings.ratio == 1)
    }
}
