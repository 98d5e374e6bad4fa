import CartAssociations
import TestSupport
import Testing

@testable import ExportFiles

struct MappingTests {
    @Test(
        "names are matched without regard to case, spaces, dashes and underscores",
        arguments: [
            "Customer ID,CART-ID", "customerid,cart reference", "CUSTOMER,Cart", "\"Customer-Id\",\" cart_ID \"",
        ])
    func names(_ header: String) throws {
        #expect(try WholeReading(text: header + "\nc,k\n").associations == ["customer c k"])
    }

    @Test("what is odd is told by its first line, in the order of lines, whatever is read at once", arguments: 1...90)
    func notes(blockSize: Int) throws {
        let bytes =
            Array("customer,cart,note\nc-1,'k-1,\n\"c-2\",\"'k-2\",\nc-3,k-3,".utf8) + [0xFC]
            + Array("\nc-4,'k-4,\n".utf8)
        let notes = try WholeReading(bytes: bytes, blockSize: blockSize).facts.notes
        #expect(notes.map(\.line) == [2, 4] && notes.map(\.count) == [3, 1])
        let late = Array("customer,cart,note\n\"c-2\",\"'k-2\",\nc-1,'k-1,\nc-3,k-3,".utf8) + [0xFC, 0x0A]
        #expect(try WholeReading(bytes: late, blockSize: blockSize).facts.notes.map(\.line) == [2, 4])
    }

    @Test("a given kind chooses between a customer and an account column")
    func kindChooses() throws {
        let text = "customer,account,cart\nc,a,k\n"
        #expect(try WholeReading(text: text).rejections == ["2 contradiction"])
        #expect(try WholeReading(text: text, ReadingOptions(ownerKind: .customer)).associations == ["customer c k"])
        #expect(try WholeReading(text: text, ReadingOptions(ownerKind: .account)).associations == ["account a k"])
    }

