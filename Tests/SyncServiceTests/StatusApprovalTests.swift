import Foundation
import NIOHTTP1
import Testing

@testable import SyncService

@Suite("Approving over HTTP")
struct StatusApprovalTests {
    private static let token = "0123456789abcdef0123"
    private let approve = "/api/runs/\(knownRun)/approve"
    private let decline = "/api/runs/\(knownRun)/decline"
    private let stop = "/api/runs/\(knownRun)/stop"

    private func withToken(
        _ asked: Recorder<String> = Recorder(), _ body: (ServedStatus) async throws -> Void
    ) async throws {
        try await serving(
            KnownStatus(asked: { asked.add($0) }), options: .init(port: 0, token: ApprovalToken(Self.token)), body)
    }

    @Test("the token approves and stops, and a number of deletes is passed on")
    func approved() async throws {
        let asked = Recorder<String>()
        try await withToken(asked) { (server) async throws in
            let plain = try await server.post(approve, token: Self.token)
            #expect(plain.status == 202)
            #expect(plain.body == #"{"message":"run \#(knownRun) is approved"}"#)
            #expect(try await server.post(approve, token: Self.token, body: #"{"maxDeletes":450}"#).status == 202)
            #expect(try await server.post(stop, token: Self.token).status == 202)
            #expect(try await server.post(decline, token: Self.token).status == 202)
        }
        #expect(asked.values == ["approve the plan's", "approve 450", "stop", "decline"])
    }

    @Test(
        "every other token is refused",
        arguments: [
            nil, "", "0123456789abcdef012", "0123456789abcdef01234", "0123456789abcdef0124", "0123456789ABCDEF0123",
            "0123456789abcdef01230123456789abcdef0123",
        ] as [String?])
    func wrongToken(token: String?) async throws {
        let asked = Recorder<String>()
        try await withToken(asked) { (server) async throws in
            for path in [approve, stop, decline] {
                let reply = try await server.post(path, token: token)
                #expect(reply.status == 401)
                #expect(reply.headers["www-authenticate"] == "Bearer")
                #expect(reply.body.contains(#""error":"that is not the token of http.approval-token""#))
            }
        }
        #expect(asked.values.isEmpty)
    }

    @Test("without a token nobody approves, and the command is named")
    func noToken() async throws {
        try await serving { (server) async throws in
            let reply = try await server.post(approve, token: "")
            #expect(reply.status == 403)
            #expect(reply.body.contains("cartsync runs approve RUN"))
        }
    }

    @Test(
        "only our own page may ask, whatever token it has",
        arguments: [
            (["Origin": "http://127.0.0.1:PORT", "Sec-Fetch-Site": "same-origin"], 202),
            (["Origin": "http://127.0.0.1:PORT"], 202), (["Sec-Fetch-Site": "none"], 202),
            (["Origin": "http://evil.example"], 403), (["Origin": "null"], 403),
            (["Origin": "http://127.0.0.1:1"], 403), (["Sec-Fetch-Site": "cross-site"], 403),
            (["Sec-Fetch-Site": "same-site"], 403), (["Origin": "ftp://127.0.0.1:PORT"], 403),
            (["Origin": "http://127.0.0.1:PORT", "Sec-Fetch-Site": "cross-site"], 403),
        ])
    func origins(headers: [String: String], status: Int) async throws {
        try await withToken { (server) async throws in
            let headers = headers.mapValues { $0.replacing("PORT", with: "\(server.port)") }
            #expect(try await server.post(approve, token: Self.token, headers: headers).status == status)
        }
    }

    @Test(
        "a body that is no order is refused",
        arguments: [
            ("{", nil, 400), (#"{"maxDeletes":"all"}"#, nil, 400), (#"{"maxDeletes":-1}"#, nil, 400),
            (#"{"maxDeletes":1.5}"#, nil, 400), (#"{"maxDeletes":3}"#, nil, 409), ("{}", nil, 202),
            (String(repeating: " ", count: 2000), nil, 413),
            ("maxDeletes=500", "application/x-www-form-urlencoded", 415),
        ] as [(String, String?, Int)])
    func bodies(body: String, type: String?, status: Int) async throws {
        try await withToken { (server) async throws in
            let headers = type.map { ["Content-Type": $0] } ?? [:]
            #expect(try await server.post(approve, token: Self.token, headers: headers, body: body).status == status)
        }
    }

    @Test("a run that does not wait, or is none, is unknown")
    func unknown() async throws {
        try await withToken { (server) async throws in
            #expect(try await server.post("/api/runs/20000101-000000-aaaa/approve", token: Self.token).status == 404)
            #expect(try await server.post("/api/runs/20000101-000000-aaaa/stop", token: Self.token).status == 409)
            #expect(try await server.post("/api/runs/..%2f..%2fx/approve", token: Self.token).status == 404)
        }
    }

    @Test("approving is a POST and nothing else")
    func methods() async throws {
        try await withToken { (server) async throws in
            for method in [HTTPMethod.GET, .HEAD, .PUT, .DELETE, .OPTIONS] {
                let reply = try await server.ask(
                    method, approve, headers: ["Authorization": "Bearer \(Self.token)"])
                #expect(reply.status == 405)
                #expect(reply.headers["allow"] == "POST")
                #expect(reply.headers["access-control-allow-origin"] == nil)
            }
        }
    }

    @Test("a token is compared as a whole", arguments: ["", "0", "0123456789abcdef"])
    func comparison(text: String) {
        let token = ApprovalToken("0123456789abcdef")
        #expect(token.isIn("Bearer \(text)") == (text == "0123456789abcdef"))
        #expect(token.isIn("bearer \(text)") == (text == "0123456789abcdef"))
        #expect(!token.isIn("Basic \(text)"))
        #expect(!ApprovalToken("").isIn("Bearer \(text)"))
    }
}
