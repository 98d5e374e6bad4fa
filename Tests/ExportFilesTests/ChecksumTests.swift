import DurableFiles
import Foundation
import TestSupport
import Testing

@testable import ExportFiles

@Suite("Checksums beside an export")
struct ChecksumTests {
    // Of the three bytes "abc".
    private static let digests: [(ExportChecksum.Kind, String)] = [
        (.md5, "900150983cd24fb0d6963f7d28e17f72"), (.sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            .sha512,
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
        ),
    ]

    private static func check(_ path: String) throws {
        let file = try ExportFile.open(path, spoolFolder: "")
        for checksum in try ExportChecksum.beside(file) { try checksum.check(file, sha256: try file.sha256()) }
    }

    @Test("each kind and each form is believed, right or wrong", arguments: 0..<4)
    func believed(place: Int) throws {
        let (kind, digest) = Self.digests[place]
        let folder = try TemporaryFolder()
        let path = try folder.write("abc", to: "a b.csv")
        for text in [
            digest, "\(digest)  a b.csv\n", "\(digest.uppercased()) *a b.csv\r\n", "\(kind) (a b.csv) = \(digest)\n",
            "\(digest)  /elsewhere/other-name.csv\n",
            "\(digest.replacing("a", with: "b"))  b.csv\n\(digest)  a b.csv\n",
        ] {
            try folder.write(text, to: "a b.csv.\(kind.rawValue)")
            try Self.check(path)
        }
        try folder.write("\(String(digest.reversed()))  a b.csv\n", to: "a b.csv.\(kind.rawValue)")
        let error = #expect(throws: ExportError.self) { try Self.check(path) }
        #expect(error?.fault == .manifest)
        #expect(error?.problem.contains(digest) == true && error?.problem.contains(String(digest.reversed())) == true)
    }

    @Test("a file that says nothing of the export is refused", arguments: ["", "no digest", "1234  a.csv"])
    func nothing(text: String) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("abc", to: "a.csv")
        try folder.write(text, to: "a.csv.sha256")
        let file = try ExportFile.open(path, spoolFolder: "")
        #expect(throws: ExportError.self) { try ExportChecksum.beside(file) }
    }

    @Test("a checksum vouches for an export without a final line end")
    func vouches() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("customer_id,cart_id\nc-1,cart-1", to: "a.csv")
        let file = try ExportFile.open(path, spoolFolder: "")
        let reader = ExportReader(options: ReadingOptions())
        let alone = try reader.facts(of: file)
        #expect(alone.mayBeCut && alone.usableRecords == 0)
        try folder.write("\(try file.sha256())  a.csv\n", to: "SHA256SUMS")
        let vouched = try reader.facts(of: file)
        #expect(!vouched.mayBeCut && vouched.usableRecords == 1)
        try file.checkStatements(vouched)
    }

    @Test("a list has many, and only those with the name count")
    func lists() throws {
        let folder = try TemporaryFolder()
        let digest = Self.digests[2].1
        func listed(_ name: String, in list: String) throws -> String? {
            ExportChecksum.listed(name, in: try OpenFile(folder.path(list), for: .reading))
        }
        let text = "\(String(digest.reversed()))  ./b.csv\n\(digest)  ./a.csv\n"
        try folder.write(text, to: "SHA256SUMS")
        try folder.write(text, to: "SHA1SUMS")
        #expect(try listed("a.csv", in: "SHA256SUMS") == digest)
        #expect(try listed("c.csv", in: "SHA256SUMS") == nil)
        #expect(try listed("a.csv", in: "SHA1SUMS") == nil)
        try folder.write(digest, to: "SHA256SUMS")
        #expect(try listed("a.csv", in: "SHA256SUMS") == nil)
    }
}
