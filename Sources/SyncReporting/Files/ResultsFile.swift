package import CartAssociations
import DurableFiles

/// Writes `results.csv` change by change: RFC 4180, UTF-8, CRLF, safe to open in a spreadsheet.
///
/// The file has its name only after `finish`; until then it ends in `.part`.
package struct ResultsFile: ~Copyable, Sendable {
    package static let name = "results.csv"
    static let columns = [
        "kind", "owner_kind", "owner", "cart", "outcome", "status", "attempts", "service_ms", "response_ms", "export",
        "record", "line", "message",
    ]

    private var file: DurableFile
    private var rows: CSVWriter
    private let ownerText: @Sendable (Owner) -> String

    /// - Parameters:
    ///   - path: the file's final name.
    ///   - ownerText: the owner as it may be shown; its id, or something that does not tell it.
    ///
    /// Throws a `FileError`, as every function here.
    package init(path: String, ownerText: @escaping @Sendable (Owner) -> String = { $0.id.text }) throws {
        let file = try DurableFile(path: path)
        rows = CSVWriter(.table, columns: Self.columns)
        self.file = file
        self.ownerText = ownerText
    }

    /// Adds the line of one change.
    ///
    /// - Parameter export: the name of the export that asked for it.
    package mutating func add(_ change: Change, _ result: ChangeOutcome, export: String?) throws {
        rows.add(change.kind.rawValue)
        rows.add(change.association.owner.kind.rawValue)
        rows.add(ownerText(change.association.owner))
        rows.add(change.association.cart.text)
        rows.add(result.outcome.rawValue)
        rows.add(result.status)
        rows.add(result.attempts)
        rows.add(result.service.map(Self.milliseconds) ?? "")
        rows.add(result.response.map(Self.milliseconds) ?? "")
        rows.add(export ?? "")
        rows.add(change.place?.record)
        rows.add(change.place?.line)
        rows.add(result.message ?? "")
        rows.endRow()
        try file.append(&rows)
    }

    /// Forces all lines to the disk and gives the file its name; nothing can be added afterwards.
    package mutating func finish() throws {
        try file.append(&rows)
        try file.finish()
    }

    /// Milliseconds to the microsecond, for instance `12.345`; empty for a negative duration.
    private static func milliseconds(_ duration: Duration) -> String {
        guard duration >= .zero else { return "" }
        let microseconds = duration.wholeMicroseconds
        return "\(microseconds / 1000)." + String(String(1000 + microseconds % 1000).dropFirst())
    }
}
