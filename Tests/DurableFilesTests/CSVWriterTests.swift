import DurableFiles
import TestSupport
import Testing

struct CSVWriterTests {
    @Test("a table has CRLF, records have LF, and both have marked cells")
    func kinds() {
        func text(_ kind: CSVWriter.Kind) -> String {
            var rows = CSVWriter(kind, columns: ["a", "b"])
            rows.add("-id")
            rows.add(7)
            rows.endRow()
            rows.add("x;\"y\"")
            rows.add(Int?.none)
            rows.endRow()
            return String(decoding: rows.bytes, as: UTF8.self)
        }
        #expect(text(.table) == "a,b\r\n'-id,7\r\n\"x;\"\"y\"\"\",\r\n")
        #expect(text(.records) == "a,b\n'-id,7\n\"x;\"\"y\"\"\",\n")
    }

    @Test(
        "a cell that a spreadsheet would run is text, and can be read back",
        arguments: [
            "=1+1", "+1", "-cart", "@x", "\tx", "\rx", "\nx", "＝1", "＋1", "－1", "＠x", "'quoted", "''", "'=1", "''-",
            "=HYPERLINK(\"x\")", "plain", "", "a=b", "「", "'",
        ])
    func formulas(text: String) {
        var rows = CSVWriter(.table, columns: ["a"])
        rows.removeAll()
        rows.add(text)
        var cell = String(decoding: rows.bytes, as: UTF8.self)
        if cell.hasPrefix("\"") {
            cell = String(cell.dropFirst().dropLast()).replacing("\"\"", with: "\"")
        }
        let first = cell.unicodeScalars.first
        #expect(first.map { !"=+-@\t\r\n＝＋－＠".unicodeScalars.contains($0) } ?? true)
        let kept = text.unicodeScalars.map { $0.value < 0x20 ? "\u{FFFD}" : $0 }
        #expect(FormulaGuard.unmarked(cell) == String(String.UnicodeScalarView(kept)))
    }

    @Test("no control character of a cell reaches the file, whatever it is", arguments: 0..<4 as Range<UInt64>)
    func controls(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            let scalars = (0..<Int.random(in: 0...12, using: &generator)).compactMap { _ in
                Unicode.Scalar(UInt32.random(in: 0...0x2FF, using: &generator))
            }
            let text = String(String.UnicodeScalarView(scalars))
            for kind in [CSVWriter.Kind.table, .records] {
                var rows = CSVWriter(kind, columns: [])
                rows.removeAll()
                rows.add(text)
                let cell = String(decoding: rows.bytes, as: UTF8.self)
                #expect(!cell.unicodeScalars.contains { $0.properties.generalCategory == .control }, "\(scalars)")
                let left = scalars.filter { $0.properties.generalCategory != .control }
                #expect(left.allSatisfy { cell.unicodeScalars.contains($0) })
            }
        }
    }

    @Test("a text that spreadsheets leave alone has no mark", arguments: ["plain", "'quoted", "''", "", "a-b", "「"])
    func unmarked(text: String) {
        let isMarked = FormulaGuard.needsMark(Array(text.utf8).span)
        #expect(!isMarked)
    }
}
