import CartAssociations
import TestSupport

/// A random export, as some system may write it, and what it says.
struct RandomExport {
    let records: [Association]
    /// What the writer wrote: the text of the export, or the rows of its sheet.
    let text: [UInt8]
    let packing: Packing

    /// What is made of the text.
    enum Packing: CaseIterable {
        case plain, gzip, zip, workbook

        func bytes(of text: [UInt8]) -> [UInt8] {
            switch self {
            case .plain: text
            case .gzip: TestSupport.gzip(text)
            case .zip: storedZip([("export", text)])
            case .workbook: StoredWorkbook.bytes(rows: text)
            }
        }
    }

    var bytes: [UInt8] { packing.bytes(of: text) }

    private static let notes = [
        "", "plain", "Garden, spring", "27 inch", "a \"quoted\" word", "two\nlines", "x;y,z\nand more", "see cart-3",
        "7",
        "\nstarts below", ",", "Müller & Söhne",
    ]

    /// - Parameter records: what it says, in this order.
    init(_ records: [Association], using generator: inout SeededGenerator) {
        self.records = records
        let isPacked = Int.random(in: 0..<3, using: &generator) == 0
        packing = isPacked ? Packing.allCases.randomElement(using: &generator) ?? .plain : .plain
        let isXML = Int.random(in: 0..<3, using: &generator) == 0
        let written =
            packing == .workbook
            ? Self.rows(records, &generator) : isXML ? Self.xml(records, &generator) : Self.csv(records, &generator)
        text = Array(written.utf8)
    }

    private static func rows(_ records: [Association], _ generator: inout SeededGenerator) -> String {
        let columns = ["customer_id", "cart_id", "note"].shuffled(using: &generator)
        let rows = records.map { record in
            columns.map { column in
                switch column {
                case "customer_id": record.owner.id.text
                case "cart_id": record.cart.text
                default: notes.randomElement(using: &generator) ?? ""
                }
            }
        }
        return StoredWorkbook.rows([columns] + rows)
    }

    private static func csv(_ records: [Association], _ generator: inout SeededGenerator) -> String {
        let delimiter = [",", ",", ";", "\t"].randomElement(using: &generator) ?? ","
        let lineEnd = Bool.random(using: &generator) ? "\n" : "\r\n"
        let extra = ["note", "colour", "remark"].prefix(Int.random(in: 0...3, using: &generator))
        let columns = (["customer_id", "cart_id"] + extra).shuffled(using: &generator)
        let quotesAll = Int.random(in: 0..<3, using: &generator) == 0
        let quotesNotes = Bool.random(using: &generator)
        func cell(_ text: String, _ isNote: Bool) -> String {
            let needsQuotes = text.contains { "\"\n\r".contains($0) || String($0) == delimiter }
            guard needsQuotes || quotesAll || isNote && quotesNotes else { return text }
            return "\"\(text.replacing("\"", with: "\"\""))\""
        }
        var text = columns.joined(separator: delimiter) + lineEnd
        for record in records {
            let cells = columns.map { column in
                switch column {
                case "customer_id": cell(record.owner.id.text, false)
                case "cart_id": cell(record.cart.text, false)
                default: cell(notes.randomElement(using: &generator) ?? "", true)
                }
            }
            text += cells.joined(separator: delimiter) + lineEnd
        }
        return text
    }

    private static func xml(_ records: [Association], _ generator: inout SeededGenerator) -> String {
        let hasCDATA = Bool.random(using: &generator)
        func note(isText: Bool = true) -> String {
            let text = notes.randomElement(using: &generator) ?? ""
            if isText && hasCDATA { return "<![CDATA[\(text)]]>" }
            return text.replacing("&", with: "&amp;").replacing("\"", with: "&quot;")
        }
        func flat(_ record: Association) -> String {
            "<association><customer_id>\(record.owner.id)</customer_id><cart_id>\(record.cart)</cart_id>"
                + "<note>\(note())</note></association>\n"
        }
        let start = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: return start + "<r>\n" + records.map(flat).joined() + "</r>\n"
        case 1:
            let lines = records.map {
                "<association customer_id=\"\($0.owner.id)\" cart_id=\"\($0.cart)\" note=\"\(note(isText: false))\"/>\n"
            }
            return start + "<r>\n<header><made>2026-11-27</made></header>\n" + lines.joined() + "</r>\n"
        case 2:
            var text = start + "<customers>\n"
            for (owner, carts) in Dictionary(grouping: records, by: \.owner).sorted(by: { $0.key < $1.key }) {
                text += "<customer id=\"\(owner.id)\"><name>\(note())</name><carts>\n"
                text += carts.map { "<cart id=\"\($0.cart)\"/>\n" }.joined() + "</carts></customer>\n"
            }
            return text + "</customers>\n"
        default:
            let middle = records.count / 2
            return start + "<export>\n<eu>\n" + records[..<middle].map(flat).joined() + "</eu>\n<us>\n"
                + records[middle...].map(flat).joined() + "</us>\n</export>\n"
        }
    }
}
