import CartAssociations
import TestSupport
import Testing

@testable import ExportFiles

/// Records of every form, and blocks of all sizes, must say the same.
struct LaneTests {
    /// Texts made of what CSV is made of, so that odd combinations are frequent.
    static func text(_ generator: inout SeededGenerator) -> String {
        let pieces = [
            ",", ",", ",", "\n", "\n", "\r\n", "\r", "\"", "\"\"", "\"a\"", "\"a,b\"", "\"x\ny\"", "c-1", "cart-1", " ",
            "ü", "\u{301}", "👩‍🚀", "\t", ";", "\0", "'=1", "create", "delete", "",
        ]
        let header = Bool.random(using: &generator) ? "customer_id,cart_id,note" : "action,customer_id,cart_id"
        var text = header + (Int.random(in: 0..<8, using: &generator) == 0 ? "\r" : "\n")
        for _ in 0..<Int.random(in: 0..<12, using: &generator) {
            if Bool.random(using: &generator) {
                // Half of the lines are records of the right width.
                let cells = (0..<3).map { _ in
                    ["c-1", "cart-1", "\"c-2\"", "\"k\"\"k\"", "ü", "create", "\" k\"", " k", "\"a\nb\""]
                        .randomElement(using: &generator) ?? ""
                }
                text += cells.joined(separator: ",") + "\n"
            } else {
                for _ in 0..<Int.random(in: 0..<9, using: &generator) {
                    text += pieces.randomElement(using: &generator) ?? ""
                }
            }
        }
        return text
    }

