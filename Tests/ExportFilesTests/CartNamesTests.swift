import CartAssociations
import TestSupport
import Testing

@testable import ExportFiles

@Suite("how carts are called in the store")
struct CartNamesTests {
    private static func names(_ prefix: String, _ unsafe: UnsafeCarts) -> CartNames {
        var names = CartNames()
        (names.prefix, names.unsafe) = (prefix, unsafe)
        return names
    }

    private static func id(_ name: String, _ names: CartNames) -> String {
        var id: [UInt8] = []
        let bytes = Array(name.utf8)
        names.append(bytes.span, to: &id)
        return String(decoding: id, as: UTF8.self)
    }

    @Test("any two carts have two ids, which are valid and say what they were", arguments: 0..<40 as Range<UInt64>)
    func reversible(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let names = Self.names(seed.isMultiple(of: 2) ? "" : "legacy-", .encode)
        let letters = Array("aZ09_-/ .#é€_F2")
        var seen: [String: String] = [:]
        for _ in 0..<300 {
            let name = String(
                (0..<Int.random(in: 1...6, using: &random)).map { _ in letters.randomElement(using: &random) ?? "a" })
            let id = try #require(CartID(Self.id(name, names)))
            #expect(names.name(of: id) == name)
            #expect(seen[id.text].map { $0 == name } ?? true)
            seen[id.text] = name
        }
        #expect(names.name(of: try #require(CartID("other_"))) == nil)
    }

    @Test("records have the store's ids, in both formats and however they are decoded", arguments: [16, 4096])
    func records(blockSize: Int) throws {
        var options = ReadingOptions()
        options.carts = Self.names("L-", .encode)
        let text = "customer_id,cart\nc,a/1\nc,\"b_2\"\nc,\"é\"\nc,\nc,\(String(repeating: "/", count: 90))\n"
        let reading = try WholeReading(text: text, options, blockSize: blockSize)
        #expect(reading.associations == ["customer c L-a_2F1", "customer c L-b_5F2", "customer c L-_C3_A9"])
        #expect(reading.asked == reading.associations)
        #expect(reading.rejections == ["5 missing-cart", "6 bad-cart"])
        #expect(reading.facts.usableRecords == 3)
        let xml = "<l><r customer='c' cart='a/1'/><r customer='c'><cart>b 2</cart></r></l>"
        let document = try WholeReading(text: xml, options, blockSize: blockSize)
        #expect(document.associations == ["customer c L-a_2F1", "customer c L-b_202"])
        options.carts = Self.names("L-", .reject)
        let refused = try WholeReading(text: text, options, blockSize: blockSize)
        #expect(refused.associations == ["customer c L-b_2"])
    }
}
