/// Reports for a terminal, a pipe or a log: verdict first, numbers aligned and with units.
package struct TextReport: Sendable {
    /// The columns of the terminal; no line is wider, down to `narrowest`.
    let width: Int
    let color: Bool

    /// Under this many columns nothing useful can be shown, so lines are made for this many.
    package static let narrowest = 40

    /// - Parameters:
    ///   - width: the columns of the terminal; 100 suits a pipe.
    ///   - color: false for a pipe and where `NO_COLOR` is set.
    package init(width: Int, color: Bool) {
        self.width = max(Self.narrowest, width)
        self.color = color
    }

    /// A sentence at the margin, wrapped.
    func sentence(_ text: String, _ style: TextStyle = .plain, indent: Int = 0) -> [String] {
        let margin = String(repeating: " ", count: indent)
        return TerminalText.wrapped(TerminalText.printable(text), to: width - indent).map { line in
            margin + style.apply(line, color: color)
        }
    }

    /// A block of names and what they stand for, wrapped beside the names.
    func facts(_ facts: [(name: String, text: String)]) -> [String] {
        let nameWidth = facts.reduce(0) { max($0, TerminalText.width($1.name)) }
        var lines: [String] = []
        for (name, text) in facts {
            let wrapped = TerminalText.wrapped(TerminalText.printable(text), to: width - nameWidth - 4)
            for (position, line) in wrapped.enumerated() {
                let shown = TerminalText.padded(position == 0 ? name : "", to: nameWidth, right: false)
                lines.append("  " + TextStyle.faint.apply(shown, color: color) + "  " + line)
            }
        }
        return lines
    }

    /// Blocks with an empty line between them and a final newline.
    func page(_ blocks: [[String]]) -> String {
        blocks.filter { !$0.isEmpty }.map { $0.joined(separator: "\n") }.joined(separator: "\n\n") + "\n"
    }
}
