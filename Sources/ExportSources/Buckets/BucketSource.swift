package import CallPacing

/// The exports in a bucket whose keys begin with a prefix and have no further slash: of an S3-compatible store, or of Azure.
package final class BucketSource: ExportSource {
    private enum Store {
        case s3(S3Bucket, S3Credentials)
        case azure(AzureContainer)
    }

    private enum Request {
        case list(prefix: String, token: String?)
        case get(key: String, headers: [(name: String, value: String)])
    }

    /// The most objects and folders that a listing may have.
    static let maxObjects = 100_000

    package let words: String
    /// An object appears whole.
    package var needsSettling: Bool { false }
    private let prefix: String
    /// The setting that says where the bucket is.
    private let place: String
    private let store: Store
    private let client: WebClient
    private let notices = Notices()

    /// - Parameter wire: what is used in the place of HTTP; nil for HTTP.
    package init(_ address: BucketAddress, _ access: S3Access, wire: WebWire? = nil, time: TimeSource) {
        (words, prefix, place) = (address.words, address.prefix, "source.s3")
        store = .s3(S3Bucket(address.bucket, access, time: time), access.credentials)
        client = WebClient(access.options, wire: wire, time: time)
    }

    package init(_ address: ContainerAddress, _ options: WebOptions = WebOptions(), time: TimeSource) {
        (words, prefix, place) = (address.words, address.prefix, "source.azure")
        store = .azure(AzureContainer(address: address))
        client = WebClient(options, time: time)
    }

    package func list() async throws(SourceError) -> [RemoteExport] {
        var found = try await objects(prefix)
        // Who forgets the slash at the end of a folder means what is in it.
        if found.objects.isEmpty, !prefix.isEmpty, found.folders.contains(prefix + "/") {
            notices.add("\(words) is a folder, and what is in it is taken; let \(place) end with a slash")
            found = try await objects(prefix + "/")
        }
        return found.objects.compactMap(export)
    }

    /// Everything that begins with a prefix, page after page.
    private func objects(
        _ prefix: String
    ) async throws(SourceError) -> (objects: [BucketListing.Object], folders: Set<String>) {
        var objects: [[UInt8]: BucketListing.Object] = [:]
        var folders: Set<String> = []
        var tokens: Set<String> = []
        var count = 0
        var token: String?
        repeat {
            let answer = try await ask(.list(prefix: prefix, token: token), object: nil)
            guard let page = page(try await answer.text()) else {
                throw SourceError(
                    "\(words): the listing is not understood; check \(place), and source.s3-endpoint for S3")
            }
            for object in page.objects { objects[Array(object.key.utf8)] = object }
            folders.formUnion(page.folders)
            // An empty page counts, too: there might be no end of them.
            count += max(page.objects.count + page.folders.count, 1)
            guard count <= Self.maxObjects else {
                throw SourceError(
                    "\(words): more than \(Self.maxObjects) objects; let \(place) name a folder of its own, or move old exports away"
                )
            }
            if let next = page.token, !tokens.insert(next).inserted {
                throw SourceError("\(words): the listing does not go on; it is asked again later")
            }
            token = page.token
        } while token != nil
        return (objects.values.sorted { $0.key < $1.key }, folders)
    }

    package func download(
        _ export: RemoteExport, known: ExportVersion?, to file: PartialFile
    ) async throws(SourceError) -> Download {
        let version = export.version ?? ExportVersion()
        if file.version != version { file.discard() }
        var headers: [(name: String, value: String)] = []
        if let etag = version.etag { headers.append(("if-match", etag)) }
        // Without a tag a part could be of another version, and there is nothing to ask for behind the end.
        let isPart = version.etag != nil && file.size < export.size ?? .max
        let offset = isPart ? file.size : 0
        if offset > 0 { headers.append(("range", "bytes=\(offset)-")) }
        let key = export.bytes.map { String(decoding: $0, as: UTF8.self) } ?? export.name
        do throws(SourceError) {
            let answer = try await ask(.get(key: key, headers: headers), object: export.name)
            try await answer.save(version, from: offset, to: file)
        } catch {
            if error.isOfOneExport { file.discard() }
            throw error
        }
        return .complete(version, modified: export.modified)
    }

    package func takeNotices() -> [String] { notices.take() }

    package func shutdown() async {
        await client.shutdown()
        if case .s3(_, let credentials) = store { await credentials.shutdown() }
    }

    private func page(_ bytes: [UInt8]) -> BucketListing? {
        switch store {
        case .s3: BucketListing(s3: bytes)
        case .azure: BucketListing(azure: bytes)
        }
    }

    /// The name is what comes after the last slash; the key is kept beside it.
    private func export(_ object: BucketListing.Object) -> RemoteExport? {
        // An object that ends with a slash stands for a folder.
        guard object.key.hasPrefix(prefix), !object.key.hasSuffix("/") else { return nil }
        let name = object.key.split(separator: "/").last.map(String.init) ?? object.key
        let words = object.modified.map { "\($0 / .milliseconds(1))" }
        let version =
            object.etag == nil
            ? ExportVersion(modified: words, size: object.size) : ExportVersion(etag: object.etag, size: object.size)
        var export = RemoteExport(name: name, size: object.size, modified: object.modified, version: version)
        export.bytes = Array(object.key.utf8)
        return export
    }

    /// Sends a request, again with what a refusal names: another region, or credentials that are renewed.
    ///
    /// - Parameter object: the name of the export that is asked for; nil for the listing.
    /// - Returns: an answer of 200 or 206.
    private func ask(_ request: Request, object: String?) async throws(SourceError) -> WebAnswer {
        var isRenewed = false
        var regions: Set<String> = []
        while true {
            let (url, headers) = try await self.request(request)
            let answer = try await client.get(url, headers)
            if answer.status == 200 || answer.status == 206 { return answer }
            let fault = BucketFault(
                status: answer.status, body: (try? await answer.text()) ?? [], header: { answer.header($0) })
            if case .s3(let bucket, let credentials) = store {
                if let region = fault.region, region != bucket.region, regions.insert(region).inserted {
                    notices.add("\(words) is in the region \(region); set source.s3-region")
                    bucket.move(to: region)
                    continue
                }
                if fault.isExpired, !isRenewed, credentials.renew() {
                    isRenewed = true
                    continue
                }
            }
            throw refusal(fault, answer, object)
        }
    }

    private func request(
        _ request: Request
    ) async throws(SourceError) -> (url: String, headers: [(name: String, value: String)]) {
        let made: BucketRequest
        switch (store, request) {
        case (.s3(let bucket, let credentials), .list(let prefix, let token)):
            made = try bucket.list(prefix: prefix, token: token, try await credentials.now())
        case (.s3(let bucket, let credentials), .get(let key, let headers)):
            made = try bucket.get(key, headers, try await credentials.now())
        case (.azure(let container), .list(let prefix, let token)): made = container.list(prefix: prefix, token: token)
        case (.azure(let container), .get(let key, let headers)): made = container.get(key, headers)
        }
        return (made.url, made.headers)
    }

    private func refusal(_ fault: BucketFault, _ answer: WebAnswer, _ object: String?) -> SourceError {
        let what = object.map { "\(words): \($0)" } ?? words
        if object != nil, fault.isOfChangedObject {
            return SourceError(
                fault.status == 404
                    ? "\(what) is listed and not there; it is asked for again later"
                    : "\(what) was changed while it was fetched; it is fetched anew at the next look",
                ofOneExport: true)
        }
        let said = fault.code.isEmpty ? "\(fault.status)" : "\(fault.status) (\(fault.code))"
        return SourceError(
            "\(what): the answer is \(said); \(fault.advice(object: object, place: place))",
            ofOneExport: fault.isOfOneExport(object), retryAfter: answer.retryAfter)
    }
}
