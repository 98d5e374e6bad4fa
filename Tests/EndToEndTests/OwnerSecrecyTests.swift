import AsyncHTTPClient
import CommerceSandbox
import Foundation
import NIOCore
import NIOHTTP1
import TestSupport
import Testing

/// A service that meets everything that may name an owner: rejected records, refusals of the store that quote the id, deletes that
/// are withheld, a plan that a guard refuses, and a store that forbids every call.
@Suite("owners over HTTP")
struct OwnerSecrecyTests {
    private static let mark = "owner-whose-id-is-secret"
    private static let token = "0123456789abcdef0123"

    private func export(_ numbers: ClosedRange<Int>, more: String = "") -> String {
        "customer_id,cart_id\n" + numbers.map { "\(Self.mark)-\($0),cart-\($0)\n" }.joined() + more
    }

    private func body(_ url: String, token: String? = nil) async throws -> String {
        var request = HTTPClientRequest(url: url)
        if let token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
        let answer = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
        return String(buffer: try await answer.body.collect(upTo: 4 << 20))
    }

    /// Everything that a reader of the port can ask for.
    private func all(_ url: String, token: String? = nil) async throws -> [(path: String, body: String)] {
        struct Runs: Decodable {
            struct Run: Decodable { let run: String }
            let runs: [Run]
        }
        let runs = try JSONDecoder().decode(Runs.self, from: Data(try await body(url + "/api/runs?limit=100").utf8))
            .runs
        var answers: [(String, String)] = []
        for path in ["/", "/readyz", "/healthz", "/metrics", "/api/service", "/api/runs?limit=100"]
            + runs.flatMap({ ["/api/runs/\($0.run)", "/runs/\($0.run)/report.html"] })
        {
            answers.append((path, try await body(url + path, token: token)))
        }
        return answers
    }

    @Test("no answer without the token has an owner's id, whatever the runs met; with it they are there")
    func everything() async throws {
        try await withShop { shop in
            try shop.folder.createFolder("inbox")
            let echo = #"{"errors":[{"title":"Unprocessable","detail":"the customer {owner} is not known"}]}"#
            shop.sandbox.inject(SandboxFault(.answer(status: 422, body: echo), operation: .create, first: 3, count: 2))
            let program = try shop.start(
                [
                    "serve", "--inbox", "inbox", "--poll", "100ms", "--settle", "0s", "--http", "127.0.0.1:0", "--rate",
                    "500",
                ], environment: ["CARTSYNC_HTTP_APPROVAL_TOKEN": Self.token, "CARTSYNC_GUARD_MAX_REJECTED": "50%"])
            let url = try await program.pageURL()
            func put(_ name: String, _ text: String, ends place: String) async throws {
                try shop.folder.write(text, to: name)
                try FileManager.default.moveItem(
                    atPath: shop.folder.path(name), toPath: shop.folder.path("inbox/\(name)"))
                #expect(await eventually { shop.folder.names(in: "inbox/\(place)").contains(name) }, "\(name)")
            }
            let rejected = "\(Self.mark)-98,cart 98\n\(Self.mark) 97,cart-97\n\(Self.mark)-96,cart-96,\(Self.mark)\n"
            try await put("first.csv", export(1...60, more: rejected), ends: "done")
            // What stands in a record that is not understood is not deleted: withheld, with its owner.
            try await put("doubt.csv", export(1...58, more: "\(Self.mark)-59,cart 59\n"), ends: "done")
            try await put("broken.csv", "customer_id,cart_id\n\(Self.mark),\"cart", ends: "failed")
            try await put("fewer.csv", export(1...20), ends: "waiting")
            let quiet = try await all(url)
            #expect(quiet.count > 10)
            for (path, body) in quiet { #expect(!body.contains(Self.mark), "\(path): \(body)") }
            let named = try await all(url, token: Self.token).filter { $0.body.contains(Self.mark) }.map(\.path)
            #expect(named.contains("/api/service") && named.contains { $0.hasSuffix("report.html") })

            // A newer snapshot takes its place, and the store refuses everything, quoting.
            shop.sandbox.inject(
                SandboxFault(
                    .answer(status: 403, body: #"{"errors":[{"title":"Forbidden","detail":"{owner} may not"}]}"#),
                    operation: .create, count: nil))
            try shop.folder.write(export(1...90), to: "more.csv")
            try FileManager.default.moveItem(
                atPath: shop.folder.path("more.csv"), toPath: shop.folder.path("inbox/more.csv"))
            #expect(try await eventually { try await body(url + "/readyz").contains("more.csv") })
            for (path, body) in try await all(url) { #expect(!body.contains(Self.mark), "\(path): \(body)") }
            program.send(signal: SIGTERM)
            let result = try await program.result()
            #expect(result.errors.contains(Self.mark), "the log is the operator's")
        }
    }
}
