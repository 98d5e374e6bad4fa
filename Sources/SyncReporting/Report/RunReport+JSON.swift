package import Foundation

extension RunReport {
    /// The bytes of `report.json`: sorted keys, times in UTC to the millisecond, a final newline.
    package func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .custom { date, encoder in
            var container = encoder.singleValueContainer()
            try container.encode(Date.ISO8601FormatStyle(includingFractionalSeconds: true).format(date))
        }
        return try encoder.encode(self) + Data("\n".utf8)
    }

    /// Reads a `report.json`.
    ///
    /// Throws `UnreadableReport` for a newer schema version, and `DecodingError` for anything that is no report.
    package init(json: Data) throws {
        let version = try JSONDecoder().decode(SchemaVersion.self, from: json).schemaVersion
        guard version == Self.currentSchema else {
            throw UnreadableReport(found: version, known: Self.currentSchema)
        }
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .custom { decoder in
            let container = try decoder.singleValueContainer()
            let text = try container.decode(String.self)
            let style = Date.ISO8601FormatStyle(includingFractionalSeconds: text.contains("."))
            guard let date = try? style.parse(text) else {
                throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a time: \(text)")
            }
            return date
        }
        self = try decoder.decode(RunReport.self, from: json)
    }

    private struct SchemaVersion: Decodable {
        let schemaVersion: Int
    }
}

/// A report written by a version of cartsync with another idea of what a report is.
package struct UnreadableReport: Error, Equatable, CustomStringConvertible {
    package let found: Int
    package let known: Int

    package var description: String {
        "this report has schema version \(found); this cartsync reads version \(known): "
            + "use the cartsync that wrote it, or a newer one"
    }
}
