import Foundation
import TestSupport
import Testing

@Suite("what check says of an export")
struct CheckTests {
    private struct Checked: Decodable {
        struct Record: Decodable {
            let line: Int
            let ownerKind: String
            let owner: String
            let cart: String
            let action: String?
        }
        struct Rejected: Decodable {
            let line: Int
            let record: Int
            let reason: String
            let sentence: String
        }
        let path: String
        let format: String
        let kind: String
        let mapping: [String: String]
        let records: Int
        let usable: Int
        let duplicates: Int
        let rejected: Int
        let rejectedByReason: [String: Int]
        let owners: Int
        let carts: Int
        let sharedCarts: Int
        let bytes: Int
        let sha256: String
        let endsWithNewline: Bool
        let firstRecords: [Record]
        let firstRejected: [Rejected]
        let notChecked: [String]
    }

    private static func sample(_ name: String) -> String {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "samples/exports/\(name)").path
    }

    private func checked(_ text: String, flags: [String] = []) async throws -> Checked {
        let folder = try TemporaryFolder()
        let path = try folder.write(text, to: "e.csv")
        let result = try await Program.run(["check", "--output", "json"] + flags + [path])
        let all = try JSONDecoder().decode([Checked].self, from: Data(result.output.utf8))
        let checked = try #require(all.first)
        #expect(checked.path == path)
        #expect(result.status == (checked.rejected > 0 ? 1 : 0))
        return checked
    }

    @Test("as JSON it holds the mapping, the counts, and the first records and rejected ones with their lines")
    func json() async throws {
        let text = "Customer ID,Cart-Id,x\nc-1,k-1,\nc-1,k-1,\nc-2,k-1,\nc-2,k 2,\nc-3,k-3\n"
        let checked = try await checked(text)
        #expect(checked.format == "CSV, comma, UTF-8")
        #expect(checked.kind == "snapshot")
        #expect(checked.mapping == ["cart": "Cart-Id", "customer": "Customer ID"])
        #expect(checked.records == 5)
        #expect(checked.usable == 3)
        #expect(checked.duplicates == 1)
        #expect(checked.rejected == 2)
        #expect(checked.rejectedByReason == ["bad-cart": 1, "field-count": 1])
        #expect(checked.owners == 2)
        #expect(checked.carts == 1)
        #expect(checked.sharedCarts == 1)
        #expect(checked.bytes == text.utf8.count)
        #expect(checked.sha256.count == 64)
        #expect(checked.endsWithNewline)
        #expect(checked.firstRecords.map(\.line) == [2, 3, 4])
        #expect(
            checked.firstRecords.map { "\($0.ownerKind) \($0.owner) \($0.cart) \($0.action ?? "-")" }.first
                == "customer c-1 k-1 -")
        #expect(checked.firstRejected.map(\.line) == [5, 6])
        #expect(checked.firstRejected.map(\.record) == [4, 5])
        #expect(checked.firstRejected.map(\.reason) == ["bad-cart", "field-count"])
        #expect(checked.firstRejected.allSatisfy { !$0.sentence.isEmpty })
        #expect(checked.notChecked.isEmpty)
    }

    @Test("a delta's records that sync rejects because they contradict each other are rejected here, and no others")
    func contradictions() async throws {
        // Of the first cart all is taken back; the second changes hands, which is no sharing.
        let text = """
            action,customer_id,cart_id,note
            create,c-1,k-1,
            create,c-1,k-1,"a ""b"" c"
            delete,c-1,k-1,
            create,c-2,k-2,
            create,c-2,k-2,
            delete,c-3,k-2,

            """
        let checked = try await checked(text)
        #expect(checked.kind == "delta")
        #expect(checked.usable == 3)
        #expect(checked.rejectedByReason == ["contradiction": 3])
        #expect(checked.firstRejected.map(\.line) == [2, 3, 4])
        #expect(checked.duplicates == 1)
        #expect(checked.sharedCarts == 0)
        try await withShop { shop in
            _ = try shop.folder.write(text, to: "e.csv")
            _ = try await shop.cartsync("sync", "--yes", "--max-rejected", "3", "e.csv")
            let export = try #require(try shop.report().exports.first)
            #expect(export.rejected == checked.rejectedByReason)
            #expect(export.duplicates == checked.duplicates)
        }
    }

    @Test("with --map other columns are read, and --write-config writes settings that --config takes")
    func config() async throws {
        let folder = try TemporaryFolder()
        let text = "\"BASKET \"\"NO\"\"\";MEMBER;cart_name\nk-1;c-1;Gr\u{F6}\u{DF}e\nk-2;c-2;x\n"
        let path = try folder.write(text.unicodeScalars.map { UInt8($0.value) }, to: "legacy.csv")
        let config = folder.path("legacy.yaml")
        let unmapped = try await Program.run(["check", path])
        #expect(unmapped.status == 65)
        #expect(unmapped.errors.contains("--map") && unmapped.errors.contains("mapping.cart"), "\(unmapped.errors)")
        let flags = [
            "--map", "cart=BASKET \"NO\"", "--map", "customer=MEMBER", "--encoding", "windows-1252", "--write-config",
            config,
        ]
        let first = try await Program.run(["check"] + flags + [path])
        #expect(first.status == 0, "\(first.errors)")
        #expect(first.lastLine.contains("cartsync plan --config \(config) \(path)"), "\(first.lastLine)")
        let again = try await Program.run(["check", "--config", config, path])
        #expect(again.status == 0 && again.output == first.output, "\(again.errors)")
        let written = try folder.read("legacy.yaml")
        for line in ["encoding: \"windows-1252\"", "delimiter: \";\"", "kind: \"snapshot\"", "customer: \"MEMBER\""] {
            #expect(written.contains("  \(line)\n"), "\(written)")
        }
        let over = try await Program.run(["check", "--config", config, "--write-config", config, path])
        #expect(over.status == 65 && over.errors.contains("the file is there already"))
        let other = try folder.write("cart_id,customer_id\nk,c\n", to: "other.csv")
        let two = try await Program.run([
            "check", "--write-config", folder.path("b.yaml"), other, Self.sample("tab.tsv"),
        ])
        #expect(two.status == 65 && two.errors.contains("the exports differ in what"), "\(two.errors)")
        for wrong in ["cart", "=x", "basket=x", "cart="] {
            #expect(try await Program.run(["check", "--map", wrong, path]).status == 64)
        }
        #expect(try await Program.run(["check", "--map", "cart=a", "--map", "cart=b", path]).status == 64)
    }

    @Test("a manifest and checksums that agree are named")
    func vouchedFor() async throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("customer_id,cart_id\nc,k\n", to: "e.csv")
        #expect(try await !Program.run(["check", path]).output.contains("vouched for"))
        let digest = try await checked("customer_id,cart_id\nc,k\n").sha256
        _ = try folder.write("{\"records\": 1}", to: "e.csv.manifest.json")
        _ = try folder.write("\(digest)  e.csv\n", to: "e.csv.sha256")
        let output = try await Program.run(["check", path]).output
        #expect(output.contains("vouched for  e.csv.manifest.json: 1 record, which agrees"), "\(output)")
        #expect(output.contains("vouched for  e.csv.sha256: sha256, which agrees"), "\(output)")
    }

    @Test("of XML the element that is a record is named, and why")
    func record() async throws {
        let output = try await Program.run(["check", Self.sample("nested.xml")]).output
        #expect(output.contains("record       the element customers/customer"), "\(output)")
        #expect(output.contains(", because it has the cart ("), "\(output)")
    }

    @Test("what only sync rejects is said, where it may be so")
    func notChecked() async throws {
        let text = "customer_id,cart_id\nc-1,k-1\nc-2,k-1\n"
        #expect(try await checked(text).notChecked.isEmpty)
        let told = try await checked(text, flags: ["--one-owner-per-cart"]).notChecked
        #expect(told.count == 1)
        #expect(told.first?.contains("more than one owner") == true)
        let folder = try TemporaryFolder()
        let path = try folder.write(text, to: "e.csv")
        let two = try await Program.run(["check", path, path])
        #expect(two.output.contains("not checked"))
        #expect(two.lastLine.contains("4 records are usable"))
    }

    @Test("nothing of an export or of its name moves the cursor or turns the line around")
    func terminal() async throws {
        let folder = try TemporaryFolder()
        let text =
            "customer_id,\"cart_id\",\"\u{1B}[2J\"\n\u{1B}[31mc-1,k-1,\nc\u{202E}-2,k-2,\nc-3,\u{7}k\u{2028}3,\nc-4,k-4,\n"
        let path = try folder.write(text, to: "\u{1B}]0;x\u{7}\u{202E}e.csv")
        let text2 = "\u{1B}[2J,\u{202E}cart\n"
        let bad = try folder.write(text2, to: "bad.csv")
        for result in [try await Program.run(["check", path]), try await Program.run(["check", bad])] {
            for scalar in (result.output + result.errors).unicodeScalars where scalar != "\n" {
                let category = scalar.properties.generalCategory
                let isHarmless = ![.control, .format, .lineSeparator, .paragraphSeparator].contains(category)
                #expect(isHarmless, "U+\(String(scalar.value, radix: 16))")
            }
        }
    }

    @Test("an export without records is read, and its consequence is said")
    func noRecords() async throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("customer_id,cart_id\n", to: "e.csv")
        let result = try await Program.run(["check", path])
        #expect(result.status == 0)
        #expect(result.output.contains("--allow-empty"))
        #expect(result.lastLine.contains("0 records are usable"))
        let one = try folder.write("customer_id,cart_id\nc-1,k-1\n", to: "one.csv")
        #expect(try await Program.run(["check", one]).lastLine.contains("1 record is usable"))
    }

    @Test(
        "a file that is no export at all is refused with what it is",
        arguments: [
            ("PK\u{3}\u{4}\u{14}\u{0}", "the zip is cut or damaged"),
            ("\u{7F}ELF\u{2}\u{1}\u{1}\u{0}\u{0}\"", "not text"),
            ("[{\"customer_id\": \"c-1\", \"cart_id\": \"k-1\"}]\n", "JSON"), ("%PDF-1.4\n", "%PDF-1.4"),
        ])
    func otherFiles(_ text: String, _ word: String) async throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(text, to: "e.csv")
        let result = try await Program.run(["check", path])
        #expect(result.status == 65)
        #expect(result.errors.contains(word), "\(result.errors)")
    }

    @Test("standard input is read like a file, and an empty one is refused by its name")
    func standardInput() async throws {
        let result = try await Program.run(["check", "-"], input: "account_id;cart_id\r\na-1;k-1\r\n")
        #expect(result.status == 0)
        #expect(result.output.contains("account a-1 cart k-1"))
        let empty = try await Program.run(["check", "-"])
        #expect(empty.status == 65)
        #expect(empty.errors.contains("standard input: the file is empty"))
    }
}
