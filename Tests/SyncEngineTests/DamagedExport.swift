import CartAssociations
import TestSupport

/// A random export, as some system may write it, and what it says.
struct RandomExport {
    let records: [Association]
    /// What the writer wrote: the text of the export, or the rows of its sheet.
    let text: [UInt8]
    let packing: Packing
    private let names: Names

    /// What the export calls owners and carts.
    struct Names: Sendable {
        var ownerColumn = "customer_id"
        var owner: @Sendable (Association) -> String = { $0.owner.id.text }
        var cart: @Sendable (Association) -> String = { $0.cart.text }
    }

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
    init(_ records: [Association], _ names: Names = Names(), using generator: inout SeededGenerator) {
        self.records = records
        self.names = names
        let isPacked = Int.random(in: 0..<3, using: &generator) == 0
        packing = isPacked ? Packing.allCases.randomElement(using: &generator) ?? .plain : .plain
        let isXML = Int.random(in: 0..<3, using: &generator) == 0
        let written =
            packing == .workbook
            ? Self.rows(records, names, &generator)
            : isXML ? Self.xml(records, names, &generator) : Self.csv(records, names, &generator)
        text = Array(written.utf8)
    }

    private static func rows(
        _ records: [Association], _ names: Names, _ generator: inout SeededGenerator
    ) -> String {
        let columns = [names.ownerColumn, "cart_id", "note"].shuffled(using: &generator)
        let rows = records.map { record in
            columns.map { column in
                switch column {
                case names.ownerColumn: names.owner(record)
                case "cart_id": names.cart(record)
                default: notes.randomElement(using: &generator) ?? ""
                }
            }
        }
        return StoredWorkbook.rows([columns] + rows)
    }

    private static func csv(
        _ records: [Association], _ names: Names, _ generator: inout SeededGenerator
    ) -> String {
        let delimiter = [",", ",", ";", "\t"].randomElement(using: &generator) ?? ","
        let lineEnd = Bool.random(using: &generator) ? "\n" : "\r\n"
        let extra = ["note", "colour", "remark"].prefix(Int.random(in: 0...3, using: &generator))
        let columns = ([names.ownerColumn, "cart_id"] + extra).shuffled(using: &generator)
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
                case names.ownerColumn: cell(names.owner(record), false)
                case "cart_id": cell(names.cart(record), false)
                default: cell(notes.randomElement(using: &generator) ?? "", true)
                }
            }
            text += cells.joined(separator: delimiter) + lineEnd
        }
        return text
    }

    private static func xml(
        _ records: [Association], _ names: Names, _ generator: inout SeededGenerator
    ) -> String {
        func escaped(_ text: String) -> String {
            text.replacing("&", with: "&amp;").replacing("\"", with: "&quot;").replacing("<", with: "&lt;")
        }
        let owner = names.ownerColumn
        let hasCDATA = Bool.random(using: &generator)
        func note(isText: Bool = true) -> String {
            let text = notes.randomElement(using: &generator) ?? ""
            if isText && hasCDATA { return "<![CDATA[\(text)]]>" }
            return escaped(text)
        }
        func flat(_ record: Association) -> String {
            "<association><\(owner)>\(escaped(names.owner(record)))</\(owner)><cart_id>\(escaped(names.cart(record)))</cart_id>"
                + "<note>\(note())</note></association>\n"
        }
        let start = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: return start + "<r>\n" + records.map(flat).joined() + "</r>\n"
        case 1:
            let lines = records.map {
                "<association \(owner)=\"\(escaped(names.owner($0)))\" cart_id=\"\(escaped(names.cart($0)))\" "
                    + "note=\"\(note(isText: false))\"/>\n"
            }
            return start + "<r>\n<header><made>2026-11-27</made></header>\n" + lines.joined() + "</r>\n"
        case 2:
            var text = start + "<customers>\n"
            let attribute = owner == "customer_id" ? "id" : owner
            for (_, carts) in Dictionary(grouping: records, by: \.owner).sorted(by: { $0.key < $1.key }) {
                text += "<customer \(attribute)=\"\(escaped(names.owner(carts[0])))\"><name>\(note())</name><carts>\n"
                text += carts.map { "<cart id=\"\(escaped(names.cart($0)))\"/>\n" }.joined() + "</carts></customer>\n"
            }
            return text + "</customers>\n"
        default:
            let middle = records.count / 2
            return start + "<export>\n<eu>\n" + records[..<middle].map(flat).joined() + "</eu>\n<us>\n"
                + records[middle...].map(flat).joined() + "</us>\n</export>\n"
        }
    }
}
