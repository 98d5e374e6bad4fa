package import CartAssociations

/// The two formats of exports.
package enum ExportFormat: String, Sendable, Hashable, CaseIterable, Codable {
    case csv
    case xml
}

/// What the beginning of an export shows: enough to read the rest, and to write a file of the same form.
package struct ExportShape: Sendable, Equatable {
    package let format: ExportFormat
    package let encoding: TextEncoding
    package let isCompressed: Bool
    package let hasByteOrderMark: Bool
    /// The character between CSV fields; nil for XML.
    package let delimiter: Character?
    /// The names of the columns (CSV), or of the elements and attributes that hold a field (XML), as written.
    package let columns: [String]
    /// The name, as written in the export, that each field was found under.
    package let mapping: [ExportField: String]
    /// The path of the XML element that is one record, for instance `customers/customer/carts/cart`; nil for CSV.
    package let recordPath: String?
    /// The header line of a CSV export or the start tag of an XML document's root, in UTF-8, without a line end.
    package let header: [UInt8]
    /// Whether the export ends its lines with CR LF.
    package let usesCarriageReturns: Bool
    /// Whether each record says create or delete; then the export is a delta, else a snapshot.
    package let isDelta: Bool
}

/// What one whole reading found.
package struct ExportFacts: Sendable, Equatable {
    package let shape: ExportShape
    /// All records, usable and rejected; a blank CSV line is none.
    package internal(set) var records = 0
    package internal(set) var rejected: [RejectReason.Code: Int] = [:]
    package internal(set) var blankLines = 0
    /// The size of the file as stored.
    package internal(set) var bytes = 0
    /// The SHA-256 digest of the file as stored, in lowercase hexadecimal.
    package internal(set) var sha256 = ""
    /// Whether a CSV export ends with a line end; always true for XML.
    package internal(set) var endsWithNewline = true
    /// The kinds of owners of the usable records.
    package internal(set) var ownerKinds: Set<OwnerKind> = []

    package var format: ExportFormat { shape.format }
    package var isDelta: Bool { shape.isDelta }
    package var rejectedRecords: Int { rejected.values.reduce(0, +) }
    package var usableRecords: Int { records - rejectedRecords }
}
