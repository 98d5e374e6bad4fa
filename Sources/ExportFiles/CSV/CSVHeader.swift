import CartAssociations
import SwiftCSV

/// The header of a CSV export, and what follows from it for the records.
struct CSVHeader: Sendable {
    static let delimiters: [Character] = [",", ";", "\t", "|"]

    let columns: CSVColumns
    let words: ActionWords
    let delimiter: Character
    let framer: CSVFramer
    let lineEnd: LineEnd
    let kind: ExportKind
    /// The header line without its line end.
    let raw: [UInt8]
    /// Lines before the header.
    let blankLines: Int
    /// The line after the header.
    let nextLine: Int
    /// Where the first record begins in the text.
    let end: Int

    /// Finds the header at the beginning of a text; nil if more of the text is needed.
    ///
    /// - Parameter text: the beginning of the text, with eight bytes more than `count`.
    init?(text: [UInt8], count: Int, isLast: Bool, file: String, options: ReadingOptions) throws(ExportError) {
        let separator = SeparatorLine(text, count, isLast: isLast)
        let candidates: [Character]
        if let told = options.delimiter ?? separator?.delimiter {
            candidates = [try Self.checked(told, file)]
        } else {
            candidates = Self.delimiters
        }
        let vocabulary = FieldVocabulary(options)
        var malformed: ExportError?
        var best: HeaderLine?
        for delimiter in candidates {
            let line: HeaderLine
            do {
                guard
                    let found = try HeaderLine(
                        text, from: separator?.end ?? 0, count, isLast: isLast, delimiter: delimiter, file: file)
                else { return nil }
                line = found
            } catch {
                // Quotes that are wrong at one delimiter may be right at another.
                malformed = malformed ?? error
                continue
            }
            if let columns = try? CSVColumns(line.names, vocabulary: vocabulary, options) {
                try Self.check(options.kind, columns, file, line.line)
                self.columns = columns
                words = ActionWords(options.actions)
                self.delimiter = delimiter
                framer = line.framer
                lineEnd = line.lineEnd
                // The records that a rejects file does not have were not rejected.
                let isPart = options.kind == .additions || CSVColumns.areOfRejects(line.names)
                kind = columns.hasAction ? .delta : isPart ? .additions : .snapshot
                raw = line.raw
                blankLines = line.blankLines
                nextLine = line.nextLine
                end = line.end
                return
            }
            // The split into the most columns tells best what is wrong.
            if best.map({ line.names.count > $0.names.count }) ?? true { best = line }
        }
        if let malformed, best.map({ $0.names.count < 2 }) ?? true { throw malformed }
        guard let best else { return nil }
        do {
            _ = try CSVColumns(best.names, vocabulary: vocabulary, options)
            return nil
        } catch {
            let records = best.records(below: text, count)
            throw Self.refusal(error, best, vocabulary, file, options.ownerKind, records)
        }
    }

    private static func checked(_ delimiter: Character, _ file: String) throws(ExportError) -> Character {
        guard let byte = delimiter.asciiValue, byte == 0x09 || (0x21...0x7E).contains(byte),
            !delimiter.isLetter, !delimiter.isNumber, delimiter != "\"", delimiter != "_", delimiter != "-"
        else {
            throw ExportError(
                .option, file: file, problem: "\(String(reflecting: String(delimiter))) cannot be a delimiter",
                advice: "set one ASCII character such as , ; | or a tab")
        }
        return delimiter
    }

    /// Throws if the columns are not those of the kind of export that it should be.
    private static func check(
        _ kind: ExportKind?, _ columns: CSVColumns, _ file: String, _ line: Int
    ) throws(ExportError) {
        guard let kind, (kind == .delta) != columns.hasAction else { return }
        let seen = columns.hasAction ? "there is a column for an action" : "there is no column for the action"
        throw ExportError(
            .header, file: file, line: line,
            problem: "\(seen), and export.kind says that this is \(kind == .additions ? "" : "a ")\(kind.rawValue)",
            advice: columns.hasAction
                ? "remove export.kind, or have the export written without actions"
                : "name the column in the setting mapping.action, or remove export.kind")
    }

