package import CartAssociations

/// A whole plan as CSV, one line a change: RFC 4180, UTF-8, safe to open in a spreadsheet.
package struct PlanLines: Sendable {
    package static let columns = ["kind", "owner_kind", "owner", "cart", "export", "record", "line"]

    private let exports: [String]

    /// - Parameter exports: the exports' names, in the order of their positions.
    package init(exports: [String]) { self.exports = exports }

    /// The header line.
    package var header: [UInt8] { Array((Self.columns.joined(separator: ",") + "\r\n").utf8) }

    /// Appends the line of one change.
    package func append(_ change: Change, to line: inout [UInt8]) {
        let association = change.association
        for cell in [
            change.kind.rawValue, association.owner.kind.rawValue, association.owner.id.text, association.cart.text,
        ] {
            CSVCell.append(cell, to: &line)
            line.append(CSVCell.separator)
        }
        if let place = change.place {
            CSVCell.append(exports.indices.contains(place.export) ? exports[place.export] : "", to: &line)
            line.append(contentsOf: ",\(place.record),\(place.line)".utf8)
        } else {
            line.append(contentsOf: ",,".utf8)
        }
        line.append(contentsOf: CSVCell.lineEnd)
    }
}

/// Associations as a CSV export of their own; the file has its name only after `finish`.
package final class AssociationsFile {
    private var file: DurableFile

    /// Throws `ReportNotWritten`, as every function here.
    package init(path: String) throws {
        file = try DurableFile(path: path)
        try file.append { $0.append(contentsOf: "owner_type,owner_id,cart_id\r\n".utf8) }
    }

    package func add(_ association: Association) throws {
        try file.append { line in
            line.append(contentsOf: association.owner.kind.rawValue.utf8)
            line.append(CSVCell.separator)
            CSVCell.append(association.owner.id.text, to: &line)
            line.append(CSVCell.separator)
            CSVCell.append(association.cart.text, to: &line)
            line.append(contentsOf: CSVCell.lineEnd)
        }
    }

    package func finish() throws { try file.finish() }
}
