import CallPacing
import Foundation
import TestSupport
import Testing

@testable import ExportSources

@Suite("buckets")
struct BucketTests {
    private let credentials = AWSCredentials(accessKey: "id", secretKey: "hush", sessionToken: "lent")

    @Test(
        "a bucket is asked for where its endpoint and its region say",
        arguments: [
            (nil, "eu-west-1", "https://s3.eu-west-1.amazonaws.com/exports"),
            (nil, "cn-north-1", "https://s3.cn-north-1.amazonaws.com.cn/exports"),
            ("https://minio.example", "x", "https://minio.example/exports"),
            ("https://minio.example:443/", "x", "https://minio.example/exports"),
            ("http://127.0.0.1:9000/store/s3/", "x", "http://127.0.0.1:9000/store/s3/exports"),
            ("https://exports.s3.eu-west-1.amazonaws.com", "x", "https://exports.s3.eu-west-1.amazonaws.com"),
            ("https://storage.googleapis.com", "auto", "https://storage.googleapis.com/exports"),
        ] as [(String?, String, String)])
    func places(endpoint: String?, region: String, url: String) throws {
        let access = S3Access(
            endpoint: try endpoint.map { try WebAddress($0) }, region: region,
            credentials: S3Credentials(accessKey: "id", secretKey: "hush", sessionToken: nil, time: .system))
        let bucket = S3Bucket("exports", access, time: .system)
        let list = try bucket.list(prefix: "a/", token: nil, credentials).url
        #expect(list.hasPrefix(url + (url.hasSuffix("/exports") ? "?" : "/?")), "\(list)")
        let get = try bucket.get("a/b c+ä.csv", [], credentials)
        #expect(get.url == url + "/a/b%20c%2B%C3%A4.csv")
        let headers = Dictionary(uniqueKeysWithValues: get.headers.map { ($0.name.lowercased(), $0.value) })
        #expect(headers["x-amz-security-token"] == "lent")
        #expect(headers["authorization"]?.contains("/\(region)/s3/aws4_request") == true)
        #expect(headers["authorization"]?.contains("x-amz-security-token") == true, "the token is signed")
    }

