import CartAssociations
import TestSupport
import Testing

@testable import ExportFiles

/// Owners by what tests say that their keys stand for.
private struct Owners: OwnerResolver {
    /// Ids by `kind owner-kind key`; several with blanks between them.
    let known: [String: String]

    func resolve(_ field: OwnerKeyField, _ key: Span<UInt8>, into text: inout [UInt8]) -> OwnerResolution {
        let name = "\(field.key.rawValue) \(field.owner.rawValue) \(String(decodingBytesOf: key))"
        guard let ids = known[name]?.split(separator: " ") else { return .unknown }
        guard ids.count == 1 else { return .ambiguous(ids.count) }
        text += ids[0].utf8
        return .found
    }
}

@Suite("owners by their keys")
struct OwnerKeyReadingTests {
    private static let owners = Owners(known: [
        "email customer ann@x.example": "id-ann", "email customer bob@x.example": "id-bob id-bert",
        "external-ref customer K 7": "id-seven", "external-ref account D-9": "id-nine",
        "registration-id account HRB 1": "id-first", "member-email account eve@x.example": "id-eves",
    ])

    @Test(
        "the columns say what the owners' keys are, or the setting does",
        arguments: [
            ("customer_email,cart", OwnerKeyKind.id, "ann@x.example", "customer id-ann k"),
            ("Customer E-Mail,cart", .id, "ann@x.example", "customer id-ann k"),
            ("customer_id,cart", .email, "ann@x.example", "customer id-ann k"),
            ("customer_ref,cart", .externalRef, "K 7", "customer id-seven k"),
            ("account_ref,cart", .externalRef, "D-9", "account id-nine k"),
            ("account_id,cart", .externalRef, "D-9", "account id-nine k"),
            ("account_registration_id,cart", .registrationID, "HRB 1", "account id-first k"),
            ("account_id,cart", .registrationID, "HRB 1", "account id-first k"),
            ("member_email,cart", .memberEmail, "eve@x.example", "account id-eves k"),
        ])
    func columns(header: String, kind: OwnerKeyKind, key: String, expected: String) throws {
        var options = ReadingOptions()
        options.ownerKey = kind
        let header = header.replacing("Customer E-Mail", with: "customer-email")
        for text in ["\(header)\n\(key),k\n", "\(header)\n\"\(key)\",\"k\"\n", "\(header)\n  \(key) , k\n"] {
            let reading = try WholeReading(text: text, options, owners: Self.owners)
            #expect(reading.associations == [expected], "\(text)")
            #expect(reading.asked == [expected])
            #expect(reading.facts.usableRecords == 1)
        }
        let names = header.split(separator: ",")
        let xml = "<l><r><\(names[0])>\(key)</\(names[0])><cart>k</cart></r><r \(names[0])='\(key)' cart='k'/></l>"
        #expect(try WholeReading(text: xml, options, owners: Self.owners).associations == [expected, expected])
    }

    @Test("an id's column comes before keys, which may be there for other reasons")
    func idsFirst() throws {
        let text = "customer_id,customer_email,cart,customer_email\nc,ann@x.example,k,\u{0}\n".replacing(
            "\u{0}", with: "x")
        #expect(try WholeReading(text: text, owners: Self.owners).associations == ["customer c k"])
        var options = ReadingOptions()
        options.ownerKey = .email
        let magento = "customer_id,customer_email,cart\n4711,ann@x.example,k\n"
        #expect(try WholeReading(text: magento, options, owners: Self.owners).associations == ["customer id-ann k"])
        let xml = "<l><r customer_id='c' customer_email='a' cart='k'><customer_email>b</customer_email></r></l>"
        #expect(try WholeReading(text: xml, owners: Self.owners).associations == ["customer c k"])
    }

    @Test("records of one export may have keys of several kinds, and ids if the column is named")
    func mixed() throws {
        let text = """
            customer_email,account_ref,customer_ref,cart
            ann@x.example,,,k1
            ,D-9,,k2
            ,,K 7,k3
            ann@x.example,D-9,,k4
            ,,,k5

            """
        let reading = try WholeReading(text: text, owners: Self.owners)
        #expect(reading.associations == ["customer id-ann k1", "account id-nine k2", "customer id-seven k3"])
        #expect(reading.rejections == ["5 contradiction", "6 missing-owner"])
        let options = ReadingOptions(fieldNames: [.customerEmail: "mail"])
        let named = try WholeReading(
            text: "customer_id,mail,cart\nc,,k\n,ann@x.example,l\nc,ann@x.example,m\n", options, owners: Self.owners)
        #expect(named.associations == ["customer c k", "customer id-ann l"])
        #expect(named.rejections == ["4 contradiction"])
    }

