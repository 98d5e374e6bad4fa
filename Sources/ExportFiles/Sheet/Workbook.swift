/// The sheet of a workbook (.xlsx, ECMA-376) that is read, and where in the package its parts are.
struct Workbook: Equatable, Sendable {
    /// The name of the sheet that is read.
    let sheet: String
    /// All sheets by their names, hidden ones as `Old (hidden)`.
    let sheets: [String]
    /// The files of the package: the sheet, the texts that its cells share, and the formats of cells.
    let sheetPath: String
    let stringsPath: String?
    let stylesPath: String?
    /// Whether dates are counted from 1904.
    let countsFrom1904: Bool

    /// Where most programs put a workbook's main part.
    static let path = "xl/workbook.xml"
    /// The parts that say what a workbook is made of are small.
    private static let partLimit = 16 << 20

    private struct Sheet {
        let name: String
        let relation: String
        let isHidden: Bool
        var shown: String { isHidden ? "\(name) (hidden)" : name }
    }

    /// Finds the sheet of a name, or else the first one that is not hidden.
    ///
    /// Throws a refusal that lists the sheets if there is none.
    ///
    /// - Parameters:
    ///   - name: the name that is asked for; nil for the first sheet.
    ///   - path: the workbook's main part.
    ///   - open: begins to read a file of the package; nil if it has none of this name.
    init(
        _ name: String?, at path: String, of workbook: String, open: (String) throws -> (any ByteStream)?
    ) throws {
        func refusal(_ problem: String, _ advice: String) -> ExportError {
            ExportError(.malformed, file: workbook, problem: problem, advice: advice)
        }
        func read(_ path: String, visit: @escaping (String, [String: String]) -> Void) throws {
            guard let part = try open(path) else {
                throw refusal("the workbook has no \(path)", "save it again in the program that wrote it")
            }
            try XMLElements.read(part, limit: Self.partLimit, of: "\(workbook)/\(path)", visit: visit)
        }
        var found: [Sheet] = []
        var countsFrom1904 = false
        try read(path) { element, attributes in
            if element == "workbookPr" { countsFrom1904 = ["1", "true", "on"].contains(attributes["date1904"] ?? "") }
            guard element == "sheet", let name = attributes["name"], let relation = attributes["id"] else { return }
            found.append(
                Sheet(name: name, relation: relation, isHidden: (attributes["state"] ?? "visible") != "visible"))
        }
        var targets: [String: (path: String, kind: String)] = [:]
        let folder = path.lastIndex(of: "/").map { path[...$0] } ?? ""
        try read("\(folder)_rels/\(path.dropFirst(folder.count)).rels") { element, attributes in
            guard element == "Relationship", let id = attributes["Id"], let target = attributes["Target"],
                let kind = attributes["Type"]?.split(separator: "/").last
            else { return }
            targets[id] = (Self.partName(target.hasPrefix("/") ? target : "\(folder)\(target)"), String(kind))
        }
        // Charts on a sheet of their own have no cells.
        found.removeAll { targets[$0.relation]?.kind != "worksheet" }
        let shown = found.map(\.shown).joined(separator: ", ")
        let chosen =
            name.map { name in
                found.first { $0.name == name } ?? found.first { $0.name.lowercased() == name.lowercased() }
            } ?? (found.first { !$0.isHidden } ?? found.first)
        guard let chosen, let place = targets[chosen.relation] else {
            throw refusal(
                name.map { "the workbook has no sheet \($0); it has \(shown)" }
                    ?? "the workbook has no sheet with cells",
                name == nil ? "find out why the export wrote nothing" : "name one of them with --sheet")
        }
        sheet = chosen.name
        sheets = found.map(\.shown)
        sheetPath = place.path
        stringsPath = targets.values.first { $0.kind == "sharedStrings" }?.path
        stylesPath = targets.values.first { $0.kind == "styles" }?.path
        self.countsFrom1904 = countsFrom1904
    }

    /// The name of a file of a package as names are compared: without regard to case, from the root, without dots.
    static func partName(_ name: String) -> String {
        var parts: [Substring] = []
        for part in name.lowercased().replacing("\\", with: "/").split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return parts.joined(separator: "/")
    }

