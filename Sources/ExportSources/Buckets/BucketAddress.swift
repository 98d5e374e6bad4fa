import Foundation

/// Where the exports of a bucket are: `s3://BUCKET/PREFIX`.
package struct BucketAddress: Sendable, Hashable {
    let bucket: String
    /// The beginning of the keys, without a slash in front.
    let prefix: String

    package var words: String { "s3://\(bucket)/\(prefix)" }

    /// Throws `InvalidAddress`.
    package init(_ text: String) throws(InvalidAddress) {
        // Names of buckets: 3 to 63 of a-z 0-9 . - (Amazon S3, bucket naming rules); Google's may have _, too.
        guard let match = text.wholeMatch(of: #/s3://([a-z0-9][a-z0-9._-]{1,61}[a-z0-9])(?:/(.*))?/#) else {
            throw InvalidAddress("not a bucket; write s3://BUCKET/PREFIX, for instance s3://exports/customers/")
        }
        bucket = String(match.1)
        prefix = match.2.map(String.init) ?? ""
    }
}

/// Where the exports of a container of Azure Blob Storage are, with a shared access signature:
/// `https://ACCOUNT.blob.core.windows.net/CONTAINER/PREFIX?SIGNATURE`.
package struct ContainerAddress: Sendable, Hashable {
    /// Of the container, without a slash at its end.
    let url: String
    /// The beginning of the names.
    let prefix: String
    /// The query that opens it; secret.
    let signature: String

    package var words: String { "\(url)/\(prefix)" }

    /// Throws `InvalidAddress`, which has nothing of the signature.
    package init(_ text: String) throws(InvalidAddress) {
        let address = try WebAddress(text)
        guard let parts = URLComponents(string: text), let query = parts.percentEncodedQuery,
            query.contains(#/(^|&)sig=./#), !address.isOpen, let host = parts.encodedHost
        else {
            throw InvalidAddress(
                "not a container with its signature; write https://ACCOUNT.blob.core.windows.net/CONTAINER/PREFIX?SIGNATURE"
            )
        }
        var names = parts.path.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map(String.init)
        // An emulator has the account in the path, and not in the name of the host.
        let isEmulator = host.wholeMatch(of: #/127\..*|localhost|\[::1\]/#) != nil
        let count = isEmulator && names.count > 1 ? 2 : 1
        guard names.count >= count, !names[..<count].contains("") else {
            throw InvalidAddress(
                "it names no container; write https://ACCOUNT.blob.core.windows.net/CONTAINER?SIGNATURE")
        }
        let container = names[..<count].map { RequestSignature.encoded($0) }.joined(separator: "/")
        names.removeFirst(count)
        url = "\(parts.scheme ?? "https")://\(host)\(parts.port.map { ":\($0)" } ?? "")/\(container)"
        prefix = names.joined(separator: "/")
        signature = query
    }
}
