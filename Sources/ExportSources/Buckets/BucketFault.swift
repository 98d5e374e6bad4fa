/// Why a bucket refused a request, as its answer says.
struct BucketFault: Sendable, Hashable {
    let status: Int
    /// The word for it, for instance `NoSuchKey`; empty if the answer has none.
    let code: String
    /// The region that the bucket is in, if the answer names it.
    let region: String?

    /// - Parameter header: a header of the answer by its name.
    init(status: Int, body: [UInt8], header: (_ name: String) -> String?) {
        let error = XMLElement(document: body).flatMap { $0.name == "Error" ? $0 : nil }
        let code = error?["Code"] ?? header("x-ms-error-code") ?? ""
        let region = header("x-amz-bucket-region") ?? error?["Region"]
        self.status = status
        self.code = code.wholeMatch(of: #/[A-Za-z0-9._-]{1,80}/#) == nil ? "" : code
        // It becomes a part of a host's name.
        self.region = region.flatMap { $0.wholeMatch(of: #/[a-z0-9-]{1,40}/#) == nil ? nil : $0 }
    }

    /// Whether the credentials were good once, and others may be had.
    var isExpired: Bool {
        ["ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "InvalidToken"].contains(code)
    }

    /// Whether the object is not what the listing said.
    var isOfChangedObject: Bool { [404, 412, 416].contains(status) && !isOfBucket }

    private var isOfBucket: Bool { ["NoSuchBucket", "ContainerNotFound"].contains(code) }

    /// Whether an object has to be brought back from an archive before it can be read.
    private var isOfArchive: Bool { ["InvalidObjectState", "BlobArchived"].contains(code) }

    /// What to do.
    ///
    /// - Parameters:
    ///   - object: the name of the export that was asked for; nil for the listing.
    ///   - place: the setting that says where, for instance `source.s3`.
    func advice(object: String?, place: String) -> String {
        switch code {
        case "ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "InvalidToken":
            return "the session has expired; renew the credentials, or let them be found where they are renewed"
        case "InvalidAccessKeyId": return "the id of the key is not known; check source.s3-access-key"
        case "SignatureDoesNotMatch":
            return "the secret does not belong to the key, or a proxy has changed the path; check source.s3-secret-key "
                + "and source.s3-endpoint"
        case "RequestTimeTooSkewed": return "the clock of this machine is wrong; set it"
        case "AuthenticationFailed", "AuthorizationFailure", "AuthorizationPermissionMismatch":
            return
                "the signature in \(place) is not valid, has expired, or does not allow to list and read; make a new one"
        case "AuthorizationHeaderMalformed", "PermanentRedirect", "IllegalLocationConstraintException":
            return "the bucket is in another region; check source.s3-region"
        case _ where isOfArchive: return "it is in an archive; restore it there, or let archived exports go"
        case _ where isOfBucket: return "there is no such bucket; check \(place), and source.s3-endpoint for S3"
        default: break
        }
        switch status {
        case 401, 403:
            let right = object == nil ? "list the bucket (s3:ListBucket)" : "read it (s3:GetObject)"
            return place == "source.s3"
                ? "let the key \(right), and check source.s3-access-key, source.s3-secret-key, source.s3-region and the clock"
                : "check the signature in \(place)"
        case 404 where object == nil: return "there is no such bucket; check \(place), and source.s3-endpoint for S3"
        case 300..<400: return "the bucket is elsewhere; check source.s3-region and source.s3-endpoint"
        default: return "it is asked again later"
        }
    }

    /// Whether only the object that was asked for cannot be had.
    func isOfOneExport(_ object: String?) -> Bool {
        object != nil && (isOfArchive || isOfChangedObject || status == 403 && code == "AccessDenied")
    }
}