    @Test(
        "an address of a container has its prefix, and a signature that is never shown",
        arguments: [
            ("https://a.blob.core.windows.net/c?sv=1&sig=hush", "https://a.blob.core.windows.net/c", ""),
            ("https://a.blob.core.windows.net/c/?sig=hush&sv=1", "https://a.blob.core.windows.net/c", ""),
            ("https://a.blob.core.windows.net/c/n%C3%A4/b?sig=hush", "https://a.blob.core.windows.net/c", "nä/b"),
            ("http://127.0.0.1:10000/account/c/n/?sig=hush", "http://127.0.0.1:10000/account/c", "n/"),
        ])
    func containers(text: String, url: String, prefix: String) throws {
        let address = try ContainerAddress(text)
        #expect((address.url, address.prefix) == (url, prefix))
        #expect(!address.words.contains("hush"))
        let container = AzureContainer(address: address)
        #expect(
            container.list(prefix: "n/", token: "m/1").url.hasPrefix(url + "?comp=list&delimiter=%2F&marker=m%2F1&"))
        #expect(container.get("n/b c.csv", []).url == "\(url)/n/b%20c.csv?\(address.signature)")
    }

    @Test(
        "what is no container with its signature is refused, without a word of the signature",
        arguments: [
            "https://a.blob.core.windows.net/c", "https://a.blob.core.windows.net/c?sv=hush",
            "http://a.blob.core.windows.net/c?sig=hush", "https://a.blob.core.windows.net/?sig=hush", "c?sig=hush",
        ])
    func noContainers(text: String) {
        let error = #expect(throws: InvalidAddress.self) { try ContainerAddress(text) }
        #expect(error?.reason.contains("hush") == false)
    }

    @Test(
        "a refusal says what to do",
        arguments: [
            (403, "ExpiredToken", nil, "the session has expired"),
            (403, "InvalidAccessKeyId", nil, "source.s3-access-key"),
            (403, "SignatureDoesNotMatch", nil, "source.s3-secret-key"), (403, "RequestTimeTooSkewed", nil, "clock"),
            (403, "AccessDenied", nil, "s3:ListBucket"), (403, "AccessDenied", "a.csv", "s3:GetObject"),
            (403, "InvalidObjectState", "a.csv", "in an archive"), (409, "BlobArchived", "a.csv", "in an archive"),
            (404, "NoSuchBucket", nil, "there is no such bucket"), (404, "", nil, "there is no such bucket"),
            (400, "AuthorizationHeaderMalformed", nil, "source.s3-region"), (301, "", nil, "source.s3-region"),
            (500, "InternalError", nil, "asked again later"), (503, "SlowDown", "a.csv", "asked again later"),
        ] as [(Int, String, String?, String)])
    func refusals(status: Int, code: String, object: String?, words: String) {
        let body = code.isEmpty ? "<html>" : "<Error><Code>\(code)</Code><Message>m</Message></Error>"
        let fault = BucketFault(status: status, body: Array(body.utf8)) { _ in nil }
        #expect(fault.advice(object: object, place: "source.s3").contains(words))
        #expect(fault.isOfOneExport(object) == (object != nil && status < 500))
    }

    @Test("the region that an answer names is believed if it can be one")
    func regions() {
        func region(_ body: String, _ header: String?) -> String? {
            BucketFault(status: 400, body: Array(body.utf8)) { $0 == "x-amz-bucket-region" ? header : nil }.region
        }
        #expect(region("<Error><Code>x</Code><Region>eu-west-1</Region></Error>", nil) == "eu-west-1")
        #expect(region("", "eu-west-2") == "eu-west-2")
        #expect(region("<Error><Region>evil.example/</Region></Error>", nil) == nil)
    }

    @Test("a profile of the shared files is found by its section, whatever is around it")
    func profiles() {
        let text = """
            # comment = [x]
            aws_access_key_id = outside
            [default]
            aws_access_key_id=A
            aws_secret_access_key = b/+=c
            s3 =
              aws_access_key_id = nested
            [ profile  night ]
            AWS_ACCESS_KEY_ID = C
            aws_secret_access_key = d
            aws_session_token = e
            [profile half]
            aws_access_key_id = F
            """
        func keys(_ name: String) -> AWSCredentials? {
            AWSProfile(name, credentials: "", settings: text).keys
        }
        #expect(keys("default") == .init(accessKey: "A", secretKey: "b/+=c"))
        #expect(keys("night") == .init(accessKey: "C", secretKey: "d", sessionToken: "e"))
        for name in ["half", "profile", "", "other"] { #expect(keys(name) == nil) }
        let both = AWSProfile("night", credentials: "[night]\naws_access_key_id = own\n", settings: text)
        #expect(both.keys?.accessKey == "own" && both["aws_session_token"] == "e")
    }

    @Test("the environment comes before the files, and a profile that is not there is named")
    func order() async throws {
        let folder = try TemporaryFolder()
        let file = folder.path("credentials")
        try Data("[night]\naws_access_key_id=A\naws_secret_access_key=b\n".utf8).write(to: URL(filePath: file))
        var environment = [
            "AWS_SHARED_CREDENTIALS_FILE": file, "AWS_CONFIG_FILE": "/nonexistent", "AWS_PROFILE": "night",
            "AWS_EC2_METADATA_DISABLED": "true",
        ]
        func found() async throws(SourceError) -> AWSCredentials {
            let credentials = S3Credentials(environment: environment, time: .system)
            let result: Result<AWSCredentials, SourceError>
            do throws(SourceError) {
                result = .success(try await credentials.now())
            } catch {
                result = .failure(error)
            }
            await credentials.shutdown()
            return try result.get()
        }
        #expect(try await found() == .init(accessKey: "A", secretKey: "b"))
        environment["AWS_PROFILE"] = "day"
        let missing = await #expect(throws: SourceError.self) { try await found() }
        #expect(missing?.description.contains("AWS_PROFILE is day") == true)
        environment["AWS_ACCESS_KEY_ID"] = "C"
        environment["AWS_SECRET_ACCESS_KEY"] = "d"
        #expect(try await found() == .init(accessKey: "C", secretKey: "d"))
        environment = ["AWS_EC2_METADATA_DISABLED": "true", "HOME": folder.path]
        let nothing = await #expect(throws: SourceError.self) { try await found() }
        #expect(nothing?.description.contains("set source.s3-access-key and source.s3-secret-key") == true)
        environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://elsewhere.example/x"
        let open = await #expect(throws: SourceError.self) { try await found() }
        #expect(open?.description.contains("AWS_CONTAINER_CREDENTIALS_FULL_URI") == true)
    }
}
