import Foundation
import SyncReporting

extension OutputFormat {
    /// Writes the result of a command.
    func show(_ value: some Encodable, text: (TextReport) throws -> String) rethrows {
        switch self {
        case .json: Terminal.output(JSONOutput.of(value))
        case .text: Terminal.output(try text(.forTerminal))
        }
    }
}

extension TextReport {
    /// As wide as the terminal, and in colour if it has them.
    static var forTerminal: TextReport { TextReport(width: Terminal.width, color: Terminal.outputHasColor) }
}

/// Values as the text of a JSON result.
enum JSONOutput {
    static func of(_ value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        guard let data = try? encoder.encode(value) else { return "{}" }
        return String(decoding: data, as: UTF8.self)
    }
}
