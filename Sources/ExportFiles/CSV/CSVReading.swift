import CartAssociations

/// One reading of one CSV export: a batch is the whole records of one block of its text.
struct CSVReading {
    private var text: CSVText
    private var block: CSVBlock
    /// Why the last block was over; nil before the first.
    private var step: CSVFramer.Step?
    /// Whether a missing final line end says that the file may be cut.
    private let requiresFinalNewline: Bool
    private let trailer: TrailerLine?

    init(_ source: TextSource, options: ReadingOptions, index: Int, blockSize: Int) throws {
        var options = options
        // The text of a sheet is made with commas.
        if source.part.sheet != nil { options.delimiter = "," }
        text = CSVText(source, blockSize: blockSize)
        let header = try text.header(options)
        let manifest = options.requiresFinalNewline ? try source.file.manifest() : nil
        let hasChecksum = try options.requiresFinalNewline && !ExportChecksum.beside(source.file).isEmpty
        requiresFinalNewline = options.requiresFinalNewline && manifest == nil && !hasChecksum
        block = CSVBlock(header, ExportFacts(shape: text.shape(header)), index: index, trailer: options.trailer)
        if case .line(let line) = options.trailer { trailer = line } else { trailer = nil }
        block.rejectsOpenEnd = requiresFinalNewline
    }

    /// The lines that were read.
    var lines: Int { block.line - 1 }

    /// What was found so far.
    var facts: ExportFacts { block.facts }

    mutating func next(picking picks: ((Int) -> Bool)?) throws -> RecordBatch? {
        if step == .end {
            try text.finish(&block.found, endsAtCarriageReturn: block.endsAtCarriageReturn)
            block.found.mayBeCut = requiresFinalNewline && !block.found.endsWithNewline && trailer == nil
            try checkTrailer()
            block.found.hasCountedTrailer = trailer != nil
            return nil
        }
        if step != nil { try text.refill(line: block.line) }
        try frame(picks)
        text.keep(block.values)
        return block.batch(text.buffer)
    }

    /// Throws if the trailer is missing, or something else than it says.
    private func checkTrailer() throws(ExportError) {
        guard let trailer else { return }
        func refusal(_ problem: String, line: Int? = nil) -> ExportError {
            ExportError(
                .truncated, file: text.source.name, line: line, problem: problem,
                advice: "write the file again and copy all of it, or correct the setting export.trailer")
        }
        guard let met = block.trailerMet else {
            throw refusal("there is no last line like \(trailer.text), so the file may be cut")
        }
        guard met.count == block.found.records, met.records == block.found.records else {
            let behind = block.found.records - met.records
            throw refusal(
                behind > 0
                    ? "\(behind) records follow the trailer"
                    : "the trailer says \(met.count) records, and the file has \(block.found.records)", line: met.line)
        }
    }

    /// Frames and judges a block.
    private mutating func frame(_ picks: ((Int) -> Bool)?) throws {
        let buffer = text.buffer
        var start = text.start
        let step = block.frame(buffer.span, from: &start, to: text.end, isLast: text.isLast, picking: picks)
        text.start = start
        self.step = step
        if let line = block.otherHeader {
            throw ExportError(
                .header, file: text.source.name, line: line,
                problem: "another header comes here, with other columns or in another order",
                advice: "give the exports that were put together as files of their own")
        }
        if step == .unterminated { throw text.endsInsideQuotes(line: block.line) }
    }
}
