/// A table in text: columns as wide as their cells, numbers to the right, and on a narrow terminal without its least
/// important columns.
package struct TextTable {
    /// One column; numbers stand to the right.
    package struct Column {
        let title: String
        let right: Bool
        /// Columns with a higher number are left out first if there is no room; 0 stays.
        let dispensable: Int

        package init(title: String, right: Bool = true, dispensable: Int = 0) {
            self.title = title
            self.right = right
            self.dispensable = dispensable
        }
    }

    /// One cell, of printable text.
    package struct Cell {
        let text: String
        let style: TextStyle

        package init(_ text: String, _ style: TextStyle = .plain) {
            self.text = TerminalText.printable(text)
            self.style = style
        }
    }

    let columns: [Column]
    package var rows: [[Cell]] = []
    private let indent = 2
    private let gap = 2
    private static let mark = " …"

    package init(_ columns: [Column]) { self.columns = columns }

    /// The lines of the table, none wider than the terminal; `…` behind the titles says that columns are left out.
    func lines(width: Int, color: Bool) -> [String] {
        var shown = Array(columns.indices)
        while needed(shown) > width,
            let least = shown.max(by: { columns[$0].dispensable < columns[$1].dispensable }),
            columns[least].dispensable > 0
        {
            shown.removeAll { $0 == least }
        }
        let widths = fitted(shown, width: width)
        var lines: [String] = []
        if columns.contains(where: { !$0.title.isEmpty }) {
            let titles = line(shown.map { Cell(columns[$0].title, .faint) }, shown, widths, color: color)
            lines.append(titles + (shown.count < columns.count ? Self.mark : ""))
        }
        for row in rows { lines.append(line(shown.map { row[$0] }, shown, widths, color: color)) }
        return lines
    }

    private func natural(_ column: Int) -> Int {
        rows.reduce(TerminalText.width(columns[column].title)) { max($0, TerminalText.width($1[column].text)) }
    }

    private func total(_ shown: [Int]) -> Int {
        shown.reduce(indent) { $0 + natural($1) } + gap * max(0, shown.count - 1)
    }

    /// The width with the mark, if there has to be one.
    private func needed(_ shown: [Int]) -> Int {
        total(shown) + (shown.count < columns.count ? Self.mark.count : 0)
    }

    /// Text columns give way, the widest first, if even the columns that must stay are too wide.
    private func fitted(_ shown: [Int], width: Int) -> [Int] {
        var widths = shown.map(natural)
        var excess = needed(shown) - width
        while excess > 0 {
            let narrowable = widths.indices.filter { !columns[shown[$0]].right && widths[$0] > 4 }
            guard let widest = (narrowable.max { widths[$0] < widths[$1] }) else { break }
            widths[widest] -= 1
            excess -= 1
        }
        return widths
    }

    private func line(_ cells: [Cell], _ shown: [Int], _ widths: [Int], color: Bool) -> String {
        var parts: [String] = []
        for (position, cell) in cells.enumerated() {
            let column = columns[shown[position]]
            let text = TerminalText.clipped(cell.text, to: widths[position])
            let isLast = position == cells.count - 1
            let padding = String(repeating: " ", count: max(0, widths[position] - TerminalText.width(text)))
            let styled = cell.style.apply(text, color: color)
            parts.append(column.right ? padding + styled : isLast ? styled : styled + padding)
        }
        let line = String(repeating: " ", count: indent) + parts.joined(separator: String(repeating: " ", count: gap))
        return line.trimmedRight
    }
}
