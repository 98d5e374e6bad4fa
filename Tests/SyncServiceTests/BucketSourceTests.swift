import CallPacing
import Foundation
import HTTPTypes
import TestSupport
import Testing

@testable import ExportSources

@Suite("exports in buckets")
struct BucketSourceTests {
    private let folder: TemporaryFolder
    private let start = Date(timeIntervalSince1970: 1_795_280_400)

    init() throws { folder = try TemporaryFolder() }

    private func page(_ keys: [String] = [], folders: [String] = [], token: String? = nil) -> ExportServer.File {
        let objects = keys.map {
            "<Contents><Key>\($0)</Key><Size>3</Size><ETag>&quot;e&quot;</ETag>"
                + "<LastModified>2013-05-24T00:00:00.000Z</LastModified></Contents>"
        }
        let prefixes = folders.map { "<CommonPrefixes><Prefix>\($0)</Prefix></CommonPrefixes>" }
        let end = token.map { "<NextContinuationToken>\($0)</NextContinuationToken>" } ?? ""
        return .init(
            content: Data(
                ("<ListBucketResult>" + objects.joined() + prefixes.joined()
                    + "<IsTruncated>\(token != nil)</IsTruncated>\(end)</ListBucketResult>").utf8))
    }

    private func list(_ prefix: String, token: String? = nil) -> String {
        let rest = "delimiter=%2F&encoding-type=url&list-type=2&prefix=\(RequestSignature.encoded(prefix))"
        return "/exports?" + (token.map { "continuation-token=\($0)&" } ?? "") + rest
    }

    private func refusal(_ status: Int, _ code: String, more: String = "") -> ExportServer.File {
        .init(content: Data("<Error><Code>\(code)</Code>\(more)</Error>".utf8), status: status)
    }

    private func with(
        _ address: String = "s3://exports/nightly/", environment: [String: String]? = nil, time: TimeSource = .system,
        _ body: (ExportServer, BucketSource, _ url: String) async -> Void
    ) async throws {
        try await ExportServer.with { server, url in
            let credentials =
                environment.map { variables in
                    S3Credentials(environment: variables.mapValues { $0.replacing("SERVER", with: url) }, time: time)
                } ?? S3Credentials(accessKey: "id", secretKey: "hush", sessionToken: nil, time: time)
            let access = S3Access(endpoint: try WebAddress(url), region: "us-east-1", credentials: credentials)
            let source = BucketSource(try BucketAddress(address), access, time: time)
            await body(server, source, url)
            await source.shutdown()
        }
    }

    private func names(_ source: BucketSource) async -> Result<[String], SourceError> {
        do throws(SourceError) {
            return .success(try await source.list().map(\.name))
        } catch {
            return .failure(error)
        }
    }

    private func problem(_ source: BucketSource) async -> String? {
        if case .failure(let error) = await names(source) { error.description } else { nil }
    }

    @Test("a prefix without its slash means what is in the folder, unless something begins with it")
    func withoutSlash() async throws {
        try await with("s3://exports/nightly") { server, source, _ in
            server.put(list("nightly"), page(folders: ["nightly/"]))
            server.put(list("nightly/"), page(["nightly/", "nightly/a.csv"]))
            #expect(await names(source) == .success(["a.csv"]))
            #expect(source.takeNotices().map { $0.contains("let source.s3 end with a slash") } == [true])
            server.put(list("nightly"), page(["nightly-b.csv"], folders: ["nightly/"]))
            #expect(await names(source) == .success(["nightly-b.csv"]))
        }
    }

