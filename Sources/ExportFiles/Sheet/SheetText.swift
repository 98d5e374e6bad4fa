/// A sheet of a workbook as CSV text, made as it is read.
final class SheetText: ByteStream {
    private let sheet: any ByteStream
    private let parser: XMLPartParser
    private let scanner: SheetScanner
    private let name: String
    private var limit = ExpansionLimit()
    private var parsed = 0
    private var text: [UInt8] = []
    private var given = 0
    private var isOver = false

    /// - Parameters:
    ///   - name: what the workbook is called in messages.
    ///   - folder: that of a temporary file, if the workbook's texts need one.
    ///   - open: begins to read a file of the workbook; nil if it has none of this name.
    init(
        _ workbook: Workbook, name: String, spillFolder folder: String, open: (String) throws -> (any ByteStream)?
    ) throws {
        func part(_ path: String) throws -> any ByteStream {
            guard let stream = try open(path) else {
                throw ExportError(
                    .malformed, file: name, problem: "the workbook has no \(path)",
                    advice: "save it again in the program that wrote it")
            }
            return stream
        }
        let strings = try workbook.stringsPath.map {
            try SharedStrings(part($0), of: "\(name)/\($0)", spillFolder: folder)
        }
        let formats = try workbook.stylesPath.map { try CellFormats(part($0), of: "\(name)/\($0)") }
        self.name = "\(name)/\(workbook.sheet)"
        scanner = SheetScanner(workbook, strings, formats ?? CellFormats())
        parser = try XMLPartParser(scanner, name: "\(name)/\(workbook.sheetPath)")
        sheet = try part(workbook.sheetPath)
    }

    func read(into buffer: inout [UInt8], range: Range<Int>) throws -> Int {
        var filled = range.lowerBound
        while filled < range.upperBound {
            if given == text.count {
                guard try parse() else { break }
                continue
            }
            let count = min(range.upperBound - filled, text.count - given)
            for index in 0..<count { buffer[filled + index] = text[given + index] }
            filled += count
            given += count
        }
        return filled - range.lowerBound
    }

    /// Parses a block of the sheet; false at its end.
    private func parse() throws -> Bool {
        guard !isOver else { return false }
        text = []
        scanner.clear()
        if let count = try parser.parseBlock(of: sheet) { parsed += count } else { isOver = true }
        if let fault = scanner.fault {
            guard let error = fault.problem as? ExportError, error.file.isEmpty else { throw fault.problem }
            throw ExportError(error.fault, file: name, line: fault.row, problem: error.problem, advice: error.advice)
        }
        text = scanner.lines
        given = 0
        try limit.add(text.count, from: parsed, of: name)
        return true
    }
}
