import CallPacing
import Foundation

/// One page of a bucket's listing.
struct BucketListing: Sendable, Hashable {
    struct Object: Sendable, Hashable {
        var key = ""
        var size: Int?
        /// With its quotes.
        var etag: String?
        /// The time of its last change since 1970.
        var modified: Duration?
    }

    var objects: [Object] = []
    /// The folders beside the objects, with a slash at their ends.
    var folders: [String] = []
    /// The token that asks for the next page; nil if this is the last one.
    var token: String?

    /// As ListObjectsV2 answers it; nil if the bytes are not a whole listing.
    ///
    /// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
    init?(s3 bytes: [UInt8]) {
        guard let root = XMLElement(document: bytes), root.name == "ListBucketResult" else { return nil }
        let isEncoded = root["EncodingType"] == "url"
        for element in root.all("Contents") {
            guard let key = Self.key(element["Key"], isEncoded) else { return nil }
            var object = Object(key: key, size: element["Size"].flatMap { Int($0) }, etag: element["ETag"])
            if let text = element["LastModified"] {
                let style = Date.ISO8601FormatStyle(includingFractionalSeconds: text.contains("."))
                object.modified = (try? Date(text, strategy: style)).map(Self.time)
            }
            objects.append(object)
        }
        for element in root.all("CommonPrefixes") {
            guard let folder = Self.key(element["Prefix"], isEncoded) else { return nil }
            folders.append(folder)
        }
        token = root["NextContinuationToken"].flatMap { $0.isEmpty ? nil : $0 }
        // Without that word it is not known whether there is more.
        guard let isTruncated = root["IsTruncated"], (isTruncated == "true") == (token != nil) else { return nil }
    }

    /// As List Blobs of Azure answers it; nil if the bytes are not a whole listing.
    ///
    /// https://learn.microsoft.com/en-us/rest/api/storageservices/list-blobs
    init?(azure bytes: [UInt8]) {
        guard let root = XMLElement(document: bytes), root.name == "EnumerationResults",
            let blobs = root.all("Blobs").first, let marker = root["NextMarker"]
        else { return nil }
        for element in blobs.all("Blob") {
            guard let key = element["Name"], !key.isEmpty else { return nil }
            let properties = element.all("Properties").first
            var object = Object(key: key, size: properties?["Content-Length"].flatMap { Int($0) })
            // The listing leaves out the quotes that a condition has to have.
            object.etag = properties?["Etag"].map { $0.hasPrefix("\"") ? $0 : "\"\($0)\"" }
            object.modified = properties?["Last-Modified"].flatMap(Date.init(http:)).map(Self.time)
            objects.append(object)
        }
        folders = blobs.all("BlobPrefix").compactMap { $0["Name"] }
        token = marker.isEmpty ? nil : marker
    }

    private static func time(_ date: Date) -> Duration {
        .milliseconds(Int64((date.timeIntervalSince1970 * 1000).rounded()))
    }

    /// A key as it is; in a listing that is encoded as URLs are, a plus is a blank.
    private static func key(_ text: String?, _ isEncoded: Bool) -> String? {
        guard let text, !text.isEmpty else { return nil }
        return isEncoded ? text.replacing("+", with: " ").removingPercentEncoding : text
    }
}