    @Test("the region that an answer names is gone on in, and said once", arguments: [301, 400])
    func region(status: Int) async throws {
        try await with { server, source, _ in
            server.put(
                list("nightly/"), refusal(status, "AuthorizationHeaderMalformed", more: "<Region>eu-west-1</Region>"))
            let error = await problem(source)
            #expect(error?.contains("source.s3-region") == true)
            #expect(server.seen.count == 2)
            #expect(server.seen.last?.headers["authorization"]?.contains("/eu-west-1/s3/") == true)
            #expect(
                source.takeNotices().map { $0.contains("is in the region eu-west-1; set source.s3-region") } == [true])
        }
    }

    @Test("credentials that have expired are found again, once")
    func expired() async throws {
        let environment = [
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": "SERVER/role", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "hush",
        ]
        try await with(environment: environment) { server, source, _ in
            server.put(
                "/role", .init(content: Data(#"{"AccessKeyId":"A","SecretAccessKey":"b","Token":"lent"}"#.utf8)))
            server.put(list("nightly/"), refusal(400, "ExpiredToken"))
            #expect(await problem(source)?.contains("the session has expired") == true)
            #expect(server.seen.map(\.path) == ["/role", list("nightly/"), "/role", list("nightly/")])
            #expect(server.seen.first?.headers["authorization"] == "hush")
            #expect(server.seen.last?.headers["x-amz-security-token"] == "lent")
        }
    }

    @Test("what an instance lends is asked for with its token, and again before it ends")
    func instance() async throws {
        let clock = HandTurnedClock(date: start)
        let environment = ["AWS_EC2_METADATA_SERVICE_ENDPOINT": "SERVER"]
        try await with(environment: environment, time: clock.time) { server, source, _ in
            let roles = "/latest/meta-data/iam/security-credentials/"
            let end = start.addingTimeInterval(3600).formatted(.iso8601)
            server.put("/latest/api/token", .init(content: Data("t".utf8)))
            server.put(roles, .init(content: Data("reader".utf8)))
            server.put(
                roles + "reader",
                .init(
                    content: Data(
                        #"{"Code":"Success","AccessKeyId":"A","SecretAccessKey":"b","Token":"c","Expiration":"\#(end)"}"#
                            .utf8)))
            server.put(list("nightly/"), page(["nightly/a.csv"]))
            for _ in 0..<2 { #expect(await names(source) == .success(["a.csv"])) }
            #expect(
                server.seen.map(\.path) == [
                    "/latest/api/token", roles, roles + "reader", list("nightly/"), list("nightly/"),
                ])
            #expect(server.seen[2].headers["x-aws-ec2-metadata-token"] == "t")
            clock.advance(.seconds(3400))
            #expect(await names(source) == .success(["a.csv"]))
            #expect(server.seen.count == 9)
        }
    }

    private func lent(by action: String, _ key: String, end: Date? = nil) -> ExportServer.File {
        let expires = end.map { "<Expiration>\($0.formatted(.iso8601))</Expiration>" } ?? ""
        return .init(
            content: Data(
                ("<\(action)Response><\(action)Result><Credentials><AccessKeyId>\(key)</AccessKeyId>"
                    + "<SecretAccessKey>s</SecretAccessKey><SessionToken>lent</SessionToken>\(expires)</Credentials>"
                    + "</\(action)Result></\(action)Response>").utf8))
    }

    @Test("the token of a cluster is exchanged for a role's credentials, and read anew when those end")
    func webIdentity() async throws {
        let clock = HandTurnedClock(date: start)
        let file = try folder.write("first\n", to: "token")
        let environment = [
            "AWS_WEB_IDENTITY_TOKEN_FILE": file, "AWS_ROLE_ARN": "arn:aws:iam::1:role/reader",
            "AWS_ENDPOINT_URL_STS": "SERVER",
        ]
        try await with(environment: environment, time: clock.time) { server, source, url in
            server.put("/", lent(by: "AssumeRoleWithWebIdentity", "A", end: start.addingTimeInterval(3600)))
            server.put(list("nightly/"), page(["nightly/a.csv"]))
            for _ in 0..<2 { #expect(await names(source) == .success(["a.csv"])) }
            #expect(server.seen.map(\.path) == ["/", list("nightly/"), list("nightly/")])
            #expect(
                server.seen[0].body == "Action=AssumeRoleWithWebIdentity&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Freader"
                    + "&RoleSessionName=cartsync&Version=2011-06-15&WebIdentityToken=first")
            #expect(server.seen[0].headers["authorization"] == nil)
            #expect(server.seen[1].headers["x-amz-security-token"] == "lent")
            #expect(server.seen[1].headers["authorization"]?.contains("Credential=A/") == true)
            _ = try? folder.write("second", to: "token")
            clock.advance(.seconds(3400))
            server.put(
                "/",
                .init(
                    content: Data("<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>".utf8),
                    status: 403))
            #expect(
                await problem(source) == "\(url)/ answered 403 (AccessDenied) in place of the credentials of "
                    + "arn:aws:iam::1:role/reader; check the role, and whom it trusts")
            #expect(server.seen.last?.body.hasSuffix("WebIdentityToken=second") == true)
        }
    }

    @Test("a token is shown to no address without TLS, and one that cannot be read is named")
    func webIdentityFaults() async throws {
        var environment = [
            "AWS_WEB_IDENTITY_TOKEN_FILE": folder.path("token"), "AWS_ROLE_ARN": "arn",
            "AWS_ENDPOINT_URL_STS": "SERVER",
        ]
        try await with(environment: environment) { server, source, _ in
            #expect(await problem(source)?.contains("AWS_WEB_IDENTITY_TOKEN_FILE is ") == true)
            #expect(server.seen.isEmpty)
        }
        try folder.write("hush", to: "token")
        environment["AWS_ENDPOINT_URL_STS"] = "http://sts.example.com"
        try await with(environment: environment) { _, source, _ in
            let words = await problem(source)
            #expect(words?.contains("AWS_ENDPOINT_URL_STS is no address with https") == true)
            #expect(words?.contains("hush") == false)
        }
    }

    @Test("a profile with a role is followed to the keys of another, with its region and external id")
    func role() async throws {
        let config = try folder.write(
            """
            [profile night]
            role_arn = arn:aws:iam::1:role/reader
            source_profile = base
            external_id = x1
            region = eu-west-1
            [profile base]
            aws_access_key_id = BASE
            aws_secret_access_key = b
            [profile loop]
            role_arn = r
            source_profile = loop2
            [profile loop2]
            role_arn = r
            source_profile = loop
            [profile sso]
            sso_session = s
            [profile alone]
            role_arn = r
            """, to: "config")
        func environment(_ profile: String) -> [String: String] {
            [
                "AWS_CONFIG_FILE": config, "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent", "AWS_PROFILE": profile,
                "AWS_ENDPOINT_URL_STS": "SERVER", "AWS_EC2_METADATA_DISABLED": "true",
            ]
        }
        try await with(environment: environment("night")) { server, source, _ in
            server.put("/", lent(by: "AssumeRole", "ROLE"))
            server.put(list("nightly/"), page(["nightly/a.csv"]))
            #expect(await names(source) == .success(["a.csv"]))
            #expect(server.seen[0].body.contains("Action=AssumeRole&ExternalId=x1&RoleArn="))
            let signature = server.seen[0].headers["authorization"] ?? ""
            #expect(signature.contains("Credential=BASE/") && signature.contains("/eu-west-1/sts/aws4_request"))
            #expect(server.seen[1].headers["authorization"]?.contains("Credential=ROLE/") == true)
        }
        for (profile, words) in [
            ("sso", "the profile sso has sso_session, which only the tools of AWS can use"),
            ("alone", "the profile alone has role_arn and nobody who may take it"),
            ("loop", "the profile loop2 has role_arn and nobody who may take it"),
        ] {
            try await with(environment: environment(profile)) { server, source, _ in
                #expect(await problem(source)?.hasPrefix(words) == true, "\(profile)")
                #expect(server.seen.isEmpty)
            }
        }
    }

    @Test(
        "a profile with a role and a credential_source takes the role with the credentials from there",
        arguments: [("EcsContainer", "CONTAINER"), ("Ec2InstanceMetadata", "INSTANCE")])
    func credentialSource(place: String, key: String) async throws {
        let config = try folder.write(
            """
            [profile night]
            role_arn = arn:aws:iam::1:role/reader
            credential_source = \(place)
            region = eu-west-1
            """, to: "config")
        var environment = [
            "AWS_CONFIG_FILE": config, "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent", "AWS_PROFILE": "night",
            "AWS_ENDPOINT_URL_STS": "SERVER", "AWS_CONTAINER_CREDENTIALS_FULL_URI": "SERVER/keys",
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": "SERVER",
        ]
        func keys(_ name: String) -> ExportServer.File {
            .init(
                content: Data(
                    #"{"AccessKeyId":"\#(name)","SecretAccessKey":"s","Token":"t","Expiration":"2099-01-01T00:00:00Z"}"#
                        .utf8))
        }
        try await with(environment: environment) { server, source, _ in
            server.put("/keys", keys("CONTAINER"))
            server.put("/latest/api/token", .init(content: Data("instance-token".utf8)))
            server.put("/latest/meta-data/iam/security-credentials/", .init(content: Data("of-instance".utf8)))
            server.put("/latest/meta-data/iam/security-credentials/of-instance", keys("INSTANCE"))
            server.put("/", lent(by: "AssumeRole", "ROLE"))
            server.put(list("nightly/"), page(["nightly/a.csv"]))
            #expect(await names(source) == .success(["a.csv"]))
            let assumed = server.seen.first { $0.body.hasPrefix("Action=AssumeRole&") }
            #expect(assumed?.headers["authorization"]?.contains("Credential=\(key)/") == true)
            #expect(server.seen.last?.headers["authorization"]?.contains("Credential=ROLE/") == true)
        }
        // As with the tools of AWS, keys in the environment come before any profile.
        environment["AWS_ACCESS_KEY_ID"] = "OWN"
        environment["AWS_SECRET_ACCESS_KEY"] = "s"
        try await with(environment: environment) { server, source, _ in
            server.put(list("nightly/"), page(["nightly/a.csv"]))
            #expect(await names(source) == .success(["a.csv"]))
            #expect(server.seen.map(\.path) == [list("nightly/")])
            #expect(server.seen.last?.headers["authorization"]?.contains("Credential=OWN/") == true)
        }
    }

    @Test("a part that is there is gone on with, and what is there to its last byte is fetched anew", arguments: 1...3)
    func wholeAlready(bytes: Int) async throws {
        try await with { server, source, _ in
            server.put(list("nightly/"), page(["nightly/a.csv"]))
            server.put("/exports/nightly/a.csv", .init(content: Data("new".utf8), etag: #""e""#))
            let file = PartialFile(folder: folder.path, name: "a.csv", limit: 1000)
            do {
                try file.begin(ExportVersion(etag: #""e""#, size: 3), keeping: false)
                try file.append(Array("old".utf8.prefix(bytes)))
                let export = try #require(try await source.list().first)
                _ = try await source.download(export, known: nil, to: file)
            } catch {
                Issue.record("\(error)")
            }
            let fetched = FileManager.default.contents(atPath: file.path).map { String(decoding: $0, as: UTF8.self) }
            #expect(fetched == ["oew", "olw", "new"][bytes - 1])
            #expect(server.statuses == [200, bytes < 3 ? 206 : 200])
        }
    }

    @Test("pages that repeat, and a bucket without end, are errors and not a shorter listing")
    func endless() async throws {
        try await with { server, source, _ in
            server.put(list("nightly/"), page(["nightly/a.csv"], token: "x"))
            server.put(list("nightly/", token: "x"), page(["nightly/b.csv"], token: "y"))
            server.put(list("nightly/", token: "y"), page([], token: "x"))
            #expect(await problem(source)?.contains("does not go on") == true)
            server.put(list("nightly/", token: "y"), page(folders: (0..<100_000).map { "nightly/\($0)/" }))
            #expect(await problem(source)?.contains("more than 100000 objects") == true)
            server.put(list("nightly/", token: "y"), page(["nightly/c.csv"]))
            #expect(await names(source) == .success(["a.csv", "b.csv", "c.csv"]))
        }
    }

    @Test(
        "an object that cannot be had is a matter of that object alone",
        arguments: [
            (404, "NoSuchKey", "is listed and not there"), (412, "PreconditionFailed", "was changed"),
            (403, "InvalidObjectState", "in an archive"), (403, "AccessDenied", "s3:GetObject"),
        ])
    func objects(status: Int, code: String, words: String) async throws {
        try await with { server, source, _ in
            server.put("/exports/nightly/a.csv", refusal(status, code))
            var export = RemoteExport(name: "a.csv", version: ExportVersion(etag: #""e""#))
            export.bytes = Array("nightly/a.csv".utf8)
            let file = PartialFile(folder: folder.path, name: "x", limit: 100)
            do throws(SourceError) {
                _ = try await source.download(export, known: nil, to: file)
                Issue.record("it was fetched")
            } catch {
                #expect(error.description.contains(words), "\(error)")
                #expect(error.isOfOneExport)
            }
            #expect(server.seen.last?.headers["if-match"] == #""e""#)
        }
    }

    @Test("a container of Azure is listed and read with its signature, which no word shows")
    func azure() async throws {
        try await ExportServer.with { server, url in
            let source = BucketSource(
                try ContainerAddress("\(url)/account/exports/nightly?sv=1&sig=hush"), time: .system)
            func page(_ contents: String, marker: String = "") -> ExportServer.File {
                .init(
                    content: Data(
                        ("<EnumerationResults><Blobs>\(contents)</Blobs><NextMarker>\(marker)</NextMarker>"
                            + "</EnumerationResults>").utf8))
            }
            func blob(_ name: String) -> String {
                "<Blob><Name>\(name)</Name><Properties><Last-Modified>Fri, 24 May 2013 00:00:00 GMT</Last-Modified>"
                    + "<Etag>0x1</Etag><Content-Length>3</Content-Length></Properties></Blob>"
            }
            let base = "/account/exports?comp=list&delimiter=%2F&"
            let end = "&restype=container&sv=1&sig=hush"
            server.put(
                base + "maxresults=1000&prefix=nightly" + end, page("<BlobPrefix><Name>nightly/</Name></BlobPrefix>"))
            server.put(
                base + "maxresults=1000&prefix=nightly%2F" + end, page(blob("nightly/a b.csv"), marker: "m"))
            server.put(
                base + "marker=m&maxresults=1000&prefix=nightly%2F" + end, page(blob("nightly/c.csv")))
            server.put(
                "/account/exports/nightly/a%20b.csv?sv=1&sig=hush", .init(content: Data("abc".utf8), etag: #""0x1""#))
            let listed = try await source.list()
            #expect(listed.map(\.name) == ["a b.csv", "c.csv"])
            let export = try #require(listed.first)
            let file = PartialFile(folder: folder.path, name: "x", limit: 100)
            _ = try await source.download(export, known: nil, to: file)
            #expect(FileManager.default.contents(atPath: file.path) == Data("abc".utf8))
            #expect(server.seen.last?.headers["x-ms-version"] != nil)
            server.put(base + "maxresults=1000&prefix=nightly" + end, refusal(403, "AuthenticationFailed"))
            let problem = await problem(source)
            #expect(problem?.contains("the signature in source.azure") == true, "\(problem ?? "")")
            #expect(problem?.contains("hush") == false)
            await source.shutdown()
        }
    }
}
