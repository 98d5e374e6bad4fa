import Foundation
import Testing

@testable import ExportFiles

/// XML documents that others wrote to break parsers.
struct PublicXMLTests {
    struct Case: Decodable, Sendable, CustomTestStringConvertible {
        let file: String
        let strict: String
        var testDescription: String { file }
    }

    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/xml/security")
    static let hostile = cases(folder)

    static func cases(_ folder: URL) -> [Case] {
        let lines = (try? String(contentsOf: folder.appending(path: "manifest.jsonl"), encoding: .utf8)) ?? ""
        return lines.split(separator: "\n").compactMap { try? JSONDecoder().decode(Case.self, from: Data($0.utf8)) }
    }

    @Test("all hostile documents are there")
    func count() {
        #expect(Self.hostile.count == 118)
    }

    @Test("each hostile document is refused, and none is half believed", arguments: hostile)
    func hostileDocument(_ item: Case) throws {
        let path = Self.folder.appending(path: item.file).path(percentEncoded: false)
        let error = try #require(refusal(path))
        #expect(!error.isUnreadable)
        // What is well-formed has no records; everything else is refused for its form.
        #expect(error.fault != .noRecords || item.strict == "accept-or-schema-reject")
    }

    /// The W3C's suite may not be given away with cartsync; set the variable to a folder with its files and a
    /// manifest to run it.
    static let suite = ProcessInfo.processInfo.environment["CARTSYNC_XML_SUITE"].map { URL(filePath: $0) }

    /// Names with colons, which XML alone allows and namespaces do not: refused.
    static let brokenNamespaces: Set<String> = ["files/o-p04pass1.xml", "files/o-p05pass1.xml"]
    /// Documents that hold the word DOCTYPE in a comment or an instruction only: well-formed, whatever the list says.
    static let noDoctype: Set<String> = ["files/o-p15pass1.xml", "files/o-p16pass1.xml"]

    @Test("each decided case of the W3C's conformance suite is judged rightly", .enabled(if: suite != nil))
    func conformance() throws {
        let folder = try #require(Self.suite)
        let cases = Self.cases(folder)
        #expect(!cases.isEmpty)
        for item in cases {
            let path = folder.appending(path: item.file).path(percentEncoded: false)
            let error = try #require(refusal(path), "\(item.file)")
            let isWellFormed = item.strict == "well-formed" && !Self.brokenNamespaces.contains(item.file)
            if isWellFormed || Self.noDoctype.contains(item.file) {
                #expect(error.fault == .noRecords, "\(item.file): \(error)")
            } else {
                #expect(error.fault != .noRecords, "\(item.file): \(error)")
            }
        }
    }
}
