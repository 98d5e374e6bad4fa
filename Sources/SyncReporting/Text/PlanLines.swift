package import CartAssociations
import DurableFiles

/// A whole plan as CSV, one line a change: RFC 4180, UTF-8, safe to open in a spreadsheet.
package struct PlanLines: Sendable {
    static let columns = ["kind", "owner_kind", "owner", "cart", "export", "record", "line", "withheld"]

    private let exports: [String]
    private var rows = CSVWriter(.table, columns: columns)

    /// - Parameter exports: the exports' names, in the order of their positions.
    package init(exports: [String]) { self.exports = exports }

    /// The bytes of the lines that were not taken yet.
    package var count: Int { rows.bytes.count }

    /// Adds the line of one change, with the reason if it is withheld.
    package mutating func add(_ change: Change) {
        rows.add(change.kind.rawValue)
        rows.add(change.association.owner.kind.rawValue)
        rows.add(change.association.owner.id.text)
        rows.add(change.association.cart.text)
        rows.add(change.place.flatMap { exports.indices.contains($0.export) ? exports[$0.export] : nil } ?? "")
        rows.add(change.place?.record)
        rows.add(change.place?.line)
        rows.add(change.withheld ?? "")
        rows.endRow()
    }

    /// The lines that were not taken yet, at first with the header before them.
    package mutating func take() -> [UInt8] {
        defer { rows.removeAll() }
        return rows.bytes
    }
}

/// Associations as a CSV export of their own; the file has its name only after `finish`.
package struct AssociationsFile: ~Copyable {
    private var file: DurableFile
    private var rows = CSVWriter(.table, columns: ["owner_type", "owner_id", "cart_id"])

    /// Throws a `FileError`, as every function here.
    package init(path: String) throws { file = try DurableFile(path: path) }

    package mutating func add(_ association: Association) throws {
        rows.add(association.owner.kind.rawValue)
        rows.add(association.owner.id.text)
        rows.add(association.cart.text)
        rows.endRow()
        try file.append(&rows)
    }

    package mutating func finish() throws {
        try file.append(&rows)
        try file.finish()
    }
}
