import CartAssociations
import Testing

@testable import ExportFiles

/// One broken file per fault.
struct BrokenSampleTests {
    /// Files that are refused as a whole: the fault, and the line that is named.
    static let refused: [(name: String, fault: ExportError.Fault, line: Int?)] = [
        ("empty.csv", .empty, nil), ("blank-lines-only.csv", .header, nil), ("ends-inside-quotes.csv", .truncated, 3),
        ("no-header.csv", .header, 1), ("no-cart-column.csv", .header, 1), ("no-owner-column.csv", .header, 1),
        ("owner-without-type.csv", .header, 1), ("header-twice.csv", .header, 1), ("two-cart-columns.csv", .header, 1),
        ("utf-16-cut.csv", .truncated, nil),
        ("truncated.csv.gz", .gzip, nil), ("damaged.csv.gz", .gzip, nil), ("garbage-after-gzip.csv.gz", .gzip, nil),
        ("bomb.csv.gz", .bomb, nil), ("bomb.csv.zst", .bomb, nil), ("bomb.zip", .bomb, nil),
        ("truncated.csv.bz2", .packed, nil), ("truncated.csv.zst", .packed, nil), ("torn.zip", .packed, nil),
        ("damaged.csv.bz2", .packed, nil), ("damaged.csv.zst", .packed, nil), ("damaged.zip", .packed, nil),
        ("garbage-after-bzip2.csv.bz2", .packed, nil), ("garbage-after-zstd.csv.zst", .packed, nil),
        ("encrypted.zip", .packed, nil), ("no-export.zip", .packed, nil), ("different-columns.zip", .packed, nil),
        ("document.ods", .malformed, nil), ("doctype.xml", .doctype, 2), ("external-entity.xml", .doctype, 1),
        ("truncated.xml", .truncated, 3), ("cut-in-a-record.xml", .truncated, 3),
        ("garbage-after-root.xml", .malformed, 5), ("second-root.xml", .malformed, 5),
        ("mismatched-tag.xml", .malformed, 3), ("undefined-entity.xml", .malformed, 3),
        ("undeclared-prefix.xml", .malformed, 3), ("same-attribute-twice.xml", .malformed, 3),
        ("unknown-encoding.xml", .encoding, nil), ("false-encoding.xml", .encoding, nil),
        ("invalid-utf-8.xml", .malformed, 3), ("no-records.xml", .noRecords, nil), ("misspelt.xml", .noRecords, nil),
    ]

    /// Files of which some records are rejected: each as its line and reason.
    static let rejected: [(name: String, rejections: [String])] = [
        ("wrong-field-count.csv", ["3 field-count", "4 field-count"]), ("bare-quote.csv", ["3 bare-quote"]),
        ("text-after-quote.csv", ["3 text-after-quote"]), ("stray-carriage-return.csv", ["3 carriage-return"]),
        ("nul-byte.csv", ["3 nul-byte"]), ("invalid-utf-8.csv", ["3 encoding"]),
        ("utf-16-lone-surrogate.csv", ["3 encoding"]), ("missing-cart.csv", ["3 missing-cart"]),
        ("missing-owner.csv", ["3 missing-owner"]), ("bad-cart.csv", ["3 bad-cart", "4 bad-cart"]),
        ("bad-owner.csv", ["3 bad-owner"]),
        ("formulas.csv", ["3 bad-cart", "4 missing-cart", "5 bad-cart"]), ("unknown-action.csv", ["3 unknown-action"]),
        ("missing-action.csv", ["3 missing-action"]), ("unknown-owner-type.csv", ["3 unknown-owner-type"]),
        ("both-owners.csv", ["3 contradiction", "4 missing-owner"]), ("two-carts.xml", ["3 contradiction"]),
        ("unexpected-element.xml", ["3 unexpected-element"]), ("missing-owner.xml", ["3 missing-owner"]),
        ("bad-cart.xml", ["2 bad-cart", "3 bad-cart"]),
    ]

    /// Files that can be read, and are suspicious or disagree with what is beside them.
    static let others = ["no-final-newline.csv", "manifest-count.csv", "manifest-digest.csv", "manifest-unclear.csv"]

    static func path(_ name: String) -> String {
        samplePath("broken/\(name)")
    }

    @Test("an export that cannot be trusted as a whole is refused, and the message says where", arguments: refused)
    func refusals(_ sample: (name: String, fault: ExportError.Fault, line: Int?)) throws {
        let error = try #require(refusal(Self.path(sample.name)))
        #expect(error.fault == sample.fault)
        #expect(error.line == sample.line)
        #expect(!error.isUnreadable)
        #expect(error.column == nil || error.fault == .malformed)
        let place = [error.line, error.column].compactMap { $0.map { ":\($0)" } }.joined() + ": "
        // Behind the name of a zip stands that of the export in it.
        #expect(error.description.hasPrefix(Self.path(sample.name)))
        #expect(error.description.contains(place))
        #expect(error.description.contains("; "))
    }

    @Test("a record that cannot be used is rejected with its line, and the others are read", arguments: rejected)
    func rejections(_ sample: (name: String, rejections: [String])) throws {
        let reading = try WholeReading(Self.path(sample.name))
        #expect(reading.rejections == sample.rejections)
        #expect(reading.usable.count + reading.rejected.count == reading.facts.records)
        #expect(reading.facts.rejectedRecords == reading.rejected.count)
        // The records before and after are whole: nothing was swallowed and nothing invented.
        let carts = reading.usable.map(\.association.cart.text)
        #expect(carts == ["cart-1", "cart-9"])
        for record in reading.rejected {
            #expect(!record.names.isEmpty)
            #expect(!record.raw.isEmpty)
        }
    }

    @Test("every broken sample is used by a test")
    func complete() throws {
        let names = try sampleNames("broken").filter { !$0.hasSuffix(".json") }
        #expect(Set(names) == Set(Self.refused.map(\.name) + Self.rejected.map(\.name) + Self.others))
    }

    @Test("a missing last line end is told, for a cut between two records leaves no other trace")
    func finalNewline() throws {
        #expect(try !WholeReading(Self.path("no-final-newline.csv")).facts.endsWithNewline)
        #expect(try WholeReading(text: "customer_id,cart_id\nc,k\n").facts.endsWithNewline)
        #expect(try WholeReading(text: "customer_id,cart_id\rc,k\r").facts.endsWithNewline)
        #expect(try !WholeReading(text: "customer_id,cart_id").facts.endsWithNewline)
    }

    @Test("a refused header names the columns seen and the nearest name")
    func headerMessages() throws {
        let near = try #require(refusal(Self.path("no-cart-column.csv"))).description
        #expect(near.contains("customer_id, crat_id"))
        #expect(near.contains("if crat_id is the cart"))
        let two = try #require(refusal(Self.path("two-cart-columns.csv"))).description
        #expect(two.contains("both cart_id and cart_reference"))
        let xml = try #require(refusal(Self.path("misspelt.xml"))).description
        #expect(xml.contains("if crat_id is the cart"))
    }
}
