import CartAssociations
import Foundation
import TestSupport
import Testing

@testable import ExportFiles

/// Exports as other people's systems wrote them, made after public fault reports about other importers.
struct ReportedExportTests {
    static func path(_ name: String) -> String {
        URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/reported/\(name)")
            .path(percentEncoded: false)
    }

    static let owners = (1...9).map { "0000000\($0)-93d1-4c55-9a61-0e6f0f5c2d0\($0)" }

    /// The associations of the first owners with the first carts.
    static func usual(_ count: Int) -> [String] {
        (1...count).map { "customer \(owners[$0 - 1]) cart-\($0)" }
    }

    @Test(
        "what has only one meaning is read",
        arguments: [
            ("shapes/cart-owner-first.xml", 3), ("shapes/single-cart.xml", 1), ("shapes/cart-key-attr.xml", 3),
            ("soap/two-ns.xml", 3), ("concatenated/ctrlz.xml", 2), ("ctrl-z/in.csv", 3), ("sep-line/in.csv", 3),
            ("repeated-header/in.csv", 6), ("trailing-delimiter/rows-only.csv", 3), ("space-after-delimiter/in.csv", 2),
            ("space-after-delimiter/fixedwidth.csv", 2), ("encodings/utf8label.xml", 3), ("windows-1252/in.xml", 2),
            ("duplicate-columns/join.csv", 3),
        ])
    func read(_ name: String, _ count: Int) throws {
        let reading = try WholeReading(Self.path(name))
        #expect(reading.associations == Self.usual(count))
        #expect(reading.rejected.isEmpty)
        #expect(!reading.facts.isDelta)
        #expect(reading.facts.endsWithNewline)
        for size in [1, 7, 64] {
            #expect(try WholeReading(Self.path(name), blockSize: size).summary == reading.summary)
        }
    }

    @Test("the records of all sections are read")
    func sections() throws {
        let whole = try WholeReading(Self.path("several-kinds/all-100.xml"))
        let sections = try WholeReading(Self.path("several-kinds/sections-85-15.xml"))
        #expect(whole.associations.count == 100)
        #expect(sections.associations == whole.associations)
        #expect(sections.rejected.isEmpty)
    }

    @Test("actions that say nothing make a delta whose records are rejected")
    func emptyActions() throws {
        let reading = try WholeReading(Self.path("xsi-nil/action.xml"))
        #expect(reading.facts.isDelta)
        #expect(reading.rejected.map(\.reason.code) == [.missingAction, .missingAction])
        #expect(reading.usable.isEmpty)
    }

    @Test("a bare & is named, with its place and what to write")
    func ampersand() throws {
        let error = try #require(refusal(Self.path("encodings/bare-ampersand.xml")))
        #expect(error.fault == .malformed)
        #expect((error.line, error.column) == (3, 87))
        #expect(error.advice == "have each & of a text written as &amp;")
    }

    @Test("a web page is refused as one, with its title")
    func page() throws {
        let error = try #require(refusal(Self.path("not-exports/page.csv")))
        #expect(error.fault == .webPage)
        #expect(error.problem == "this is a web page (\"Sign in\")")
    }

    @Test("bytes behind a gzip stream are called that")
    func behindGzip() throws {
        let error = try #require(refusal(Self.path("gzip/garbage.csv.gz")))
        #expect(error.problem == "the gzip stream is whole, and bytes that are none stand behind it")
    }

    @Test("a total or a trailer is no association", arguments: ["comma", "trailer"])
    func trailers(_ name: String) throws {
        let reading = try WholeReading(Self.path("footer-total/\(name).csv"))
        #expect(reading.associations == Self.usual(3))
        #expect(reading.rejections == ["5 trailer"])
        for size in [1, 7, 64] {
            #expect(try WholeReading(Self.path("footer-total/\(name).csv"), blockSize: size).summary == reading.summary)
        }
    }