    @Test("every block size gives the same records, rejections and errors", arguments: UInt64(1)...6)
    func blocks(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let folder = try TemporaryFolder()
        for round in 0..<20 {
            let text = Self.text(&generator)
            let path = try folder.write(text)
            let whole = Self.outcome(path)
            for size in [1, 2, 5, 8, 31] {
                #expect(
                    Self.outcome(path, blockSize: size) == whole,
                    "round \(round), block size \(size): \(text.debugDescription)")
            }
        }
    }

    /// What a reading says, or the error that it ends with.
    private static func outcome(_ path: String, blockSize: Int? = nil) -> [String] {
        do { return try WholeReading(path, blockSize: blockSize).summary } catch { return ["\(error)"] }
    }

    @Test("records with escaped quotes and without say the same", arguments: UInt64(1)...6)
    func lanes(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for round in 0..<50 {
            // A note with an escaped quote changes nothing else.
            var plain = "customer_id,cart_id,note\n"
            var slow = plain
            for _ in 0..<Int.random(in: 1..<80, using: &generator) {
                let cells = (0..<2).map { _ in Self.cell(&generator) }.joined(separator: ",")
                plain += cells + ",x\n"
                slow += cells + ",\"\"\"\"\n"
            }
            let fast = try WholeReading(text: plain)
            let escaped = try WholeReading(text: slow)
            #expect(fast.asked == escaped.asked, "round \(round)")
            #expect(fast.associations == escaped.associations, "round \(round)")
            #expect(fast.rejections == escaped.rejections, "round \(round)")
        }
    }

    private static func cell(_ generator: inout SeededGenerator) -> String {
        let letters = Array("abcXYZ019_-. ;'\t/")
        var cell = ""
        for _ in 0..<Int.random(in: 0..<6, using: &generator) {
            cell.append(letters.randomElement(using: &generator) ?? "a")
        }
        return Bool.random(using: &generator) ? "\"\(cell)\"" : cell
    }

    /// What values are made of: also marks, which SwiftCSV takes for a part of the quote before them.
    private static let pieces = [
        "a", "\"", "\"\"", ",", "\n", "\r\n", "\r", "ü", "👩‍🚀", " ", "é", "\u{600}", "\u{FE0F}", "\u{301}", "\u{200D}",
        "7",
    ]

    private static func value(_ generator: inout SeededGenerator, of pieces: [String] = pieces) -> String {
        (0..<Int.random(in: 0..<5, using: &generator)).map { _ in pieces.randomElement(using: &generator) ?? "" }
            .joined()
    }

    @Test(
        "what is written by RFC 4180 is read as it was, and SwiftCSV reads the same where it can",
        arguments: UInt64(1)...4)
    func written(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var agreed = 0
        for round in 0..<50 {
            var text = "customer_id,cart_id,cart_name,note\n"
            var owners: [String] = []
            var names: [String?] = []
            for number in 1...Int.random(in: 1..<150, using: &generator) {
                let owner = "c" + Self.value(&generator, of: ["\"", "\"\"", ",", "ü", "x", "'"]) + "-\(number)"
                let name = "n" + Self.value(&generator) + "."
                let row = [owner, "cart-\(number)", name, Self.value(&generator)]
                text += row.map(quoted).joined(separator: ",") + (Bool.random(using: &generator) ? "\n" : "\r\n")
                owners.append(owner)
                names.append(name)
                if swiftCSVRow(row, delimiter: ",")?.elementsEqual(row, by: { $0.utf8.elementsEqual($1.utf8) }) == true
                {
                    agreed += 1
                }
            }
            let reading = try WholeReading(
                text: text, blockSize: [nil, 64, 4096].randomElement(using: &generator) ?? nil)
            #expect(reading.rejections == [], "round \(round)")
            #expect(reading.asked == owners.indices.map { "customer \(owners[$0]) cart-\($0 + 1)" }, "round \(round)")
            #expect(reading.usable.map(\.association.owner.id.text) == owners, "round \(round)")
            let isSame = zip(reading.usable.map(\.cartName), names).allSatisfy {
                ($0 ?? "").utf8.elementsEqual(($1 ?? "").utf8)
            }
            #expect(isSame, "round \(round)")
        }
        #expect(agreed > 250, "SwiftCSV gave up on nearly everything")
    }

    @Test("a record longer than a block is read whole, and one beyond the limit refuses the file with its line")
    func longRecords() throws {
        let head = "customer_id,cart_id,note\nc-1,k-1,x\n"
        let long = try WholeReading(text: head + "c-2,k-2,\"\(String(repeating: "a\n", count: 400_000))\"\nc-3,k-3,\n")
        #expect(long.associations == ["customer c-1 k-1", "customer c-2 k-2", "customer c-3 k-3"])
        #expect(long.usable.map(\.place.line) == [2, 3, 400_004])
        let open = try #require(refusal(text: head + "c-2,k-2,\"\(String(repeating: "c,k,n\n", count: 200_000))"))
        #expect(open.fault == .tooLarge)
        #expect(open.line == 3)
    }

    @Test("blank lines are passed over and counted, wherever they stand")
    func blankLines() throws {
        let reading = try WholeReading(text: "\n\r\ncustomer,cart\n\nc,k\n\r\n\n")
        #expect(reading.associations == ["customer c k"])
        #expect(reading.facts.blankLines == 5)
        #expect(reading.facts.records == 1)
        #expect(reading.usable.first?.place.line == 5)
        // Spreadsheets write delimiters, and quotes without anything in them, in the rows below their data.
        let empty = try WholeReading(text: ",,\n\"\"\ncustomer,cart\n \n,\n\"\", \n\t,\"\",,\nc,k\n\"\"\"\",\n")
        #expect(empty.facts.blankLines == 6)
        #expect(empty.associations == ["customer c k"])
        #expect(empty.rejections == ["9 missing-cart"])
    }

    @Test("a choice in the middle of records with escaped quotes keeps the order of the file")
    func order() throws {
        var text = "customer_id,cart_id,note\n"
        for number in 1...5000 {
            text += "c-\(number),k-\(number),\(number % 3 == 0 ? "\"a \"\"b\"\"\"" : "x")\n"
            if number % 7 == 0 { text += "c-\(number),bad cart,x\n" }
        }
        let reading = try WholeReading(text: text)
        let numbers = reading.usable.map(\.place.record)
        #expect(numbers == numbers.sorted())
        #expect(reading.usable.count == 5000)
        #expect(reading.rejected.count == 5000 / 7)
        #expect(reading.asked.map { $0.split(separator: "-").last } == (1...5000).map { "\($0)" })
        for record in reading.usable {
            #expect(record.place.line == record.place.record + 1)
        }
    }
}
