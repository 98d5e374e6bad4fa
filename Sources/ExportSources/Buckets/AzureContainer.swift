/// A container of Azure Blob Storage, opened by a shared access signature.
///
/// https://learn.microsoft.com/en-us/rest/api/storageservices/blob-service-rest-api
struct AzureContainer: Sendable {
    let address: ContainerAddress

    /// The version of the API, which its answers depend on.
    private static let version = (name: "x-ms-version", value: "2021-08-06")

    func list(prefix: String, token: String?) -> BucketRequest {
        var query = [
            (name: "restype", value: "container"), (name: "comp", value: "list"), (name: "delimiter", value: "/"),
            (name: "maxresults", value: "1000"), (name: "prefix", value: prefix),
        ]
        if let token { query.append(("marker", token)) }
        return BucketRequest(
            url: "\(address.url)?\(RequestSignature.text(query))&\(address.signature)", headers: [Self.version])
    }

    func get(_ key: String, _ headers: [(name: String, value: String)]) -> BucketRequest {
        let path = RequestSignature.encoded(key, keeping: "/")
        return BucketRequest(url: "\(address.url)/\(path)?\(address.signature)", headers: headers + [Self.version])
    }
}

/// What is sent to a bucket.
struct BucketRequest: Sendable {
    let url: String
    let headers: [(name: String, value: String)]
}
