import CartAssociations
import Foundation
import TestSupport
import Testing

@testable import ExportFiles

/// Exports that are sealed by OpenPGP: opened with the right key, and believed only if they are whole and signed.
struct SealedExportTests {
    static func path(_ name: String) -> String {
        URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/sealed/\(name)")
            .path(percentEncoded: false)
    }

    static func bytes(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: path(name)))) }

    /// How exports are read with one of the keys; `ours` has no passphrase.
    static func options(
        _ key: String? = "ours.key.asc", passphrase: String? = nil, signedBy: String? = nil
    ) throws -> ReadingOptions {
        var options = ReadingOptions()
        options.keys.decryptionKey = try key.map { String(decoding: try bytes($0), as: UTF8.self) }
        options.keys.passphrase = passphrase
        options.keys.signedBy = signedBy.map(path)
        return options
    }

    @Test(
        "a sealed export is read with its key, in text or not, packed or not",
        arguments: [
            "plain.csv.gpg", "plain.csv.asc", "both.csv.gpg", "packed.csv.gz.gpg", "bzip2.csv.gpg", "signed.csv.gpg",
            "signed-by-other.csv.gpg", "expired.csv.gpg", "signed-only.csv.gpg",
        ])
    func readable(_ name: String) throws {
        let reading = try WholeReading(Self.path(name), try Self.options())
        #expect(reading.associations == ["customer c-1 k-1", "customer c-2 k-2"])
        #expect(reading.facts.shape.packing == (name.contains(".gz") ? [.openPGP, .gzip] : [.openPGP]))
        #expect(reading.facts.bytes == (try Self.bytes(name)).count)
        #expect(try WholeReading(bytes: gzip(try Self.bytes(name)), try Self.options()).summary == reading.summary)
        #expect(try WholeReading(Self.path(name), try Self.options(), blockSize: 3).summary == reading.summary)
    }

    @Test("a sealed workbook is read")
    func workbook() throws {
        let sealed = try WholeReading(Self.path("workbook.xlsx.gpg"), try Self.options())
        #expect(sealed.summary == (try WholeReading(SheetTests.path("shared.xlsx")).summary))
    }

    @Test("a passphrase opens a key, or an export that is sealed with nothing else")
    func passphrases() throws {
        let expected = ["customer c-1 k-1", "customer c-2 k-2"]
        for (name, key) in [("locked.csv.pgp", "locked.key.asc"), ("symmetric.csv.gpg", nil)] {
            let right = try Self.options(key, passphrase: "open sesame")
            #expect(try WholeReading(Self.path(name), right).associations == expected)
            let wrong = try #require(refusal(Self.path(name), try Self.options(key, passphrase: "sesame")))
            #expect(wrong.problem == "export.decryption-passphrase is wrong", "\(name)")
            let missing = try #require(refusal(Self.path(name), try Self.options(key)))
            #expect(missing.problem.contains("export.decryption-passphrase is not set"), "\(name)")
        }
    }

    @Test("a key that is missing or another one is told in one sentence, with the setting")
    func keys() throws {
        let missing = try #require(refusal(Self.path("plain.csv.gpg")))
        #expect(missing.problem == "it is sealed, and export.decryption-key is not set")
        #expect(missing.fault == .sealed)
        let other = try #require(refusal(Self.path("other.csv.gpg"), try Self.options()))
        #expect(other.problem.hasPrefix("it is sealed for other keys than that of export.decryption-key ("))
        let publicKey = try #require(refusal(Self.path("plain.csv.gpg"), try Self.options("sender.asc")))
        #expect(publicKey.problem == "export.decryption-key is a public key, which opens nothing")
        var garbage = ReadingOptions()
        garbage.keys.decryptionKey = "not a key"
        #expect(
            refusal(Self.path("plain.csv.gpg"), garbage)?.problem.hasPrefix("export.decryption-key is no private key")
                == true)
        // What is not sealed needs no key, and a wrong one harms nothing.
        #expect(try WholeReading(bytes: BytesTests.text, garbage).associations == BytesTests.expected)
    }

    @Test("who must have signed has signed")
    func signed() throws {
        let sender = try Self.options(signedBy: "sender.asc")
        for name in ["signed.csv.gpg", "signed-only.csv.gpg"] {
            #expect(try WholeReading(Self.path(name), sender).usable.count == 2)
        }
        let refused = [
            ("plain.csv.gpg", "it is not signed"), ("signed-by-other.csv.gpg", "it is signed by none of the keys"),
            ("expired.csv.gpg", "its signature has expired"), ("packed.csv.gz.gpg", "it is not signed"),
            ("workbook.xlsx.gpg", "it is not signed"),
        ]
        for (name, problem) in refused {
            let error = try #require(refusal(Self.path(name), sender))
            #expect(error.problem.hasPrefix(problem), "\(name): \(error.problem)")
        }
        let other = try Self.options(signedBy: "other.gpg")
        #expect(try WholeReading(Self.path("signed-by-other.csv.gpg"), other).usable.count == 2)
        let nowhere = try Self.options(signedBy: "missing.asc")
        #expect(
            refusal(Self.path("signed.csv.gpg"), nowhere)?.problem.contains("export.signed-by cannot be read") == true)
    }

    @Test("what must be signed is not read without being sealed")
    func unsealed() throws {
        let sender = try Self.options(signedBy: "sender.asc")
        let error = try #require(refusal(bytes: BytesTests.text, sender))
        #expect(error.problem == "it is not signed, and export.signed-by asks for it")
        let workbook = Array(try Data(contentsOf: URL(filePath: SheetTests.path("shared.xlsx"))))
        let signed = try Self.bytes("signed.csv.gpg")
        let unsigned = [
            gzip(BytesTests.text), storedZip([("a.csv", BytesTests.text)]), workbook, gzip(workbook),
            storedZip([("a.csv.gpg", signed), ("b.csv", BytesTests.text)]),
        ]
        for bytes in unsigned { #expect(refusal(bytes: bytes, sender)?.problem == error.problem) }
        #expect(
            try WholeReading(bytes: storedZip([("a.csv.gpg", signed)]), sender).associations == BytesTests.expected)
    }

    @Test("a signature beside an export, and a key, are told for what they are")
    func documents() throws {
        let error = try #require(refusal(text: "-----BEGIN PGP SIGNATURE-----\n\niQ==\n"))
        #expect(error.problem == "this is the signature of another file, and no export")
        #expect(refusal(Self.path("sender.asc"))?.problem == "this is a public key, and no export")
    }

    @Test("a message without protection against changes is refused")
    func unprotected() throws {
        let error = try #require(refusal(Self.path("no-mdc.csv.gpg"), try Self.options()))
        #expect(error.problem.contains("nothing that would show a change"))
    }

    @Test(
        "a sealed export that was cut or changed anywhere is refused",
        arguments: ["plain.csv.gpg", "plain.csv.asc", "signed.csv.gpg", "packed.csv.gz.gpg"])
    func damaged(_ name: String) throws {
        let whole = try Self.bytes(name)
        let options = try Self.options()
        let expected = ["customer c-1 k-1", "customer c-2 k-2"]
        // From one place to the next, and all near the end.
        for index in whole.indices.dropFirst(20) where index % 7 == 0 || index > whole.count - 30 {
            let cut = try? WholeReading(bytes: Array(whole[..<index]), options)
            // Of text only the line that ends it may be missing.
            #expect(cut == nil || name.hasSuffix(".asc") && cut?.associations == expected, "cut at \(index)")
            var changed = whole
            changed[index] ^= 0x04
            guard let reading = try? WholeReading(bytes: changed, options) else { continue }
            #expect(reading.associations == expected, "byte \(index)")
        }
    }

    @Test("what stands behind a message refuses it, and blanks around a text do not")
    func behind() throws {
        let options = try Self.options()
        let (text, packets) = (try Self.bytes("plain.csv.asc"), try Self.bytes("plain.csv.gpg"))
        let more = [text + text, text + Array("c-3,k-3\n".utf8), text + packets, packets + packets, packets + text]
        for bytes in more { #expect(refusal(bytes: bytes, options)?.fault == .sealed) }
        let crlf = text.flatMap { $0 == 0x0A ? [0x0D, 0x0A] : [$0] }
        let signedOnly = try Self.bytes("signed-only.csv.gpg")
        #expect(refusal(bytes: signedOnly + [UInt8](repeating: 0x41, count: 1 << 20), options)?.fault == .sealed)
        for bytes in [Array("\r\n \n".utf8) + text, [0xEF, 0xBB, 0xBF] + text, text + Array("\n \r\n".utf8), crlf] {
            #expect(try WholeReading(bytes: bytes, options).associations == BytesTests.expected)
        }
    }

    @Test("the end of a message is looked at whatever is packed in it")
    func damagedEnd() throws {
        let options = try Self.options()
        for name in ["workbook.xlsx.gpg", "packed.csv.gz.gpg", "rejected.csv.gpg", "bzip2.csv.gpg"] {
            let whole = try Self.bytes(name)
            #expect(try WholeReading(bytes: whole, options).facts.records > 0)
            for index in whole.indices.suffix(24) {
                #expect(refusal(bytes: Array(whole[..<index]), options) != nil, "\(name) cut at \(index)")
                var changed = whole
                changed[index] ^= 0x10
                #expect(refusal(bytes: changed, options) != nil, "\(name) changed at \(index)")
            }
        }
    }

    @Test("a large message is opened as it is read, and may be left in the middle")
    func abandoned() throws {
        let file = try ExportFile.open(Self.path("large.csv.gpg"), spoolFolder: "")
        let reader = ExportReader(options: try Self.options())
        for _ in 0..<3 {
            var reading = try reader.read(file)
            #expect(try reading.next()?.records.isEmpty == false)
        }
        #expect(try reader.facts(of: file).usableRecords == 300_000)
    }
}
