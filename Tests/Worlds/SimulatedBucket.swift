import ExportSources
import Foundation

/// A bucket that exports are put into: its listing lags, its downloads break off, and objects change while they are read.
final class SimulatedBucket: @unchecked Sendable {
    /// How the bucket and the way to it are on a night.
    struct Weather {
        /// How long the listing takes to show a change.
        var lag = Duration.zero
        /// The share of requests that are not answered, or not to their end.
        var faults = 0.0
        /// Objects on a page of the listing.
        var page = 1000
    }

    private struct Version {
        let bytes: [UInt8]
        let tag: String
        let since: Duration
    }

    private static let endpoint = "http://127.0.0.1:9"
    private static let name = "exports"

    private let timeline: Timeline
    private let random: SeededRandom
    private let story: Story
    /// The newest version last.
    private var objects: [String: [Version]] = [:]
    var weather = Weather()

    init(_ timeline: Timeline, _ random: SeededRandom, _ story: Story) {
        (self.timeline, self.random, self.story) = (timeline, random, story)
    }

    func put(_ name: String, _ bytes: [UInt8]) {
        let tag = "\"\(random.name())\(random.name())\""
        objects[name, default: []].append(Version(bytes: bytes, tag: tag, since: timeline.now))
    }

    /// The bucket as one process reaches it.
    func source(for life: Life) throws -> BucketSource {
        let time = timeline.time
        let access = S3Access(
            endpoint: try WebAddress(Self.endpoint), region: "eu-west-1",
            credentials: S3Credentials(accessKey: "worlds", secretKey: "secret", sessionToken: nil, time: time))
        let wire = WebWire { await self.carry($0, life) }
        return BucketSource(try BucketAddress("s3://\(Self.name)/"), access, wire: wire, time: time)
    }

    // MARK: - The wire

    private func carry(_ request: WebWire.Request, _ life: Life) async -> WebWire.Reply {
        try? await timeline.sleep(for: random.seconds(0.01...0.2))
        // Nothing comes back to a process that is no more.
        if life.isDead { await unsafe withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in } }
        guard let address = URLComponents(string: request.url) else { return .noConnection }
        let isStruck = random.happens(weather.faults)
        let fault = random.number(0...2)
        if isStruck {
            story.note(
                "the bucket: \(request.method) \(address.path): \(["no connection", "503", "cut"][fault])",
                isFault: true)
        }
        if isStruck, fault == 0 { return .noConnection }
        if isStruck, fault == 1 { return .answer(status: 503, headers: [:], body: [], isWhole: true) }
        let key = String(address.path.dropFirst("/\(Self.name)/".count))
        let (status, headers, body) =
            key.isEmpty ? list(address.queryItems ?? []) : get(key, request.headers)
        guard isStruck, !body.isEmpty else {
            return .answer(status: status, headers: headers, body: body, isWhole: true)
        }
        return .answer(
            status: status, headers: headers, body: Array(body.prefix(random.index(body.count))), isWhole: false)
    }

    private typealias Answer = (status: Int, headers: [String: String], body: [UInt8])

    private func list(_ query: [URLQueryItem]) -> Answer {
        let start = query.first { $0.name == "continuation-token" }?.value ?? ""
        let shown = timeline.now - weather.lag
        let versions = objects.compactMapValues { $0.last { $0.since <= shown } }
        let all = versions.sorted { $0.key < $1.key }.filter { $0.key >= start }
        let next = all.dropFirst(weather.page).first
        let contents = all.prefix(weather.page).map { name, version in
            let date = (timeline.date - (timeline.now - version.since) / .seconds(1)).formatted(
                Date.ISO8601FormatStyle(includingFractionalSeconds: true))
            return "<Contents><Key>\(name)</Key><Size>\(version.bytes.count)</Size>"
                + "<ETag>&quot;\(version.tag.dropFirst().dropLast())&quot;</ETag><LastModified>\(date)</LastModified>"
                + "</Contents>"
        }
        let more = next.map { "<NextContinuationToken>\($0.key)</NextContinuationToken>" } ?? ""
        let text =
            "<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>\(next != nil)</IsTruncated>"
            + contents.joined() + more + "</ListBucketResult>"
        return (200, ["Content-Length": "\(text.utf8.count)"], Array(text.utf8))
    }

    private func get(_ key: String, _ headers: [String: String]) -> Answer {
        guard let version = objects[key]?.last else { return refusal(404, "NoSuchKey") }
        if let tag = headers["if-match"], tag != version.tag { return refusal(412, "PreconditionFailed") }
        let count = version.bytes.count
        guard let range = headers["range"], let first = range.split(whereSeparator: { "=-".contains($0) }).last,
            let offset = Int(first)
        else { return (200, ["ETag": version.tag, "Content-Length": "\(count)"], version.bytes) }
        guard offset < count else { return refusal(416, "InvalidRange") }
        let said = ["ETag": version.tag, "Content-Range": "bytes \(offset)-\(count - 1)/\(count)"]
        return (206, said, Array(version.bytes[offset...]))
    }

    private func refusal(_ status: Int, _ code: String) -> Answer {
        (status, [:], Array("<Error><Code>\(code)</Code><Message>no</Message></Error>".utf8))
    }
}
