import Foundation
import TestSupport

/// Makes inputs from samples, by changes that exports and their enemies are made of.
struct Mutator {
    /// The samples that inputs are made from; an input now and then joins them.
    private(set) var corpus: [[UInt8]] = []
    private var random: SeededGenerator

    private static let pieces: [[UInt8]] =
        [
            "\"", "\"\"", ",", ";", "\t", "|", "\n", "\r\n", "\r", "\0", "=1+1", "'", "customer_id", "account_id",
            "cart_id",
            "owner_id", "owner_type", "action", "customer", "account", "cart", "create", "delete", "c-1", "cart-1", " ",
            "ü",
            "\u{301}", "👩‍🚀", "\u{FEFF}", "<", ">", "/>", "</", "<a>", "</a>", "<cart id='k'/>", "<customer id='c'>",
            "</customer>", "<!--", "-->", "<![CDATA[", "]]>", "&amp;", "&#65;", "&#0;", "&x;", "<?x?>", "<!DOCTYPE a>",
            "<!ATTLIST a b CDATA #IMPLIED>", "<?xml version='1.0'?>", " encoding='ISO-8859-1'", "xmlns='u'", "x:", "='",
            "'",
            "rejected_because", "rejected_line",
        ].map { Array($0.utf8) } + [
            [0xFF], [0xC3], [0xED, 0xA0, 0x80], [0xFF, 0xFE], [0xFE, 0xFF], [0x1F, 0x8B], [0x28, 0xB5, 0x2F, 0xFD],
            Array("BZh91AY&SY".utf8), Array("PK\u{1}\u{2}".utf8), Array("PK\u{3}\u{4}".utf8),
            Array("PK\u{5}\u{6}".utf8),
        ]

    /// The rows of a sheet, which become a workbook after they were changed.
    private static let rows = StoredWorkbook.rows([
        ["customer_id", "cart_id", "cart_name"], ["c-1", "cart-1", "a, b"], ["c-2", "cart-2", ""],
        ["1001", "20000000000000000", "\"x\""], ["c-4", "cart 4", "4"],
    ])
    private static let sheetPieces: [[UInt8]] = [
        "<row r=\"3\">", "<row>", "</row>", "<c r=\"B2\">", "<c>", "</c>", "<v>1</v>", "<v>1E5</v>", " t=\"s\"",
        " t=\"n\"", " t=\"e\"", " t=\"d\"", "<is><t>k</t></is>", " s=\"1\"", "<extLst>", "</extLst>", "<f>A1</f>",
        "_x002D_",
    ].map { Array($0.utf8) }

    init(corpus folders: [String], seed: UInt64) throws {
        random = SeededGenerator(seed: seed)
        for folder in folders {
            let files = FileManager.default.enumerator(at: URL(filePath: folder), includingPropertiesForKeys: nil)
            for case let file as URL in files ?? .init() where !file.hasDirectoryPath {
                // Each bomb takes a second to refuse.
                if file.lastPathComponent.hasPrefix("bomb") { continue }
                // A sorted order makes a seed repeat itself; large files make slow rounds.
                let bytes = Array(try Data(contentsOf: file))
                if bytes.count < 1 << 16 { corpus.append(bytes) }
            }
        }
        corpus.sort { $0.count != $1.count ? $0.count < $1.count : $0.lexicographicallyPrecedes($1) }
    }

    /// The next input: a changed sample, as it is or packed after it was changed, for a checksum lets nothing else through.
    mutating func next() -> [UInt8] {
        switch Int.random(in: 0..<12, using: &random) {
        case 0: gzip(changed())
        case 1: storedZip([("a", changed())])
        case 2: storedZip([("a/b.csv", changed()), ("c", changed())])
        case 3, 4: StoredWorkbook.bytes(rows: changedRows())
        default: changed()
        }
    }

    private mutating func changedRows() -> [UInt8] {
        var rows = Array(Self.rows.utf8)
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            if Bool.random(using: &random) {
                change(&rows)
            } else {
                let piece = Self.sheetPieces[Int.random(in: 0..<Self.sheetPieces.count, using: &random)]
                rows.insert(contentsOf: piece, at: Int.random(in: 0...rows.count, using: &random))
            }
        }
        return rows
    }

    private mutating func changed() -> [UInt8] {
        var bytes = pick()
        if bytes.count > 4000, Int.random(in: 0..<4, using: &random) > 0 {
            bytes = Array(bytes.prefix(Int.random(in: 100..<4000, using: &random)))
        }
        // Mostly few changes, after which most exports can still be read.
        let changes = [1, 1, 1, 2, 2, 3, 5, 12]
        for _ in 0..<changes[Int.random(in: 0..<changes.count, using: &random)] { change(&bytes) }
        if Int.random(in: 0..<2000, using: &random) == 0 {
            corpus[Int.random(in: 0..<corpus.count, using: &random)] = bytes
        }
        return bytes
    }

    private mutating func pick() -> [UInt8] {
        corpus.isEmpty ? [] : corpus[Int.random(in: 0..<corpus.count, using: &random)]
    }

    private mutating func change(_ bytes: inout [UInt8]) {
        let at = Int.random(in: 0...bytes.count, using: &random)
        let length = min(bytes.count - at, Int.random(in: 0..<40, using: &random))
        switch Int.random(in: 0..<9, using: &random) {
        case 0 where at < bytes.count:
            bytes[at] = UInt8.random(in: .min ... .max, using: &random)
        case 1 where at < bytes.count:
            bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 2:
            bytes.removeSubrange(at..<at + length)
        case 3:
            bytes.insert(contentsOf: bytes[at..<at + length], at: Int.random(in: 0...bytes.count, using: &random))
        case 4:
            bytes.removeSubrange(at...)
        case 5:
            let other = pick()
            let start = Int.random(in: 0...other.count, using: &random)
            bytes.insert(contentsOf: other[start..<min(other.count, start + 200)], at: at)
        default:
            bytes.insert(contentsOf: Self.pieces[Int.random(in: 0..<Self.pieces.count, using: &random)], at: at)
        }
    }
}
