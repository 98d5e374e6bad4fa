import CartAssociations
import DurableFiles
import Foundation
import TestSupport
import Testing

@testable import ExportFiles

struct RejectsFileTests {
    /// Reads an export and writes its rejected records; the path of the rejects file.
    static func rejects(
        of path: String, in folder: TemporaryFolder, _ options: ReadingOptions = ReadingOptions(),
        name: String = "rejects", limit: RejectsFile.Limit = .init()
    ) throws -> String {
        let file = try ExportFile.open(path, spoolFolder: "")
        let reader = ExportReader(options: options)
        let target = folder.path(name)
        var reading = try reader.read(file)
        let rejects = try RejectsFile(at: target, shape: reading.facts.shape, limit: limit)
        while let batch = try reading.next() {
            for record in batch.rejected { try rejects.append(record) }
        }
        try rejects.finish()
        let facts = reading.facts
        #expect(rejects.count == min(facts.rejectedRecords, limit.records))
        return target
    }

    @Test("a rejects file has an end, and says then how many records more there are and where")
    func bounded() throws {
        let folder = try TemporaryFolder()
        let bad = (2...101).map { "c-\($0),cart#\($0)\n" }.joined()
        let csv = try folder.write("customer_id,cart_id\n" + bad, to: "a.csv")
        let rejects = try Self.rejects(of: csv, in: folder, limit: .init(records: 10))
        let lines = try String(contentsOfFile: rejects, encoding: .utf8).split(separator: "\n")
        #expect(lines.count == 12)
        #expect(lines.last == "\"and 90 more, which are not here: see lines 12 to 101 of the export\",12,,")
        let again = try WholeReading(rejects)
        #expect(again.usable.isEmpty && again.facts.records == 11, "the last line is no record that is used")

        let elements = (1...100).map { "<r><customer_id>c</customer_id><cart_id>#\($0)</cart_id></r>\n" }.joined()
        let xml = try folder.write("<rs>\n" + elements + "</rs>\n", to: "a.xml")
        let text = try String(
            contentsOfFile: try Self.rejects(of: xml, in: folder, name: "x", limit: .init(records: 10)), encoding: .utf8
        )
        #expect(text.contains("<!-- rejected: and 90 more, which are not here: see lines 12 to 101 of the export -->"))
        #expect(try WholeReading(folder.path("x")).facts.records == 10)
    }

    @Test("the bytes of a rejects file have a limit, whatever the records hold")
    func boundedBytes() throws {
        let folder = try TemporaryFolder()
        let bad = (0..<200).map { "c-\($0),#\(String(repeating: "x", count: 500))\n" }.joined()
        let csv = try folder.write("customer_id,cart_id\n" + bad, to: "a.csv")
        let reader = ExportReader(options: ReadingOptions())
        var reading = try reader.read(try ExportFile.open(csv, spoolFolder: ""))
        let rejects = try RejectsFile(
            at: folder.path("r"), shape: reading.facts.shape, limit: .init(records: 1000, bytes: 20_000))
        while let batch = try reading.next() {
            for record in batch.rejected { try rejects.append(record) }
        }
        try rejects.finish()
        #expect((10..<40).contains(rejects.count))
        #expect(try Data(contentsOf: URL(filePath: folder.path("r"))).count < 22_000)
    }

    /// Documents whose fault no longer shows, or is one of the whole, where the other records are gone.
    static let alone: Set<String> = ["unexpected-element.xml", "missing-owner.xml"]

    @Test("a rejects file in which every record has one fault may be read or refused as a whole", arguments: alone)
    func withoutTheOthers(_ name: String) throws {
        let folder = try TemporaryFolder()
        let path = try Self.rejects(of: BrokenSampleTests.path(name), in: folder)
        if name == "missing-owner.xml" {
            #expect(refusal(path)?.fault == .noRecords)
        } else {
            // Whoever imports this file says that the name is right.
            #expect(try WholeReading(path).associations == ["customer c-2 cart-2"])
        }
    }