    @Test("owner_id without a type takes the given kind, and with one rejects the other kind")
    func ownerColumn() throws {
        #expect(
            try WholeReading(text: "owner_id,cart\no,k\n", ReadingOptions(ownerKind: .account)).associations == [
                "account o k"
            ])
        let typed = try WholeReading(
            text: "owner_id,owner_type,cart\no,account,k\np,customer,l\n", ReadingOptions(ownerKind: .account))
        #expect(typed.associations == ["account o k"])
        #expect(typed.rejections == ["3 contradiction"])
        let error = try #require(refusal(text: "customer,cart\nc,k\n", ReadingOptions(ownerKind: .account)))
        #expect(error.fault == .header)
        #expect(error.description.contains("account"))
    }

    @Test("names from settings replace the usual ones, in CSV and in XML")
    func overrides() throws {
        let options = ReadingOptions(fieldNames: [.cart: "Basket No", .customer: "cart"])
        #expect(try WholeReading(text: "CART,basketno\nc,k\n", options).associations == ["customer c k"])
        #expect(try WholeReading(text: "<l><r cart='c' basket_no='k'/></l>", options).associations == ["customer c k"])
        #expect(refusal(text: "customer_id,cart_id\nc,k\n", options)?.fault == .header)
    }

    @Test("an owner column beside a customer column is refused, for one of them says nothing")
    func ownerTwice() {
        #expect(refusal(text: "owner_id,owner_type,customer_id,cart\na,customer,b,k\n")?.fault == .header)
    }

    @Test("a delimiter can be told, and one that cannot split is refused")
    func toldDelimiter() throws {
        #expect(
            try WholeReading(text: "customer^cart^a,b\nc^k^x\n", ReadingOptions(delimiter: "^")).associations == [
                "customer c k"
            ])
        for delimiter in ["a", "1", "\"", "é", "\n", "_"] as [Character] {
            #expect(refusal(text: "customer,cart\n", ReadingOptions(delimiter: delimiter))?.fault == .option)
        }
    }

    @Test("the delimiter is the one that gives a whole mapping, wherever else others stand")
    func foundDelimiter() throws {
        #expect(try WholeReading(text: "\"a;b|c\",customer,cart\nx,c,k\n").facts.shape.delimiter == ",")
        #expect(try WholeReading(text: "\"a,b\";customer;cart\nx;c;k\n").facts.shape.delimiter == ";")
        #expect(try WholeReading(text: "a,b|customer|cart\nx|c|k\n").facts.shape.delimiter == "|")
    }

    @Test("columns that mean nothing may be many, nameless, in any encoding and of one name")
    func otherColumns() throws {
        let reading = try WholeReading(text: "Größe,,customer,,cart,\n1,2,c,3,k,4\n")
        #expect(reading.associations == ["customer c k"])
        #expect(reading.facts.shape.columns.count == 6)
        #expect(try WholeReading(text: "note,customer,cart,NOTE\n1,c,k,2\n").associations == ["customer c k"])
        #expect(refusal(text: "note,customer,cart,CART\n1,c,k,2\n")?.fault == .header)
        let latin =
            Array("Gr".utf8) + [0xF6, 0xDF] + Array("e,customer,cart\nM".utf8) + [0xFC] + Array("sli,c,k\n".utf8)
        let unknown = try WholeReading(bytes: latin)
        #expect(unknown.associations == ["customer c k"])
        #expect(
            unknown.facts.notes.map(\.sentence) == [
                "line 2 has bytes that are not UTF-8; if the export comes from Excel: --encoding windows-1252"
            ])
        let needed = try #require(refusal(bytes: Array("Gr".utf8) + [0xF6] + Array(",cart\n".utf8)))
        #expect(needed.fault == .encoding && needed.advice.contains("--encoding windows-1252"))
    }

    @Test(
        "each word for an action is known in any case, and no other is",
        arguments: ["Create", "ADDED", "upsert", "linked", "I", "u", "update", "assigned", "new"])
    func createWords(_ word: String) {
        #expect(ActionWords().kind(Array(word.utf8).span) == .create)
    }

    @Test(
        "each word for deleting is known",
        arguments: ["delete", "REMOVED", "unlink", "Dissociated", "dropped", "D", "unassign", "DEL"])
    func deleteWords(_ word: String) {
        #expect(ActionWords().kind(Array(word.utf8).span) == .delete)
        #expect(ActionWords().kind(Array((word + "x").utf8).span) == nil)
    }

    @Test("other words can be given a meaning, and a word that has none is told with those that have one")
    func otherWords() throws {
        let text = "action,customer,cart\nzuweisen,c,k\nLÖSCHEN,c,m\ndrop,c,n\nfoo,c,o\n"
        let reading = try WholeReading(
            text: text, ReadingOptions(actions: ["Zuweisen": .create, "löschen": .delete, "drop": .create]))
        #expect(reading.usable.map(\.action) == [.create, .delete, .create])
        #expect(reading.rejections == ["5 unknown-action"])
        let sentence = try #require(reading.rejected.first).reason.sentence
        #expect(sentence.contains("upsert") && sentence.contains("unassign") && sentence.contains("export.actions"))
        let xml = "<l><r customer='c' cart='k' action='weg'/></l>"
        #expect(
            try WholeReading(text: xml, ReadingOptions(actions: ["weg": .delete])).usable.map(\.action) == [.delete])
    }

    @Test("identifiers are judged in place as the vocabulary judges them", arguments: UInt64(1)...3)
    func identifiers(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for byte in UInt8.min...UInt8.max {
            for length in [1, 2, 7, 8, 9, 16, 17] {
                var bytes = [UInt8](repeating: UInt8(ascii: "a"), count: length)
                bytes[Int.random(in: 0..<length, using: &generator)] = byte
                #expect(IdentifierBytes.isCart(bytes.span) == CartID.isValid(bytes), "byte \(byte)")
                let text = String(validating: bytes, as: UTF8.self)
                #expect(IdentifierBytes.isOwner(bytes.span) == text.map(OwnerID.isValid) ?? false, "byte \(byte)")
            }
        }
        for length in [0, 1, 254, 255, 256] {
            let bytes = [UInt8](repeating: UInt8(ascii: "a"), count: length)
            #expect(IdentifierBytes.isCart(bytes.span) == CartID.isValid(bytes))
        }
        for text in ["ü-1", "a\u{00A0}b", "a\u{200B}b", "Ω", "a\u{85}"] {
            #expect(IdentifierBytes.isOwner(Array(text.utf8).span) == OwnerID.isValid(text), "\(text)")
        }
    }
}
