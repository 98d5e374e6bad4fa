import CLibXML2
import CartAssociations

/// One reading of one XML export: a batch is the records that end in one block of its text.
struct XMLReading {
    static let blockSize = 1 << 15
    /// A tag, a comment or the like that has not ended after this many bytes is refused: as many as a record may have.
    static let tokenLimit = XMLScan.recordLimit
    /// How much of a document is looked at before its records are said to be found.
    static let surveySize = 1 << 20

    private let source: TextSource
    private let scanner: XMLScanner
    private let parser: XMLPushParser
    private var records: XMLRecords
    private var block: [UInt8]
    private var isOver = false

    init(_ source: TextSource, options: ReadingOptions, index: Int, blockSize: Int) throws {
        self.source = source
        block = [UInt8](repeating: 0, count: blockSize)
        let found = try Self.survey(try TextSource(source.part, options: options), options, blockSize)
        let unused = Set(ExportField.ownerKeys).subtracting(found.owners.keys)
        scanner = XMLScanner(XMLScan(found, FieldVocabulary(options, without: unused)))
        parser = try Self.parser(scanner, source.name)
        records = XMLRecords(found, ExportFacts(shape: Self.shape(found, source)), index: index)
    }

    /// The lines of the document; known at its end.
    private(set) var lines = 0
    private var endsLine = false

    /// What was found so far.
    var facts: ExportFacts { records.facts }

    mutating func next() throws -> RecordBatch? {
        if isOver {
            records.found.textBytes = scanner.scan.window.end
            try source.finish(&records.found)
            return nil
        }
        // What the last batch had is needed no longer.
        scanner.clear(before: parser.position)
        repeat {
            let count = try source.read(into: &block, range: 0..<block.count)
            scanner.append(block[..<count])
            if count > 0 { endsLine = block[count - 1] == 0x0A } else { lines = parser.line - (endsLine ? 1 : 0) }
            try Self.parse(block, count, of: scanner.scan.window, with: parser, source.name)
            try Self.checkProgress(scanner.scan.window, parser, source.name)
            if let problem = scanner.scan.problem { throw Self.refusal(problem, source.name) }
            isOver = count == 0
        } while scanner.isWaiting && !isOver
        return records.judge(scanner.scan)
    }

    /// Reads as much of the document as shows which element is one record.
    private static func survey(
        _ source: TextSource, _ options: ReadingOptions, _ blockSize: Int
    ) throws -> XMLShape {
        let survey = XMLSurvey(options)
        let parser = try parser(survey, source.name)
        var block = [UInt8](repeating: 0, count: blockSize)
        var root: [UInt8] = []
        var window = XMLWindow()
        var seen = 0
        while true {
            let count = try source.read(into: &block, range: 0..<block.count)
            let before = seen
            seen += count
            if before < tokenLimit { root += block[..<count] }
            window.append(block[..<count])
            try parse(block, count, of: window, with: parser, source.name)
            try checkProgress(window, parser, source.name)
            window.drop(before: parser.position)
            guard count == 0 || seen >= surveySize else { continue }
            do throws(XMLProblem) {
                if let shape = try survey.shape(root: rootTag(root)) { return shape }
                guard count > 0 else { throw survey.problem() }
            } catch {
                throw refusal(error, source.name)
            }
        }
    }

    private static func refusal(_ problem: XMLProblem, _ name: String) -> ExportError {
        ExportError(
            problem.fault, file: name, line: problem.line, problem: problem.problem, advice: problem.advice)
    }

    private static func shape(_ found: XMLShape, _ source: TextSource) -> ExportShape {
        ExportShape(
            format: .xml, encoding: source.encoding, packing: source.part.packing,
            hasByteOrderMark: source.hasByteOrderMark, delimiter: nil, columns: Set(found.mapping.values).sorted(),
            mapping: found.mapping, recordPath: found.path.joined(separator: "/"),
            header: found.root + [UInt8(ascii: ">")], lineEnd: .lineFeed, kind: found.kind,
            keyFields: found.owners.keyFields, recordReason: found.reason)
    }

    private static func parser(_ events: any XMLEvents, _ name: String) throws -> XMLPushParser {
        guard let parser = XMLPushParser(events: events) else {
            throw ExportError(
                .malformed, file: name, problem: "libxml2 does not start", advice: "install libxml2 again")
        }
        return parser
    }

    /// Parses the next bytes; a count of 0 ends the document.
    private static func parse(
        _ block: [UInt8], _ count: Int, of window: XMLWindow, with parser: XMLPushParser, _ name: String
    ) throws(ExportError) {
        do throws(XMLPushParser.Fault) {
            if count == 0 { try parser.finish() } else { try parser.parse(block.span.extracting(0..<count)) }
        } catch {
            throw refusal(error, parser, name, isOver: count == 0 && parser.position >= window.end)
        }
    }

    /// Throws if something has not ended for so long that it cannot be part of an export.
    private static func checkProgress(_ window: XMLWindow, _ parser: XMLPushParser, _ name: String) throws {
        guard window.end - parser.position > tokenLimit else { return }
        throw ExportError(
            .tooLarge, file: name, line: parser.line,
            problem: "a tag, comment, CDATA section or instruction that begins here is longer than \(tokenLimit) bytes",
            advice: "check what wrote this file")
    }

    private static func refusal(
        _ fault: XMLPushParser.Fault, _ parser: XMLPushParser, _ name: String, isOver: Bool
    ) -> ExportError {
        if parser.sawDoctype {
            return ExportError(
                .doctype, file: name, line: fault.line,
                problem: "the document has a DOCTYPE, through which it could read files or grow without end",
                advice: "have it written without one; cartsync needs none")
        }
        func malformed(_ problem: String, _ advice: String, back: Int = 0) -> ExportError {
            ExportError(
                .malformed, file: name, line: fault.line, column: fault.column > back ? fault.column - back : nil,
                problem: problem, advice: advice)
        }
        if isOver {
            let open = parser.innermost.map { "the element \($0.name) of line \($0.line) is still open" }
            return ExportError(
                .truncated, file: name, line: fault.line,
                problem: "the document ends early: \(open ?? fault.message)",
                advice: "write the file again and copy all of it")
        }
        switch fault.code.map(UInt32.init(bitPattern:)) {
        case XML_ERR_NAME_REQUIRED.rawValue where fault.message.contains("EntityRef"):
            // libxml2 stands behind the &.
            return malformed("an & that begins no entity", "have each & of a text written as &amp;", back: 1)
        case XML_ERR_ENTITYREF_SEMICOL_MISSING.rawValue:
            return malformed("an & before this begins no entity", "have each & of a text written as &amp;")
        case XML_ERR_UNDECLARED_ENTITY.rawValue, XML_WAR_UNDECLARED_ENTITY.rawValue:
            return malformed(
                "XML has no such entity: \(fault.message)", "have the character itself written, or its number as &#160;"
            )
        case XML_ERR_DOCUMENT_END.rawValue:
            return malformed(
                "something stands behind the end of the document", "have one document written into each file")
        case XML_ERR_INVALID_ENCODING.rawValue, XML_ERR_INVALID_CHAR.rawValue:
            return malformed(
                "not well-formed XML: \(fault.message)",
                "have the encoding declared that the file has, as in encoding=\"iso-8859-1\"")
        default:
            return malformed(
                "not well-formed XML: \(fault.message)",
                "correct what writes the file; a record cannot be told from such a document")
        }
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