    @Test(
        "rejects and accepted records are all records, and the rejects file is rejected again as it stands",
        arguments: BrokenSampleTests.rejected.map(\.name).filter { !alone.contains($0) })
    func complete(_ name: String) throws {
        let folder = try TemporaryFolder()
        let first = try WholeReading(BrokenSampleTests.path(name))
        let path = try Self.rejects(of: BrokenSampleTests.path(name), in: folder)
        let second = try WholeReading(path)
        #expect(second.usable.isEmpty)
        #expect(second.rejected.map(\.reason.code) == first.rejected.map(\.reason.code))
        #expect(zip(first.rejected, second.rejected).allSatisfy { $0.names.isSubset(of: $1.names) })
        #expect(first.usable.count + second.facts.records == first.facts.records)
        // Rejected once more, the file is the same but for its own line numbers.
        let again = try WholeReading(try Self.rejects(of: path, in: folder, name: "again"))
        #expect(again.rejected.map(\.reason) == second.rejected.map(\.reason))
        #expect(zip(first.rejected, again.rejected).allSatisfy { $0.names.isSubset(of: $1.names) })
        #expect(again.facts.shape.columns == second.facts.shape.columns)
    }

    @Test("a rejected CSV record stands in the file byte for byte, with its reason and line before it")
    func bytes() throws {
        let folder = try TemporaryFolder()
        let path = try Self.rejects(of: BrokenSampleTests.path("invalid-utf-8.csv"), in: folder)
        let bytes = Array(try Data(contentsOf: URL(filePath: path)))
        let expected =
            Array("rejected_because,rejected_line,customer_id,cart_id,cart_name\n".utf8)
            + Array(
                "\"the cart name has bytes that are not UTF-8; if the export comes from Excel: --encoding windows-1252\",3,c-2,cart-2,M"
                    .utf8) + [0xFC] + Array("sli\n".utf8)
        #expect(bytes == expected)
    }