    @Test("an owner of another kind than the keys, or than what the export is for, rejects its record")
    func otherKind() throws {
        var options = ReadingOptions()
        options.ownerKey = .email
        let either = try WholeReading(
            text: "customer_id,account_id,cart\nann@x.example,,k1\n,d-1,k2\n", options, owners: Self.owners)
        #expect(either.associations == ["customer id-ann k1"])
        #expect(either.rejections == ["3 contradiction"])
        #expect(
            either.rejected.map(\.reason.sentence) == ["the owner is an account, where keys are those of customers"])
        options.isCrosswalk = true
        let pairs = try WholeReading(text: "account_id,customer_email\nd-1,ann@x.example\n", options)
        #expect(pairs.rejected.map(\.reason.sentence) == ["the key is a customer's, and the id an account's"])
        let typed = try WholeReading(
            text: "owner_type,owner_id,cart\naccount,d-1,k1\ncustomer,c-1,k2\n", ReadingOptions(ownerKind: .customer))
        #expect(typed.associations == ["customer c-1 k2"])
        #expect(typed.rejected.map(\.reason.sentence) == ["the owner is an account, where only customers are taken"])
    }

    @Test("a key of nobody or of several owners rejects its record, with its cart in doubt", arguments: [16, 64, 4096])
    func rejected(blockSize: Int) throws {
        let text =
            "customer_email,cart\nann@x.example,k1\nzoe@x.example,k2\nbob@x.example,\"k3\"\n\"ann@x.example\",k4\nno,k5\n"
        let reading = try WholeReading(text: text, owners: Self.owners, blockSize: blockSize)
        #expect(reading.associations == ["customer id-ann k1", "customer id-ann k4"])
        #expect(reading.usable.map(\.place.record) == [1, 4])
        #expect(reading.rejections == ["3 unknown-owner", "4 ambiguous-owner", "6 bad-owner"])
        #expect(
            reading.rejected.map(\.reason.sentence) == [
                "no customer of the store has the e-mail of record 2", "2 customers have the e-mail of record 3",
                "the owner \"no\" is not an e-mail",
            ])
        #expect(reading.rejected[0].names.isSuperset(of: ["k2", "zoe"]))
        #expect(reading.facts.rejected == [.unknownOwner: 1, .ambiguousOwner: 1, .badOwner: 1])
        #expect(reading.facts.usableRecords == 2)
        let xml = "<l><r customer_email='zoe@x.example' cart='k2'/><r customer_email='ann@x.example' cart='k1'/></l>"
        let document = try WholeReading(text: xml, owners: Self.owners, blockSize: blockSize)
        #expect(document.associations == ["customer id-ann k1"])
        #expect(document.rejections == ["1 unknown-owner"])
        #expect(document.rejected[0].names.contains("k2"))
    }

    @Test("every way to split a file gives the same records", arguments: 0..<40 as Range<UInt64>)
    func blocks(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let keys = ["ann@x.example", "bob@x.example", "zoe@x.example", "\"ann@x.example\"", "'ann@x.example", "nobody"]
        let lines = (0..<60).map { "\(keys.randomElement(using: &random) ?? ""),cart-\($0)\n" }
        let text = "customer_email,cart\n" + lines.joined()
        let whole = try WholeReading(text: text, owners: Self.owners)
        #expect(whole.usable.count == whole.facts.usableRecords)
        let parts = try WholeReading(text: text, owners: Self.owners, blockSize: .random(in: 16...200, using: &random))
        #expect(parts.summary == whole.summary)
        #expect(parts.facts == whole.facts)
    }

    @Test("a crosswalk has ids and keys, and needs no cart")
    func crosswalk() throws {
        func pairs(_ text: String) throws -> [String] {
            var options = ReadingOptions()
            options.isCrosswalk = true
            let folder = try TemporaryFolder()
            var reading = try ExportReader(options: options).read(
                try ExportFile.open(try folder.write(Array(text.utf8)), spoolFolder: ""))
            var found: [String] = []
            while let batch = try reading.next() {
                let bytes = batch.text.span
                found += batch.rejected.map(\.reason.code.rawValue)
                func text(_ range: ByteRange) -> String { String(decodingBytesOf: bytes.extracting(range.range)) }
                for case let statement? in batch.records.map(\.statement) {
                    if let field = statement.keyField {
                        found.append(
                            "\(field.key.rawValue) \(field.owner.rawValue) \(text(statement.key)) = \(text(statement.owner))"
                        )
                    }
                    if !statement.legacyCart.isEmpty {
                        found.append("cart \(text(statement.legacyCart)) = \(text(statement.cart))")
                    }
                }
            }
            return found
        }
        #expect(
            try pairs("customer_id,customer_email\nc-1,a@x.example\nc-2,\"b,b@x.example\"\n,x@x.example\nc-3,\n") == [
                "missing-owner", "missing-owner", "email customer a@x.example = c-1",
                "email customer b,b@x.example = c-2",
            ])
        #expect(
            try pairs("owner_type,owner_id,customer_email,account_ref\ncustomer,c,a@x.example,\naccount,d,,R 1\n") == [
                "email customer a@x.example = c", "external-ref account R 1 = d",
            ])
        #expect(
            try pairs(
                "customer_id,customer_email,legacy_cart,cart_id\nc-1,a@x.example,K/1,k-1\n,,K 2,k-2\nc-3,b@x.example,,\n"
            )
                == [
                    "email customer a@x.example = c-1", "cart K/1 = k-1", "cart K 2 = k-2",
                    "email customer b@x.example = c-3",
                ])
        #expect(
            try pairs("legacy_cart,cart_id\n1,k-1\n2,\n3,k/3\n,\n") == ["missing-cart", "bad-cart", "cart 1 = k-1"])
        #expect(
            try pairs(
                "<l><r><legacy_cart>K 1</legacy_cart><cart_id>k-1</cart_id></r><r legacy_cart='2' cart_id='k-2'/></l>")
                == ["cart K 1 = k-1", "cart 2 = k-2"])
        #expect(
            try pairs(
                "<l><r><customer_ref>7</customer_ref><customer_id>c</customer_id></r><r customer_ref='8' customer_id='d'/></l>"
            )
                == ["external-ref customer 7 = c", "external-ref customer 8 = d"])
    }
}

