import Foundation
import TestSupport
import Testing

@Suite("demo")
struct DemoTests {
    @Test("the demo runs the main job offline and names all that it leaves behind")
    func demo() async throws {
        let folder = try TemporaryFolder()
        let result = try await Program.run(["demo"], environment: ["TMPDIR": folder.path], in: repository.path)
        #expect(result.status == 0, "\(result.errors)")
        for word in ["customers.csv", "accounts.xml", "creates", "deletes", "p99.9", "report.html"] {
            #expect((result.output + result.errors).contains(word), "\(word) is missing")
        }
        let state = try #require(folder.names().first { $0.hasPrefix("cartsync-demo") })
        let runs = folder.names(in: state + "/runs")
        #expect(!runs.isEmpty)
        for run in runs {
            #expect(try ReportFiles(folder: folder.path("\(state)/runs/\(run)")).contradictions() == [])
        }
    }

    @Test("samples that were copied in any order are those of last night and of tonight")
    func copied() async throws {
        let folder = try TemporaryFolder()
        let samples = repository.appending(path: "samples")
        try FileManager.default.copyItem(at: samples, to: URL(filePath: folder.path("samples")))
        let names = ["customers.csv", "accounts.xml", "customers-before.csv", "accounts-before.xml"]
        for (age, name) in names.enumerated() {
            let date = Date(timeIntervalSince1970: 1_700_000_000 + Double(age) * 1000)
            try FileManager.default.setAttributes(
                [.modificationDate: date], ofItemAtPath: folder.path("samples/exports/" + name))
        }
        let result = try await Program.run(["demo"], environment: ["TMPDIR": folder.path], in: folder.path)
        #expect(result.status == 0, "\(result.errors)")
        #expect(!result.output.contains("older than"), "\(result.output)")
    }

    private var repository: URL {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    }
}