    @Test(
        "a carriage return before a line end, or at the end of the file, makes a record of the rejects no better",
        arguments: ["k-1\r\r\nc-2,k-2\n", "k-1\r\r\r\n", "k-1\r\r", "k-1\n\"c\",k\r\r\n\rc,k\n"])
    func carriageReturns(_ rest: String) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("customer_id,cart_id\nc-1,\(rest)", to: "c.csv")
        let first = try WholeReading(path)
        #expect(!first.rejected.isEmpty)
        let second = try WholeReading(try Self.rejects(of: path, in: folder))
        #expect(second.usable.isEmpty && second.rejected.count == first.rejected.count)
    }

    @Test(
        "whatever stands in a rejected record, in the file of rejects it is rejected again", arguments: UInt64(1)...20)
    func rejectedAgain(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let folder = try TemporaryFolder()
        let pieces = ["c-1,k-1", "c-1,k-1", "c", ",", "\n", "\r", "\r", "\r\n", "\"", "\0", " ", "=", "é", "\u{85}"]
        for _ in 0..<100 {
            let length = Int.random(in: 1...12, using: &random)
            let text = (0..<length).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
            let path = try folder.write("customer_id,cart_id\nc-9,k-9\n\(text)\nc-8,k-8\n", to: "c.csv")
            guard let first = try? WholeReading(path), !first.rejected.isEmpty else { continue }
            let second = try WholeReading(try Self.rejects(of: path, in: folder))
            #expect(
                second.usable.isEmpty && second.rejected.count == first.rejected.count,
                "seed \(seed): \(text.debugDescription)")
        }
    }

    @Test("an export that has columns of the same names gets others, and its rejects are still known as such")
    func columnNames() throws {
        let folder = try TemporaryFolder()
        let text = "customer,cart,cart_name,Rejected Line\nc,bad k,=1,x\n"
        let path = try Self.rejects(of: try folder.write(text), in: folder)
        let written = try String(contentsOfFile: path, encoding: .utf8)
        #expect(written.hasPrefix("rejected_because_2,rejected_line_2,customer,cart,cart_name,Rejected Line\n"))
        #expect(written.hasSuffix(",2,c,bad k,'=1,x\n"))
        let mended = try WholeReading(text: written.replacing(",bad k,", with: ",k,"))
        #expect(mended.usable.map(\.cartName) == ["=1"])
        let again = try Self.rejects(of: path, in: folder, name: "again")
        #expect(try String(contentsOfFile: again, encoding: .utf8) == written)
    }

    @Test("a mended rejects file imports", arguments: ["bad-cart.csv", "bad-cart.xml"])
    func mended(_ name: String) throws {
        let folder = try TemporaryFolder()
        let path = try Self.rejects(of: BrokenSampleTests.path(name), in: folder)
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let mended = try WholeReading(
            text: text.replacing("\"cart 2\"", with: "\"cart-2\"").replacing(",cart 2", with: ",cart-2")
                .replacing(",cart/3", with: ",cart-3").replacing("\"cart/3\"/>", with: "\"cart-3\"/>"))
        #expect(mended.rejected.isEmpty)
        #expect(mended.usable.map(\.association.cart.text) == ["cart-2", "cart-3"])
    }

    @Test(
        "the rejects of an export have its encoding and its line ends, every record byte for byte",
        arguments: TextEncoding.allCases, ["\n", "\r\n", "\r"])
    func encodings(_ encoding: TextEncoding, _ lineEnd: String) throws {
        let folder = try TemporaryFolder()
        let options = ReadingOptions(encoding: encoding)
        let encoder = TextEncoder(to: encoding)
        let mark: [UInt8] = encoder.width > 1 ? encoder.encode([0xEF, 0xBB, 0xBF]) : []
        let line = "c,bad k,\"Größe \"\"1\"\", two\(lineEnd)lines\""
        let record = encoder.encode(Array(line.utf8))
        let end = encoder.encode(Array(lineEnd.utf8))
        let bytes = mark + encoder.encode(Array("customer,cart,cart_name\(lineEnd)".utf8)) + record + end
        let path = try Self.rejects(of: try folder.write(bytes), in: folder, options)
        let written = Array(try Data(contentsOf: URL(filePath: path)))
        let head = Array("rejected_because,rejected_line,customer,cart,cart_name\(lineEnd)".utf8)
        #expect(written.starts(with: mark + encoder.encode(head)))
        #expect(Array(written.suffix(record.count + end.count)) == record + end)
        let again = try WholeReading(path, options)
        #expect(again.rejections == ["2 bad-cart"])
        let twice = try Self.rejects(of: path, in: folder, options, name: "again")
        #expect(Array(try Data(contentsOf: URL(filePath: twice))) == written)
    }

    @Test("what is read in an encoding is written in it as it was", arguments: TextEncoding.allCases)
    func encoder(_ encoding: TextEncoding) throws {
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<200 {
            var bytes = (0..<2 * Int.random(in: 1...30, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            if encoding == .utf8 { bytes = Array(String(decoding: bytes, as: UTF8.self).utf8) }
            var text: [UInt8] = []
            var transcoder = Transcoder(from: encoding)
            transcoder.append(bytes.span, to: &text)
            transcoder.finish(to: &text)
            #expect(TextEncoder(to: encoding).encode(text) == bytes)
        }
        #expect(TextEncoder(to: .windows1252).encode(Array("a–漢".utf8)) == [0x61, 0x96, 0x3F])
    }

    @Test(
        "the rejects of a document have its encoding", arguments: [TextEncoding.latin9, .windows1252, .utf16BigEndian])
    func documentEncodings(_ encoding: TextEncoding) throws {
        let folder = try TemporaryFolder()
        let encoder = TextEncoder(to: encoding)
        let mark: [UInt8] = encoder.width > 1 ? encoder.encode([0xEF, 0xBB, 0xBF]) : []
        let record = "<r customer='c' cart='bad k' cart_name='Größe €'/>"
        let text = "<?xml version=\"1.0\" encoding=\"\(encoding.declared)\"?>\n<l>\(record)</l>\n"
        let path = try Self.rejects(of: try folder.write(mark + encoder.encode(Array(text.utf8))), in: folder)
        let written = Array(try Data(contentsOf: URL(filePath: path)))
        #expect(written.firstRange(of: encoder.encode(Array(record.utf8))) != nil)
        let again = try WholeReading(path)
        #expect(again.facts.shape.encoding == encoding && again.rejections.count == 1)
    }

    @Test("the rejects of a workbook and of what is packed are a file of their records, which can be mended")
    func packed() throws {
        let folder = try TemporaryFolder()
        let rows = StoredWorkbook.rows([
            ["customer_id", "cart_id", "cart_name"], ["c-1", "cart-1", ""], ["c-2", "cart 2", "a, \"b\" & <c>"],
            ["c-3", "1.5E+10", "=1+1"],
        ])
        let eu = "customer_id,cart_id,cart_name\nc-1,cart-1,\nc-2,cart 2,\"a, \"\"b\"\" & <c>\"\n"
        let us = "customer_id,cart_id,cart_name\nc-3,1.5E+10,=1+1\n"
        let packed = [
            StoredWorkbook.bytes(rows: Array(rows.utf8)), storedZip([("eu.csv", eu), ("us.csv", us)]),
            gzip(storedZip([("eu.csv", eu), ("us.csv", us)])),
        ]
        for (number, bytes) in packed.enumerated() {
            let export = try folder.write(bytes, to: "export")
            let whole = try WholeReading(export)
            let rejects = try Self.rejects(of: export, in: folder, name: "rejects-\(number)")
            let again = try WholeReading(rejects)
            #expect(again.facts.shape.kind == .additions && again.facts.shape.packing.isEmpty)
            #expect(again.rejected.map(\.reason.code) == whole.rejected.map(\.reason.code))
            let text = try String(contentsOfFile: rejects, encoding: .utf8)
            #expect(text.contains("c-2,cart 2,\"a, \"\"b\"\" & <c>\"\n"))
            let mended = try WholeReading(
                text: text.replacing("cart 2", with: "cart-2").replacing("1.5E+10", with: "15000000000"))
            #expect(mended.associations == ["customer c-2 cart-2", "customer c-3 15000000000"])
            #expect(mended.usable.map(\.cartName) == ["a, \"b\" & <c>", "=1+1"])
        }
    }

    @Test(
        "a total, and a record that may be cut, are rejected again until somebody changes them or empties their reason")
    func lasting() throws {
        let folder = try TemporaryFolder()
        let records = "customer_id,cart_id\nc-1,k-1\nc-2,k 2\nc-3,k-3\nc-4,k-4\n"
        let last = [
            ("Total,4\n", "trailer"), ("Signed,me\n", "trailer"), ("4,TRL\n", "trailer"), ("c-5,k-5", "may-be-cut"),
        ]
        for (last, code) in last {
            let export = try folder.write(records + last, to: "export")
            #expect(try WholeReading(export).rejections == ["3 bad-cart", "6 \(code)"])
            var rejects = try Self.rejects(of: export, in: folder)
            for _ in 0..<2 {
                #expect(try WholeReading(rejects).rejections == ["2 bad-cart", "3 \(code)"], "\(last)")
                rejects = try Self.rejects(of: rejects, in: folder, name: "again")
                try FileManager.default.removeItem(atPath: folder.path("rejects"))
                try FileManager.default.moveItem(atPath: rejects, toPath: folder.path("rejects"))
                rejects = folder.path("rejects")
            }
            let text = try String(contentsOfFile: rejects, encoding: .utf8).replacing("k 2", with: "k-2")
            #expect(try WholeReading(text: text).associations == ["customer c-2 k-2"])
            let lines = text.split(separator: "\n").map(String.init)
            let emptied = lines[0...1] + [lines[2].replacing(#/^"[^"]*"/#, with: "")]
            #expect(try WholeReading(text: emptied.joined(separator: "\n") + "\n").associations.count == 2)
            let mended = text.replacing(#/,[^,\n]*\n$/#, with: ",cart-9\n")
            #expect(try WholeReading(text: mended).associations.count == 2, "\(mended)")
        }
    }

    @Test("a record with a field too many is rejected again until it is mended, also if all rejected ones have it")
    func tooWide() throws {
        let folder = try TemporaryFolder()
        let export = try folder.write("customer_id,cart_id,note\nc-1,k-1,\nc-2,k-2,,\nc-3,k-3,,\n", to: "export")
        #expect(try WholeReading(export).rejections == ["3 field-count", "4 field-count"])
        let rejects = try Self.rejects(of: export, in: folder)
        #expect(try WholeReading(rejects).rejections == ["2 field-count", "3 field-count"])
        let mended = try String(contentsOfFile: rejects, encoding: .utf8).replacing("k-2,,", with: "k-2,")
        let reading = try WholeReading(text: mended)
        #expect(reading.associations == ["customer c-2 k-2"] && reading.rejections == ["3 field-count"])
    }

    @Test("a CSV of rejected records says nothing about those that it does not have")
    func additions() throws {
        let folder = try TemporaryFolder()
        let path = try Self.rejects(of: BrokenSampleTests.path("bad-cart.csv"), in: folder)
        let text = try String(contentsOfFile: path, encoding: .utf8).replacing("cart 2", with: "cart-2")
        for kind in [nil, ExportKind.snapshot, .additions] {
            let reading = try WholeReading(text: text, ReadingOptions(kind: kind))
            #expect(reading.facts.isDelta && reading.facts.shape.kind == .additions)
            #expect(reading.usable.allSatisfy { $0.action == .create } && !reading.usable.isEmpty)
        }
        let delta = try Self.rejects(of: BrokenSampleTests.path("unknown-action.csv"), in: folder)
        #expect(try WholeReading(delta).facts.shape.kind == .delta)
    }

    @Test("no cell of a rejects file is a formula, and reading it gives the original values again")
    func formulas() throws {
        let list = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/text")
        let names = ["csv_formula_injection.json", "naughty_strings.json"]
        let values =
            try names.flatMap {
                try JSONDecoder().decode([String].self, from: Data(contentsOf: list.appending(path: $0)))
            }
            + ["'=1", "''=1", "'", "-", "-a", "-1+1", "\t", "\ra", "@", "+1", "'-b"]
        #expect(values.count > 300)
        let folder = try TemporaryFolder()
        // The cart is wrong, so that the record is rejected whatever the value is.
        var text = "customer_id,cart_id,cart_name\n"
        for value in values where !value.contains("\0") {
            let cell = "\"" + value.replacing("\"", with: "\"\"") + "\""
            text += "\(cell),\"cart 1\",\(cell)\n"
        }
        let path = try Self.rejects(of: try folder.write(text), in: folder)
        let written = try String(contentsOfFile: path, encoding: .utf8)
        let rows = try #require(StrictRows(Array(written.utf8), delimiter: ",", isChecked: false).rows)
        #expect(rows.count == values.count { !$0.contains("\0") } + 1)
        for cell in rows.joined() {
            let isFormula = FormulaGuard.isTrigger(Array(cell.utf8).span, at: 0)
            #expect(!isFormula, "\(cell.debugDescription)")
        }
        let mended = try WholeReading(text: written.replacing(",\"cart 1\",", with: ",cart-1,"))
        let original = try WholeReading(text: text.replacing(",\"cart 1\",", with: ",cart-1,"))
        #expect(original.usable.count > 100)
        #expect(mended.usable.map(\.cartName) == original.usable.map(\.cartName))
        #expect(mended.associations == original.associations)
    }

    @Test("a record whose quotes are wrong is no formula in any reading of it")
    func formulasInBrokenRecords() throws {
        let folder = try TemporaryFolder()
        let text = "customer_id,cart_id,cart_name\n=c,+k\",\"@a\"-b\n\"x\"\"=y\"z,-k,\"=1\n"
        let error = refusal(text: text)
        #expect(error?.fault == .truncated)
        let path = try Self.rejects(of: try folder.write(Array((text + "\"\n").utf8)), in: folder)
        let written = try String(contentsOfFile: path, encoding: .utf8)
        #expect(written.contains(",'=c,'+k\",\"'@a\"-b\n"))
        #expect(written.contains("\"x\"\"=y\"z,'-k,\"'=1\n"))
    }

    @Test("a reason with dashes stays within its comment, and the file well-formed")
    func comments() throws {
        let folder = try TemporaryFolder()
        let export = try folder.write(Array("<l><r customer='c' cart='a--b>--'/><r customer='c' cart='k'/></l>".utf8))
        let path = try Self.rejects(of: export, in: folder)
        #expect(try WholeReading(path).rejections == ["4 bad-cart"])
        let comment = try #require(try String(contentsOfFile: path, encoding: .utf8).firstMatch(of: /<!--(.*)-->/))
        #expect(!comment.1.contains("--"))
        #expect(comment.1.contains("the cart \"a- -b>- -\" is not an id"))
        #expect(comment.1.contains("A-Z a-z 0-9 _ -"))
    }

    @Test("a rejects file that cannot be written says so")
    func unwritable() throws {
        let shape = try WholeReading(text: "customer,cart\n").facts.shape
        let error = #expect(throws: ExportError.self) { _ = try RejectsFile(at: "/nowhere/rejects.csv", shape: shape) }
        #expect(error?.isUnwritable == true)
    }
}
