import CartAssociations
import TestSupport
import Testing

@testable import ExportFiles

struct XMLReadingTests {
    @Test(
        "the record's element is found by itself",
        arguments: [
            ("<l><r customer='c' cart='k'/></l>", "l/r"), ("<r><customer>c</customer><cart>k</cart></r>", "r"),
            ("<a><b><l><r customer='c' cart='k'/></l></b></a>", "a/b/l/r"),
            ("<l><customer id='c'><cart>k</cart></customer></l>", "l/customer/cart"),
            ("<l><r><customer id='c'/><cart id='k'/></r></l>", "l/r"),
            ("<l><r><customer id='c'/><cart id='k'/><cart id='m'/></r></l>", "l/r/cart"),
            ("<l><r><customer_id>c</customer_id><cart_id>k</cart_id><cart_id>m</cart_id></r></l>", "l/r/cart_id"),
            (
                "<l><customer><id>c</id><name>Bob</name><carts><cart><id>k</id></cart></carts></customer></l>",
                "l/customer/carts/cart"
            ),
            ("<customer id='c'><cart id='k'/></customer>", "customer/cart"),
            ("<l><cart id='k'><customer id='c'/></cart></l>", "l/cart/customer"),
        ] as [(String, String)])
    func recordPath(_ text: String, _ path: String) throws {
        let reading = try WholeReading(text: text)
        #expect(reading.facts.shape.recordPath == path)
        #expect(reading.rejected.isEmpty)
        #expect(reading.associations.first == "customer c k")
    }

    @Test("of two names that are as frequent the one that was met first is told, every time")
    func ties() throws {
        let text = "<l><r customer='c' cart_Id='k'/><r CUSTOMER='d' cart_id='m'/></l>"
        for _ in 0..<20 {
            let shape = try WholeReading(text: text).facts.shape
            #expect(shape.mapping == [.customer: "customer", .cart: "cart_Id"])
        }
    }

    @Test(
        "what stands in the place of a record is in doubt, what is told of owners and of the document is not",
        arguments: [
            "<l><o id='a'><n>z</n><c id='k'/></o><o id='b'><n>y</n><crt id='m'/></o><o id='d'><n>x</n><c id='p'/></o></l>",
            "<l><o id='a'><n>z</n><c id='k'/></o><o id='b'><n>y</n><crt id='m'/></o></l>",
            "<l><h>z</h><r customer='a' cart='k'/><q>m</q><r customer='b' cart='p'/><count>2</count></l>",
            "<l><h>z</h><r customer='a' cart='k'/>m<r customer='b' cart='p'/><count>2</count></l>",
            "<l><r customer='a' cart='k'/><r><customer>b</customer><cart>m<q/></cart></r><r customer='d' cart='p'/></l>",
        ])
    func strays(text: String) throws {
        let folder = try TemporaryFolder()
        let options = ReadingOptions(fieldNames: text.contains("<o ") ? [.customer: "o", .cart: "c"] : [:])
        var reading = try ExportReader(options: options).read(
            try ExportFile.open(try folder.write(text), spoolFolder: folder.path))
        var names: Set<String> = []
        while let batch = try reading.next() { names = batch.doubtful.reduce(names) { $0.union($1.names) } }
        #expect(names.contains("m"))
        #expect(names.isDisjoint(with: ["k", "p", "x", "y", "z", "2"]))
    }

