import Foundation
import XMLCoder

/// A second opinion on values that are needed: XMLCoder decodes them, in batches, and a record is given out only if
/// XMLCoder reads it as libxml2 did.
///
/// It is a witness and no more: libxml2 has found every value before, and XMLCoder can only make a record `ambiguous`.
/// XMLCoder, and Foundation's parser under it, see no byte of an export: values are written out as plain elements of a
/// small document, because that parser can crash on a document it is not meant for, fails on ten million bytes, and takes
/// a cut document for a whole one.
struct XMLLibrary: Sendable {
    /// The values of one record by field; a field without a value is left out.
    typealias Values = [ExportField: [UInt8]]

    private struct Document: Decodable {
        let record: [Row]
    }

    /// One record, under names that are its fields'.
    private struct Row: Decodable {
        let values: [ExportField: String]

        private struct Key: CodingKey {
            let stringValue: String
            var intValue: Int? { nil }
            init(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { nil }
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Key.self)
            var values: [ExportField: String] = [:]
            for field in ExportField.allCases {
                values[field] = try container.decodeIfPresent(String.self, forKey: Key(stringValue: field.rawValue))
            }
            self.values = values
        }
    }

    /// The decoded values of each record; nil for one that XMLCoder does not read as the parser did.
    func decode(_ batch: [Values]) -> [[ExportField: String]?] {
        guard !batch.isEmpty else { return [] }
        if let rows = parse(batch), rows.count == batch.count, zip(rows, batch).allSatisfy(agrees) {
            return rows
        }
        guard batch.count > 1 else { return [nil] }
        // Halving finds the few records in question without decoding the others one by one.
        let middle = batch.count / 2
        return decode(Array(batch[..<middle])) + decode(Array(batch[middle...]))
    }

    private func agrees(_ row: [ExportField: String], _ values: Values) -> Bool {
        row.count == values.count && values.allSatisfy { row[$0.key]?.utf8.elementsEqual($0.value) ?? false }
    }

    private func parse(_ batch: [Values]) -> [[ExportField: String]]? {
        var document: [UInt8] = Array("<records>".utf8)
        for values in batch {
            document += "<record>".utf8
            for field in ExportField.allCases {
                guard let value = values[field] else { continue }
                document += "<\(field.rawValue)>".utf8
                for byte in value { Self.append(byte, to: &document) }
                document += "</\(field.rawValue)>".utf8
            }
            document += "</record>".utf8
        }
        document += "</records>".utf8
        let decoder = XMLDecoder(trimValueWhitespaces: false)
        return try? decoder.decode(Document.self, from: Data(document)).record.map(\.values)
    }

    private static func append(_ byte: UInt8, to document: inout [UInt8]) {
        switch byte {
        case UInt8(ascii: "&"): document += "&amp;".utf8
        case UInt8(ascii: "<"): document += "&lt;".utf8
        case UInt8(ascii: ">"): document += "&gt;".utf8
        // A parser would turn these into a line feed or a space.
        case 0x0D: document += "&#13;".utf8
        case 0x0A: document += "&#10;".utf8
        case 0x09: document += "&#9;".utf8
        default: document.append(byte)
        }
    }
}
