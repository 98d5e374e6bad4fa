import Testing

@testable import ExportSources

@Suite("Listings of sources")
struct ListingTests {
    @Test(
        "an address of a folder is strict, since it becomes a command line",
        arguments: [
            "sftp://-oProxyCommand=x@host/", "sftp://user@-host/", "sftp://user@host", "host:/path",
            "sftp://user:word@host/path", "sftp://user@host:0/path", "sftp://user@host:65536/path",
            "sftp://user@host/a\nb", "sftp://-host/path", "sftp://user@host:/path", "sftp:///path",
        ])
    func badAddress(text: String) {
        #expect(throws: InvalidAddress.self) { try SFTPAddress(text) }
    }

    @Test("an address of a folder has user, host, port and path")
    func address() throws {
        let plain = try SFTPAddress("sftp://cartsync@files.example/exports of tonight/")
        #expect((plain.user, plain.host, plain.port) == ("cartsync", "files.example", nil))
        #expect(plain.path == "/exports of tonight/")
        let six = try SFTPAddress("sftp://c@[::1]:2222/")
        #expect((six.host, six.port) == ("::1", 2222))
        #expect(six.words == "sftp://c@[::1]:2222/")
        // The rest is for ssh's configuration to say.
        let bare = try SFTPAddress("sftp://partner_1/what?/[x]*")
        #expect((bare.user, bare.host, bare.port, bare.path) == (nil, "partner_1", nil, "/what?/[x]*"))
        #expect(bare.words == "sftp://partner_1/what?/[x]*")
    }

    private func page(_ contents: String, _ rest: String) -> BucketListing? {
        let text =
            #"<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">"#
            + contents + rest + "</ListBucketResult>"
        return BucketListing(s3: Array(text.utf8))
    }

    @Test("a page of a bucket has its objects, and what asks for the next one")
    func bucket() throws {
        let object = """
            <Contents><Key>exports/a &amp; b.csv</Key><LastModified>2013-05-24T00:00:00.000Z</LastModified>\
            <ETag>&quot;abc&quot;</ETag><Size>12</Size><StorageClass>STANDARD</StorageClass></Contents>
            """
        let first = try #require(
            page(object, "<IsTruncated>true</IsTruncated><NextContinuationToken>t/1=</NextContinuationToken>"))
        #expect(
            first.objects == [
                .init(key: "exports/a & b.csv", size: 12, etag: #""abc""#, modified: .seconds(1_369_353_600))
            ])
        #expect(first.token == "t/1=")
        let last = try #require(page("", "<IsTruncated>false</IsTruncated>"))
        #expect((last.objects, last.token) == ([], nil))
    }

    @Test(
        "what is no whole listing is none",
        arguments: [
            "", "<html/>", "<ListBucketResult/>",
            "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
            "<ListBucketResult><IsTruncated>false</IsTruncated>",
            "<!DOCTYPE x [<!ENTITY e 'x'>]><ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>",
        ])
    func noListing(text: String) {
        #expect(BucketListing(s3: Array(text.utf8)) == nil)
        #expect(BucketListing(azure: Array(text.utf8)) == nil)
    }

    @Test("keys that are encoded as URLs are read as they are, in whole folders, too")
    func encoded() throws {
        let found = try #require(
            page(
                """
                <EncodingType>url</EncodingType><Contents><Key>a+b%2Bc%01%C3%A4.csv</Key></Contents>\
                <CommonPrefixes><Prefix>x%20y/</Prefix></CommonPrefixes>
                """, "<IsTruncated>false</IsTruncated>"))
        #expect(found.objects.map(\.key) == ["a b+c\u{1}ä.csv"])
        #expect(found.folders == ["x y/"])
        #expect(
            page(
                "<EncodingType>url</EncodingType><Contents><Key>%FF</Key></Contents>",
                "<IsTruncated>false</IsTruncated>") == nil)
    }

    @Test("a page of a container of Azure has its blobs, with tags as conditions have them")
    func azure() throws {
        let text = """
            \u{FEFF}<?xml version="1.0" encoding="utf-8"?><EnumerationResults ContainerName="exports"><Prefix>n/</Prefix>\
            <Blobs><Blob><Name>n/a.csv</Name><Properties><Last-Modified>Fri, 24 May 2013 00:00:00 GMT</Last-Modified>\
            <Etag>0x8CBFF45D8A29A19</Etag><Content-Length>12</Content-Length></Properties></Blob>\
            <BlobPrefix><Name>n/old/</Name></BlobPrefix></Blobs><NextMarker>m/1=</NextMarker></EnumerationResults>
            """
        let found = try #require(BucketListing(azure: Array(text.utf8)))
        #expect(
            found.objects == [
                .init(key: "n/a.csv", size: 12, etag: #""0x8CBFF45D8A29A19""#, modified: .seconds(1_369_353_600))
            ])
        #expect(found.folders == ["n/old/"])
        #expect(found.token == "m/1=")
    }

    @Test(
        "an address of a bucket has its name and a prefix",
        arguments: [("s3://exports", ""), ("s3://exports/a/b", "a/b")])
    func bucketAddress(text: String, prefix: String) throws {
        let address = try BucketAddress(text)
        #expect((address.bucket, address.prefix) == ("exports", prefix))
    }
}
