import Foundation
import Logging
import Testing

@testable import cartsync

@Suite("a line of the log")
struct LogLineTests {
    private func line(_ metadata: Logger.Metadata) -> LogLine {
        LogLine(
            time: Date(timeIntervalSince1970: 1_800_000_000.25), level: .notice, message: "a run ended",
            metadata: metadata)
    }

    @Test("logfmt quotes what a space, a quote or an equals sign is in")
    func logfmt() {
        let text = line(["run": "20261121-101500-4f2a", "file": "a b=\"c\".csv", "empty": ""]).text(.logfmt)
        #expect(
            text == #"time=2027-01-15T08:00:00.250Z level=notice msg="a run ended" empty="" "#
                + #"file="a b=\"c\".csv" run=20261121-101500-4f2a"#)
    }

    @Test("JSON is one object whose fields are read back as they were", arguments: LogFormat.allCases)
    func control(format: LogFormat) throws {
        let hostile = "a\nb\u{1B}[31m\u{202E}\\\"\u{7}\u{1F600}\u{E0001}"
        let text = line(["file": "\(hostile)", "time": "x"]).text(format)
        #expect(text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control })
        #expect(text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .format })
        guard format == .json else { return }
        let fields = try JSONDecoder().decode([String: String].self, from: Data(text.utf8))
        #expect(fields["file"] == hostile)
        #expect(fields["time_"] == "x" && fields["msg"] == "a run ended" && fields["level"] == "notice")
    }
}
