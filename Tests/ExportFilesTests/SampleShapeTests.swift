import CartAssociations
import Testing

@testable import ExportFiles

/// One good file per shape.
struct SampleShapeTests {
    struct Sample: CustomTestStringConvertible, Sendable {
        let name: String
        var options = ReadingOptions()
        let associations: [String]
        var testDescription: String { name }

        init(_ name: String, _ associations: [String] = Self.usual, _ options: ReadingOptions = ReadingOptions()) {
            self.name = name
            self.options = options
            self.associations = associations
        }

        static let usual = [
            "customer 5f0c2b6e-93d1-4c55-9a61-0e6f0f5c2d11 cart-a1",
            "customer 0b1f6f7c-2c1a-4b0e-8f3d-77d0a4f4f5b2 cart-a2", "customer c-3 cart-a3", "customer c-4 cart_a4",
        ]
        static let short = [
            "customer c-1 cart-a1", "customer c-2 cart-a2", "customer c-3 cart-a3", "customer c-4 cart_a4",
        ]
        static let both = [
            "customer c-1 cart-a1", "account a-1 cart-a2", "customer c-3 cart-a3", "account a-2 cart_a4",
        ]
    }

    static let all = [
        Sample("semicolon.csv"), Sample("tab.tsv"), Sample("pipe.csv"), Sample("quoted.csv"), Sample("crlf.csv"),
        Sample("carriage-return.csv"), Sample("byte-order-mark.csv"), Sample("utf-16.csv"),
        Sample("utf-16-big-endian.csv"), Sample("utf-16-without-mark.csv"), Sample("gzip.csv.gz"),
        Sample("zip.zip"), Sample("several.zip"), Sample("several-xml.zip"), Sample("bzip2.csv.bz2"),
        Sample("zstd.xml.zst"), Sample("manifest.csv"),
        Sample("latin-1.csv", Sample.usual, ReadingOptions(encoding: .latin1)),
        Sample("newlines.csv", Sample.short), Sample("delta.csv", Sample.short),
        Sample("both-kinds.csv", Sample.both), Sample("owner-type.csv", Sample.both), Sample("header-only.csv", []),
        Sample(
            "mainframe-names.csv", Sample.short,
            ReadingOptions(fieldNames: [.cart: "basket-no", .customer: "Member"])),
        Sample("attributes.xml"), Sample("elements.xml"), Sample("namespaced.xml"), Sample("utf-16.xml"),
        Sample("latin-1.xml"), Sample("gzip.xml.gz"), Sample("mixed-forms.xml", Sample.short),
        Sample("text-and-entities.xml", Sample.short), Sample("delta.xml", Sample.short),
        Sample(
            "owner-type.xml",
            ["customer c-1 cart-a1", "account a-1 cart-a2", "account a-2 cart-a3", "customer c-4 cart_a4"]),
        Sample(
            "nested.xml",
            ["customer c-1 cart-a1", "customer c-1 cart-a2", "customer c-3 cart-a3", "customer c-3 cart_a4"]),
        Sample(
            "carts-with-owners.xml",
            ["customer c-1 cart-a1", "customer c-2 cart-a1", "customer c-3 cart-a2", "customer c-1 cart_a4"]),
    ]

    @Test("each shape of export gives the associations that it states", arguments: all)
    func shape(_ sample: Sample) throws {
        let path = samplePath(sample.name)
        let reading = try WholeReading(path, sample.options)
        #expect(reading.associations == sample.associations)
        #expect(reading.rejected.isEmpty)
        #expect(reading.facts.records == sample.associations.count)
        #expect(reading.facts.ownerKinds == Set(reading.usable.map(\.association.owner.kind)))
    }

