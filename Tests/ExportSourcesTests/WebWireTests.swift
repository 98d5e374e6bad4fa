import CallPacing
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import ExportSources

@Suite("a wire in the place of HTTP")
struct WebWireTests {
    /// A bucket with one object, whose first answer to a request for it breaks off.
    private final class Bucket: Sendable {
        static let bytes = Array("customer_id,cart_id\nc-1,cart-1\n".utf8)
        static let tag = "\"one\""
        let asked = Mutex<[WebWire.Request]>([])

        func answer(_ request: WebWire.Request) -> WebWire.Reply {
            let count = asked.withLock { asked in
                asked.append(request)
                return asked.count
            }
            switch count {
            case 1: return .noConnection
            case 2:
                return .answer(
                    status: 200, headers: ["Content-Length": "\(Self.bytes.count)"], body: Array(Self.bytes.prefix(7)),
                    isWhole: false)
            default:
                return .answer(
                    status: 206,
                    headers: ["Content-Range": "bytes 7-\(Self.bytes.count - 1)/\(Self.bytes.count)"],
                    body: Array(Self.bytes.dropFirst(7)), isWhole: true)
            }
        }
    }

    @Test("a download that breaks off goes on where it ended, if it is the same version")
    func resumes() async throws {
        let bucket = Bucket()
        let access = S3Access(
            endpoint: try WebAddress("http://127.0.0.1:9"), region: "eu-west-1",
            credentials: S3Credentials(accessKey: "key", secretKey: "secret", sessionToken: nil, time: .system))
        let source = BucketSource(
            try BucketAddress("s3://exports/"), access, wire: WebWire { bucket.answer($0) }, time: .system)
        let folder = try TemporaryFolder()
        let export = RemoteExport(
            name: "a.csv", size: Bucket.bytes.count, version: ExportVersion(etag: Bucket.tag, size: Bucket.bytes.count))
        await #expect(throws: SourceError.self) {
            try await source.download(
                export, known: nil, to: PartialFile(folder: folder.path, name: "a.csv", limit: 1000))
        }
        let broken = PartialFile(folder: folder.path, name: "a.csv", limit: 1000)
        await #expect(throws: SourceError.self) { try await source.download(export, known: nil, to: broken) }
        #expect(broken.size == 7)
        let file = PartialFile(folder: folder.path, name: "a.csv", limit: 1000)
        #expect(try await source.download(export, known: nil, to: file) != .unchanged)
        try file.finish(modified: nil)
        #expect(try Data(contentsOf: URL(filePath: file.path)) == Data(Bucket.bytes))
        let last = bucket.asked.withLock { $0.last }
        #expect(last?.headers["range"] == "bytes=7-")
        #expect(last?.headers["if-match"] == Bucket.tag)
        await source.shutdown()
    }
}
