import CartAssociations
import TestSupport
import Testing

@testable import ExportFiles

/// Which elements of a document are records, and whether these say what to do.
struct XMLKindsTests {
    /// More records than are looked at before the first is handed out.
    private static let long = (0..<12_000).map {
        "<a customer_id='c-\($0)' cart_id='k-\($0)' note='\(String(repeating: "x", count: 50))'/>"
    }
    .joined(separator: "\n")

    @Test(
        "records are those of one name in all sections, and what would be another kind refuses the document",
        arguments: [
            ("<l><eu><a customer='c' cart='k'/></eu><us><a customer='d' cart='m'/></us></l>", ["c k", "d m"]),
            ("<l><a customer='c' cart='k'/><us><deep><a customer='d' cart='m'/></deep></us></l>", ["c k", "d m"]),
            ("<a><a customer='c' cart='k'/><a customer='d' cart='m'/></a>", ["c k", "d m"]),
            ("<l><a customer='c' cart='k'/><b customer='d' cart='m'/></l>", nil),
            (
                "<l><a customer='c' cart='k'/><a customer='c' cart='l'/><b customer='d' cart='m'/></l>",
                ["c k", "c l", "- d m"]
            ),
            (
                "<l><a customer='c' cart='k'/><a customer='c' cart='l'/><b customer='d' cart='m'/><b customer='e' cart='n'/></l>",
                nil
            ),
            (
                "<l><x><a customer='c' cart='k'/><a customer='c' cart='l'/></x><y><b customer='d' cart='m'/>"
                    + "<b customer='e' cart='n'/></y></l>", nil
            ),
            (
                "<l><a customer='c' cart='k'/><a customer='c' cart='l'/><y><names><cart id='k'/><cart id='m'/></names></y></l>",
                nil
            ),
            // Written in two ways, the three records are still more than the two of another kind.
            (
                "<l><a customer='c' cart='k'/><a><customer>d</customer><cart>m</cart></a><a customer='e' cart='n'/>"
                    + "<b customer='f' cart='o'/></l>", ["c k", "d m", "e n", "- f o"]
            ),
        ] as [(String, [String]?)])
    func kinds(_ text: String, _ expected: [String]?) throws {
        guard let expected else {
            let error = try #require(refusal(text: text))
            #expect(error.fault == .severalKinds)
            #expect(
                error.problem.contains("a (") && error.problem.contains(text.contains("<names>") ? "cart (" : "b ("))
            #expect(error.advice.contains("mapping.xml.record"))
            return
        }
        #expect(try Self.records(text) == expected)
    }

    private static func records(_ text: String, _ options: ReadingOptions = ReadingOptions()) throws -> [String] {
        let reading = try WholeReading(text: text, options)
        let records =
            reading.usable.map { ($0.place.record, "\($0.association.owner.id) \($0.association.cart)") }
            + reading.rejected.map { record in
                // Elements have the names a and b, values one letter behind these.
                let values = record.names.filter { $0.count == 1 && $0 > "b" }
                return (record.place.record, "- \(values.sorted().joined(separator: " "))")
            }
        return records.sorted { $0.0 < $1.0 }.map(\.1)
    }

    @Test("a chosen record leaves other sections alone, and may be chosen by its path")
    func chosen() throws {
        let text =
            "<l><x><a customer='c' cart='k'/></x><y><b customer='d' cart='m'/><b customer='e' cart='n'/></y>"
            + "<z><q><a customer='f' cart='o'/></q></z></l>"
        #expect(try Self.records(text, ReadingOptions(xmlRecord: "b")) == ["d m", "e n"])
        #expect(try Self.records(text, ReadingOptions(xmlRecord: "A")) == ["c k", "f o"])
        #expect(try Self.records(text, ReadingOptions(xmlRecord: "x/a")) == ["c k"])
        #expect(refusal(text: text, ReadingOptions(xmlRecord: "y/a"))?.fault == .noRecords)
    }

    @Test("what the beginning of a long document does not show has its effect")
    func late() throws {
        let sections = try WholeReading(
            text: "<l><eu>\(Self.long)</eu><us><title>US</title><a customer_id='d' cart_id='m'/></us></l>")
        #expect(sections.usable.count == 12_001)
        #expect(sections.rejected.isEmpty)
        func problem(_ end: String) throws -> ExportError {
            try #require(refusal(text: "<l><eu>\(Self.long)</eu>\n\(end)</l>"))
        }
        let kind = try problem("<us><b customer_id='d' cart_id='m'/><b customer_id='e' cart_id='n'/></us>")
        #expect(kind.fault == .severalKinds)
        #expect(kind.line == 12_001)
        #expect(kind.problem.contains("l/eu/a") && kind.advice.contains("mapping.xml.record"))
        for action in ["<action/>", "<action>delete</action>", "<x><operation/></x>"] {
            let error = try problem("<us><a customer_id='d' cart_id='m'>\(action)</a></us>")
            #expect(error.line == 12_001)
            #expect(error.problem.contains("action") && error.advice.contains("export.kind"))
        }
        #expect(try problem("<us><a customer_id='d' cart_id='m' action=''/></us>").advice.contains("export.kind"))
        #expect(try problem("<us action='delete'><a customer_id='d' cart_id='m'/></us>").advice.contains("export.kind"))
        // About the section, and in no record.
        let about = try WholeReading(
            text:
                "<l><eu>\(Self.long)</eu><us action='full'><head><action/></head><a customer_id='d' cart_id='m'/></us></l>"
        )
        #expect(about.usable.count == 12_001)
        #expect(!about.facts.isDelta)
        let delta = try WholeReading(
            text: "<l><eu>\(Self.long)</eu><us><a customer_id='d' cart_id='m' action='delete'/></us></l>",
            ReadingOptions(kind: .delta))
        #expect(delta.facts.rejected == [.missingAction: 12_000])
        #expect(delta.usable.map(\.action) == [.delete])
    }

    @Test(
        "an action within the records makes a delta, and one about the document does not",
        arguments: [
            ("<l><a customer='c' cart='k'/></l>", false), ("<l><a customer='c' cart='k' action=''/></l>", true),
            ("<l><a customer='c' cart='k'><action/></a></l>", true),
            ("<l><a customer='c' cart='k'/><a customer='d' cart='m'><x><action> </action></x></a></l>", true),
            ("<l action='full'><a customer='c' cart='k'/></l>", false),
            ("<l action='delete'><a customer='c' cart='k'/></l>", true),
            ("<l><head><action>delete</action></head><a customer='c' cart='k'/></l>", false),
            ("<l><action>delete</action><a customer='c' cart='k'/></l>", true),
            (
                "<l xmlns:o='urn:o'><a customer='c' cart='k' o:action='delete'><o:action>delete</o:action></a></l>",
                false
            ),
            ("<l><b action='x'><a customer='c' cart='k'/></b><b><a customer='d' cart='m'/></b></l>", true),
            (
                "<l><customer id='c'><action/><cart id='k'/></customer><customer id='d'><cart id='m'/></customer></l>",
                true
            ),
        ])
    func actions(_ text: String, _ isDelta: Bool) throws {
        let reading = try WholeReading(text: text)
        #expect(reading.facts.isDelta == isDelta)
        #expect(reading.facts.records > 0)
        #expect(reading.rejected.isEmpty || isDelta)
        if isDelta {
            #expect(refusal(text: text, ReadingOptions(kind: .snapshot))?.advice.contains("export.kind") == true)
        } else {
            #expect(try WholeReading(text: text, ReadingOptions(kind: .delta)).usable.isEmpty)
            #expect(try WholeReading(text: text, ReadingOptions(kind: .snapshot)).rejected.isEmpty)
        }
    }

    @Test("the kind of a CSV is held against its columns")
    func columns() throws {
        let (snapshot, delta) = ("customer_id,cart_id\nc,k\n", "customer_id,cart_id,action\nc,k,\n")
        #expect(try WholeReading(text: snapshot, ReadingOptions(kind: .snapshot)).usable.count == 1)
        #expect(try WholeReading(text: delta, ReadingOptions(kind: .delta)).rejections == ["2 missing-action"])
        #expect(refusal(text: snapshot, ReadingOptions(kind: .delta))?.advice.contains("mapping.action") == true)
        #expect(refusal(text: delta, ReadingOptions(kind: .snapshot))?.fault == .header)
    }

    @Test(
        "a field in another namespace than the record's is another thing, unless it is the only one",
        arguments: [
            ("<a><old:cart>o</old:cart><customer>c</customer><cart>k</cart></a>", ["c k"]),
            ("<a old:cart='o' customer='c' cart='k'/>", ["c k"]),
            ("<a old:customer='o' account='c' cart='k'/>", ["c k"]),
            ("<a customer='c'><old:cart>k</old:cart></a>", ["c k"]),
            (
                "<a><customer>c</customer><cart>k</cart></a><old:b><old:customer>d</old:customer><old:cart>m</old:cart></old:b>",
                ["c k", "- d m"]
            ),
            ("<head><old:cart>1</old:cart></head><a customer='c' cart='k'/>", ["c k"]),
        ])
    func namespaces(_ records: String, _ expected: [String]) throws {
        let found = try Self.records("<l xmlns='urn:c' xmlns:old='urn:old'>\(records)</l>")
        #expect(found.map { $0.hasPrefix("-") ? "-" : $0 } == expected.map { $0.hasPrefix("-") ? "-" : $0 })
    }

    @Test("a namespace name that is no URI tells a namespace from another all the same")
    func namespaceNames() throws {
        let text = "<l xmlns='urn:my shop' xmlns:x='http://example.org/rosé'><x:a/><a customer='c' cart='k'/></l>"
        #expect(try Self.records(text) == ["c k"])
        #expect(refusal(text: "<l xmlns='urn:my shop'><b:a customer='c' cart='k'/></l>")?.fault == .malformed)
    }

    @Test(
        "an id beside the cart's or owner's own name is a row's key",
        arguments: [
            ("<cart id='1'><cart_id>k</cart_id><customer_id>c</customer_id></cart>", ["c k"]),
            ("<cart><customer_id>c</customer_id><cart_id>k</cart_id><id>1</id></cart>", ["c k"]),
            ("<cart id='k'><customer_id>c</customer_id></cart>", ["c k"]),
            ("<cart id='1'><cart_id>k</cart_id><customer>c</customer><customer>d</customer></cart>", ["c k", "d k"]),
            ("<customer id='1'><customer_id>c</customer_id><cart id='k'/><cart id='m'/></customer>", ["c k", "c m"]),
            ("<a cart_id='k' customer_id='c'><cart_id>m</cart_id></a>", ["- c k m"]),
        ])
    func keys(_ record: String, _ expected: [String]) throws {
        #expect(try Self.records("<l>\(record)</l>") == expected)
    }

    @Test("records read with a key for their owner refuse the document when the owner follows")
    func lateOwner() throws {
        let text = "<l><customer id='1'><cart id='k'/><customer_id>c</customer_id></customer></l>"
        #expect(refusal(text: text)?.problem.contains("stands behind them") == true)
    }

    @Test("no association of a document is passed over in silence, whatever is around it", arguments: 1...300)
    func nothingLost(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let names = ["a", "b", "assoc", "x:a"]
        var stated: Set<String> = []
        func association() -> String {
            let number = stated.count
            stated.insert("c-\(number) k-\(number)")
            let name = Double.random(in: 0..<1, using: &random) < 0.9 ? "a" : names.randomElement(using: &random) ?? "a"
            return Bool.random(using: &random)
                ? "<\(name) customer_id='c-\(number)' cart_id='k-\(number)'/>"
                : "<\(name)><cart_id>k-\(number)</cart_id><customer_id>c-\(number)</customer_id></\(name)>"
        }
        func part(_ depth: Int) -> String {
            (0..<Int.random(in: 1...4, using: &random)).map { _ in
                switch Int.random(in: 0..<6, using: &random) {
                case 0 where depth < 3:
                    let name = ["eu", "us", "meta", "a"].randomElement(using: &random) ?? "eu"
                    return name == "a" ? association() : "<\(name)>\(part(depth + 1))</\(name)>"
                case 1: return "<head><title>t</title><count>3</count></head>"
                default: return association()
                }
            }.joined()
        }
        let text = "<l xmlns:x='urn:x'>\(part(0))\(association())</l>"
        let reading: WholeReading
        do {
            reading = try WholeReading(text: text)
        } catch let error as ExportError {
            #expect(error.fault == .severalKinds, "\(text)")
            return
        }
        let read = Set(reading.usable.map { "\($0.association.owner.id) \($0.association.cart)" })
        #expect(read.isSubset(of: stated), "\(text)")
        let rejected = reading.rejected.map { String(decoding: $0.raw, as: UTF8.self) }.joined(separator: "\n")
        for lost in stated.subtracting(read) {
            let cart = lost.split(separator: " ")[1]
            #expect(rejected.contains("'\(cart)'") || rejected.contains(">\(cart)<"), "\(lost) of \(text)")
        }
    }
}