    private static func refusal(
        _ problem: CSVColumns.Problem, _ header: HeaderLine, _ vocabulary: FieldVocabulary, _ file: String,
        _ kind: OwnerKind?, _ records: [[String]]
    ) -> ExportError {
        let seen = "columns seen: " + header.names.map { $0.isEmpty ? "(no name)" : $0 }.joined(separator: ", ")
        func error(_ problem: String, _ advice: String) -> ExportError {
            ExportError(.header, file: file, line: header.line, problem: "\(problem) (\(seen))", advice: advice)
        }
        switch problem {
        case .repeated(let name):
            return error("two columns are named \(name)", "rename or remove one of them")
        case .twoColumns(let field, let first, let second):
            return error(
                "both \(first) and \(second) could be the \(field.words)",
                "remove one of them, or name the right one in the setting mapping.\(field.rawValue)")
        case .ownerTypeAlone(let name):
            return error(
                "\(name) does not say whether it is customers or accounts",
                "add a column owner_type, or give --owner customer or --owner account")
        case .noColumn(let field):
            let known = vocabulary.names(of: field).joined(separator: " or ")
            let owners = field == .customer ? ", account_id or owner_id" : ""
            guard header.isUTF8 else {
                return ExportError(
                    .encoding, file: file, line: header.line,
                    problem: "the header line is not valid UTF-8, and has no column for the \(field.words)",
                    advice:
                        "save the export as UTF-8, or say what it is: --encoding windows-1252 if it comes from Excel")
            }
            let fields = Set(header.names.compactMap(vocabulary.field(named:)))
            let guess = ColumnGuess(
                header.names, known: fields, vocabulary: vocabulary, kind: kind, records: records)
            return error(
                "no header line with a column for the \(field.words)", guess.advice(usual: known + owners))
        }
    }
}

/// The line `sep=;` above the header, with which Excel is told the delimiter.
private struct SeparatorLine {
    let delimiter: Character
    /// Where the next line begins.
    let end: Int

    /// nil if the text does not begin with one, or not enough of the text is there.
    init?(_ text: [UInt8], _ count: Int, isLast: Bool) {
        // Nearly every text begins otherwise, and compiling the pattern takes longer than splitting ten lines.
        guard let first = text.first, "\"Ss".utf8.contains(first) else { return nil }
        let start = String(decoding: text[..<min(count, 16)], as: UTF8.self)
        guard let match = start.prefixMatch(of: #/(?i:"?sep=)(.|\t)"?[ \t,;]*(\r\n|\n|\r)/#),
            let delimiter = match.1.first
        else { return nil }
        let length = match.0.utf8.count
        // A carriage return may be half of a line end.
        guard isLast || match.2 != "\r" || length < count else { return nil }
        self.delimiter = delimiter
        end = length
    }
}

/// The first line of a text that is not blank, split at one delimiter.
private struct HeaderLine {
    let names: [String]
    let isUTF8: Bool
    let framer: CSVFramer
    let lineEnd: LineEnd
    let raw: [UInt8]
    let blankLines: Int
    let line: Int
    let nextLine: Int
    let end: Int

    init?(
        _ text: [UInt8], from beginning: Int, _ count: Int, isLast: Bool, delimiter: Character, file: String
    ) throws(ExportError) {
        // A header that a carriage return alone ends means that it ends every record.
        var framer = CSVFramer(delimiter: delimiter.asciiValue ?? 0x2C, endsAtCarriageReturn: true)
        var record = CSVFramer.Record()
        var ends = [Int32](repeating: 0, count: 1 << 14)
        var start = beginning
        var blank = 0
        var line = beginning > 0 ? 2 : 1
        while true {
            var room = ends.mutableSpan
            let step = framer.next(
                in: text.span, from: start, to: count, isLast: isLast, record: &record, fieldEnds: &room)
            switch step {
            case .incomplete: return nil
            case .blank:
                blank += 1
                line += record.lines
                start = record.next
                continue
            case .end:
                throw ExportError(
                    .header, file: file, problem: "the file has no header line, only blank lines",
                    advice: "find out why the export wrote nothing; its first line must name the columns")
            case .unterminated:
                throw ExportError(
                    .truncated, file: file, line: line, problem: "the file ends inside quotes, in its header",
                    advice: "write the file again and copy all of it")
            case .record: break
            }
            // A spreadsheet's empty rows have its delimiters.
            guard CSVField.isEmpty(text.span, record.start..<record.end, delimiter: framer.delimiter) else { break }
            blank += 1
            line += record.lines
            start = record.next
        }
        let fits = record.fieldCount <= ends.count
        try Self.check(
            text[record.start..<record.end], record, fits: fits && Self.isTolerable(text.span, record, ends), file, line
        )
        names = Self.names(text.span, record, ends)
        let ending = text[record.end..<record.next]
        framer.endsAtCarriageReturn = ending.elementsEqual([CSVFramer.carriageReturn])
        self.framer = framer
        lineEnd = ending.count == 2 ? .both : framer.endsAtCarriageReturn ? .carriageReturn : .lineFeed
        raw = Array(text[record.start..<record.end])
        isUTF8 = String(validating: raw, as: UTF8.self) != nil
        blankLines = blank
        self.line = line
        nextLine = line + record.lines
        end = record.next
    }

