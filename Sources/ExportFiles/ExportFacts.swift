package import CartAssociations

/// The two formats of exports.
package enum ExportFormat: String, Sendable, Hashable, CaseIterable, Codable {
    case csv
    case xml
}

/// What the beginning of an export shows: enough to read the rest, and to write a file of the same form.
package struct ExportShape: Sendable, Equatable {
    /// CSV or XML, told from the content.
    package let format: ExportFormat
    /// The encoding of the text.
    package let encoding: TextEncoding
    /// How the export is packed, from outside in.
    package let packing: [Packing]
    /// How many exports the file has, which are one: more than one only in a zip.
    package internal(set) var exports = 1
    /// Whether the text begins with a byte order mark.
    let hasByteOrderMark: Bool
    /// The character between CSV fields; nil for XML.
    package let delimiter: Character?
    /// The names of the columns (CSV), or of the elements and attributes that hold a field (XML), as written.
    let columns: [String]
    /// The name, as written in the export, that each field was found under.
    package let mapping: [ExportField: String]
    /// The path of the XML element that is one record, for instance `customers/customer/carts/cart`; nil for CSV.
    package let recordPath: String?
    /// The header line of a CSV export or the start tag of an XML document's root, in UTF-8, without a line end.
    let header: [UInt8]
    /// How the export ends its lines.
    let lineEnd: LineEnd
    /// What the export is about.
    package let kind: ExportKind
    /// The kinds of owners' keys that records can have.
    package internal(set) var keyFields: Set<OwnerKeyField> = []
    /// The sheet of a workbook that it is, among all sheets; nil for anything else.
    package var sheet: String?
    /// Why that element is a record, in a part of a sentence; nil for CSV.
    package var recordReason: String?

    /// Whether only what the export names is done: each record says create or delete, or all are additions.
    package var isDelta: Bool { kind != .snapshot }

    /// Whether the header of a CSV is that of another with more behind it: it may have taken in a record whose line end
    /// before it was lost.
    package func hasMore(thanHeaderOf other: ExportShape) -> Bool {
        guard format == .csv, other.format == .csv, columns.count > other.columns.count, let last = other.columns.last
        else { return false }
        let beginning = columns.prefix(other.columns.count)
        return beginning.dropLast().elementsEqual(other.columns.dropLast()) && beginning.last?.hasPrefix(last) == true
    }
}

/// The characters that end a line.
enum LineEnd: String, Sendable {
    case lineFeed = "\n"
    case both = "\r\n"
    case carriageReturn = "\r"
}

/// What one whole reading found.
package struct ExportFacts: Sendable, Equatable {
    /// What the beginning of the export showed.
    package internal(set) var shape: ExportShape
    /// All records, usable and rejected; a blank CSV line does not count.
    package internal(set) var records = 0
    /// How many records each reason has rejected.
    package internal(set) var rejected: [RejectReason.Code: Int] = [:]
    /// Lines of a CSV export without a single byte, or with delimiters, blanks and empty quotes only: passed over,
    /// because they say nothing.
    var blankLines = 0
    /// The lines that the framer finds and that hold no record: blank ones, repeated headers, dashes.
    package internal(set) var passedOver = 0
    /// What a person should know about the export, each once.
    package internal(set) var notes: [ExportNote] = []
    /// The size of the export's text, decompressed and in UTF-8.
    package internal(set) var textBytes = 0
    /// The size of the file as stored.
    package internal(set) var bytes = 0
    /// The SHA-256 digest of the file as stored, in lowercase hexadecimal.
    package internal(set) var sha256 = ""
    /// Whether a CSV export ends with a line end; always true for XML.
    package internal(set) var endsWithNewline = true
    /// Whether nothing shows that the end of the export is its writer's: a CSV has no final line end, and neither a
    /// manifest nor the options vouch for it.
    package internal(set) var mayBeCut = false
    /// Whether a CSV export has a trailer that says how many records it has, and it has as many.
    package internal(set) var hasCountedTrailer = false
    /// The kinds of owners of the usable records.
    package internal(set) var ownerKinds: Set<OwnerKind> = []

    /// Whether another reading found the same bytes and as many records.
    package func hasContent(of other: ExportFacts) -> Bool {
        sha256 == other.sha256 && bytes == other.bytes && records == other.records
    }

    /// What was found in this and in the export that follows it in the same file.
    ///
    /// - Parameter lines: those of this one, behind which the other's are counted.
    func followed(by other: ExportFacts, behind lines: Int) -> ExportFacts {
        var both = self
        both.records += other.records
        both.rejected.merge(other.rejected, uniquingKeysWith: +)
        both.blankLines += other.blankLines
        both.passedOver += other.passedOver
        both.notes = both.notes.followed(by: other.notes, behind: lines)
        both.textBytes += other.textBytes
        both.bytes = other.bytes
        both.sha256 = other.sha256
        both.endsWithNewline = endsWithNewline && other.endsWithNewline
        both.mayBeCut = mayBeCut || other.mayBeCut
        both.ownerKinds.formUnion(other.ownerKinds)
        return both
    }

    /// CSV or XML.
    package var format: ExportFormat { shape.format }
    /// Whether the export is a delta, else a snapshot.
    package var isDelta: Bool { shape.isDelta }
    /// The records that were rejected, for whatever reason.
    package var rejectedRecords: Int { rejected.values.reduce(0, +) }
    /// The records that were not rejected, duplicates counted.
    package var usableRecords: Int { records - rejectedRecords }
}
