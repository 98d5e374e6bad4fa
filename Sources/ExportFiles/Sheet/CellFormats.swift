/// How the numbers of a workbook's cells are shown, as far as it changes what an id is.
struct CellFormats {
    enum Kind: Equatable {
        case number
        /// At least so many digits, zeros before them: `00000`.
        case padded(Int)
        case date
    }

    private var kinds: [Kind] = []

    /// The kind of a cell's style.
    subscript(style: Int) -> Kind { kinds.indices.contains(style) ? kinds[style] : .number }

    init() {}

    /// Reads the styles of a workbook.
    init(_ stream: any ByteStream, of name: String) throws {
        let found = Found()
        try XMLElements.read(stream, limit: 64 << 20, of: name) { element, attributes in
            switch element {
            case "numFmt":
                if let id = attributes["numFmtId"].flatMap(Int.init), let code = attributes["formatCode"] {
                    found.codes[id] = code
                }
            case "cellStyleXfs", "dxfs": found.isOfCells = false
            case "cellXfs": found.isOfCells = true
            case "xf" where found.isOfCells:
                found.formats.append(attributes["numFmtId"].flatMap(Int.init) ?? 0)
            case "cellStyles": found.isOfCells = false
            default: break
            }
        }
        kinds = found.formats.map { found.codes[$0].map(Self.kind) ?? (Self.isBuiltInDate($0) ? .date : .number) }
    }

    private final class Found {
        var codes: [Int: String] = [:]
        var formats: [Int] = []
        var isOfCells = false
    }

    /// The formats without a code are the same everywhere (ECMA-376, part 1, 18.8.30).
    private static func isBuiltInDate(_ id: Int) -> Bool {
        (14...22).contains(id) || (27...36).contains(id) || (45...47).contains(id) || (50...58).contains(id)
    }

    /// What a format code makes of a number: its first section is that of positive ones.
    static func kind(_ code: String) -> Kind {
        var plain = ""
        var quoted = false
        var bracketed = false
        var escaped = false
        for character in code {
            if escaped {
                escaped = false
            } else if character == "\"" {
                quoted.toggle()
            } else if quoted {
                continue
            } else if character == "[" || character == "]" {
                bracketed = character == "["
            } else if bracketed {
                continue
            } else if character == "\\" || character == "_" || character == "*" {
                escaped = true
            } else if character == ";" {
                break
            } else {
                plain.append(character)
            }
        }
        if plain.count > 1, plain.allSatisfy({ $0 == "0" }) { return .padded(plain.count) }
        let lower = plain.lowercased()
        guard lower != "general" else { return .number }
        return lower.contains { "ymdhs".contains($0) } ? .date : .number
    }
}