    /// Throws what is wrong with a first line that cannot be a header.
    private static func check(
        _ first: ArraySlice<UInt8>, _ record: CSVFramer.Record, fits: Bool, _ file: String, _ line: Int
    ) throws(ExportError) {
        // No name of a column holds control characters; what does is a program, an image or the like.
        if first.contains(where: { $0 < 0x20 && ![0x09, 0x0A, 0x0D].contains($0) }) {
            throw ExportError(
                .header, file: file, line: line, problem: "the first line is not text: this is neither CSV nor XML",
                advice: "give the export itself, as CSV or XML")
        }
        if let start = first.first(where: { $0 != 0x20 && $0 != 0x09 }), [0x5B, 0x7B].contains(start),
            record.fault != nil
        {
            throw ExportError(
                .header, file: file, line: line, problem: "the first line looks like JSON, which is not read",
                advice: "have the export written as CSV or XML")
        }
        guard fits else {
            throw ExportError(
                .header, file: file, line: line, problem: "the header line is not well-formed CSV",
                advice: "check the quotes of the first line")
        }
    }

    /// Whether the quotes of a first line are well-formed, or can be read in one way only.
    private static func isTolerable(_ text: Span<UInt8>, _ record: CSVFramer.Record, _ ends: [Int32]) -> Bool {
        guard record.fault != nil else { return true }
        guard record.fault == .bareQuote || record.fault == .textAfterQuote else { return false }
        var start = record.start
        for field in 0..<record.fieldCount {
            guard CSVField.isTolerable(text, start..<Int(ends[field])) else { return false }
            start = Int(ends[field]) + 1
        }
        return true
    }

    /// The values of the first records below the line, as far as the text goes and SwiftCSV can split it: good enough for
    /// advice, which is all that depends on them.
    func records(below text: [UInt8], _ count: Int) -> [[String]] {
        let sample = String(decoding: raw + [CSVFramer.lineFeed] + text[end..<count], as: UTF8.self)
        let delimiter = CSVDelimiter(unicodeScalarLiteral: Character(Unicode.Scalar(framer.delimiter)))
        let csv = try? EnumeratedCSV(
            string: sample, delimiter: delimiter, loadColumns: false, rowLimit: Self.mostRecords)
        return csv?.rows.filter { $0.count == names.count } ?? []
    }

    private static let mostRecords = 200

    private static func names(
        _ text: Span<UInt8>, _ record: CSVFramer.Record, _ ends: [Int32]
    ) -> [String] {
        var names: [String] = []
        var fieldStart = record.start
        for field in 0..<record.fieldCount {
            let cell = CSVField(text, IdentifierText.trimmed(fieldStart..<Int(ends[field]), in: text))
            // What is not UTF-8 matters only if a name that is needed is not found.
            names.append(String(decoding: cell.unescaped(text), as: UTF8.self))
            fieldStart = Int(ends[field]) + 1
        }
        return names
    }
}

extension ExportField {
    /// The field as sentences name it.
    var words: String {
        switch self {
        case .cart: "cart"
        case .customer: "customer"
        case .account: "account"
        case .owner: "owner"
        case .ownerType: "owner type"
        case .action: "action"
        case .cartName: "cart name"
        case .cartDescription: "cart description"
        case .customerToken: "customer token"
        case .accountToken: "account token"
        case .customerEmail: "customer's e-mail"
        case .customerRef: "customer's external reference"
        case .accountRef: "account's external reference"
        case .accountRegistrationID: "account's registration id"
        case .memberEmail: "account member's e-mail"
        case .legacyCart: "legacy cart"
        }
    }
}
