import CartAssociations
import TestSupport
import Testing

@testable import ExportFiles

/// What stands around identifiers, or in their place, in the exports of spreadsheets and databases.
struct IdentifierTextTests {
    /// What one record with an owner and a cart is read as.
    private static func read(_ owner: String, _ cart: String, note: String = "x") throws -> String {
        let reading = try WholeReading(text: "customer_id,cart_id,note\n\(owner),\(cart),\(note)\n")
        return reading.usable.first.map { "\($0.association.owner.id) \($0.association.cart)" }
            ?? reading.rejected[0].reason.code.rawValue
    }

    @Test(
        "what stands around an id is taken away",
        arguments: [
            " c-1", "c-1\t", "'c-1", "\"c-1\"", " \"c-1\"", "\"c-1\" ", "=\"c-1\"", "\"=\"\"c-1\"\"\"",
            "\u{A0}c-1\u{202F}",
            "\" c-1 \"", "\"'c-1\"", "\u{FEFF}c-1",
        ])
    func around(_ owner: String) throws {
        #expect(try Self.read(owner, owner) == "c-1 c-1")
        // In a record with escaped quotes it is the same.
        #expect(try Self.read(owner, owner, note: "\"\"\"ü\"") == "c-1 c-1")
        // And in XML.
        let plain = owner.replacing("\"", with: "&quot;")
        if !owner.contains("\"") {
            let reading = try WholeReading(text: "<l><r customer=\"\(plain)\"><cart>\(plain)</cart></r></l>")
            #expect(reading.associations == ["customer c-1 c-1"])
        }
    }

    @Test(
        "what a spreadsheet has put around a name is taken away, and no more",
        arguments: [
            ("'007", "007"), ("=\"\"007\"\"", "007"), (" Lager 3\u{A0}", "Lager 3"), ("'", nil), ("O'Neill", "O'Neill"),
            ("\"\"A\"\" and \"\"B\"\"", "\"A\" and \"B\""), ("NULL", "NULL"), ("=1+1", "=1+1"),
        ])
    func names(_ written: String, _ name: String?) throws {
        for field in ["\(written)", "\"\(written)\""] where field != written || !written.contains("\"") {
            let reading = try WholeReading(text: "customer_id,cart_id,cart_name\nc-1,k-1,\(field)\n")
            #expect(reading.usable.map(\.cartName) == [name], "\(field)")
        }
    }

    @Test(
        "rows of blanks that need several bytes are blank", arguments: ["\u{A0}", "\u{A0},", "\u{202F},\u{2007}\u{A0}"])
    func blankRows(_ row: String) throws {
        let reading = try WholeReading(text: "customer_id,cart_id\n\(row)\nc-1,k-1\n\(row)\n")
        #expect(reading.associations == ["customer c-1 k-1"] && reading.rejected.isEmpty)
        #expect(reading.facts.records == 1 && reading.facts.blankLines == 2)
        let inLatin1 = Array("customer_id,cart_id\n".utf8) + [0xA0, 0x2C, 0xA0, 0x0A] + Array("c-1,k-1\n".utf8)
        let latin1 = try WholeReading(bytes: inLatin1, ReadingOptions(encoding: .windows1252))
        #expect(latin1.facts.records == 1 && latin1.rejected.isEmpty)
    }

    @Test(
        "words and error values that mean nothing are no ids",
        arguments: [
            "NULL", "null", "nan", "None", "\\N", "#N/A", "#REF!", "(null)", "'", "\"NULL\"", " null ", "N/A", "=\"\"",
        ])
    func missing(_ word: String) throws {
        #expect(try Self.read(word, "k") == "missing-owner")
        #expect(try Self.read("c", word) == "missing-cart")
    }

    @Test(
        "ids that only begin like such words are ids",
        arguments: ["null-1", "Nancy", "nonesuch", "none-7", "NULLABLE", "nana"])
    func words(_ id: String) throws {
        #expect(try Self.read(id, id) == "\(id) \(id)")
    }

    @Test(
        "numbers with an exponent are destroyed ids",
        arguments: [
            ("1.23457E+15", true), ("1E+05", true), ("1,23457E+15", true), ("1.5e12", true), ("2.02611E+11", true),
            ("-1.2E+10", true),
            ("123e4567", false), ("1e5", false), ("12345678901234", false), ("1-5", false), ("1.5", false),
            ("E+15", false),
            ("1.2E+1x", false), ("1E+", false), ("5f0c2b6e-93d1-4c55-9a61-0e6f0f5c2d11", false), ("1e", false),
        ])
    func destroyed(_ id: String, _ isDestroyed: Bool) throws {
        #expect(IdentifierText.isDestroyed(Array(id.utf8).span) == isDestroyed)
        #expect(try Self.read("\"\(id)\"", "k") == (isDestroyed ? "bad-owner" : "\(id) k"))
    }

