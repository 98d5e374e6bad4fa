import CartAssociations

/// Reads exports of either format, in memory that grows neither with the file nor with a record.
package struct ExportReader: Sendable {
    private let options: ReadingOptions
    /// How many bytes are read at once; nil: what is fastest. No size makes any other difference.
    private let blockSize: Int?

    package init(options: ReadingOptions = ReadingOptions(), blockSize: Int? = nil) {
        self.options = options
        self.blockSize = blockSize
    }

    /// Begins to read an export: its format, its header, which column is which field.
    ///
    /// Throws `ExportError` if the export is refused or cannot be read.
    ///
    /// - Parameter index: the export's position on the command line, from 0, for the places of its records.
    package func read(_ file: ExportFile, index: Int = 0) throws -> ExportReading {
        let source = try TextSource(file, options: options)
        return switch source.format {
        case .csv:
            ExportReading(
                csv: try CSVReading(
                    source, options: options, index: index, blockSize: blockSize ?? CSVText.blockSize))
        case .xml:
            ExportReading(
                xml: try XMLReading(
                    source, options: options, index: index, blockSize: blockSize ?? XMLReading.blockSize))
        }
    }

    /// Reads a whole export only for what it is and how many records it has; throws as a reading does.
    package func facts(of file: ExportFile) throws -> ExportFacts {
        var reading = try read(file)
        while try reading.next() != nil {}
        return reading.facts
    }
}

/// One reading of one export, from which batches of records are pulled.
package struct ExportReading: ~Copyable {
    /// One of these two is there.
    private var csv: CSVReading?
    private var xml: XMLReading?

    fileprivate init(csv: consuming CSVReading) { self.csv = csv }
    fileprivate init(xml: consuming XMLReading) { self.xml = xml }

    /// What was found so far; complete after the last batch.
    package var facts: ExportFacts {
        guard let facts = csv?.facts ?? xml?.facts else { preconditionFailure("a reading of no format") }
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
        if csv != nil { return try csv?.next(picking: picks) }
        return try xml?.next()
    }
}
