import AsyncHTTPClient
import CommerceSandbox
import Foundation
import NIOCore
import TestSupport
import Testing

/// Secrets are looked for in everything that the program writes or shows, while it meets every kind of fault.
@Suite("no secret shows anywhere")
struct SecretTests {
    static let secret = "marker-secret-c4f19e"

    /// A store that knows the marker as its secret, and fails in many ways; it sends back what it was sent.
    private func options() -> SandboxOptions {
        var options = SandboxOptions.carts(SandboxCart(id: "cart-mail", contactEmail: "a@example.com"))
        options.clientSecret = Self.secret
        options.behaviour.overlappingWrites = .conflict
        return options
    }

    private func arm(_ sandbox: Sandbox, echo: String) {
        let body = #"{"errors":[{"title":"You sent","detail":"\#(echo) {token}"}]}"#
        let faults: [SandboxFault] = [
            SandboxFault(.revokeTokens, operation: .create, first: 3),
            SandboxFault(.answer(status: 422, body: body), operation: .create, first: 5, count: 2),
            SandboxFault(.answer(status: 500, body: "<html>\(echo) {token}"), operation: .create, first: 8, count: 1),
            SandboxFault(
                .answer(status: 429, headers: ["Retry-After": "0"], body: body), operation: .create, first: 10),
            SandboxFault(
                .answer(status: 302, headers: ["Location": "http://127.0.0.1/?t=\(echo)"]), operation: .create,
                first: 13),
            SandboxFault(.answer(status: 403, body: body), operation: .create, first: 15),
            SandboxFault(.resetAfterEffect, operation: .create, first: 17),
            SandboxFault(.garbage, operation: .create, first: 18),
            SandboxFault(.resetBeforeEffect, operation: .create, first: 19),
            SandboxFault(.cut, operation: .create, first: 20),
        ]
        for fault in faults { sandbox.inject(fault) }
    }

    /// Every file below a folder that holds one of the texts, and the text.
    private func leaks(of texts: [String], in folder: String, except names: Set<String> = []) throws -> [String] {
        let found = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
        #expect(found.contains { $0.hasSuffix("ledger.sqlite") }, "there is no ledger to look into")
        var leaks: [String] = []
        for name in found where !names.contains(URL(filePath: name).lastPathComponent) {
            guard let data = FileManager.default.contents(atPath: folder + "/" + name) else { continue }
            for text in texts where data.range(of: Data(text.utf8)) != nil { leaks.append("\(name): \(text)") }
        }
        return leaks
    }

    private func leaks(of texts: [String], in results: [Program.Result]) -> [String] {
        results.flatMap { result in
            texts.filter { result.output.contains($0) || result.errors.contains($0) }.map { "\($0) in \(result)" }
        }
    }

    #if os(Linux)
        /// What `ps` shows of a process.
        private func arguments(of program: Program) -> String {
            (try? String(contentsOfFile: "/proc/\(program.processIdentifier)/cmdline", encoding: .utf8)) ?? ""
        }
    #endif

