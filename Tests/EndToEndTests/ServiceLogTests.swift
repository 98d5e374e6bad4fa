import Foundation
import TestSupport
import Testing

@Suite("the log of a service")
struct ServiceLogTests {
    /// Runs a service once over two exports, one of them refused; returns the lines of standard error.
    private func lines(_ shop: Shop, format: String) async throws -> [String] {
        let inbox = shop.folder.path("inbox")
        try FileManager.default.createDirectory(atPath: inbox, withIntermediateDirectories: true)
        let environment = ["CARTSYNC_LOG_FORMAT": format, "CARTSYNC_HTTP_APPROVAL_TOKEN": "0123456789abcdef0123"]
        var lines: [String] = []
        for (name, range) in [("a \"b\" = c.csv", 1...60), ("fewer.csv", 1...20)] {
            _ = try shop.folder.write(WaitingService.export(range), to: "inbox/" + name)
            let result = try await shop.start(
                WaitingService.arguments(shop) + ["--once"], environment: environment
            ).result()
            lines += result.errors.split(separator: "\n").dropLast().map(String.init)
        }
        return lines
    }

    private func judge(_ events: [[String: String]]) throws {
        #expect(events.allSatisfy { $0["time"] != nil && $0["level"] != nil && $0["msg"] != nil })
        let runs = events.filter { $0["level"] == "info" }
        #expect(runs.map { $0["msg"] } == ["a run ended", "a run ended"])
        #expect(runs.allSatisfy { $0["run"]?.isEmpty == false && $0["job"] == "default" })
        #expect(runs.map { $0["status"] } == ["0", "3"])
        #expect(runs.first?["export"] == "a \"b\" = c.csv")
        #expect(runs.first?["created"] == "60")
        // The same event is always said in the same words: numbers and names are in fields.
        #expect(events.allSatisfy { $0["msg"]?.contains(#/\d|\.csv/#) == false })
        #expect(events.allSatisfy { event in event.values.allSatisfy { !$0.contains("customer-") } })
        #expect(events.allSatisfy { event in event.values.allSatisfy { !$0.contains("0123456789abcdef") } })
    }

    @Test("every line of it is JSON when that is set, one line a run at info")
    func json() async throws {
        try await withShop { shop in
            let events = try await lines(shop, format: "json").map { line in
                try JSONDecoder().decode([String: String].self, from: Data(line.utf8))
            }
            try judge(events)
        }
    }

    @Test("every line of it is logfmt, one line a run at info")
    func logfmt() async throws {
        try await withShop { shop in
            let events = try await lines(shop, format: "logfmt").map { line in
                var rest = line[...]
                var fields: [String: String] = [:]
                while let pair = rest.prefixMatch(of: #/([\w.-]+)=("(?:[^"\\]|\\.)*"|[^\s"=]+)(?: |$)/#) {
                    let value = String(pair.output.2)
                    fields[String(pair.output.1)] =
                        value.hasPrefix("\"") ? try JSONDecoder().decode(String.self, from: Data(value.utf8)) : value
                    rest = rest[pair.range.upperBound...]
                }
                #expect(rest.isEmpty, "not read: \(rest) of \(line)")
                return fields
            }
            try judge(events)
        }
    }
}
