import Foundation
import TestSupport
import Testing

@testable import ExportSources

@Suite("a file that is being fetched")
struct PartialFileTests {
    @Test(
        "it gets the time of its export to the millisecond, whatever the fraction",
        arguments: [
            .milliseconds(1_795_286_869_000), .milliseconds(1_795_286_869_123),
            .nanoseconds(1_795_286_869_999_999_600), .microseconds(1_795_286_869_999_400),
        ] as [Duration])
    func time(modified: Duration) throws {
        let folder = try TemporaryFolder()
        let file = PartialFile(folder: folder.path, name: "a.csv", limit: 100)
        try file.begin(ExportVersion(etag: "1"), keeping: false)
        try file.append(Array("x".utf8))
        try file.finish(modified: modified)
        let attributes = try FileManager.default.attributesOfItem(atPath: file.path)
        let written = try #require(attributes[.modificationDate] as? Date).timeIntervalSince1970
        #expect(abs(modified / .seconds(1) - written) <= 0.000_501)
    }
}
