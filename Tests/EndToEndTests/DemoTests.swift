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
    }

    private var repository: URL {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    }
}
