/// Wraps bytes as gzip does, without compressing them (RFC 1952, and RFC 1951 section 3.2.4).
package func gzip(_ bytes: [UInt8]) -> [UInt8] {
    var packed: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3]
    // A block that is only stored has 65,535 bytes at most.
    var start = 0
    repeat {
        let block = bytes[start..<min(start + 0xFFFF, bytes.count)]
        start = block.endIndex
        packed += [start == bytes.count ? 1 : 0] + little(block.count, 2) + little(~block.count, 2) + block
    } while start < bytes.count
    return packed + little(Int(crc32(bytes)), 4) + little(bytes.count, 4)
}

/// Puts files into a zip without compressing them (PKWARE APPNOTE 4.3).
package func storedZip(_ files: [(name: String, text: String)]) -> [UInt8] {
    storedZip(files.map { ($0.name, Array($0.text.utf8)) })
}

package func storedZip(_ files: [(name: String, bytes: [UInt8])]) -> [UInt8] {
    var zip: [UInt8] = []
    var directory: [UInt8] = []
    for (name, bytes) in files {
        // What both headers have: version, flags (UTF-8), method, time and date, checksum, sizes, lengths.
        let common =
            little(20, 2) + little(0x0800, 2) + little(0, 2) + little(0x5800_5B74, 4) + little(Int(crc32(bytes)), 4)
            + little(bytes.count, 4) + little(bytes.count, 4) + little(name.utf8.count, 2) + little(0, 2)
        directory +=
            Array("PK\u{1}\u{2}".utf8) + little(20, 2) + common + little(0, 10) + little(zip.count, 4)
            + Array(name.utf8)
        zip += Array("PK\u{3}\u{4}".utf8) + common + Array(name.utf8) + bytes
    }
    let start = zip.count
    return zip + directory + Array("PK\u{5}\u{6}".utf8) + little(0, 4) + little(files.count, 2)
        + little(files.count, 2) + little(directory.count, 4) + little(start, 4) + little(0, 2)
}

/// A workbook with one sheet of texts (ECMA-376), whose rows may be damaged before they are packed.
package enum StoredWorkbook {
    /// The rows as they stand in a sheet.
    package static func rows(_ rows: [[String]]) -> String {
        rows.enumerated().map { row, cells in
            let cells = cells.enumerated().map { column, text in
                let escaped = text.replacing("&", with: "&amp;").replacing("<", with: "&lt;")
                return
                    "<c r=\"\(Character(UnicodeScalar(UInt8(65 + column))))\(row + 1)\" t=\"str\"><v>\(escaped)</v></c>"
            }
            return "<row r=\"\(row + 1)\">\(cells.joined())</row>\n"
        }.joined()
    }

    /// The workbook whose sheet has these rows.
    package static func bytes(rows: [UInt8]) -> [UInt8] {
        let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
        let relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
        let files: [(name: String, bytes: [UInt8])] = [
            ("[Content_Types].xml", Array("<Types/>".utf8)),
            (
                "xl/workbook.xml",
                Array(
                    "<workbook xmlns='\(main)' xmlns:r='\(relations)'><sheets><sheet name='S' r:id='r1'/></sheets></workbook>"
                        .utf8)
            ),
            (
                "xl/_rels/workbook.xml.rels",
                Array(
                    "<Relationships><Relationship Id='r1' Type='\(relations)/worksheet' Target='worksheets/a.xml'/></Relationships>"
                        .utf8)
            ),
            (
                "xl/worksheets/a.xml",
                Array("<worksheet xmlns='\(main)'><sheetData>".utf8) + rows + Array("</sheetData></worksheet>".utf8)
            ),
        ]
        return storedZip(files)
    }
}

/// The checksum of gzip and zip (RFC 1952 section 8).
package func crc32(_ bytes: [UInt8]) -> UInt32 {
    var checksum = UInt32.max
    for byte in bytes {
        checksum ^= UInt32(byte)
        for _ in 0..<8 { checksum = checksum >> 1 ^ (checksum & 1 == 1 ? 0xEDB8_8320 : 0) }
    }
    return ~checksum
}

private func little(_ value: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
}
