import CartAssociations
import Foundation
import TestSupport
import Testing

@testable import ExportFiles

/// Workbooks: what is read of them, and what is refused.
struct SheetTests {
    static func path(_ name: String) -> String {
        URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/sheets/\(name)")
            .path(percentEncoded: false)
    }

    /// A workbook with one sheet, as a zip of these rows and shared texts.
    static func workbook(
        rows: String, strings: [String] = [], styles: String = "", sheets: String = #"<sheet name="S" r:id="r1"/>"#,
        properties: String = ""
    ) -> [UInt8] {
        let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
        let relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
        var files = [
            (
                "xl/workbook.xml",
                #"<workbook xmlns="\#(main)" xmlns:r="\#(relations)">\#(properties)<sheets>\#(sheets)</sheets></workbook>"#
            ),
            (
                "xl/_rels/workbook.xml.rels",
                #"<Relationships><Relationship Id="r1" Type="\#(relations)/worksheet" Target="worksheets/a.xml"/>"#
                    + #"<Relationship Id="r2" Type="\#(relations)/worksheet" Target="/xl/worksheets/b.xml"/>"#
                    + #"<Relationship Id="r3" Type="\#(relations)/chartsheet" Target="chartsheets/c.xml"/>"#
                    + (strings.isEmpty
                        ? ""
                        : #"<Relationship Id="r4" Type="\#(relations)/sharedStrings" Target="sharedStrings.xml"/>"#)
                    + (styles.isEmpty
                        ? "" : #"<Relationship Id="r5" Type="\#(relations)/styles" Target="styles.xml"/>"#)
                    + "</Relationships>"
            ),
            ("xl/worksheets/a.xml", #"<worksheet xmlns="\#(main)"><sheetData>\#(rows)</sheetData></worksheet>"#),
            (
                "xl/worksheets/b.xml",
                #"<x:worksheet xmlns:x="\#(main)"><x:sheetData>"# + second + "</x:sheetData></x:worksheet>"
            ),
            ("[Content_Types].xml", "<Types/>"),
        ]
        if !strings.isEmpty {
            files.append(("xl/sharedStrings.xml", "<sst>\(strings.map { "<si>\($0)</si>" }.joined())</sst>"))
        }
        if !styles.isEmpty { files.append(("xl/styles.xml", "<styleSheet>\(styles)</styleSheet>")) }
        return storedZip(files)
    }

    /// The rows of the second sheet, with a prefix as some programs write it.
    private static let second =
        #"<x:row><x:c t="str"><x:v>customer_id</x:v></x:c><x:c t="str"><x:v>cart_id</x:v></x:c></x:row>"#
        + #"<x:row><x:c t="str"><x:v>c-b</x:v></x:c><x:c t="str"><x:v>cart-b</x:v></x:c></x:row>"#

    /// A header and one record whose cart is this cell.
    static func cart(_ cell: String, strings: [String] = [], styles: String = "", properties: String = "") -> [UInt8] {
        workbook(
            rows: header + "<row r='2'><c r='A2' t='str'><v>c-1</v></c>\(cell)</row>", strings: strings, styles: styles,
            properties: properties)
    }

    static let header =
        "<row r='1'><c r='A1' t='str'><v>customer_id</v></c><c r='B1' t='inlineStr'><is><t>cart_id</t></is></c></row>"

    @Test("a workbook of another program gives what its sheet says, with the rows as lines")
    func openpyxl() throws {
        let reading = try WholeReading(Self.path("customers.xlsx"))
        #expect(
            reading.associations == [
                "customer 5f0c2b6e-93d1-4c55-9a61-0e6f0f5c2d11 cart-a1",
                "customer 0b1f6f7c-2c1a-4b0e-8f3d-77d0a4f4f5b2 cart-a2", "customer 1001 cart-a3",
                "customer c-4 cart_a4",
                "customer 00007 42", "customer c-11 cart-rich",
            ])
        #expect(reading.usable.map(\.place.line) == [2, 3, 4, 6, 7, 11])
        #expect(reading.usable.prefix(2).map(\.cartName) == ["Gifts, \"red\"", "Gar den"])
        #expect(reading.rejections == ["8 missing-cart", "9 bad-cart", "10 bad-cart"])
        #expect(reading.rejected[1].reason.sentence.contains("a spreadsheet has destroyed it"))
        #expect(reading.facts.shape.sheet == "sheet Carts of Old (hidden), Carts")
        #expect(reading.facts.endsWithNewline)
    }

    @Test("texts that cells share are read, and dates that count from 1904")
    func sharedTexts() throws {
        let reading = try WholeReading(Self.path("shared.xlsx"))
        #expect(reading.usable.count == 202)
        #expect(reading.associations.prefix(200) == (0..<200).map { "customer c-\($0 % 20) cart-\($0)" }[...])
        #expect(reading.associations.suffix(2) == ["customer 000017 cart-f", "customer c-x cart-r"])
        #expect(reading.usable[1].cartName == "Tea & <cake>")
        #expect(reading.usable[2].cartName == "_x0041_ \u{E9}")
        #expect(reading.rejections == ["205 bad-cart"])
        #expect(String(decoding: reading.rejected[0].raw, as: UTF8.self) == ",c-x,2026-11-29 22:15:00,,")
        #expect(reading.facts.shape.sheet == "sheet Carts & owners of Carts & owners, Notes")
    }

    @Test(
        "a workbook reads the same through other packing, and in blocks of any size",
        arguments: ["customers", "shared"])
    func ways(_ name: String) throws {
        let bytes = Array(try Data(contentsOf: URL(filePath: Self.path("\(name).xlsx"))))
        let plain = try WholeReading(bytes: bytes)
        #expect(try WholeReading(bytes: gzip(bytes)).summary == plain.summary)
        for size in [1, 7, 64] { #expect(try WholeReading(bytes: bytes, blockSize: size).summary == plain.summary) }
        for count in stride(from: 10, to: bytes.count, by: 97) {
            #expect(refusal(bytes: Array(bytes[..<count])) != nil, "cut at \(count)")
        }
    }

    static let cells: [(cell: String, cart: String?)] = [
        ("<c t='str'><v>k-1</v></c>", "k-1"),
        ("<c r='B2'><f>A1</f><v>12</v></c>", "12"),
        ("<c r='B2'><v>12.0</v></c>", "12"),
        ("<c r='B2'><v>123456789012345</v></c>", "123456789012345"),
        ("<c r='B2'><v>12345678901234567</v></c>", "12345678901234567"),
        ("<c r='B2'><v>1234567890123450</v></c>", nil),
        ("<c r='B2'><v>1E5</v></c>", nil),
        ("<c r='B2' t='str'><v>123e4567</v></c>", "123e4567"),
        ("<c r='B2' t='s'><v>1</v></c>", "k-shared"),
        ("<c r='B2' t='s'><v>2</v></c>", "rich"),
        ("<c r='B2' t='s'><v>3</v></c>", "kana"),
        (
            "<c r='B2' t='inlineStr'><is><r><t>in</t></r><r><t>line</t></r><rPh sb='0'><t>no</t></rPh></is></c>",
            "inline"
        ),
        ("<c r='B2' t='inlineStr'><is><t xml:space='preserve'> k </t></is></c>", "k"),
        ("<c r='B2' t='str'><v>a_x002D_b</v></c>", "a-b"),
        ("<c r='B2' t='str'><v>k&#10;</v></c>", "k"),
        ("<c r='B2' t='str'><v>a&#10;b</v></c>", nil),
        ("<c r='B2' t='e'><v>#SPILL!</v></c>", nil),
        ("<c r='B2'><f>A1</f></c>", nil),
        ("<c r='B2' s='1'><v>7</v></c>", "007"),
        ("<c r='B2' s='2'><v>45000</v></c>", nil),
        ("<c r='B2' s='3'><v>45000.5</v></c>", nil),
        ("<c r='B2' s='4'><v>45000</v></c>", "45000"),
        ("<c r='B2' t='d'><v>2026-11-29</v></c>", nil),
        ("<c r='C2' t='str'><v>k</v></c>", nil),
        ("", nil),
    ]

    @Test("each kind of cell is what it stores, or no id", arguments: cells)
    func cell(_ example: (cell: String, cart: String?)) throws {
        let styles =
            "<numFmts><numFmt numFmtId='164' formatCode='000'/><numFmt numFmtId='165' formatCode='d. m. yy'/></numFmts>"
            + "<cellStyleXfs><xf numFmtId='14'/></cellStyleXfs>"
            + "<cellXfs><xf numFmtId='0'/><xf numFmtId='164'/><xf numFmtId='14'/><xf numFmtId='165'/><xf numFmtId='3'/></cellXfs>"
        let strings = [
            "<t>no</t>", "<t>k-shared</t>", "<r><t>ri</t></r><r><rPr/><t>ch</t></r>", "<t>kana</t><rPh><t>no</t></rPh>",
        ]
        let reading = try WholeReading(bytes: Self.cart(example.cell, strings: strings, styles: styles))
        #expect(reading.associations == (example.cart.map { ["customer c-1 \($0)"] } ?? []))
        #expect(reading.rejected.count == (example.cart == nil ? 1 : 0))
        #expect(reading.facts.records == 1)
    }

    @Test("formats of numbers are told apart")
    func formats() {
        let kinds: [(String, CellFormats.Kind)] = [
            ("General", .number), ("0", .number), ("00000", .padded(5)), ("000;-000", .padded(3)),
            ("0.00E+00", .number),
            ("yyyy-mm-dd", .date), ("[$-409]d/mmm", .date), ("\"days\" 0", .number), ("0\\d", .number),
            ("[h]:mm", .date),
            ("#,##0.00 [$EUR]", .number), ("@", .number),
        ]
        for (code, kind) in kinds { #expect(CellFormats.kind(code) == kind, "\(code)") }
    }

    @Test("rows and cells may be left out, and stand where their places say")
    func places() throws {
        let rows =
            Self.header + "<row r='4'><c r='B4' t='str'><v>k-4</v></c><c r='D4' s='1'/></row>"
            + "<row><c t='str'><v>c-5</v></c><c t='str'><v>k-5</v></c><c/></row><row r='9'/>"
        let reading = try WholeReading(bytes: Self.workbook(rows: rows))
        #expect(reading.associations == ["customer c-5 k-5"])
        #expect(reading.usable.map(\.place.line) == [5])
        #expect(reading.rejections == ["4 missing-owner"])
        #expect(reading.facts.blankLines == 6)
    }

    @Test(
        "a sheet that contradicts itself is refused, and says where",
        arguments: [
            "<row r='3'><c r='A3'><v>1</v></c></row><row r='2'/>", "<row r='2'/><row r='2'/>",
            "<row r='2'><c r='B2'><v>1</v></c><c r='A2'><v>1</v></c></row>", "<row r='2'><c r='A3'><v>1</v></c></row>",
            "<row r='2'><c r='A2' t='s'><v>9</v></c></row>", "<row r='9999999'/>",
            "<row r='2'><c r='A2'><v>1</v></c><row r='3'><c r='A3'><v>2</v></c></row></row>",
            "<part><row r='2'><c r='A2'><v>1</v></c></row></part>", "<row r='2'><x><c r='A2'><v>1</v></c></x></row>",
            "<row r='2'><c r='A2'><v>1</v><c r='B2'><v>2</v></c></c></row>",
            "<row r='2'><c r='A2' t='st'><v>1</v></c></row>", "<row r='2'><c r='XFE2'/></row>",
        ])
    func contradictions(_ rows: String) throws {
        let error = try #require(refusal(bytes: Self.workbook(rows: Self.header + rows)))
        #expect(error.fault == .malformed)
        #expect(error.file.hasSuffix("/S"))
    }

    @Test("what programs add to rows and cells is passed over")
    func additions() throws {
        let more = "<extLst><ext uri='{1}'><c r='Z9'><row/></c></ext></extLst>"
        let rows =
            Self.header
            + "<row r='2' spans='1:2' hidden='1'><c r='A2' t='str' cm='1'><f t='shared' si='0'/><v>c-1</v>\(more)</c>"
            + "<c r='B2' t='n' s='0'><v>7</v></c>\(more)</row>"
        #expect(try WholeReading(bytes: Self.workbook(rows: rows)).associations == ["customer c-1 7"])
    }

    @Test("the first sheet that is not hidden is read, or the one that is named")
    func choice() throws {
        let sheets =
            #"<sheet name="Chart" r:id="r3"/><sheet name="A" state="veryHidden" r:id="r1"/><sheet name="Bé" r:id="r2"/>"#
        let rows = Self.header + "<row r='2'><c t='str'><v>c-a</v></c><c t='str'><v>cart-a</v></c></row>"
        let book = Self.workbook(rows: rows, sheets: sheets)
        let second = try WholeReading(bytes: book)
        #expect(second.associations == ["customer c-b cart-b"])
        #expect(second.facts.shape.sheet == "sheet Bé of A (hidden), Bé")
        var options = ReadingOptions()
        options.sheet = "a"
        #expect(try WholeReading(bytes: book, options).associations == ["customer c-a cart-a"])
        options.sheet = "Carts"
        let error = try #require(refusal(bytes: book, options))
        #expect(error.problem == "the workbook has no sheet Carts; it has A (hidden), Bé")
        #expect(error.advice.contains("--sheet"))
        // What is no workbook has no sheet to choose.
        #expect(try WholeReading(bytes: BytesTests.text, options).associations == BytesTests.expected)
    }

    @Test("the files of a workbook are found by what it says of them, whatever case and slashes they are named with")
    func parts() throws {
        let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
        // The strict form of the format has other names for the same.
        let relations = "http://purl.oclc.org/ooxml/officeDocument/relationships"
        func book(
            _ root: String, _ path: String, _ sheet: String, _ target: String, slash: String = "/"
        ) -> [UInt8] {
            let (folder, file) = (
                path.dropLast(path.split(separator: "/").last?.count ?? 0), path.split(separator: "/").last ?? ""
            )
            let files = [
                ("[Content_Types].xml", "<Types/>"),
                (
                    "_rels/.rels",
                    "<Relationships><Relationship Id='a' Type='\(relations)/officeDocument' Target='\(root)'/></Relationships>"
                ),
                (
                    String(path),
                    "<workbook xmlns='\(main)' xmlns:r='\(relations)'><sheets><sheet name='S' r:id='r1'/></sheets></workbook>"
                ),
                (
                    "\(folder)_rels/\(file).rels",
                    "<Relationships><Relationship Id='r1' Type='\(relations)/worksheet' Target='\(target)'/></Relationships>"
                ),
                (
                    sheet,
                    "<worksheet xmlns='\(main)'><sheetData>\(Self.header)<row r='2'><c t='str'><v>c</v></c><c t='str'><v>k</v></c></row></sheetData></worksheet>"
                ),
            ]
            return storedZip(files.map { ($0.0.replacing("/", with: slash), $0.1) })
        }
        let books = [
            book("/xl/workbook2.xml", "xl/workbook2.xml", "xl/worksheets/sheet.xml", "worksheets/sheet.xml"),
            book("xl/workbook.xml", "xl/Workbook.xml", "xl/WorkSheets/Sheet1.xml", "worksheets/sheet1.xml"),
            book("workbook.xml", "workbook.xml", "data/s.xml", "./data/../data/s.xml"),
            book("xl/workbook.xml", "xl/workbook.xml", "xl/worksheets/a.xml", "/xl/worksheets/a.xml", slash: "\\"),
        ]
        for (number, book) in books.enumerated() {
            #expect(try WholeReading(bytes: book).associations == ["customer c k"], "\(number)")
        }
    }

    @Test("texts that need more memory than is kept come back from the file")
    func manyTexts() throws {
        let folder = try TemporaryFolder()
        let strings = SharedStrings(spillFolder: folder.path)
        func text(_ number: Int) -> [UInt8] {
            Array("\(number)".utf8) + [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: number % 700)
        }
        let count = 100_000
        for number in 0..<count { try strings.add(text(number)[...]) }
        var random = SeededGenerator(seed: 7)
        for step in 0..<20_000 {
            let number = step < 5000 ? step : Int.random(in: 0..<count, using: &random)
            var found: [UInt8] = []
            #expect(try strings.append(number, to: &found))
            #expect(found == text(number))
        }
        var nothing: [UInt8] = []
        #expect(try !strings.append(count, to: &nothing))
        #expect(folder.names().isEmpty)
    }

    @Test(
        "another document of an office is refused with what to do",
        arguments: [
            (["xl/workbook.bin", "[Content_Types].xml"], ".xlsb"), (["mimetype", "content.xml"], ".ods"),
            (["word/document.xml", "[Content_Types].xml"], "document of Office"),
        ])
    func others(_ example: (names: [String], problem: String)) throws {
        let error = try #require(refusal(bytes: storedZip(example.names.map { ($0, "x") })))
        #expect(error.problem.contains(example.problem))
        #expect(error.advice.contains("CSV (UTF-8)"))
        let old = try #require(refusal(bytes: [0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1, 0, 0, 0, 0]))
        #expect(old.problem.contains(".xls"))
    }

    @Test("a workbook with a DOCTYPE is refused")
    func doctype() throws {
        let text = "<!DOCTYPE a [<!ENTITY b 'c'>]><workbook/>"
        let zip = storedZip([(Workbook.path, text), ("xl/_rels/workbook.xml.rels", "<Relationships/>")])
        #expect(refusal(bytes: zip)?.fault == .doctype)
    }
}
