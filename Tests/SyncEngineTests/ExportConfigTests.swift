import ExportFiles
import Foundation
import SyncReporting
import TestSupport
import Testing

@testable import SyncEngine

@Suite("settings that are written for an export")
struct ExportConfigTests {
    /// The facts of an export as it is read by default.
    private func facts(_ text: String, _ name: String) throws -> ExportFacts {
        let folder = try TemporaryFolder()
        let file = try ExportFile.open(try folder.write(text, to: name), spoolFolder: folder.path)
        var reading = try ExportReader().read(file)
        while try reading.next() != nil {}
        return reading.facts
    }

    @Test("say which elements of XML are records")
    func records() throws {
        let xml = try facts("<all><one><customer_id>c</customer_id><cart_id>k</cart_id></one></all>", "e.xml")
        #expect(try ExportConfig(of: [xml, xml], used: []).text.hasPrefix("# a record is the element all/one\n"))
    }

    @Test("have a name as it is, whatever characters it is of", arguments: UInt64(1)...50)
    func names(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let odd: [ClosedRange<UInt32>] = [
            0...0x1F, 0x20...0x7E, 0x22...0x22, 0x5C...0x5C, 0x7F...0xA0, 0x2028...0x2029, 0xFEFF...0xFEFF,
            0x1F600...0x1F640,
        ]
        var name = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 1...12, using: &generator) {
            let range = odd[Int.random(in: odd.indices, using: &generator)]
            if let scalar = Unicode.Scalar(UInt32.random(in: range, using: &generator)) { name.append(scalar) }
        }
        let used = RunReport.SettingUsed(name: "mapping.customer", value: String(name), origin: "flag")
        let csv = try facts("customer_id,cart_id\nc,k\n", "e.csv")
        let text = try ExportConfig(of: [csv], used: [used]).text
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("  customer: ") })
        // A YAML text in double quotes with these escapes is a JSON text.
        let value = try JSONDecoder().decode(String.self, from: Data(line.dropFirst("  customer: ".count).utf8))
        #expect(value.unicodeScalars.elementsEqual(name))
        #expect(line.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F...0xA0).contains($0.value) })
    }
}
