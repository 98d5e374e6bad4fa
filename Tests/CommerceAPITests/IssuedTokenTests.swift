import Foundation
import Testing

@testable import CommerceAPI

@Suite("an issued token")
struct IssuedTokenTests {
    private let now = Date(timeIntervalSince1970: 1_524_482_408)

    @Test(
        "its life is what expires_in says, then expires, then an hour",
        arguments: [
            (#"{"access_token":"t","expires_in":1800,"expires":1524486008}"#, Duration.seconds(1800)),
            (#"{"access_token":"t","expires_in":"1800"}"#, .seconds(1800)),
            (#"{"access_token":"t","expires":1524486008}"#, .seconds(3600)),
            (#"{"access_token":"t","expires":1}"#, .seconds(1)),
            (#"{"access_token":"t"}"#, .seconds(3600)),
            (#"{"data":{"access_token":"t","expires_in":60}}"#, .seconds(60)),
        ])
    func life(body: String, life: Duration) throws {
        let token = try #require(IssuedToken(Array(body.utf8)))
        #expect(token.text == "t")
        #expect(token.life(now: now) == life)
    }

    @Test(
        "a body without a usable token is none",
        arguments: ["", "{}", "null", "<html>", #"{"access_token":""}"#, #"{"access_token":"a\r\nb"}"#])
    func none(body: String) {
        #expect(IssuedToken(Array(body.utf8)) == nil)
    }

    @Test("form values are encoded")
    func form() {
        #expect(formEncoded("aZ09-._~") == "aZ09-._~")
        #expect(formEncoded("a b&c=d+é") == "a%20b%26c%3Dd%2B%C3%A9")
    }
}
