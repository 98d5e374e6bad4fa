/// Text for a terminal: how wide it is, what it may contain and how it is coloured.
package enum TerminalText {
    /// The columns that a text takes, by the ranges that Unicode's East Asian Width calls wide.
    static func width(_ text: String) -> Int {
        text.reduce(0) { $0 + width($1) }
    }

    private static func width(_ character: Character) -> Int {
        guard let scalar = character.unicodeScalars.first else { return 0 }
        switch scalar.value {
        case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60,
            0xFFE0...0xFFE6, 0x1F300...0x1FAFF, 0x20000...0x3FFFD:
            return 2
        default:
            return scalar.properties.generalCategory == .nonspacingMark ? 0 : 1
        }
    }

    /// Text from files and the network with everything replaced that could move the cursor or reorder a line.
    package static func printable(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { scalar in
                    switch scalar.properties.generalCategory {
                    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: "\u{FFFD}"
                    default: scalar
                    }
                }))
    }

    /// A result for a terminal: line ends, tabs and the colours of `TextStyle` stay, and everything else that a terminal
    /// would obey is replaced.
    package static func safe(_ text: String) -> String {
        // A line end of two characters is one `Character`, and each stands for itself here.
        var safe = String.UnicodeScalarView()
        var rest = text.unicodeScalars[...]
        while let scalar = rest.first {
            if scalar == "\u{1B}", let code = TextStyle.codes.first(where: { rest.starts(with: $0.unicodeScalars) }) {
                safe.append(contentsOf: code.unicodeScalars)
                rest = rest.dropFirst(code.unicodeScalars.count)
                continue
            }
            rest = rest.dropFirst()
            let isLayout = scalar == "\n" || scalar == "\t" || (scalar == "\r" && rest.first == "\n")
            if isLayout {
                safe.append(scalar)
            } else {
                safe.append(contentsOf: printable(String(scalar)).unicodeScalars)
            }
        }
        return String(safe)
    }

    /// At most so many columns, with an ellipsis in place of what had to go.
    static func clipped(_ text: String, to columns: Int) -> String {
        guard width(text) > columns else { return text }
        guard columns > 1 else { return String(repeating: "…", count: max(0, columns)) }
        var kept = ""
        var used = 0
        for character in text {
            used += width(character)
            if used > columns - 1 { break }
            kept.append(character)
        }
        return kept + "…"
    }

    /// Lines of at most so many columns, broken at spaces; a longer word is broken if it must be.
    static func wrapped(_ text: String, to columns: Int) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            var rest = String(word)
            if !line.isEmpty, width(line) + 1 + width(rest) <= columns {
                line += " " + rest
                continue
            }
            if !line.isEmpty { lines.append(line) }
            while width(rest) > max(1, columns) {
                var piece = ""
                while let next = rest.first, piece.isEmpty || width(piece) + width(next) <= columns {
                    piece.append(rest.removeFirst())
                }
                lines.append(piece)
            }
            line = rest
        }
        if !line.isEmpty { lines.append(line) }
        return lines
    }

    static func padded(_ text: String, to columns: Int, right: Bool) -> String {
        let space = String(repeating: " ", count: max(0, columns - width(text)))
        return right ? space + text : text + space
    }
}

/// How a text stands out; the SGR codes of ECMA-48.
package enum TextStyle: String, Sendable, CaseIterable {
    case plain = "0"
    case bold = "1"
    case faint = "2"
    case good = "32"
    case bad = "31"
    case warning = "33"

    /// The codes of all styles.
    static let codes = allCases.map { "\u{1B}[\($0.rawValue)m" }

    func apply(_ text: String, color: Bool) -> String {
        guard color, self != .plain, !text.isEmpty else { return text }
        return "\u{1B}[\(rawValue)m\(text)\u{1B}[0m"
    }
}

extension String {
    /// The text with other texts in the place of some scalars, also if a combining mark follows one.
    func replacing(_ others: [Unicode.Scalar: String]) -> String {
        unicodeScalars.reduce(into: "") { text, scalar in
            if let other = others[scalar] { text += other } else { text.unicodeScalars.append(scalar) }
        }
    }

    var trimmedRight: String {
        var text = self
        while text.hasSuffix(" ") { text.removeLast() }
        return text
    }
}