@Suite("values in text that was not understood")
struct DoubtfulValuesTests {
    private static func values(_ text: String, _ most: Int) -> Set<String> {
        var found: Set<String> = []
        let bytes = Array(text.utf8)
        DoubtfulValues(separators: most).forEach(in: bytes.span) {
            found.insert(String(decodingBytesOf: $0))
            return true
        }
        return found
    }

    private static func separators(_ text: String) -> Int {
        let bytes = Array(text.utf8)
        return DoubtfulValues.separators(in: bytes.span)
    }

    @Test("words, and runs of them with what stands between")
    func words() {
        #expect(Self.values("a@x.example,k 1;", 0) == ["a@x.example", "k", "1"])
        #expect(Self.values("K 7,c", 1) == ["K", "7", "c", "K 7", "7,c"])
        #expect(Self.values("\"a \"\"b\"\"\"", 3).contains("a \"b\""))
        #expect(Self.values("x\u{A0}y", 0) == ["x", "y"])
        #expect(Self.values("", 3).isEmpty)
        #expect(Self.separators("K 7") == 1 && Self.separators("a.b-c_d@e+f") == 0 && Self.separators("<é\u{A0}>") == 3)
    }

    @Test(
        "a value is found wherever it stands between characters that can stand there",
        arguments: 0..<100 as Range<UInt64>)
    func found(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let letters = Array("aZ0.@-é \"'<>,;&=/#\u{A0}")
        func text(_ count: ClosedRange<Int>) -> String {
            String(
                (0..<Int.random(in: count, using: &random)).map { _ in letters.randomElement(using: &random) ?? "a" })
        }
        for _ in 0..<30 {
            let value = text(1...8)
            let around = [",", ";", "\t", "\"", " ", "|", "<", "\n"]
            let (before, behind) = (text(0...10) + (around.randomElement(using: &random) ?? ","), text(0...10))
            let whole = before + value + (around.randomElement(using: &random) ?? ",") + behind
            #expect(Self.values(whole, Self.separators(value)).contains(value), "\(value) in \(whole)")
            // As CSV writes it.
            let quoted = ",\"" + value.replacing("\"", with: "\"\"") + "\","
            if !value.contains("\"\"") && value.first != "\"" && value.last != "\"" {
                #expect(Self.values(quoted, Self.separators(value)).contains(value), "\(value) in \(quoted)")
            }
        }
    }
}
