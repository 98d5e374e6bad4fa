import Foundation
import Testing

@testable import ExportSources

@Suite("Listings of sources")
struct ListingTests {
    /// 2026-11-21T17:00:00Z
    private let now = Date(timeIntervalSince1970: 1_795_280_400)

    @Test("regular files are read from what sftp writes, whatever else is there")
    func sftp() {
        let text = """
            -rw-r--r--    ? 1000     1000         1234 Nov 21 16:17 customers.csv
            drwxr-xr-x    ? 1000     1000         4096 Nov 21 16:17 folder
            lrwxrwxrwx    ? 1000     1000           11 Nov 21 16:17 link.csv
            -rw-r-----    1 0        0              20 Dec  3 08:05 two words  and more.csv
            -rw-r--r--    ? 1000     1000            5 Feb 29  2024 leap.csv
            -rw-r--r--    ? 1000     1000            5 Nov 21 16:17 star*.csv
            -rw-r--r--    ? 1000     1000            5 Nov 21 16:17 quo"te.csv
            -rw-r--r--    ? 1000     1000            5 Nov 21 16:17 bell\\007.csv
            -rw-r--r--    ? 1000     1000            5 Nov 21 16:17 .hidden.csv
            -rw-r--r--    ? 1000     1000            5 Nov 21 16:17 line
            end.csv
            -rw-r--r--    ? 1000     1000            5 Nov 21 16:18 last.csv

            """
        let exports = SFTPListing.exports(text, now: now)
        #expect(exports.map(\.name) == ["customers.csv", "two words  and more.csv", "leap.csv", "last.csv"])
        #expect(exports.map(\.size) == [1234, 20, 5, 5])
        // December is not yet this year; a line with a year has no time.
        let times = [1_795_277_820, 1_764_749_100, 1_709_164_800, 1_795_277_880].map { Duration.seconds($0) }
        #expect(exports.map(\.modified) == times)
        #expect(exports.first?.version == ExportVersion(modified: "Nov 21 16:17", size: 1234))
    }

    @Test(
        "an address of a folder is strict, since it becomes a command line",
        arguments: [
            "sftp://host/path", "sftp://-oProxyCommand=x@host/", "sftp://user@-host/", "sftp://user@host", "host:/path",
            "sftp://user:word@host/path", "sftp://user@host:0/path", "sftp://user@host:65536/path",
            "sftp://user@host/a\"b", "sftp://user@host/a\nb", "sftp://user@host/*",
        ])
    func badAddress(text: String) {
        #expect(throws: InvalidAddress.self) { try SFTPAddress(text) }
    }

    @Test("an address of a folder has user, host, port and path")
    func address() throws {
        let plain = try SFTPAddress("sftp://cartsync@files.example/exports of tonight/")
        #expect((plain.user, plain.host, plain.port) == ("cartsync", "files.example", 22))
        #expect(plain.path == "/exports of tonight/")
        let six = try SFTPAddress("sftp://c@[::1]:2222/")
        #expect((six.host, six.port) == ("::1", 2222))
    }

    private func page(_ contents: String, _ rest: String) -> BucketListing? {
        let text =
            #"<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">"#
            + contents + rest + "</ListBucketResult>"
        return BucketListing(Array(text.utf8))
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
        #expect(BucketListing(Array(text.utf8)) == nil)
    }

    @Test(
        "an address of a bucket has its name and a prefix",
        arguments: [("s3://exports", ""), ("s3://exports/a/b", "a/b")])
    func bucketAddress(text: String, prefix: String) throws {
        let address = try BucketAddress(text)
        #expect((address.bucket, address.prefix) == ("exports", prefix))
    }
}
