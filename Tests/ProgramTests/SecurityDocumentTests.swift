import Foundation
import Testing

@Suite("SECURITY.md")
struct SecurityDocumentTests {
    private static let project = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The rows of the table of promises, as their cells.
    private static func promises() throws -> [[String]] {
        let text = try String(contentsOf: project.appending(path: "SECURITY.md"), encoding: .utf8)
        let section = try #require(
            text.split(separator: "## Promises and their tests").last?.split(separator: "\n## ").first)
        return section.split(separator: "\n").filter { $0.hasPrefix("| ") }.dropFirst().map { line in
            line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        }
    }

    /// The source of all tests of a target.
    private static func source(of target: String) throws -> String {
        let folder = project.appending(path: "Tests/\(target)")
        return try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == "swift" }
            .map { try String(contentsOf: $0, encoding: .utf8) }.joined()
    }

    @Test("every promise says who is trusted, and names tests that are there")
    func promises() throws {
        let rows = try Self.promises()
        #expect(rows.count > 25)
        var named = 0
        for row in rows {
            #expect(row.count == 3 && row.prefix(2).allSatisfy { !$0.isEmpty }, "\(row)")
            // A row in bold says whom the rows below are about.
            if row[0].hasPrefix("**") {
                #expect(row[2].isEmpty)
                continue
            }
            let targets = row[2].matches(of: #/`([A-Za-z]+Tests)`((?:,? "[^"]+")+)/#)
            #expect(!targets.isEmpty, "\(row[0]) names no test")
            for target in targets {
                let source = try Self.source(of: String(target.1))
                for name in target.2.matches(of: #/"([^"]+)"/#) {
                    named += 1
                    #expect(
                        source.contains("\"\(name.1)\"") && source.contains("@Test"),
                        "\(target.1) has no test \(name.1)")
                }
            }
            let quoted = row[2].split(separator: "\"").count / 2
            #expect(quoted == targets.reduce(0) { $0 + $1.2.matches(of: #/"[^"]+"/#).count }, "\(row[2])")
        }
        #expect(named > 40)
    }

    @Test("every package that is compiled in is named")
    func packages() throws {
        let manifest = try String(contentsOf: Self.project.appending(path: "Package.swift"), encoding: .utf8)
        var packages = manifest.matches(of: #/\.package\(url: "[^"]+/([^"\/]+)"/#).map { String($0.1) }
        #expect(packages.count > 15)
        // What those need, if they were fetched here.
        let checkouts = Self.project.appending(path: ".build/checkouts").path
        packages += (try? FileManager.default.contentsOfDirectory(atPath: checkouts)) ?? []
        let text = try String(contentsOf: Self.project.appending(path: "SECURITY.md"), encoding: .utf8).lowercased()
        let words = Set(text.split { !($0.isLetter || $0.isNumber || $0 == "-") }.map(String.init))
        for package in packages {
            let name = package.lowercased().replacing(#/\.(git|swift)$/#, with: "")
            #expect(words.contains(name), "SECURITY.md does not name \(package)")
        }
    }
}