    @Test(
        "characters that only look like digits or hyphens are named",
        arguments: ["c\u{2011}1", "c-\u{FF11}", "c\u{2013}1", "c-\u{0661}"])
    func lookAlikes(_ id: String) throws {
        for (owner, cart) in [(id, "k"), ("c", id)] {
            let reading = try WholeReading(text: "customer_id,cart_id\n\(owner),\(cart)\n")
            let sentence = try #require(reading.rejected.first).reason.sentence
            #expect(sentence.contains("only looks like a"))
            #expect(sentence.contains("U+"))
        }
    }

    @Test("characters that cannot be seen are shown by their number")
    func invisible() throws {
        let reading = try WholeReading(text: "customer_id,cart_id\nc,k\u{A0}k\n")
        #expect(reading.rejected.first?.reason.sentence.contains("\"k<U+00A0>k\"") == true)
    }

    @Test("a name keeps what is in it, and loses the blanks around it")
    func names() throws {
        let reading = try WholeReading(text: "customer_id,cart_id,cart_name\nc,k,\u{A0} 'a  b' \n")
        #expect(reading.usable.first?.cartName == "'a  b'")
    }

    @Test("dashes under the header are no record")
    func underline() throws {
        let reading = try WholeReading(text: "customer_id,cart_id\n-----------,-------\nc,k\n--,--\n")
        #expect(reading.associations == ["customer c k", "customer -- --"])
        #expect(reading.facts.notes.map(\.kind) == [.underline])
    }

    @Test(
        "what database tools write below the data is no association",
        arguments: ["(3 rows affected)", "(3 rows)", "3 rows selected.", "\n(3 Zeilen)"])
    func footers(_ footer: String) throws {
        let reading = try WholeReading(text: "customer_id,cart_id\nc-1,k-1\nc-2,k-2\nc-3,k-3\n\(footer)\n")
        #expect(reading.associations == ["customer c-1 k-1", "customer c-2 k-2", "customer c-3 k-3"])
        #expect(!reading.rejected.isEmpty)
    }

    @Test(
        "a last line whose ids have another form than all before it is no record",
        arguments: [
            ("c-1,k-1\nc-2,k-2\nc-3,k-3\nTotal,3\n", true), ("1,k-1\n2,k-2\n3,k-3\n,\nSumme,k-9\n\n,,\n", true),
            ("1,k-1\n2,k-2\n3,k-3\nSumme,k-9\n4,k-4\n", false), ("1,k-1\n2,k-2\nbob,k-9\n", false),
            ("amy,a\nbob,b\neve,c\nTotal,3\n", true), ("amy,a\nbob,b\neve,c\nzoe,3\n", false),
            ("c-1,k-1\nc-2,k-2\nc-3,k-3\nc_4,k4\n", false),
            // A form is shown by identifiers that differ.
            ("c-1,k-ab1\nc-2,k-ab1\nc-3,k-ab1\nc-4,k-cd\n", false), ("c-1,k-1\nc-1,k-2\nc-1,k-3\nTotal,3\n", true),
            ("c-1,k-1\nc-1,k-2\nc-1,k-3\nsue,k-4\n", false),
            ("c-1,k-1\nc-2,k-2\nc-3,k-3\n\"Total\",\"3\"\n", true), ("c-1,k-1\nc-2,k-2\nc-3,k-3\nTotal ü,3\n", true),
        ])
    func lastLine(_ records: String, _ isTrailer: Bool) throws {
        let text = "customer_id,cart_id,note\n" + records.replacing("\n", with: ",\n")
        let reading = try WholeReading(text: text)
        #expect(reading.rejected.map(\.reason.code) == (isTrailer ? [.trailer] : []), "\(reading.rejections)")
        for size in 1...40 { #expect(try WholeReading(text: text, blockSize: size).summary == reading.summary) }
    }

    @Test("a trailer that is named is held against the records, and vouches for the end")
    func namedTrailer() throws {
        let options = ReadingOptions(trailer: .line(try #require(TrailerLine("TRL,{count};"))))
        let good = "customer_id,cart_id\nc,k\nd,m\nTRL,2;"
        let reading = try WholeReading(text: good, options)
        #expect(reading.associations == ["customer c k", "customer d m"])
        #expect(!reading.facts.mayBeCut)
        for (text, words) in [
            ("customer_id,cart_id\nc,k\nTRL,2;\n", "says 2 records, and the file has 1"),
            ("customer_id,cart_id\nc,k\nd,m\n", "may be cut"),
            ("customer_id,cart_id\nc,k\nTRL,1;\nd,m\n", "1 records follow"),
            ("customer_id,cart_id\nc,k\nTRL,1", "may be cut"),
        ] {
            let error = try #require(refusal(text: text, options))
            #expect(error.fault == .truncated && error.problem.contains(words), "\(error)")
        }
        for text in ["TRL", "{count}", "{count},{count}", ""] { #expect(TrailerLine(text) == nil) }
        let records = "customer_id,cart_id\nc-1,k-1\nc-2,k-2\nc-3,k-3\nbob,k-4\n"
        #expect(try WholeReading(text: records, ReadingOptions(trailer: .missing)).rejected.isEmpty)
        #expect(try WholeReading(text: records).rejections == ["5 trailer"])
    }
}