    @Test(
        "tags of records in CDATA or in an instruction refuse the document, whatever pieces it comes in; others do not")
    func swallowed() throws {
        func text(_ first: String, _ second: String) -> String {
            "<l>\(["c", "d"].map { "<r><customer>\($0)</customer><cart>k\($0)</cart>\($0 == "c" ? first : second)</r>\n" }.joined())</l>"
        }
        for size in [1, 7, 4096] {
            for broken in [
                text("<n><![CDATA[a]></n>", "<n><![CDATA[b]]></n>"), text("<?x a ></r><r", "<?x b ?>"),
                text("<n><![CDATA[a]></n>", "<x:r xmlns:x='u'/><n><![CDATA[b]]></n>"),
            ] {
                let folder = try TemporaryFolder()
                let path = try folder.write(broken)
                #expect(throws: ExportError.self) { _ = try WholeReading(path, blockSize: size) }
            }
            let whole = text("<n><![CDATA[<b>a</b> <row/> ]]></n>", "<n><![CDATA[<]]></n>")
            let folder = try TemporaryFolder()
            #expect(try WholeReading(try folder.write(whole), blockSize: size).usable.count == 2)
        }
        #expect(
            refusal(text: text("<n><![CDATA[a]></n>", "<n><![CDATA[b]]></n>"))?.problem.hasPrefix("the tag of r")
                == true)
    }

    @Test("a record's element can be named")
    func named() throws {
        let text = "<l><r customer='c' cart='k'/><s customer='d' cart='m'/><s customer='e' cart='n'/></l>"
        let s = try WholeReading(text: text, ReadingOptions(xmlRecord: "S"))
        #expect(s.associations == ["customer d m", "customer e n"])
        #expect(s.rejections == ["1 unexpected-element"])
        #expect(refusal(text: text, ReadingOptions(xmlRecord: "t"))?.fault == .noRecords)
    }

    @Test("an owner holds for the carts inside of it only")
    func scopes() throws {
        let reading = try WholeReading(
            text: """
                <l>
                  <customer id='c'><carts><cart id='k'/></carts></customer>
                  <customer><carts><cart id='m'/></carts></customer>
                  <customer id='d'><carts><cart id='n' customer_id='e'/></carts></customer>
                  <cart id='o'/>
                </l>
                """)
        #expect(reading.associations == ["customer c k"])
        #expect(reading.rejections == ["3 missing-owner", "4 contradiction", "5 missing-owner"])
        #expect(zip(reading.rejected, ["m", "n", "o"]).allSatisfy { $0.names.contains($1) })
    }

    @Test("ids may stand before nested lists or behind them, in any mixture", arguments: 1...60 as ClosedRange<UInt64>)
    func idsBehindLists(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let isOwnerOutside = Bool.random(using: &generator)
        let (outer, inner) = isOwnerOutside ? ("customer", "cart") : ("cart", "customer")
        var expected: [String] = []
        var text = "<l>\n"
        for number in 0..<Int.random(in: 2...30, using: &generator) {
            let id = "<\(outer)_id>o-\(number)</\(outer)_id>"
            let lists = (0..<Int.random(in: 1...2, using: &generator)).map { list in
                let records = (0..<Int.random(in: 1...3, using: &generator)).map { record in
                    let key = "i-\(number)-\(list)-\(record)"
                    expected.append(
                        isOwnerOutside ? "customer o-\(number) \(key)" : "customer \(key) o-\(number)")
                    return "<\(inner) id='\(key)'/>"
                }
                return "<\(inner)s>\(records.joined())</\(inner)s>"
            }
            let note = Bool.random(using: &generator) ? "<name>n \(number)</name>" : ""
            let place = Int.random(in: 0...lists.count, using: &generator)
            let parts = lists[..<place] + [id] + lists[place...]
            text += "<\(outer)>\(note)\(parts.joined(separator: "\n"))</\(outer)>\n"
        }
        text += "</l>\n"
        for size in [nil, 1, 7, 64, 1000] {
            let reading = try WholeReading(text: text, blockSize: size)
            #expect(reading.associations == expected, "seed \(seed), blocks of \(size ?? 0): \(text)")
            #expect(reading.rejected.isEmpty)
        }
    }

    @Test("a list that is too long to wait for the id behind it is rejected, and what follows is read")
    func idBehindLongList() throws {
        let carts = (0..<60_000).map { "<cart id='k-\($0)'/>" }.joined(separator: "\n")
        let text =
            "<l><customer><customer_id>a</customer_id><cart id='k-a'/></customer>\n<customer>\(carts)"
            + "<customer_id>b</customer_id></customer>\n<customer><cart id='k-c'/><customer_id>c</customer_id></customer></l>"
        let reading = try WholeReading(text: text)
        #expect(reading.associations.first == "customer a k-a" && reading.associations.last == "customer c k-c")
        #expect(reading.usable.count + reading.rejected.count == 60_002)
        #expect(!reading.rejected.isEmpty && reading.rejected.allSatisfy { $0.reason.code == .missingOwner })
        let contradiction = try WholeReading(
            text: "<l><customer><cart id='k'/><customer_id>c</customer_id><customer_id>d</customer_id></customer>"
                + "<customer><cart id='m'/><customer_id>e</customer_id></customer></l>")
        #expect(contradiction.associations == ["customer e m"])
        #expect(contradiction.rejected.map(\.reason.code) == [.contradiction])
        #expect(contradiction.rejected.allSatisfy { $0.names.isSuperset(of: ["k", "c", "d"]) })
    }

    @Test("elements that say nothing about carts are passed over, whatever they hold")
    func metadata() throws {
        let reading = try WholeReading(
            text: """
                <export by="x"><header customer_id="admin"><customer_id>root</customer_id><count>1</count></header>
                <links><link><note><b>bold</b> text</note><customer_id>c</customer_id><cart_id>k</cart_id></link></links>
                <footer/></export>
                """)
        #expect(reading.associations == ["customer c k"])
        #expect(reading.rejected.isEmpty)
    }

    @Test("lines are those where the record begins")
    func lines() throws {
        let reading = try WholeReading(
            text:
                "<l>\n\n<r customer='c'\n   cart='k'/><r\n\n customer='c' cart='m'>\n</r>\r\n<r customer='c' cart='n'/></l>"
        )
        #expect(reading.usable.map(\.place.line) == [3, 4, 8])
        #expect(
            reading.usable.map { String(decoding: $0.raw, as: UTF8.self) }.first == "<r customer='c'\n   cart='k'/>")
    }

    @Test("a record keeps its own bytes, with the elements around it")
    func raw() throws {
        let reading = try WholeReading(
            text:
                "<l xmlns:a='u'>\n<a:customer  id='c'><x/><carts n='1'><cart id='k'/> <cart  id='m'></cart></carts></a:customer></l>"
        )
        #expect(
            reading.usable.map { String(decoding: $0.raw, as: UTF8.self) } == [
                "<a:customer  id='c'><carts n='1'><cart id='k'/></carts></a:customer>",
                "<a:customer  id='c'><carts n='1'><cart  id='m'></cart></carts></a:customer>",
            ])
    }

    @Test("white space around a value is no part of it, and within a name stays")
    func space() throws {
        let reading = try WholeReading(
            text: "<l><r><customer>\n c \r\n</customer><cart> k</cart><cart_name> a  b\n</cart_name></r></l>")
        #expect(reading.associations == ["customer c k"])
        #expect(reading.usable.first?.cartName == "a  b")
    }

    @Test("entities are replaced in text and attributes alike")
    func entities() throws {
        let reading = try WholeReading(
            text: "<l><r customer='c' cart='k' cart_name='&lt;a&gt; &amp;amp; &quot;&#65;&#x42;&#13;&#10;&quot;'/>"
                + "<r customer='c' cart='m'><cart_name>&lt;a&gt; &amp;amp; &quot;&#65;&#x42;&#13;&#10;&quot;</cart_name></r></l>"
        )
        #expect(reading.usable.map(\.cartName) == ["<a> &amp; \"AB\r\n\"", "<a> &amp; \"AB\r\n\""])
    }

    @Test("a record beyond the limit is rejected without being kept, and the next ones are read")
    func tooLarge() throws {
        let note = String(repeating: "<note>0123456789</note>\n", count: 60_000)
        let reading = try WholeReading(
            text: "<l><r customer='a' cart='j'/><r customer='b' cart='k'>\(note)</r><r customer='c' cart='m'>"
                + "<cart_name>\(String(repeating: "x", count: 2 << 20))</cart_name></r><r customer='d' cart='n'/></l>")
        #expect(reading.associations == ["customer a j", "customer d n"])
        #expect(reading.rejected.map(\.reason.code) == [.tooLarge, .tooLarge])
        #expect(zip(reading.rejected, ["k", "m"]).allSatisfy { $0.names.contains($1) && $0.doubt.hidesIdentifiers })
        #expect(reading.rejected.allSatisfy { $0.raw.isEmpty })
    }

    @Test("tags and comments without end are refused before they fill the memory")
    func endless() throws {
        let good = "<l><r customer='a' cart='j'/>"
        let tag = refusal(text: good + "<r a='" + String(repeating: "x", count: 2 << 20) + "'/></l>")
        #expect(tag?.fault == .tooLarge)
        let comment = refusal(text: good + "<!--" + String(repeating: "x", count: 3 << 20) + "--></l>")
        #expect(comment?.fault == .tooLarge)
        #expect(
            try WholeReading(text: good + "<!--" + String(repeating: "x", count: 1 << 19) + "--></l>").facts.records
                == 1)
        let attributes = (0..<200_000).map { "a\($0)=''" }.joined(separator: " ")
        #expect(refusal(text: good + "<r \(attributes)/></l>")?.fault == .tooLarge)
        let deep = String(repeating: "<a>", count: 300)
        #expect(refusal(text: good + deep)?.fault == .malformed)
        let names = (0..<5000).map { "<n\($0)/>" }.joined()
        #expect(refusal(text: good + names + "</l>")?.description.contains("different names") == true)
        // The same before the first record, while the document is looked at.
        #expect(refusal(text: "<l><m a='" + String(repeating: "x", count: 2 << 20) + "'/></l>")?.fault == .tooLarge)
    }

    @Test(
        "a CDATA section, an attribute or an instruction may be as long as a record, wherever it stands",
        arguments: [100, 60_000, 65_530, 65_540, 300_000, 1_040_000])
    func longTokens(_ length: Int) throws {
        let filling = String(repeating: "x", count: length)
        let tokens = [
            "<cart_name><![CDATA[\(filling)]]></cart_name>", "<note text='\(filling)'/>", "<?note \(filling)?>",
            "<!--\(filling)-->",
        ]
        for token in tokens {
            for before in [0, 1, 32_000] {
                let blanks = String(repeating: " ", count: before)
                let reading = try WholeReading(
                    text: "<l>\(blanks)<r customer='a' cart='j'/><r customer='b' cart='k'>\(token)</r>\(blanks)"
                        + "<r customer='c' cart='m'/></l>")
                #expect(
                    reading.associations == ["customer a j", "customer b k", "customer c m"], "\(token.prefix(12))")
                #expect(reading.rejected.isEmpty)
            }
        }
    }

    @Test("which element is a record is said with its reason")
    func reason() throws {
        func reason(_ text: String, _ options: ReadingOptions = ReadingOptions()) throws -> String? {
            let shape = try WholeReading(text: text, options).facts.shape
            return "\(shape.recordPath ?? ""): \(shape.recordReason ?? "")"
        }
        #expect(
            try reason("<l><r><customer_id>c</customer_id><cart_id>k</cart_id></r></l>")
                == "l/r: because it has the cart (cart_id) and the customer (customer_id)")
        #expect(
            try reason("<customers><customer id='c'><carts><cart id='k'/><cart id='m'/></carts></customer></customers>")
                == "customers/customer/carts/cart: because it has the cart (id), and an element around it has the customer (id)"
        )
        #expect(
            try reason(
                "<customers><customer><carts><cart>k</cart><cart>m</cart></carts><id>c</id></customer></customers>")
                == "customers/customer/carts/cart: because it is the cart (cart), and an element around it has the customer (id)"
        )
        #expect(
            try reason("<l><r customer='c' cart='k'/></l>", ReadingOptions(xmlRecord: "r"))?.contains(
                "as mapping.xml.record says")
                == true)
        #expect(try WholeReading(text: "customer,cart\nc,k\n").facts.shape.recordReason == nil)
    }

    @Test("kinds of records are counted by element, in whatever form each is written")
    func countedByElement() throws {
        let element = "<association><customer_id>c-1</customer_id><cart_id>k-1</cart_id></association>"
        let attributes = "<association customer_id='c-2' cart_id='k-2'/>"
        let mixed = "<association customer_id='c-3'><cart_id>k-3</cart_id></association>"
        let deleted = "<deleted customer_id='c-8' cart_id='k-8'/><deleted customer_id='c-9' cart_id='k-9'/>"
        // Two of another kind are no slip: nothing says which are meant.
        let error = try #require(refusal(text: "<l>\(element)\(attributes)\(mixed)\(deleted)</l>"))
        #expect(error.fault == .severalKinds)
        #expect(error.problem.contains("l/association (3), l/deleted (2)"), "\(error.problem)")
        #expect(error.advice.contains("--xml-record"))
        let chosen = try WholeReading(
            text: "<l>\(element)\(attributes)\(mixed)\(deleted)</l>", ReadingOptions(xmlRecord: "association"))
        #expect(chosen.associations == (1...3).map { "customer c-\($0) k-\($0)" })
    }

    @Test("a document cut anywhere is refused")
    func cut() throws {
        let text = "<?xml version='1.0'?>\n<l>\n <r customer='a' cart='j'><!-- x --><cart_name>n</cart_name></r>\n</l>"
        let bytes = Array(text.utf8)
        let folder = try TemporaryFolder()
        for count in 1..<bytes.count {
            let path = try folder.write(bytes[..<count])
            #expect(throws: ExportError.self, "cut at \(count)") { _ = try WholeReading(path) }
        }
        #expect(try WholeReading(bytes: bytes).facts.records == 1)
    }

    @Test("every block size gives the same of a document with everything in it")
    func blocks() throws {
        let text = """
            <?xml version="1.0" encoding="UTF-8"?>
            <!-- a --><?pi b?>
            <l xmlns="u"><meta/>
            <customer id="c-1"><id>c-1</id><carts><cart id="k-1"><name><![CDATA[ü]]> &amp; x</name></cart>
            <cart id="bad k"/></carts><carts><cart><id>k-2</id></cart></carts></customer>
            <stray cart="k-9"/><customer id="c-2"><carts><cart id="k-3" customer="c-3"/></carts></customer></l>
            """
        let whole = try WholeReading(text: text).summary
        #expect(whole.count > 8)
        for size in 1...40 {
            #expect(try WholeReading(text: text, blockSize: size).summary == whole, "block size \(size)")
        }
    }

    @Test("more records than one batch come out in their order")
    func batches() throws {
        var text = "<l>"
        for number in 1...1000 {
            text += "<r customer='c-\(number)' cart='k-\(number)'/>\n"
            if number % 9 == 0 { text += "<r customer='c-\(number)'/>\n" }
        }
        let reading = try WholeReading(text: text + "</l>")
        #expect(reading.usable.map(\.association.cart.text) == (1...1000).map { "k-\($0)" })
        #expect(reading.usable.map(\.place.record) == reading.usable.map(\.place.record).sorted())
        #expect(reading.rejected.count == 111)
    }

    @Test("the XML library gives values back as they are")
    func library() {
        let values = ["a", "<&>\"'", "\r\n\t x", "ü👩‍🚀", "]]>", "--", "&amp;", "\u{85}\u{2028}"]
        let batch = values.map { [ExportField.cart: Array("k".utf8), .cartName: Array($0.utf8)] }
        #expect(XMLLibrary().decode(batch).map { $0?[.cartName] } == values)
    }
}
