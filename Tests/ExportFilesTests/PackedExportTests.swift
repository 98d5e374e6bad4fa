import CartAssociations
import Foundation
import TestSupport
import Testing

@testable import ExportFiles

/// Exports that are packed: what is in them is read whole, or nothing of it.
struct PackedExportTests {
    static let packed = ["zip.zip", "several.zip", "several-xml.zip", "bzip2.csv.bz2", "zstd.xml.zst", "gzip.csv.gz"]

    static func bytes(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(filePath: samplePath(name))))
    }

    @Test("an export that is packed and packed again is read as what it is", arguments: packed)
    func layers(_ name: String) throws {
        let bytes = try Self.bytes(name)
        let plain = try WholeReading(bytes: bytes)
        // Through gzip a zip can be read in its order only.
        let twice = try WholeReading(bytes: gzip(gzip(bytes)))
        #expect(twice.summary == plain.summary)
        #expect(twice.facts.shape.packing == [.gzip, .gzip] + plain.facts.shape.packing)
        #expect(plain.facts.bytes == bytes.count)
        var deep = bytes
        for _ in 0..<7 { deep = gzip(deep) }
        #expect(refusal(bytes: deep)?.fault == .packed)
    }

    @Test("a packed export that was cut anywhere is refused, as a file and within another packing", arguments: packed)
    func cut(_ name: String) throws {
        let whole = try Self.bytes(name)
        for count in 10..<whole.count {
            #expect(refusal(bytes: Array(whole[..<count])) != nil, "cut at \(count)")
            guard count.isMultiple(of: 5) else { continue }
            #expect(refusal(bytes: gzip(Array(whole[..<count]))) != nil, "cut at \(count) within gzip")
        }
    }

    @Test("a packed export with any byte changed is refused, or says the same", arguments: packed)
    func damaged(_ name: String) throws {
        let whole = try Self.bytes(name)
        let expected = try WholeReading(bytes: whole).associations
        for index in whole.indices {
            var damaged = whole
            damaged[index] ^= [1, 0x20, 0xFF][index % 3]
            for form in index.isMultiple(of: 5) ? [damaged, gzip(damaged)] : [damaged] {
                guard let reading = try? WholeReading(bytes: form) else { continue }
                // The time or the name of a file may differ.
                #expect(reading.associations == expected, "byte \(index)")
            }
        }
    }

    @Test("several exports in a zip are one, with lines as if they stood one behind the other")
    func several() throws {
        let reading = try WholeReading(samplePath("several.zip"))
        #expect(reading.facts.shape.exports == 2)
        #expect(reading.usable.map(\.place.line) == [2, 3, 5, 6])
        #expect(reading.usable.map(\.place.record) == [1, 2, 3, 4])
        let xml = try WholeReading(samplePath("several-xml.zip"))
        #expect(xml.usable.map(\.place.line) == [2, 3, 6, 7])
        #expect(xml.facts.sha256 == (try ExportFile.open(samplePath("several-xml.zip"), spoolFolder: "").sha256()))
    }

    @Test("each of several exports is read by itself: its own end, header and trailer, and its rejects say where")
    func ends() throws {
        let eu = "customer_id,cart_id\nc-1,k-1\nc-2,k-2\nc-3,k-3\nTotal,3\n"
        let us = "customer_id,cart_id\nc-4,k-4\nc-5,bad cart\nc-6,k-6"
        let reading = try WholeReading(bytes: storedZip([("eu.csv", eu), ("us.csv", us)]))
        #expect(
            reading.associations == ["customer c-1 k-1", "customer c-2 k-2", "customer c-3 k-3", "customer c-4 k-4"])
        #expect(reading.rejections == ["5 trailer", "8 bad-cart", "9 may-be-cut"])
        #expect(reading.rejected[1].reason.sentence.hasSuffix(" (line 3 of us.csv)"))
        #expect(reading.facts.mayBeCut)
        let cutFirst = try WholeReading(bytes: storedZip([("us.csv", us), ("eu.csv", eu)]))
        #expect(cutFirst.facts.mayBeCut)
        #expect(!cutFirst.facts.endsWithNewline)
    }

    @Test("exports of different kinds in a zip are refused with the list of them")
    func differing() throws {
        let error = try #require(refusal(BrokenSampleTests.path("different-columns.zip")))
        #expect(error.problem.contains("eu.csv (CSV: customer_id, cart_id, cart_name)"))
        #expect(error.problem.contains("us.csv (CSV: cart_id, account_id)"))
        let delta = "customer_id,cart_id,action\nc-1,k-1,delete\n"
        let mixed = storedZip([("a.csv", "customer_id,cart_id\nc-1,k-1\n"), ("b.csv", delta)])
        #expect(refusal(bytes: mixed)?.problem.contains("b.csv (CSV, delta: customer_id, cart_id, action)") == true)
    }

    @Test("a fault of an export in a zip names the export")
    func names() throws {
        let zip = storedZip([("a/readme.txt", "Read me first.\n")])
        #expect(refusal(bytes: zip)?.description.contains("/a/readme.txt:1: ") == true)
        let encrypted = try #require(refusal(BrokenSampleTests.path("encrypted.zip")))
        #expect(encrypted.problem == "customers.csv is encrypted with a password, which is not read")
    }

    @Test("no name in a zip is a path: one that leads elsewhere is only shown")
    func paths() throws {
        let text = "customer_id,cart_id\nc-1,k-1\n"
        let zip = storedZip([("../../etc/cron.d/x\u{1B}[2J", text), ("/tmp/y", text)])
        #expect(try WholeReading(bytes: zip).associations == ["customer c-1 k-1", "customer c-1 k-1"])
        let bad = storedZip([("../x\u{1B}[2J", "nothing\n")])
        let error = try #require(refusal(bytes: bad))
        #expect(!error.description.contains("\u{1B}"))
    }

    @Test("what the name says makes no difference")
    func misnamed() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(try Self.bytes("bzip2.csv.bz2"), to: "customers.zip")
        #expect(try WholeReading(path).associations == SampleShapeTests.Sample.usual)
    }
}
