import CartAssociations

/// Reads exports of either format, in memory that grows neither with the file nor with a record.
package struct ExportReader: Sendable {
    private let options: ReadingOptions
    /// How many bytes are read at once; nil: what is fastest. No size makes any other difference.
    private let blockSize: Int?
    private let owners: (any OwnerResolver)?

    /// - Parameter owners: says which owners keys stand for; without it records with keys have no owner.
    package init(
        options: ReadingOptions = ReadingOptions(), owners: (any OwnerResolver)? = nil, blockSize: Int? = nil
    ) {
        self.options = options
        self.owners = owners
        self.blockSize = blockSize
    }

    /// Begins to read an export: its format, its header, which column is which field.
    ///
    /// Throws `ExportError` if the export is refused or cannot be read.
    ///
    /// - Parameter index: the export's position on the command line, from 0, for the places of its records.
    package func read(_ file: ExportFile, index: Int = 0) throws -> ExportReading {
        let parts = try ExportPart.all(of: file, sheet: options.sheet, keys: options.keys)
        if parts.count > 1 { try compare(parts) }
        let translation = RecordTranslation(owners, options.carts)
        return ExportReading(try begin(parts[0], index), then: parts.dropFirst(), of: self, index, translation)
    }

    fileprivate func begin(_ part: ExportPart, _ index: Int) throws -> PartReading {
        let source = try TextSource(part, options: options)
        return switch source.format {
        case .csv:
            PartReading(
                csv: try CSVReading(
                    source, options: options, index: index, blockSize: blockSize ?? CSVText.blockSize))
        case .xml:
            PartReading(
                xml: try XMLReading(
                    source, options: options, index: index, blockSize: blockSize ?? XMLReading.blockSize))
        }
    }

    /// Throws a refusal that lists the exports of a file if they are not all of one shape: then they are not one export.
    private func compare(_ parts: [ExportPart]) throws {
        let shapes = try parts.map { try begin($0, 0).facts.shape }
        guard let other = shapes.firstIndex(where: { !$0.isLike(shapes[0]) }) else { return }
        let shown = zip(parts, shapes).prefix(10).map { part, shape in
            "\(part.nameInFile) (\(shape.summary))"
        }
        let rest = parts.count > shown.count ? " and \(parts.count - shown.count) more" : ""
        throw ExportError(
            .packed, file: parts[other].file.name,
            problem: "the exports in it differ, and are not one: \(shown.joined(separator: "; "))\(rest)",
            advice: "pack exports of one kind with the same columns, or give each by itself")
    }

    /// Reads a whole export only for what it is and how many records it has; throws as a reading does.
    package func facts(of file: ExportFile) throws -> ExportFacts {
        var reading = try read(file)
        while try reading.next() != nil {}
        return reading.facts
    }
}

extension ExportShape {
    /// Whether records of both can be those of one export.
    fileprivate func isLike(_ other: ExportShape) -> Bool {
        format == other.format && encoding == other.encoding && delimiter == other.delimiter
            && recordPath == other.recordPath
            && mapping == other.mapping && isDelta == other.isDelta && (format == .xml || columns == other.columns)
    }

    fileprivate var summary: String {
        let format = sheet == nil ? self.format.rawValue.uppercased() : "XLSX"
        let kind = isDelta ? "\(format), delta" : format
        return ([kind] + [recordPath].compactMap(\.self)).joined(separator: ", ") + ": "
            + columns.prefix(8).joined(separator: ", ")
    }
}

/// One reading of one export, from which batches of records are pulled.
package struct ExportReading: ~Copyable {
    private let reader: ExportReader
    private let index: Int
    private var part: PartReading
    /// The exports of the same file that have not been begun.
    private var rest: ArraySlice<ExportPart>
    /// What was found in those that have ended, the lines they have, and the name of the present one; nil in the first.
    private var earlier: (facts: ExportFacts, lines: Int, name: String)?
    /// How many exports the file has.
    private let count: Int
    /// Puts ids of the store in the place of what the export has; nil if that is to be seen.
    private var translation: RecordTranslation?

    fileprivate init(
        _ part: consuming PartReading, then rest: ArraySlice<ExportPart>, of reader: ExportReader, _ index: Int,
        _ translation: RecordTranslation?
    ) {
        self.translation = translation
        self.part = part
        self.rest = rest
        self.reader = reader
        self.index = index
        count = rest.count + 1
    }

    /// What was found so far; complete after the last batch.
    package var facts: ExportFacts {
        var facts = read
        if let translation { facts.rejected.merge(translation.rejected, uniquingKeysWith: +) }
        return facts
    }

    /// What was found before owners were looked up.
    private var read: ExportFacts {
        var facts = part.facts
        if let earlier { facts = earlier.facts.followed(by: facts, behind: earlier.lines) }
        facts.shape.exports = count
        return facts
    }

    /// The next records; nil after the last ones. A batch may be empty.
    ///
    /// Throws `ExportError` if the export as a whole is refused or cannot be read; no earlier batch is to be believed
    /// then.
    ///
    /// - Parameter picks: for a second reading of an export without rejected records: picks records by their number, from
    ///   1. CSV records that it does not pick are not judged and in no batch; that they are still as they were is what
    ///   `ExportFacts.hasContent(of:)` says. XML takes no notice of it.
    package mutating func next(picking picks: ((Int) -> Bool)? = nil) throws -> RecordBatch? {
        guard let batch = try nextAsWritten(picking: picks) else { return nil }
        return translation?.translate(batch) ?? batch
    }

    private mutating func nextAsWritten(picking picks: ((Int) -> Bool)?) throws -> RecordBatch? {
        while true {
            guard let earlier else {
                if let batch = try part.next(picking: picks) { return batch }
                guard try goOn() else { return nil }
                continue
            }
            let records = earlier.facts.records
            if let batch = try part.next(picking: picks.map { picks in { picks($0 + records) } }) {
                return batch.moved(
                    behind: records, usable: earlier.facts.usableRecords, lines: earlier.lines, of: earlier.name)
            }
            guard try goOn() else { return nil }
        }
    }

    /// Begins the next export of the file; false after the last one.
    private mutating func goOn() throws -> Bool {
        guard let next = rest.popFirst() else { return false }
        let lines = (earlier?.lines ?? 0) + part.lines
        earlier = (read, lines, next.nameInFile)
        part = try reader.begin(next, index)
        return true
    }
}

/// One reading of one part of a file.
private struct PartReading: ~Copyable {
    /// One of these two is there.
    private var csv: CSVReading?
    private var xml: XMLReading?

    init(csv: consuming CSVReading) { self.csv = csv }
    init(xml: consuming XMLReading) { self.xml = xml }

    var facts: ExportFacts {
        guard let facts = csv?.facts ?? xml?.facts else { preconditionFailure("a reading of no format") }
        return facts
    }

    /// The lines that were read.
    var lines: Int { csv?.lines ?? xml?.lines ?? 0 }

    mutating func next(picking picks: ((Int) -> Bool)?) throws -> RecordBatch? {
        if csv != nil { return try csv?.next(picking: picks) }
        return try xml?.next()
    }
}
