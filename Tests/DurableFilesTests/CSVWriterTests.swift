import DurableFiles
import Testing

struct CSVWriterTests {
    @Test("a table has CRLF and marked cells, records have LF and their text alone")
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
        #expect(text(.records) == "a,b\n-id,7\n\"x;\"\"y\"\"\",\n")
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
        #expect(FormulaGuard.unmarked(cell) == text)
    }

    @Test("a text that spreadsheets leave alone has no mark", arguments: ["plain", "'quoted", "''", "", "a-b", "「"])
    func unmarked(text: String) {
        let isMarked = FormulaGuard.needsMark(Array(text.utf8).span)
        #expect(!isMarked)
    }
}
