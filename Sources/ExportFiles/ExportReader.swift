package import CartAssociations

/// Reads exports of either format, in memory that grows neither with the file nor with a record.
package struct ExportReader: Sendable {
    /// What the exports do not say themselves.
    package let options: ReadingOptions
    /// How many bytes are read at once; nil: what is fastest. No size makes any other difference.
    package let blockSize: Int?

    package init(options: ReadingOptions = ReadingOptions(), blockSize: Int? = nil) {
        self.options = options
        self.blockSize = blockSize
    }

    /// Asks whether one usable record is wanted as a value. The spans are the identifiers' UTF-8, valid during the
    /// call only.
    package typealias Selection = (
        _ kind: OwnerKind, _ action: ChangeKind?, _ owner: Span<UInt8>, _ cart: Span<UInt8>
    ) throws -> Bool

    /// Reads the beginning of an export: its format, its header, which column is which field.
    ///
    /// Throws `ExportError` as `read` does.
    package func shape(of file: ExportFile) throws -> ExportShape {
        let source = try TextSource(file, options: options)
        switch source.format {
        case .csv:
            var reading = CSVReading(source, options: options, index: 0)
            return reading.shape(try reading.header())
        case .xml:
            let reading = XMLReading(file, options: options, index: 0)
            return reading.shape(try reading.survey(source), source)
        }
    }

    /// One reading of one export.
    ///
    /// `select` is asked once for every usable record, in the order of the file. A record it wants is decoded
    /// and visited; so is every rejected record, wanted or not, in the same order. A visit may come some records
    /// after the question, never before it.
    ///
    /// Throws `ExportError` where the export as a whole is refused or cannot be read, and whatever the closures
    /// throw. Nothing that was visited before an error may be believed.
    ///
    /// - Parameters:
    ///   - index: the export's position on the command line, from 0, for the places of its records.
    ///   - picks: for a second reading of an export none of whose records was rejected: picks records by their
    ///     number, from 1, and CSV records that it does not pick are neither judged nor asked about. What these hold
    ///     is then as it was where `ExportFacts.hasContent(of:)` says so. XML takes no notice of it.
    package func read(
        _ file: ExportFile, index: Int = 0, picking picks: ((Int) throws -> Bool)? = nil, selecting select: Selection,
        visit: (ReadRecord) throws -> Void
    ) throws -> ExportFacts {
        let source = try TextSource(file, options: options)
        switch source.format {
        case .csv:
            var reading = CSVReading(
                source, options: options, index: index, blockSize: blockSize ?? CSVReading.blockSize)
            return try reading.read(picking: picks, selecting: select, visit: visit)
        case .xml:
            let reading = XMLReading(
                file, options: options, index: index, blockSize: blockSize ?? XMLReading.blockSize)
            return try reading.read(source, selecting: select, visit: visit)
        }
    }
}