    @Test("neither the secret nor an access token, after a run with every fault, plans, reports and a service")
    func clientCredentials() async throws {
        try await withShop(options()) { shop in
            var environment = shop.environment
            environment["EPCC_CLIENT_SECRET"] = Self.secret
            environment["CARTSYNC_API_PROXY"] = "off"
            environment["CARTSYNC_LOG_LEVEL"] = "trace"
            environment["CARTSYNC_API_HEADERS"] = "X-Gateway-Key: marker-header-90d2"
            arm(shop.sandbox, echo: "\(Self.secret) marker-header-90d2")
            let records = (1...30).map { "customer-\($0),cart-\($0)\n" } + ["customer-99,cart-mail\n", "c 1,cart#1\n"]
            let path = try shop.folder.write("customer_id,cart_id\n" + records.joined(), to: "e.csv")
            let plan = shop.folder.path("night.plan")
            var results: [Program.Result] = []
            func run(_ arguments: String...) async throws {
                results.append(
                    try await Program.run(arguments, environment: environment, in: shop.folder.path))
            }
            try await run("plan", "--out", plan, "--max-rejected", "50%", path)
            try await run("plan", "--output", "json", "--max-rejected", "50%", path)
            try await run("sync", "--yes", "--rate", "500", "--max-rejected", "50%", path)
            #expect(shop.associations.count > 20)
            try await run("report", "--output", "html")
            try await run("report", "--output", "json")
            try await run("runs", "show", try #require(shop.folder.names(in: "state/runs").last))
            try await run("runs", "--output", "json")
            try await run("explain", "cart-5")
            try await run("ledger", "export")
            try await run("doctor", "--output", "json")
            try await run("doctor", "--probe", "--yes", "--rate", "500")
            try await run("ledger", "rebuild", "--listing", "--yes")
            var wrong = environment
            wrong["EPCC_CLIENT_SECRET"] = Self.secret + "-wrong"
            results.append(try await Program.run(["sync", "--yes", path], environment: wrong, in: shop.folder.path))
            #expect(results.last?.status == 77)

            // The service, alive: its log so far, its arguments, and the ledger with its write-ahead log.
            let inbox = shop.folder.path("inbox")
            try FileManager.default.createDirectory(atPath: inbox, withIntermediateDirectories: true)
            let service = try Program(
                ["serve", "--inbox", inbox, "--poll", "100ms", "--settle", "0s", "--http", "127.0.0.1:0"],
                environment: environment, in: shop.folder.path)
            // The rebuilt ledger knows how long its exports are.
            let whole = "customer_id,cart_id\n" + records.dropLast().joined() + "customer-1,cart-201\n"
            _ = try shop.folder.write(whole, to: "inbox/a.csv")
            #expect(await eventually { shop.folder.names(in: "inbox/done").contains("a.csv") })
            let tokens = shop.sandbox.tokens()
            #expect(tokens.count > 5)
            let markers = [Self.secret, "marker-header-90d2"] + tokens
            let url = try #require(
                try service.errorsSoFar().firstMatch(of: #/url="?(http://127\.0\.0\.1:\d+)//#).map { String($0.1) })
            for path in ["/", "/metrics", "/api/runs", "/healthz", "/readyz"] {
                let answer = try await HTTPClient.shared.execute(
                    HTTPClientRequest(url: url + path), timeout: .seconds(60))
                let body = String(buffer: try await answer.body.collect(upTo: 1 << 20))
                #expect(!body.isEmpty, "\(path)")
                #expect(markers.allSatisfy { !body.contains($0) }, "\(path)")
            }
            #expect(try leaks(of: markers, in: shop.folder.path) == [])
            #if os(Linux)
                #expect(arguments(of: service).contains("serve"))
                #expect(!arguments(of: service).contains("marker"))
            #endif
            service.send(signal: SIGTERM)
            results.append(try await service.result())
            #expect(leaks(of: markers, in: results) == [])
            #expect(try leaks(of: markers, in: shop.folder.path) == [])
        }
    }

    @Test(
        "no shopper's token, but for the export and the records of it that were rejected, which only their owner may read"
    )
    func shoppers() async throws {
        try await withShop(options()) { shop in
            var environment = shop.environment
            environment["EPCC_CLIENT_SECRET"] = Self.secret
            environment["CARTSYNC_API_AUTHENTICATION"] = "shopper"
            environment["CARTSYNC_LOG_LEVEL"] = "trace"
            let owners = (1...30).map { "marker-shopper-\($0)x" }
            func token(_ owner: String) -> String { Sandbox.shopperToken(.customer, owner) }
            arm(shop.sandbox, echo: Self.secret)
            let header = "customer_id,cart_id,customer_token\n"
            let records = owners.enumerated().map { "\($1),cart-\($0),\(token($1))\n" }
            let rejected = "c-7,cart#7,\(token("marker-rejected"))\n"
            let path = try shop.folder.write(header + records.joined() + rejected, to: "e.csv")
            var results: [Program.Result] = []
            func run(_ arguments: String...) async throws {
                results.append(
                    try await Program.run(arguments, environment: environment, in: shop.folder.path))
            }
            let plan = shop.folder.path("night.plan")
            try await run("check", path)
            try await run("plan", "--out", plan, "--max-rejected", "50%", path)
            try await run("apply", "--yes", "--rate", "500", "--max-rejected", "50%", plan)
            #expect(shop.associations.count > 20, "\(results)")
            try await run("sync", "--yes", "--rate", "500", "--max-rejected", "50%", "--current", "none", path)
            let made = try #require(shop.folder.names(in: "state/runs").last)
            try await run("report", "--output", "json")
            try await run("runs", "show", made)
            try await run("explain", "cart-5")
            try await run("ledger", "export")
            try await run("runs", "undo", "--yes", "--max-deletes", "100", made)
            try await run("doctor")
            // `sandbox-customer:ID` is a token, the id alone is no secret.
            let markers = ["sandbox-customer:", Self.secret] + shop.sandbox.tokens()
            #expect(leaks(of: markers, in: results) == [])
            #expect(try leaks(of: markers, in: shop.folder.path, except: ["e.csv", "rejects.csv"]) == [])
            let rejects = "state/runs/\(made)/rejects.csv"
            #expect(try shop.folder.read(rejects).contains("marker-rejected"))
            let attributes = try FileManager.default.attributesOfItem(atPath: shop.folder.path(rejects))
            #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
        }
    }
}
