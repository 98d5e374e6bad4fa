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
            ("soap/two-ns.xml", 3), ("concatenated/ctrlz.xml", 2), ("ctrl-z/in.csv", 3),
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
}