    /// The main part of the workbook that a package is; nil if it is none.
    ///
    /// - Parameters:
    ///   - names: those of its files, as they are compared.
    ///   - open: begins to read a file of the package.
    static func mainPart(
        _ names: Set<String>, of package: String, open: (String) throws -> (any ByteStream)?
    ) throws -> String? {
        if names.contains(path) { return path }
        let relations = "_rels/.rels"
        guard names.contains("[content_types].xml"), names.contains(relations), let part = try open(relations) else {
            return nil
        }
        var main: String?
        try XMLElements.read(part, limit: partLimit, of: "\(package)/\(relations)") { element, attributes in
            guard element == "Relationship", attributes["Type"]?.hasSuffix("/officeDocument") == true else { return }
            main = main ?? attributes["Target"].map(partName)
        }
        guard let main, names.contains(main), main.hasSuffix(".xml") else { return nil }
        return main.hasPrefix("xl/") || main.split(separator: "/").last?.hasPrefix("workbook") == true ? main : nil
    }

    /// What the export is said to be, for instance `sheet Carts of Carts, Old (hidden)`.
    var sentence: String {
        sheets.count > 1 ? "sheet \(sheet) of \(sheets.joined(separator: ", "))" : "sheet \(sheet)"
    }
}

/// The elements of a small document, with their attributes, by their names without namespaces.
final class XMLElements: XMLEvents {
    private var names: [String] = []
    private var element = ""
    private var attributes: [String: String] = [:]
    private let visit: (String, [String: String]) -> Void

    private init(_ visit: @escaping (String, [String: String]) -> Void) { self.visit = visit }

    /// Reads a whole document; throws a refusal if it is not well-formed, or larger than a limit in bytes.
    static func read(
        _ stream: any ByteStream, limit: Int, of name: String, visit: @escaping (String, [String: String]) -> Void
    ) throws {
        let parser = try XMLPartParser(XMLElements(visit), name: name)
        var total = 0
        while let count = try parser.parseBlock(of: stream) {
            total += count
            guard total <= limit else {
                throw ExportError(
                    .tooLarge, file: name, problem: "it is longer than \(limit >> 20) MiB",
                    advice: "save the workbook again, without what is not needed")
            }
        }
    }

    func name(_ text: String, in namespace: String) { names.append(text) }
    func start(_ name: Int, in parser: XMLPushParser) {
        element = names[name]
        attributes.removeAll(keepingCapacity: true)
    }
    func attribute(_ name: Int, _ value: Span<UInt8>, in parser: XMLPushParser) {
        attributes[names[name]] = String(decodingBytesOf: value)
    }
    func attributesEnded() { visit(element, attributes) }
    func text(_ bytes: Span<UInt8>) {}
    func hidden(_ bytes: Span<UInt8>, in parser: XMLPushParser) {}
    func end(in parser: XMLPushParser) {}
}

/// Parses one XML file of a workbook, a block at a time.
struct XMLPartParser {
    private static let blockSize = 1 << 14
    /// What has not ended after this many bytes is no part of a workbook.
    private static let waitingLimit = 1 << 20

    private let parser: XMLPushParser
    private let name: String
    private let state = State()

    private final class State {
        var block = [UInt8](repeating: 0, count: XMLPartParser.blockSize)
        var fed = 0
    }

    /// - Parameter name: what the file is called in messages.
    init(_ events: any XMLEvents, name: String) throws {
        guard let parser = XMLPushParser(events: events) else {
            throw ExportError(
                .malformed, file: name, problem: "libxml2 does not start", advice: "install libxml2 again")
        }
        self.parser = parser
        self.name = name
    }

    /// Parses the next block and returns its size; nil at the end of the document, which is whole then.
    func parseBlock(of stream: any ByteStream) throws -> Int? {
        let count = try stream.read(into: &state.block, range: 0..<Self.blockSize)
        state.fed += count
        let block = state.block
        do throws(XMLPushParser.Fault) {
            if count == 0 { try parser.finish() } else { try parser.parse(block.span.extracting(0..<count)) }
        } catch {
            throw ExportError(
                parser.sawDoctype ? .doctype : .malformed, file: name, line: error.line,
                problem: parser.sawDoctype
                    ? "it has a DOCTYPE, which no workbook has" : "not well-formed XML: \(error.message)",
                advice: "save the workbook again in the program that wrote it")
        }
        guard state.fed - parser.position <= Self.waitingLimit else {
            throw ExportError(
                .tooLarge, file: name, line: parser.line, problem: "a tag or text that begins here is too long",
                advice: "check what wrote this workbook")
        }
        return count == 0 ? nil : count
    }
}
