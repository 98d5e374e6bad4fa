/// Turns the rows of a sheet into lines of CSV, as they are parsed: row 7 of the sheet is line 7 of the text.
///
/// Values are what the sheet stores: numbers digit by digit, the results of formulas, dates as dates. An error is `#N/A`, a
/// line end within a cell a blank. Each row has at least as many fields as the first one that is not blank.
final class SheetScanner: XMLEvents {
    static let mostRows = 1 << 20
    private static let mostColumns = 1 << 14
    /// A row is refused beyond this size, as any record is.
    private static let rowLimit = CSVText.recordLimit

    /// What the names in a sheet mean, as far as cells need them; one name is an element's and an attribute's.
    private enum Word { case sheetData, row, cell, value, inline, text, run, phonetic, style, extensions, other }

    /// What the value of a cell is (ECMA-376, part 1, 18.18.11).
    private enum Kind { case number, shared, text, boolean, error, date }

    /// The lines that are complete.
    private(set) var lines: [UInt8] = []
    /// Why the sheet cannot be used; nothing is read behind it.
    private(set) var fault: (row: Int, problem: any Error)?

    private let strings: SharedStrings?
    private let formats: CellFormats
    private let countsFrom1904: Bool

    private var words: [Word] = []
    private var open: [Word] = []
    /// The number of the present row, and of its present column; 0 before the first.
    private var row = 0
    private var column = 0
    private var told: (row: Int?, column: Int?) = (nil, nil)
    private var kind = Kind.number
    private var style = 0
    private var value: [UInt8] = []
    private var phonetic = 0
    /// The present row as CSV, how many fields it has, and whether any is not empty.
    private var line: [UInt8] = []
    private var fields = 0
    /// How many fields the first row has that is not blank.
    private var width: Int?

    init(_ workbook: Workbook, _ strings: SharedStrings?, _ formats: CellFormats) {
        self.strings = strings
        self.formats = formats
        countsFrom1904 = workbook.countsFrom1904
    }

    /// Forgets the complete lines.
    func clear() { lines.removeAll(keepingCapacity: true) }

    func name(_ text: String, in namespace: String) {
        let word: Word =
            switch text {
            case "sheetData": .sheetData
            case "row": .row
            case "c": .cell
            case "v": .value
            case "is": .inline
            case "t": .text
            case "r": .run
            case "rPh": .phonetic
            case "s": .style
            case "extLst": .extensions
            default: .other
            }
        words.append(word)
    }

    func start(_ name: Int, in parser: XMLPushParser) {
        var word = words[name]
        switch (word, open.last) {
        case (.row, .sheetData): told = (nil, nil)
        case (.cell, .row):
            told = (nil, nil)
            kind = .number
            style = 0
            value.removeAll(keepingCapacity: true)
        case (.phonetic, _): phonetic += 1
        case (.value, .cell), (.inline, .cell), (.text, .inline), (.text, .run), (.run, .inline), (.sheetData, _): break
        case (.extensions, .row), (.extensions, .cell): break
        default:
            if isMisplaced(word) { refuse("an element stands where only rows or cells can be") }
            word = .other
        }
        open.append(word)
    }

    /// Whether an element that is no part of a row hides what may be one.
    private func isMisplaced(_ word: Word) -> Bool {
        switch open.last {
        case .sheetData, .row: true
        default: (word == .row || word == .cell) && open.contains(.sheetData) && !open.contains(.extensions)
        }
    }

    func attribute(_ name: Int, _ value: Span<UInt8>, in parser: XMLPushParser) {
        switch (open.last, words[name]) {
        case (.row, .run): told.row = Self.number(value)
        case (.cell, .run): takePlace(value)
        case (.cell, .style): style = Self.number(value) ?? 0
        case (.cell, .text): takeKind(value)
        default: break
        }
    }

    func attributesEnded() {
        switch open.last {
        case .row: beginRow()
        case .cell: beginCell()
        default: break
        }
    }

    func text(_ bytes: Span<UInt8>) {
        guard phonetic == 0, open.last == .value || open.last == .text else { return }
        guard value.count + bytes.count <= Self.rowLimit else { return refuse("a cell is longer than any record") }
        value.append(bytes)
    }

    func hidden(_ bytes: Span<UInt8>, in parser: XMLPushParser) {}

    func end(in parser: XMLPushParser) {
        switch open.popLast() {
        case .phonetic: phonetic -= 1
        case .cell: endCell()
        case .row: endRow()
        default: break
        }
    }

    // MARK: Places

