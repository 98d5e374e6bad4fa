import CallPacing
import Foundation
import Synchronization

/// How a bucket of an S3-compatible store is reached.
package struct S3Access: Sendable {
    /// `https://HOST` with a path, or `http` on this machine; nil for AWS in the region.
    var endpoint: WebAddress?
    var region: String
    var credentials: S3Credentials
    var options: WebOptions

    package init(
        endpoint: WebAddress?, region: String, credentials: S3Credentials, options: WebOptions = WebOptions()
    ) {
        self.endpoint = endpoint
        self.region = region
        self.credentials = credentials
        self.options = options
    }
}

/// A bucket of an S3-compatible store: its requests, with their signatures.
final class S3Bucket: Sendable {
    private let bucket: String
    private let access: S3Access
    private let time: TimeSource
    /// As it was set, or as an answer named it.
    private let regionNow: Mutex<String>

    init(_ bucket: String, _ access: S3Access, time: TimeSource) {
        self.bucket = bucket
        self.access = access
        self.time = time
        regionNow = Mutex(access.region)
    }

    var region: String { regionNow.withLock(\.self) }

    /// Goes on in the region that an answer has named.
    func move(to region: String) { regionNow.withLock { $0 = region } }

    func list(prefix: String, token: String?, _ credentials: AWSCredentials) throws(SourceError) -> BucketRequest {
        // Keys may have characters that XML has not; encoded, they come through.
        var query = [
            (name: "list-type", value: "2"), (name: "delimiter", value: "/"), (name: "prefix", value: prefix),
            (name: "encoding-type", value: "url"),
        ]
        if let token { query.append(("continuation-token", token)) }
        return try signed("", query, [], credentials)
    }

    func get(
        _ key: String, _ headers: [(name: String, value: String)], _ credentials: AWSCredentials
    ) throws(SourceError) -> BucketRequest {
        try signed("/" + RequestSignature.encoded(key, keeping: "/"), [], headers, credentials)
    }

    private func signed(
        _ path: String, _ query: [(name: String, value: String)], _ headers: [(name: String, value: String)],
        _ credentials: AWSCredentials
    ) throws(SourceError) -> BucketRequest {
        let region = region
        let aws = "https://s3.\(region).amazonaws.com\(region.hasPrefix("cn-") ? ".cn" : "")"
        guard let endpoint = URLComponents(string: access.endpoint?.url ?? aws), let name = endpoint.encodedHost else {
            throw SourceError("source.s3-endpoint is no address")
        }
        // The client leaves out the port that the scheme stands for, and so must the signature.
        let isUsual = endpoint.port == nil || endpoint.port == (endpoint.scheme == "https" ? 443 : 80)
        let host = isUsual ? name : "\(name):\(endpoint.port ?? 0)"
        var folder = endpoint.percentEncodedPath
        while folder.hasSuffix("/") { folder.removeLast() }
        // An endpoint that has the bucket in its name already is the bucket's own.
        if !name.hasPrefix(bucket + ".") { folder += "/\(bucket)" }
        let whole = folder + path
        let signature = RequestSignature(credentials: credentials, region: region)
        let sent = signature.headers(
            host: host, path: whole.isEmpty ? "/" : whole, query: query, headers: headers, at: time.wall())
        let text = RequestSignature.text(query)
        let url =
            "\(endpoint.scheme ?? "https")://\(host)\(whole.isEmpty ? "/" : whole)\(text.isEmpty ? "" : "?\(text)")"
        return BucketRequest(url: url, headers: sent)
    }
}
