import HTTPTypes

/// What a path of the status server stands for.
enum StatusRoute: Hashable {
    case page, script, style, icon
    case health, readiness, metrics, description
    case service, serviceEvents
    case runs
    case run(String), runEvents(String), runReport(String), reportFile(String), latencyLog(String)
    case deletes(String), deletesTable(String)
    case approve(String), decline(String), stop(String)

    /// Nil if there is no such path.
    init?(path: String) {
        if let route = Self.fixed[path] {
            self = route
            return
        }
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map(String.init)
        switch parts.count {
        case 3 where parts[0] == "api" && parts[1] == "runs" && Self.isRun(parts[2]): self = .run(parts[2])
        case 3 where parts[0] == "runs" && Self.isRun(parts[1]):
            switch parts[2] {
            case "report.html": self = .runReport(parts[1])
            case "report.json": self = .reportFile(parts[1])
            case "latency.hlog": self = .latencyLog(parts[1])
            default: return nil
            }
        case 4 where parts[0] == "api" && parts[1] == "runs" && Self.isRun(parts[2]):
            switch parts[3] {
            case "events": self = .runEvents(parts[2])
            case "deletes": self = .deletes(parts[2])
            case "deletes.csv": self = .deletesTable(parts[2])
            case "approve": self = .approve(parts[2])
            case "decline": self = .decline(parts[2])
            case "stop": self = .stop(parts[2])
            default: return nil
            }
        default: return nil
        }
    }

    private static let fixed: [String: StatusRoute] = [
        "/": .page, "/page.js": .script, "/page.css": .style, "/icon.svg": .icon, "/healthz": .health,
        "/readyz": .readiness, "/metrics": .metrics, "/api/openapi.yaml": .description, "/api/service": .service,
        "/api/service/events": .serviceEvents, "/api/runs": .runs,
    ]

    /// Every path, with `{run}` in the place of an id.
    static let paths =
        fixed.keys.sorted() + [
            "/api/runs/{run}", "/api/runs/{run}/events", "/api/runs/{run}/deletes", "/api/runs/{run}/deletes.csv",
            "/api/runs/{run}/approve", "/api/runs/{run}/decline", "/api/runs/{run}/stop",
            "/runs/{run}/report.html", "/runs/{run}/report.json", "/runs/{run}/latency.hlog",
        ]

    var methods: [HTTPRequest.Method] {
        switch self {
        case .approve, .decline, .stop: [.post]
        default: [.get, .head]
        }
    }

    /// Whether a text is the id of a run, such as `20261121-101500-4f2a`: nothing else ever becomes part of a path.
    static func isRun(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard bytes.count == 20, bytes[8] == UInt8(ascii: "-"), bytes[15] == UInt8(ascii: "-") else { return false }
        return bytes.enumerated().allSatisfy { place, byte in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): true
            case UInt8(ascii: "a")...UInt8(ascii: "z"): place > 15
            case UInt8(ascii: "-"): place == 8 || place == 15
            default: false
            }
        }
    }
}