    @Test(
        "a header that comes again is no association, however it is written",
        arguments: [
            "customer_id,cart_id", "CUSTOMER_ID,CART_ID", "\"customer_id\",\"cart_id\"", " customer id ,Cart-Id",
            "\u{FEFF}customer_id,cart_id", "'customer_id,cart_id", "customer,cart", "Customer,cart_reference",
        ])
    func headers(_ again: String) throws {
        let text = "customer_id,cart_id\nc-1,k-1\n\(again)\nc-2,k-2\n\(again)\n"
        for size in [nil, 1, 7] {
            let reading = try WholeReading(text: text, blockSize: size)
            #expect(reading.associations == ["customer c-1 k-1", "customer c-2 k-2"])
            #expect(reading.rejected.isEmpty && reading.facts.records == 2)
            #expect(
                reading.facts.notes.map(\.sentence) == ["2 lines, 3 first, have the header once more, and no record"])
        }
        for other in ["Cart ID,customer_id", "account_id,cart_id", "owner_id,cart"] {
            let error = try #require(refusal(text: "customer_id,cart_id\nc-1,k-1\n\(other)\nk-2,c-2\n"))
            #expect(error.fault == .header && error.line == 3)
        }
        let mapped = ReadingOptions(fieldNames: [.cart: "KORB NR", .account: "Kunde"])
        #expect(
            try WholeReading(text: "Kunde;KORB NR\na;k\nKUNDE;Korb_Nr\ncustomers;carts\n", mapped).associations == [
                "account a k", "account customers carts",
            ])
    }

    @Test("rows of blanks in quotes are blank, and a quote is not")
    func quotedBlanks() throws {
        let reading = try WholeReading(
            text: "customer_id,cart_id\nc,k\n\" \",\"\t \"\n\"\",\" \",\n , \n\"\"\"\",\" \"\nd,m\n")
        #expect(reading.associations == ["customer c k", "customer d m"])
        #expect(reading.rejected.map(\.place.line) == [6] && reading.facts.blankLines == 3)
    }

    @Test("no control character from U+0080 reaches a name, and the character that was meant does")
    func controls() throws {
        let named = "customer_id,cart_id,cart_name\nc,k,"
        let utf8 = try WholeReading(text: named + "\u{80}5 \u{93}x\u{94}\u{81}\n")
        #expect(utf8.usable.map(\.cartName) == ["€5 “x”"])
        for encoding in [TextEncoding.latin1, .latin9, .windows1252] {
            let bytes = Array(named.utf8) + [0x80, 0x35, 0x81, 0x9D, 0x85] + Array("\n".utf8)
            #expect(
                try WholeReading(bytes: bytes, ReadingOptions(encoding: encoding)).usable.map(\.cartName) == ["€5…"])
        }
        let xml = try WholeReading(text: "<l><r customer='c' cart='k' cart_name='&#128;5&#x85;'/></l>")
        #expect(xml.usable.map(\.cartName) == ["€5…"])
    }

    @Test(
        "a line that counts the records above it is none, however few they are and whatever follows",
        arguments: [
            ("c-1,k-1\nTotal,1\n", 1), ("alice,k\nbob,m\nTRL,2\n", 2),
            ("alice,k\nbob,m\n2,trailer\nPrinted: today,\n", 2),
            ("Total:,0\n", 0), ("c-1,k-1\nc-2,k-2\nc-3,k-3\nTotal,3\nPrinted,2026\n", 3),
            ("c-1,k-1\n\"TRL\",\"3\"\n", 1),
            ("alice,0\nbob,1\ncarol,2\n", 3 + 100), ("sum,5\nc,k\n", 2 + 100), ("total,k-0\nc,k\n", 2 + 100),
        ])
    func totals(_ records: String, _ count: Int) throws {
        let text = "customer_id,cart_id\n" + records
        let reading = try WholeReading(text: text)
        #expect(reading.usable.count == count % 100)
        #expect(reading.rejected.isEmpty == (count >= 100))
        #expect(reading.facts.rejected[.trailer, default: 0] > 0 || count >= 100)
        let all = try WholeReading(text: text, ReadingOptions(trailer: .missing))
        #expect(all.facts.rejected[.trailer] == nil)
    }

    @Test("a spreadsheet's rows of delimiters are blank")
    func emptyRows() throws {
        let reading = try WholeReading(Self.path("empty-delimiter-rows/excel.csv"))
        #expect(reading.rejected.isEmpty)
        #expect(reading.facts.blankLines > 0)
        #expect(reading.usable.count == reading.facts.records)
    }

    @Test("the word for nothing is nothing")
    func nulls() throws {
        let reading = try WholeReading(Self.path("null-markers/sqlserver.csv"))
        #expect(reading.associations == Self.usual(3))
        #expect(reading.rejections == ["5 missing-owner", "6 missing-cart", "7 missing-cart"])
    }

    @Test("ids that a spreadsheet has destroyed are rejected in these words")
    func destroyed() throws {
        let reading = try WholeReading(Self.path("scientific/in.csv"))
        #expect(reading.usable.isEmpty)
        #expect(reading.rejected.count == 5)
        #expect(reading.rejected.allSatisfy { $0.reason.sentence.contains("a spreadsheet has destroyed it") })
    }

    @Test("names in Windows-1252 have the characters that were written")
    func windows() throws {
        let csv = try WholeReading(Self.path("windows-1252/names.csv"), ReadingOptions(encoding: .windows1252))
        #expect(csv.associations == Self.usual(2))
        #expect(csv.usable.map(\.cartName) == ["Lager €10 – „Büro“", "Großkunde"])
        let plain = try WholeReading(Self.path("windows-1252/names.csv"))
        #expect(plain.rejected.allSatisfy { $0.reason.sentence.contains("--encoding windows-1252") })
        #expect(plain.facts.notes.map(\.line) == [2])
        let xml = try WholeReading(Self.path("windows-1252/in.xml"))
        #expect(xml.usable.map(\.cartName) == ["Büro €", "x"])
    }

    @Test("what is odd about an export is told once, with its first line")
    func notes() throws {
        func notes(_ name: String) throws -> [String] { try WholeReading(Self.path(name)).facts.notes.map(\.sentence) }
        #expect(try notes("repeated-header/in.csv") == ["line 5 has the header once more, and no record"])
        #expect(
            try notes("space-after-delimiter/fixedwidth.csv") == [
                "2 lines, 2 first, have blanks, an apostrophe or quotes around an id, which were taken away"
            ])
    }

    @Test(
        "an empty field beyond the header's is passed over where every record has it, and a sign of a shift elsewhere")
    func surplusFields() throws {
        let shifted = try WholeReading(text: "cart_id,customer_id,note\nk1,c1,x\nk,2,c2,\nk3,c3,\n")
        #expect(shifted.associations == ["customer c1 k1", "customer c3 k3"])
        #expect(shifted.rejections == ["3 field-count"])
        #expect(shifted.rejected.allSatisfy { $0.names.isSuperset(of: ["c2"]) })
        // With an identifier in the last column nothing can be shifted, and a spreadsheet writes some lines with more.
        for header in ["cart_id,customer_id", "note,customer_id,cart_id", "customer_id,cart_id,,"] {
            let columns = header.split(separator: ",").map(String.init)
            let rows = (1...40).map { number in
                columns.map { $0 == "note" ? "" : "\($0 == "cart_id" ? "k" : "c")\(number)" }.joined(separator: ",")
                    + String(repeating: ",", count: number / 16 % 3)
            }
            let mixed = try WholeReading(text: header + "\n" + rows.joined(separator: "\n") + "\n")
            #expect(mixed.associations == (1...40).map { "customer c\($0) k\($0)" } && mixed.rejected.isEmpty)
        }
        let behind = try WholeReading(text: "note,cart_id,customer_id\nx,k1,c1\nx,y,k2,c2\nx,k,3,c3,\n")
        #expect(behind.associations == ["customer c1 k1"] && behind.rejections == ["3 field-count", "4 field-count"])
        let everywhere = try WholeReading(text: "cart_id,customer_id\nk1,c1,\nk2,c2,\n")
        #expect(everywhere.associations == ["customer c1 k1", "customer c2 k2"])
        let folder = try TemporaryFolder()
        let path = try folder.write("cart_id,customer_id,note\nk,1,c1,\nk2,c2,x\nk3,c3,y\n")
        var reading = try ExportReader().read(try ExportFile.open(path, spoolFolder: folder.path))
        var parts: [DoubtfulPart] = []
        while let batch = try reading.next() { parts += batch.doubtful }
        #expect(parts.map(\.line) == [3] && parts.allSatisfy(\.hidesIdentifiers))
    }
}