    @Test("a second reading judges and decodes what it picks, as the first did", arguments: all)
    func picked(_ sample: Sample) throws {
        let path = samplePath(sample.name)
        let first = try WholeReading(path, sample.options)
        let file = try ExportFile.open(path, spoolFolder: "")
        let reader = ExportReader(options: sample.options)
        for remainder in 0...1 {
            var reading = try reader.read(file)
            let shape = reading.facts.shape
            var found: [ExportRecord] = []
            while let batch = try reading.next(picking: { $0 % 2 == remainder }) {
                let chosen = batch.records.filter { $0.number % 2 == remainder }
                #expect(batch.records.count == chosen.count || reading.facts.format == .xml)
                #expect(chosen.allSatisfy { $0.ordinal == $0.number - 1 })
                for case .usable(let record) in batch.decode(chosen) { found.append(record) }
            }
            let wanted = first.usable.filter { $0.place.record % 2 == remainder }
            #expect(found.map(\.place) == wanted.map(\.place))
            #expect(found.map(\.association) == wanted.map(\.association))
            #expect(reading.facts.hasContent(of: first.facts))
            #expect(shape == reading.facts.shape)
        }
    }

    @Test("batches that are kept stay as they were while the reading goes on", arguments: all)
    func keptBatches(_ sample: Sample) throws {
        let path = samplePath(sample.name)
        let whole = try WholeReading(path, sample.options)
        let file = try ExportFile.open(path, spoolFolder: "")
        var reading = try ExportReader(options: sample.options, blockSize: 7).read(file)
        var batches: [RecordBatch] = []
        while let batch = try reading.next() { batches.append(batch) }
        let records = batches.flatMap { $0.decode($0.records) }
        let usable = records.compactMap { if case .usable(let record) = $0 { record } else { nil } }
        #expect(usable.map(\.association) == whole.usable.map(\.association))
        #expect(usable.map(\.raw) == whole.usable.map(\.raw))
    }

    @Test("a block of any size gives the same records", arguments: all)
    func blocks(_ sample: Sample) throws {
        let path = samplePath(sample.name)
        let whole = try WholeReading(path, sample.options).summary
        for size in [1, 2, 3, 7, 64] {
            #expect(try WholeReading(path, sample.options, blockSize: size).summary == whole, "block size \(size)")
        }
    }

    @Test("no sample is left out")
    func complete() throws {
        let names = try sampleNames().filter { !$0.hasSuffix(".json") }
        let others = ["customers.csv", "customers-before.csv", "accounts.xml", "accounts-before.xml", "quotes.csv"]
        #expect(Set(names) == Set(Self.all.map(\.name) + others))
    }

    @Test("the demo's exports hold what the demo shows")
    func demo() throws {
        func reading(_ name: String) throws -> WholeReading {
            try WholeReading(samplePath(name))
        }
        let customers = try reading("customers.csv")
        #expect(customers.facts.records == 200)
        #expect(customers.rejections == ["63 bad-cart"])
        #expect(customers.associations.count == 199)
        #expect(Set(customers.associations).count == 198)
        let accounts = try reading("accounts.xml")
        #expect(accounts.facts.records == 100)
        #expect(accounts.rejected.isEmpty)
        #expect(Set(accounts.associations).count == 100)
        #expect(try reading("customers-before.csv").rejected.isEmpty)
        #expect(try reading("accounts-before.xml").rejected.isEmpty)
    }

    @Test("actions, names and tokens come with the record")
    func otherFields() throws {
        let delta = try WholeReading(samplePath("delta.csv"))
        #expect(delta.facts.isDelta)
        #expect(delta.usable.map(\.action) == [.create, .create, .delete, .delete])
        #expect(delta.asked.first == "customer create c-1 cart-a1")
        let names = try WholeReading(samplePath("newlines.csv"))
        #expect(names.usable.map(\.cartName) == ["two\nlines", "Café", "a, b", nil])
        #expect(names.usable.map(\.place.line) == [2, 4, 6, 7])
        #expect(names.facts.blankLines == 1)
        let text = try WholeReading(samplePath("text-and-entities.xml"))
        #expect(text.usable.map(\.cartName) == ["Tea & <more> ☺", "Tom & Ann", nil, nil])
        let tokens = try WholeReading(
            text: "customer,account,cart,customer_token,account_token\nc-1,,k-1,secret,\n,a-1,k-2,,other\n")
        #expect(tokens.usable.map(\.shopperToken) == ["secret", "other"])
    }
}
