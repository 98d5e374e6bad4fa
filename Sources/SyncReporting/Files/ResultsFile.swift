package import CartAssociations

/// How one change ended: one line of `results.csv`.
package struct ChangeResult: Sendable, Equatable {
    package var change: Change
    package var outcome: Outcome
    /// The last HTTP status; nil where no answer came.
    package var status: Int?
    /// 0 for a change that was skipped.
    package var attempts: Int
    /// Of the last attempt.
    package var service: Duration?
    package var response: Duration?
    /// The name of the export that asked for it.
    package var export: String?
    /// What the store said, for a change that did not succeed.
    package var message: String?

    package init(
        change: Change, outcome: Outcome, status: Int?, attempts: Int, service: Duration?, response: Duration?,
        export: String?, message: String?
    ) {
        self.change = change
        self.outcome = outcome
        self.status = status
        self.attempts = attempts
        self.service = service
        self.response = response
        self.export = export
        self.message = message
    }
}

/// Writes `results.csv` change by change: RFC 4180, UTF-8, CRLF, safe to open in a spreadsheet.
///
/// The file has its name only after `finish`; until then it ends in `.part`.
package struct ResultsFile: ~Copyable, Sendable {
    package static let name = "results.csv"
    package static let columns = [
        "kind", "owner_kind", "owner", "cart", "outcome", "status", "attempts", "service_ms", "response_ms", "export",
        "record", "line", "message",
    ]

    private var file: DurableFile
    private let ownerText: @Sendable (Owner) -> String

    /// - Parameters:
    ///   - path: the file's final name.
    ///   - ownerText: the owner as it may be shown; its id, or something that does not tell it.
    ///
    /// Throws `ReportNotWritten`, as every function here.
    package init(path: String, ownerText: @escaping @Sendable (Owner) -> String = { $0.id.text }) throws {
        var file = try DurableFile(path: path)
        try file.append { $0.append(contentsOf: (Self.columns.joined(separator: ",") + "\r\n").utf8) }
        self.file = file
        self.ownerText = ownerText
    }

    /// Adds one line.
    package mutating func add(_ result: ChangeResult) throws {
        let owner = ownerText(result.change.association.owner)
        try file.append { line in
            CSVCell.append(result.change.kind.rawValue, to: &line)
            line.append(CSVCell.separator)
            CSVCell.append(result.change.association.owner.kind.rawValue, to: &line)
            line.append(CSVCell.separator)
            CSVCell.append(owner, to: &line)
            line.append(CSVCell.separator)
            CSVCell.append(result.change.association.cart.text, to: &line)
            line.append(CSVCell.separator)
            CSVCell.append(result.outcome.rawValue, to: &line)
            line.append(CSVCell.separator)
            Self.append(result.status, to: &line)
            line.append(CSVCell.separator)
            Self.append(result.attempts, to: &line)
            line.append(CSVCell.separator)
            Self.append(milliseconds: result.service, to: &line)
            line.append(CSVCell.separator)
            Self.append(milliseconds: result.response, to: &line)
            line.append(CSVCell.separator)
            CSVCell.append(result.export ?? "", to: &line)
            line.append(CSVCell.separator)
            Self.append(result.change.place?.record, to: &line)
            line.append(CSVCell.separator)
            Self.append(result.change.place?.line, to: &line)
            line.append(CSVCell.separator)
            CSVCell.append(result.message ?? "", to: &line)
            line.append(contentsOf: CSVCell.lineEnd)
        }
    }

    /// Forces all lines to the disk and gives the file its name; nothing can be added afterwards.
    package mutating func finish() throws {
        try file.finish()
    }

    private static func append(_ number: Int?, to line: inout [UInt8]) {
        if let number { line.append(contentsOf: String(number).utf8) }
    }

    /// Milliseconds to the microsecond, for instance `12.345`.
    private static func append(milliseconds duration: Duration?, to line: inout [UInt8]) {
        guard let duration, duration >= .zero else { return }
        let (seconds, attoseconds) = duration.components
        let microseconds = seconds * 1_000_000 + attoseconds / 1_000_000_000_000
        append(Int(microseconds / 1000), to: &line)
        let fraction = Int(microseconds % 1000)
        line.append(UInt8(ascii: "."))
        for digit in [fraction / 100, fraction / 10 % 10, fraction % 10] {
            line.append(UInt8(ascii: "0") + UInt8(digit))
        }
    }
}
