import Foundation
import Logging
import TestSupport
import Testing

@testable import CommerceSandbox

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// A plain HTTP client of one sandbox.
struct SandboxClient: Sendable {
    struct Reply: Sendable {
        let status: Int
        let body: String
        let headers: [String: String]

        var json: [String: Any] {
            get throws {
                try #require(try JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any], "\(body)")
            }
        }
    }

    let base: String
    let session: URLSession
    var token: String?

    init(port: Int) {
        base = "http://127.0.0.1:\(port)"
        let configuration = URLSessionConfiguration.ephemeral
        configuration.timeoutIntervalForRequest = 60
        session = URLSession(configuration: configuration)
    }

    /// Ends its connections.
    func close() {
        session.invalidateAndCancel()
    }

    func call(
        _ method: String, _ path: String, _ body: String? = nil, headers: [String: String] = [:]
    ) async throws -> Reply {
        let address = base + path
        var request = URLRequest(url: try #require(URL(string: address), "\(address)"))
        request.httpMethod = method
        if let body {
            request.httpBody = Data(body.utf8)
            request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        }
        if let token { request.setValue("Bearer \(token)", forHTTPHeaderField: "Authorization") }
        for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
        let (data, response) = try await session.data(for: request)
        let http = try #require(response as? HTTPURLResponse)
        var fields: [String: String] = [:]
        for (name, value) in http.allHeaderFields { fields["\(name)".lowercased()] = "\(value)" }
        return Reply(status: http.statusCode, body: String(decoding: data, as: UTF8.self), headers: fields)
    }

    /// A request as it goes over a bare socket.
    func text(_ method: String, _ path: String, _ body: String) throws -> String {
        """
        \(method) \(path) HTTP/1.1\r
        Host: localhost\r
        Authorization: Bearer \(try #require(token))\r
        Content-Length: \(body.utf8.count)\r
        \r
        \(body)
        """
    }

    func requestToken(_ form: String) async throws -> Reply {
        try await call(
            "POST", "/oauth/access_token", form, headers: ["Content-Type": "application/x-www-form-urlencoded"])
    }

    /// The same client with a token of its own.
    func signedIn(_ grant: String = "client_credentials") async throws -> SandboxClient {
        let reply = try await requestToken(
            "grant_type=\(grant)&client_id=sandbox-id&client_secret=sandbox-secret")
        var client = self
        client.token = try #require(try reply.json["access_token"] as? String)
        return client
    }

    func associate(_ kind: SandboxOwnerKind, _ owner: String, _ cart: String) async throws -> Reply {
        try await call("POST", "/v2/carts/\(cart)/relationships/\(kind.plural)", element(kind, owner))
    }

    func dissociate(_ kind: SandboxOwnerKind, _ owner: String, _ cart: String) async throws -> Reply {
        try await call("DELETE", "/v2/carts/\(cart)/relationships/\(kind.plural)", element(kind, owner))
    }

    /// The carts of one page, and the total.
    func list(_ query: String = "") async throws -> (carts: [[String: Any]], total: Int) {
        let reply = try await call("GET", "/v2/carts?\(query)")
        #expect(reply.status == 200, "\(reply.body)")
        let json = try reply.json
        let results = try #require((json["meta"] as? [String: Any])?["results"] as? [String: Any])
        return (try #require(json["data"] as? [[String: Any]]), try #require(results["total"] as? Int))
    }

    /// The ids of one page.
    func ids(_ query: String = "") async throws -> [String] {
        try await list(query).carts.compactMap { $0["id"] as? String }
    }
}

/// A body with one element.
func element(_ kind: SandboxOwnerKind, _ owner: String) -> String {
    #"{"data":[{"type":"\#(kind.rawValue)","id":"\#(owner)"}]}"#
}

/// 2026-02-21T15:07:25Z, the vendor's example of a date.
let epoch = 1_771_686_445

/// Runs a sandbox with an administrator's client.
func withSandbox(
    _ options: SandboxOptions = SandboxOptions(), clock: HandTurnedClock? = nil,
    _ body: (Sandbox, SandboxClient) async throws -> Void
) async throws {
    var logger = Logger(label: "sandbox")
    logger.logLevel = .critical
    let start = ContinuousClock.now
    let sandbox = Sandbox(options: options, logger: logger, epoch: epoch) {
        clock?.now ?? (ContinuousClock.now - start)
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await sandbox.run() }
        let client = SandboxClient(port: try await sandbox.port())
        defer { client.close() }
        try await body(sandbox, try await client.signedIn())
        group.cancelAll()
    }
}
