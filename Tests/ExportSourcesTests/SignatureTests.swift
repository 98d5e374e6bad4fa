import Foundation
import Testing

@testable import ExportSources

/// The examples of "Authenticating Requests: Using the Authorization Header" in Amazon's description of Signature
/// Version 4: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
@Suite("Signatures of requests")
struct SignatureTests {
    private let signature = RequestSignature(
        credentials: AWSCredentials(
            accessKey: "AKIAIOSFODNN7EXAMPLE", secretKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        region: "us-east-1")
    private let host = "examplebucket.s3.amazonaws.com"
    private let time = Date(timeIntervalSince1970: 1_369_353_600)

    private func authorization(_ headers: [(name: String, value: String)]) -> String {
        headers.first { $0.name == "Authorization" }?.value ?? ""
    }

    @Test("a GET with a range is signed as in the vendor's example")
    func get() {
        let headers = signature.headers(
            host: host, path: "/test.txt", headers: [("Range", "bytes=0-9")], at: time)
        #expect(
            authorization(headers)
                == "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
                + "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
                + "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")
    }

    @Test("a PUT with a body is signed as in the vendor's example")
    func put() {
        let headers = signature.headers(
            method: "PUT", host: host, path: "/" + RequestSignature.encoded("test$file.text"),
            headers: [("Date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")],
            digest: "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072", at: time)
        #expect(authorization(headers).hasSuffix("=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"))
    }

    @Test("a query without a value is signed as in the vendor's example")
    func lifecycle() {
        let headers = signature.headers(host: host, path: "/", query: [("lifecycle", "")], at: time)
        #expect(authorization(headers).hasSuffix("=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"))
    }

    @Test("a listing is signed as in the vendor's example")
    func listing() {
        let headers = signature.headers(
            host: host, path: "/", query: [("prefix", "J"), ("max-keys", "2")], at: time)
        #expect(authorization(headers).hasSuffix("=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"))
    }

    @Test(
        "names are encoded byte by byte, slashes only where they are no folder",
        arguments: [("a b/ä+~", "a%20b%2F%C3%A4%2B~"), ("-._~09AZaz", "-._~09AZaz")])
    func encoding(text: String, expected: String) {
        #expect(RequestSignature.encoded(text) == expected)
        #expect(RequestSignature.encoded("a/b c", keeping: "/") == "a/b%20c")
    }
}
