import Foundation
import TestSupport
import Testing

@testable import ExportFiles

struct BytesTests {
    static let text = Array("customer_id,cart_id\nc-1,k-1\nc-2,k-2\n".utf8)
    static let expected = ["customer c-1 k-1", "customer c-2 k-2"]

    @Test("a gzip file in several members, or padded with zeros, is read whole")
    func gzipMembers() throws {
        let members = gzip(Array(Self.text[..<25])) + gzip(Array(Self.text[25...]))
        #expect(try WholeReading(bytes: members).associations == Self.expected)
        #expect(try WholeReading(bytes: members + [0, 0, 0]).associations == Self.expected)
        #expect(try WholeReading(bytes: gzip(Self.text)).facts.bytes == gzip(Self.text).count)
    }

    @Test("a gzip file cut anywhere is refused")
    func gzipCut() throws {
        let whole = gzip(Self.text)
        for count in 2..<whole.count {
            let error = #expect(throws: ExportError.self) { _ = try WholeReading(bytes: Array(whole[..<count])) }
            #expect(error?.fault == .gzip, "cut at \(count)")
        }
    }

    @Test("a gzip file with any byte of its stream changed is refused")
    func gzipDamaged() throws {
        let whole = gzip(Self.text)
        // The ten bytes of the header hold a time and the like, of which nothing depends.
        for index in 10..<whole.count {
            var damaged = whole
            damaged[index] ^= 0xFF
            #expect(throws: ExportError.self, "byte \(index)") { _ = try WholeReading(bytes: damaged) }
        }
    }

    @Test(
        "UTF-16 becomes the same UTF-8 however it is cut", arguments: [TextEncoding.utf16LittleEndian, .utf16BigEndian])
    func transcoding(_ encoding: TextEncoding) {
        let text = "aß€👩‍🚀\u{10FFFF}z"
        let bytes = text.utf16.flatMap { unit in
            encoding == .utf16LittleEndian
                ? [UInt8(unit & 0xFF), UInt8(unit >> 8)] : [UInt8(unit >> 8), UInt8(unit & 0xFF)]
        }
        for cut in 0...bytes.count {
            var transcoder = Transcoder(from: encoding)
            var output: [UInt8] = []
            transcoder.append(bytes.span.extracting(..<cut), to: &output)
            #expect(transcoder.isComplete == cut.isMultiple(of: 2))
            transcoder.append(bytes.span.extracting(cut...), to: &output)
            transcoder.finish(to: &output)
            #expect(String(decoding: output, as: UTF8.self) == text)
        }
    }

    @Test("a surrogate alone becomes bytes that are no UTF-8")
    func loneSurrogates() {
        for units in [[0xD800], [0xDC00], [0xD800, 0x61], [0xD800, 0xD800, 0xDC00]] as [[UInt16]] {
            var transcoder = Transcoder(from: .utf16LittleEndian)
            var output: [UInt8] = []
            let bytes = units.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
            transcoder.append(bytes.span, to: &output)
            transcoder.finish(to: &output)
            #expect(String(validating: output, as: UTF8.self) == nil)
        }
    }

    private static let windows: [UInt8: Unicode.Scalar] = Dictionary(
        uniqueKeysWithValues: zip(
            [
                0x80, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x8B, 0x8C, 0x8E, 0x91, 0x92, 0x93, 0x94,
                0x95, 0x96, 0x97, 0x98, 0x99, 0x9A, 0x9B, 0x9C, 0x9E, 0x9F,
            ], "€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ".unicodeScalars))
    private static let ninth: [UInt8: Unicode.Scalar] = Dictionary(
        uniqueKeysWithValues: zip([0xA4, 0xA6, 0xA8, 0xB4, 0xB8, 0xBC, 0xBD, 0xBE], "€ŠšŽžŒœŸ".unicodeScalars))

    @Test(
        "every byte of an encoding of one byte a character has its character",
        arguments: [TextEncoding.latin1, .windows1252, .latin9])
    func oneByte(_ encoding: TextEncoding) throws {
        let others = encoding == .latin9 ? Self.ninth : Self.windows
        for byte in UInt8.min...UInt8.max {
            var transcoder = Transcoder(from: encoding)
            var output: [UInt8] = []
            transcoder.append([byte].span, to: &output)
            #expect(
                Array(String(decoding: output, as: UTF8.self).unicodeScalars) == [others[byte] ?? Unicode.Scalar(byte)])
        }
    }

    @Test("digest and size are those of the file as stored")
    func digest() throws {
        // printf 'customer_id,cart_id\nc-1,k-1\nc-2,k-2\n' | sha256sum
        let facts = try WholeReading(bytes: Self.text).facts
        #expect(facts.sha256 == "979f5ab52f9f472a088a896fc46d8e917fe491185f630d92bc4bf37ff23c2546")
        #expect(facts.bytes == Self.text.count)
    }

    @Test("the encoding in an XML declaration must be one that is read, and true")
    func declarations() throws {
        let body = "<l><r customer_id='c' cart_id='k'/></l>"
        for name in ["UTF-8", "utf-8", "UTF8", "US-ASCII", "ISO-8859-1", "iso_8859-15", "windows-1252", "cp1252"] {
            #expect(
                try WholeReading(text: "<?xml version='1.0' encoding='\(name)'?>\(body)").associations == [
                    "customer c k"
                ])
        }
        for name in ["UTF-16", "UTF-16LE", "UTF-32", "EUC-JP", "utf8mb4"] {
            let error = refusal(text: "<?xml version='1.0' encoding='\(name)'?>\(body)")
            #expect(error?.fault == .encoding, "\(name)")
        }
        let marked = [0xEF, 0xBB, 0xBF] + Array("<?xml version='1.0' encoding='ISO-8859-1'?>\(body)".utf8)
        #expect(throws: ExportError.self) { _ = try WholeReading(bytes: marked) }
        let told = ReadingOptions(encoding: .latin1)
        #expect(
            try WholeReading(text: "<?xml version='1.0' encoding='UTF-8'?>\(body)", told).facts.shape.encoding == .utf8)
    }
}
