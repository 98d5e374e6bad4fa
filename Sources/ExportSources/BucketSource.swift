package import CallPacing
import Foundation

/// Where the exports of a bucket are: `s3://BUCKET/PREFIX`.
package struct BucketAddress: Sendable, Hashable {
    let bucket: String
    /// The beginning of the keys, without a slash in front.
    let prefix: String

    package var words: String { "s3://\(bucket)/\(prefix)" }

    /// Throws `InvalidAddress`.
    package init(_ text: String) throws(InvalidAddress) {
        // Names of buckets: 3 to 63 of a-z 0-9 . - (Amazon S3, bucket naming rules).
        guard let match = text.wholeMatch(of: #/s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.*))?/#) else {
            throw InvalidAddress("not a bucket; write s3://BUCKET/PREFIX, for instance s3://exports/customers/")
        }
        bucket = String(match.1)
        prefix = match.2.map(String.init) ?? ""
    }
}

/// The exports in a bucket of an S3-compatible store whose keys begin with a prefix and have no further slash.
package final class BucketSource: ExportSource {
    package struct Access: Sendable {
        /// `https://HOST`, or `http` on this machine.
        var endpoint: WebAddress
        var region: String
        var accessKey: String
        var secretKey: String
        var options: WebOptions

        package init(
            endpoint: WebAddress, region: String, accessKey: String, secretKey: String,
            options: WebOptions = WebOptions()
        ) {
            self.endpoint = endpoint
            self.region = region
            self.accessKey = accessKey
            self.secretKey = secretKey
            self.options = options
        }
    }

    package let words: String
    /// An object appears whole.
    package var needsSettling: Bool { false }
    private let address: BucketAddress
    private let access: Access
    private let signature: RequestSignature
    private let client: WebClient
    private let time: TimeSource

    package init(_ address: BucketAddress, _ access: Access, time: TimeSource) {
        self.address = address
        self.access = access
        self.time = time
        client = WebClient(access.options, time: time)
        signature = RequestSignature(
            accessKey: access.accessKey, secretKey: access.secretKey, region: access.region)
        words = address.words
    }

    package func list() async throws(SourceError) -> [RemoteExport] {
        var exports: [RemoteExport] = []
        var token: String?
        repeat {
            var query = [
                (name: "list-type", value: "2"), (name: "delimiter", value: "/"),
                (name: "prefix", value: address.prefix),
            ]
            if let token { query.append(("continuation-token", token)) }
            let answer = try await get("/\(address.bucket)", query)
            guard answer.status == 200 else { throw await refusal(answer) }
            guard let page = BucketListing(try await answer.text()) else {
                throw SourceError("\(words): the listing is not understood; check source.s3-endpoint")
            }
            exports += page.objects.compactMap(export)
            guard page.token != token || token == nil else {
                throw SourceError("\(words): the listing does not go on; it is asked again later")
            }
            token = page.token
        } while token != nil
        return exports
    }

    package func download(
        _ export: RemoteExport, known: ExportVersion?, to file: PartialFile
    ) async throws(SourceError) -> Download {
        guard let version = export.version, let etag = version.etag else {
            throw SourceError("\(words): \(export.name) has no ETag; is this an S3-compatible store?")
        }
        if file.version != version { file.discard() }
        var headers = [(name: "if-match", value: etag)]
        if file.size > 0 { headers.append(("range", "bytes=\(file.size)-")) }
        let path = "/\(address.bucket)/" + RequestSignature.encoded(folder + export.name, keeping: "/")
        let answer = try await get(path, [], headers)
        switch answer.status {
        case 200, 206:
            try await answer.save(version, from: answer.isPartial ? file.size : 0, to: file)
            return .complete(version, modified: export.modified)
        case 404, 412, 416:
            await answer.drain()
            file.discard()
            throw SourceError(
                "\(words): \(export.name) was changed while it was fetched; it is fetched anew at the next look")
        default:
            throw await refusal(answer)
        }
    }

    package func shutdown() async { await client.shutdown() }

    /// The part of the prefix up to its last slash; the rest belongs to the names.
    private var folder: String {
        address.prefix.lastIndex(of: "/").map { String(address.prefix[...$0]) } ?? ""
    }

    private func export(_ object: BucketListing.Object) -> RemoteExport? {
        // An object of the folder's own name stands for the empty folder.
        guard object.key.hasPrefix(folder), object.key.utf8.count > folder.utf8.count else { return nil }
        return RemoteExport(
            name: String(object.key.dropFirst(folder.count)), size: object.size, modified: object.modified,
            version: ExportVersion(etag: object.etag, modified: nil, size: object.size))
    }

    private func get(
        _ path: String, _ query: [(name: String, value: String)], _ headers: [(name: String, value: String)] = []
    ) async throws(SourceError) -> WebAnswer {
        guard let endpoint = URLComponents(string: access.endpoint.url), let name = endpoint.host else {
            throw SourceError("\(words): source.s3-endpoint is no address")
        }
        // The client leaves out the port that the scheme stands for, and so must the signature.
        let isUsual = endpoint.port == nil || endpoint.port == (endpoint.scheme == "https" ? 443 : 80)
        let host = isUsual ? name : "\(name):\(endpoint.port ?? 0)"
        let signed = signature.headers(host: host, path: path, query: query, headers: headers, at: time.wall())
        let text = RequestSignature.text(query)
        let url = "\(endpoint.scheme ?? "https")://\(host)\(path)\(text.isEmpty ? "" : "?\(text)")"
        return try await client.get(url, signed)
    }

    private func refusal(_ answer: WebAnswer) async -> SourceError {
        let status = answer.status
        await answer.drain()
        switch status {
        case 401, 403:
            return SourceError(
                "\(words) answered \(status): check source.s3-access-key, source.s3-secret-key, source.s3-region and the clock"
            )
        case 404:
            return SourceError("\(words) answered 404: there is no such bucket; check source.s3 and source.s3-endpoint")
        case 300..<400:
            return SourceError("\(words) answered \(status): the bucket is elsewhere; check source.s3-region")
        default:
            return SourceError("\(words) answered \(status); it is asked again later", retryAfter: answer.retryAfter)
        }
    }
}