    /// A place as `C5`; each letter is a digit of the column.
    private func takePlace(_ place: Span<UInt8>) {
        var column = 0
        var index = 0
        while index < place.count, case let letter = place[index] & 0xDF, letter >= 0x41, letter <= 0x5A, index < 4 {
            column = column * 26 + Int(letter - 0x40)
            index += 1
        }
        let row = Self.number(place.extracting(index..<place.count))
        guard column > 0, row == self.row else {
            return refuse("the place \(String(decodingBytesOf: place)) of a cell is not in its row")
        }
        told.column = column
    }

    private func takeKind(_ name: Span<UInt8>) {
        switch String(decodingBytesOf: name) {
        case "s": kind = .shared
        case "str", "inlineStr": kind = .text
        case "b": kind = .boolean
        case "e": kind = .error
        case "d": kind = .date
        case "n": kind = .number
        default: refuse("a cell of row \(row) has a kind that no workbook has")
        }
    }

    private func beginRow() {
        let next = told.row ?? row + 1
        guard next > row, next <= Self.mostRows else {
            return refuse("row \(next) follows row \(row), where rows go up to \(Self.mostRows)")
        }
        // Rows that are left out are blank lines.
        lines += [UInt8](repeating: CSVFramer.lineFeed, count: next - row - 1)
        row = next
        column = 0
        fields = 0
        line.removeAll(keepingCapacity: true)
    }

    private func beginCell() {
        let next = told.column ?? column + 1
        guard next > column, next <= Self.mostColumns else {
            return refuse("the cells of row \(row) are not in their order")
        }
        column = next
    }

    // MARK: Values

    private func endCell() {
        guard fault == nil, column > 0, !value.isEmpty else { return }
        let separators = column - max(1, fields)
        line += [UInt8](repeating: UInt8(ascii: ","), count: separators)
        let start = line.count
        do {
            try appendValue()
        } catch {
            return refuse(error)
        }
        guard line.count > start else {
            line.removeLast(separators)
            return
        }
        fields = column
        quote(from: start)
        if line.count > Self.rowLimit { refuse("row \(row) is longer than \(Self.rowLimit) bytes") }
    }

    private func appendValue() throws {
        switch kind {
        case .number:
            SheetNumber.append(value[...], formats[style], from1904: countsFrom1904, to: &line)
        case .shared:
            guard let strings, let number = Self.number(value.span), try strings.append(number, to: &line) else {
                return refuse("a cell of row \(row) has a text that the workbook has not")
            }
        case .text:
            SheetEscape.undo(in: &value, from: 0)
            line += value
        case .boolean: line += Array((value == [UInt8(ascii: "1")] ? "TRUE" : "FALSE").utf8)
        case .error: line += Array("#N/A".utf8)
        case .date:
            // A date alone has only characters that an id may have.
            line += value + (value.contains(UInt8(ascii: ":")) ? [] : Array(" 00:00:00".utf8))
        }
    }

    /// Puts the field into quotes that begins at a position, if it needs them.
    private func quote(from start: Int) {
        var needsQuotes = false
        var quotes = 0
        for index in start..<line.count {
            switch line[index] {
            case CSVFramer.lineFeed, CSVFramer.carriageReturn: line[index] = UInt8(ascii: " ")
            case CSVFramer.quote:
                needsQuotes = true
                quotes += 1
            case UInt8(ascii: ","): needsQuotes = true
            default: break
            }
        }
        guard needsQuotes else { return }
        let field = line[start...]
        var quoted: [UInt8] = [CSVFramer.quote]
        quoted.reserveCapacity(field.count + quotes + 2)
        for byte in field {
            if byte == CSVFramer.quote { quoted.append(byte) }
            quoted.append(byte)
        }
        quoted.append(CSVFramer.quote)
        line.removeLast(line.count - start)
        line += quoted
    }

    private func endRow() {
        guard fault == nil else { return }
        if fields > 0 {
            if width == nil, line.contains(where: { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: ",") }) {
                width = fields
            }
            // A field that is missing at the end is empty.
            line += [UInt8](repeating: UInt8(ascii: ","), count: max(0, (width ?? 0) - fields))
        }
        lines += line
        lines.append(CSVFramer.lineFeed)
    }

    private func refuse(_ problem: String) {
        refuse(
            ExportError(
                .malformed, file: "", problem: problem, advice: "save the workbook again in the program that wrote it"))
    }

    private func refuse(_ problem: any Error) {
        if fault == nil { fault = (row, problem) }
    }

    private static func number(_ digits: Span<UInt8>) -> Int? {
        var number = 0
        guard digits.count > 0, digits.count <= 10 else { return nil }
        for index in 0..<digits.count {
            guard digits[index] >= 0x30, digits[index] <= 0x39 else { return nil }
            number = number * 10 + Int(digits[index] - 0x30)
        }
        return number
    }
}
