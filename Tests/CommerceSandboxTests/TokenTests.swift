import TestSupport
import Testing

@testable import CommerceSandbox

@Suite("Access tokens")
struct TokenTests {
    @Test("client credentials get a token that is not wrapped in data")
    func clientCredentials() async throws {
        try await withSandbox(clock: HandTurnedClock()) { (_, client) async throws in
            let reply = try await client.requestToken(
                "grant_type=client_credentials&client_id=sandbox-id&client_secret=sandbox-secret")
            #expect(reply.status == 200)
            let json = try reply.json
            #expect((json["access_token"] as? String)?.count == 40)
            #expect(json["token_type"] as? String == "Bearer")
            #expect(json["expires_in"] as? Int == 3600)
            #expect(json["expires"] as? Int == epoch + 3600)
            #expect(json["identifier"] as? String == "client_credentials")
        }
    }

    @Test("an implicit token needs no secret")
    func implicit() async throws {
        try await withSandbox { (_, client) async throws in
            let reply = try await client.requestToken("grant_type=implicit&client_id=sandbox-id")
            #expect(reply.status == 200)
            #expect(try reply.json["identifier"] as? String == "implicit")
        }
    }

    @Test(
        "wrong credentials are refused with 401",
        arguments: [
            "grant_type=client_credentials&client_id=sandbox-id&client_secret=wrong",
            "grant_type=client_credentials&client_id=wrong&client_secret=sandbox-secret",
            "grant_type=implicit&client_id=wrong",
        ])
    func wrongCredentials(form: String) async throws {
        try await withSandbox { (_, client) async throws in
            let reply = try await client.requestToken(form)
            #expect(reply.status == 401)
            #expect(
                reply.body == #"{"errors":[{"status":"401","title":"Unauthorized","detail":"Unauthorized"}]}"#)
        }
    }

    @Test(
        "a malformed request for a token is refused with 400 and a status that is a string",
        arguments: [
            ("", "The field 'grant_type' is required"),
            ("grant_type=client_credentials", "The field 'client_id' is required"),
            ("grant_type=client_credentials&client_id=sandbox-id", "The field 'client_secret' is required"),
            ("grant_type=password&client_id=x", "The field 'grant_type' must be client_credentials or implicit"),
        ])
    func malformed(form: String, detail: String) async throws {
        try await withSandbox { (sandbox, client) async throws in
            let reply = try await client.requestToken(form)
            #expect(reply.status == 400)
            #expect(reply.body == #"{"errors":[{"status":"400","title":"Bad Request","detail":"\#(detail)"}]}"#)
            #expect(sandbox.statistics().malformed == 1)
        }
    }

    @Test("a form in JSON is refused")
    func jsonForm() async throws {
        try await withSandbox { (_, client) async throws in
            let reply = try await client.call("POST", "/oauth/access_token", #"{"grant_type":"implicit"}"#)
            #expect(reply.status == 400)
        }
    }

    @Test("a token ends after its lifetime, and a call with it gets 401")
    func expiry() async throws {
        let clock = HandTurnedClock()
        try await withSandbox(SandboxOptions(tokenLifetime: .seconds(60)), clock: clock) { (_, client) async throws in
            clock.advance(.milliseconds(59_999))
            #expect(try await client.call("GET", "/v2/carts").status == 200)
            clock.advance(.milliseconds(1))
            let reply = try await client.call("GET", "/v2/carts")
            #expect(reply.status == 401)
            #expect(reply.body == #"{"errors":[{"status":401,"title":"Unable to validate access token"}]}"#)
        }
    }

    @Test("every endpoint refuses a call without a token", arguments: Self.endpoints)
    func noToken(method: String, path: String) async throws {
        try await withSandbox { (sandbox, client) async throws in
            var stranger = client
            stranger.token = nil
            let body = method == "GET" ? nil : element(.customer, "c-1")
            #expect(try await stranger.call(method, path, body).status == 401)
            stranger.token = "unknown"
            #expect(try await stranger.call(method, path, body).status == 401)
            #expect(sandbox.statistics().effects == 0)
        }
    }

    private static let endpoints = [
        ("GET", "/v2/carts"), ("POST", "/v2/carts"), ("GET", "/v2/carts/a"), ("PUT", "/v2/carts/a"),
        ("DELETE", "/v2/carts/a"), ("POST", "/v2/carts/a/relationships/customers"),
        ("DELETE", "/v2/carts/a/relationships/accounts"), ("GET", "/v2/settings/cart"), ("PUT", "/v2/settings/cart"),
    ]
}
