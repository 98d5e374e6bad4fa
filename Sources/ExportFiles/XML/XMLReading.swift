import CartAssociations

/// One reading of one XML export.
struct XMLReading {
    static let blockSize = 1 << 15
    /// A tag that has not ended after this many bytes is refused.
    static let tagLimit = 1 << 16
    /// A comment or the like that has not ended after this many bytes is refused.
    static let commentLimit = 1 << 20
    /// How much of a document is looked at before its records are said to be found.
    static let surveySize = 1 << 20

    private let options: ReadingOptions
    private let index: Int
    private let blockSize: Int
    private let file: ExportFile
    private let vocabulary: FieldVocabulary

    init(_ file: ExportFile, options: ReadingOptions, index: Int, blockSize: Int = Self.blockSize) {
        self.file = file
        self.options = options
        self.index = index
        self.blockSize = blockSize
        vocabulary = FieldVocabulary(options)
    }

    /// Reads as much of the document as shows which element is one record.
    func survey(_ source: TextSource) throws -> XMLShape {
        let survey = XMLSurvey(options)
        let parser = try parser(survey)
        var block = [UInt8](repeating: 0, count: blockSize)
        var root: [UInt8] = []
        var window = XMLWindow()
        var seen = 0
        while true {
            let count = try source.read(into: &block, range: 0..<block.count)
            let before = seen
            seen += count
            if before < Self.tagLimit { root += block[..<count] }
            window.append(block[..<count])
            do {
                if count == 0 { try parser.finish() } else { try parser.parse(block.span.extracting(0..<count)) }
            } catch {
                throw refusal(error, parser, isOver: count == 0)
            }
            try checkProgress(window, parser.position, parser.line)
            window.drop(before: parser.position)
            guard count == 0 || seen >= Self.surveySize else { continue }
            if let shape = survey.shape(root: Self.rootTag(root)) { return shape }
            guard count > 0 else {
                let (problem, advice) = survey.problem()
                throw ExportError(.noRecords, file: file.name, problem: problem, advice: advice)
            }
        }
    }

    func shape(_ found: XMLShape, _ source: TextSource) -> ExportShape {
        ExportShape(
            format: .xml, encoding: source.encoding, isCompressed: source.isCompressed,
            hasByteOrderMark: source.hasByteOrderMark, delimiter: nil, columns: Set(found.mapping.values).sorted(),
            mapping: found.mapping, recordPath: found.path.joined(separator: "/"),
            header: found.root + [UInt8(ascii: ">")], usesCarriageReturns: false, isDelta: found.hasAction)
    }

    /// Reads everything.
    func read(
        _ source: TextSource, selecting select: ExportReader.Selection, visit: (ReadRecord) throws -> Void
    ) throws -> ExportFacts {
        let found = try survey(try TextSource(file, options: options))
        let scanner = XMLScanner(XMLScan(found, vocabulary))
        let parser = try parser(scanner)
        var records = XMLRecords(found, index: index, facts: ExportFacts(shape: shape(found, source)))
        var block = [UInt8](repeating: 0, count: blockSize)
        while true {
            let count = try source.read(into: &block, range: 0..<block.count)
            scanner.append(block[..<count])
            do {
                if count == 0 { try parser.finish() } else { try parser.parse(block.span.extracting(0..<count)) }
            } catch {
                throw refusal(error, parser, isOver: count == 0)
            }
            try records.take(scanner.scan, selecting: select, visit: visit)
            let position = parser.position
            try checkProgress(scanner.scan.window, position, parser.line)
            scanner.clear(before: position)
            if count == 0 { break }
        }
        try records.settle(visit)
        var facts = records.finishedFacts()
        facts.bytes = source.stored.count
        facts.sha256 = source.stored.sha256()
        try file.checkUnchanged(bytesRead: facts.bytes, sha256: facts.sha256)
        return facts
    }

    private func parser(_ events: any XMLEvents) throws -> XMLPushParser {
        guard let parser = XMLPushParser(events: events) else {
            throw ExportError(
                .malformed, file: file.name, problem: "libxml2 does not start", advice: "install libxml2 again")
        }
        return parser
    }

    /// Throws where something has not ended for so long that it cannot be part of an export.
    private func checkProgress(_ window: XMLWindow, _ position: Int, _ line: Int) throws {
        let waiting = window.end - position
        guard waiting > Self.tagLimit else { return }
        let isTag = window.slice(position, min(position + 2, window.end)).last != UInt8(ascii: "!")
        guard !isTag, waiting < Self.commentLimit else { throw tooLong(line) }
    }

    private func tooLong(_ line: Int) -> ExportError {
        ExportError(
            .tooLarge, file: file.name, line: line,
            problem: "a tag, comment or instruction that begins here is too long (\(Self.tagLimit) bytes for a tag)",
            advice: "check what wrote this file")
    }

    private func refusal(_ fault: XMLPushParser.Fault, _ parser: XMLPushParser, isOver: Bool) -> ExportError {
        if parser.sawDoctype {
            return ExportError(
                .doctype, file: file.name, line: fault.line,
                problem: "the document has a DOCTYPE, through which it could read files or grow without end",
                advice: "have it written without one; cartsync needs none")
        }
        if isOver {
            return ExportError(
                .truncated, file: file.name, line: fault.line,
                problem: "the document ends before its last element does (\(fault.message))",
                advice: "have the file written and copied completely")
        }
        return ExportError(
            .malformed, file: file.name, line: fault.line, problem: "not well-formed XML: \(fault.message)",
            advice: "correct what writes the file; a record cannot be told from such a document")
    }

    /// The first start tag of a document, without its `>` or `/>`.
    static func rootTag(_ text: [UInt8]) -> [UInt8] {
        var rest = text[...]
        while let open = rest.firstIndex(of: UInt8(ascii: "<")) {
            rest = rest[open...]
            if rest.starts(with: Array("<!--".utf8)) {
                guard let end = rest.dropFirst(4).firstRange(of: Array("-->".utf8)) else { return [] }
                rest = rest[end.upperBound...]
            } else if rest.starts(with: Array("<?".utf8)) {
                guard let end = rest.firstRange(of: Array("?>".utf8)) else { return [] }
                rest = rest[end.upperBound...]
            } else {
                var quote: UInt8?
                guard
                    let end = rest.firstIndex(where: { byte in
                        if let open = quote {
                            if byte == open { quote = nil }
                            return false
                        }
                        if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") { quote = byte }
                        return byte == UInt8(ascii: ">")
                    })
                else { return [] }
                let tag = rest[..<end]
                return Array(tag.last == UInt8(ascii: "/") ? tag.dropLast() : tag)
            }
        }
        return []
    }
}
