import CommerceSandbox
import Foundation
import TestStore
import TestSupport
import Testing

@Suite("doctor")
struct DoctorTests {
    private struct Said: Decodable {
        struct Setting: Decodable {
            let name: String
            let value: String?
            let origin: String
        }
        struct Check: Decodable {
            let topic: String
            let state: String
            let found: String
            let advice: String?
        }
        struct Probe: Decodable {
            struct Answer: Decodable {
                let question: String
                let answer: String
            }
            let answers: [Answer]
            let settings: [String: String]
            let leftBehind: [String]
        }
        let settings: [Setting]
        let checks: [Check]
        let probe: Probe?
        let exitStatus: Int

        func check(_ topic: String) -> Check? { checks.first { $0.topic == topic } }
        func setting(_ name: String) -> Setting? { settings.first { $0.name == name } }
    }

    private func said(_ result: Program.Result) throws -> Said {
        try JSONDecoder().decode(Said.self, from: Data(result.output.utf8))
    }

    @Test("a store and a state folder that are well: every setting with its origin, every check, nothing written")
    func well() async throws {
        try await withShop(.carts(SandboxCart(id: "cart-1", customers: ["c-1"]))) { shop in
            let path = try shop.folder.write("customer_id,cart_id\nc-1,cart-1\n", to: "e.csv")
            #expect(try await shop.cartsync("sync", "--yes", path).status == 0)
            let before = shop.sandbox.statistics()
            let result = try await shop.cartsync("doctor", "--output", "json", "--rate", "7")
            #expect(result.status == 0, "\(result.errors)")
            let said = try said(result)
            #expect(said.exitStatus == 0)
            #expect(said.setting("rate.limit")?.value == "7")
            #expect(said.setting("rate.limit")?.origin == "flag --rate")
            #expect(said.setting("rate.concurrency")?.value == "8")
            #expect(said.setting("rate.concurrency")?.origin == "default")
            #expect(said.setting("api.client-secret")?.value == "(redacted)")
            #expect(said.setting("api.client-secret")?.origin == "environment EPCC_CLIENT_SECRET")
            for topic in [
                "state folder", "free space", "state size", "ledger", "name", "connection", "token", "clock", "listing",
                "rate",
            ] {
                #expect(said.check(topic)?.state == "ok", "\(topic): \(String(describing: said.check(topic)))")
            }
            #expect(said.check("TLS")?.state == "skipped")
            #expect(said.check("listing")?.found.contains("1 cart") == true)
            #expect(said.check("SQLite") != nil)
            let after = shop.sandbox.statistics()
            #expect(after.writes == before.writes)
            #expect(after.total == before.total + 3)
            let text = try await shop.cartsync("doctor", "--settings")
            #expect(text.output.contains("EPCC_CLIENT_SECRET"))
            let short = try await shop.cartsync("doctor")
            #expect(!short.output.contains("EPCC_CLIENT_SECRET"))
            #expect(!text.output.contains(TestStore.secret))
            #expect(text.lastLine.contains("all is well"), "\(text.lastLine)")
        }
    }

    @Test("beside a service that works on the state folder it checks all of it")
    func besideService() async throws {
        try await withShop { shop in
            try FileManager.default.createDirectory(
                atPath: shop.folder.path("inbox"), withIntermediateDirectories: true)
            let service = try shop.start(["serve", "--inbox", shop.folder.path("inbox"), "--http", "off"])
            #expect(try await eventually { try service.errorsSoFar().contains("polling") })
            let result = try await shop.cartsync("doctor", "--output", "json")
            service.send(signal: SIGTERM)
            _ = try await service.result()
            #expect(result.status == 0, "\(result.errors)")
            let ledger = try said(result).check("ledger")
            #expect(ledger?.state == "ok")
            #expect(ledger?.found.contains("sound, 0 associations") == true, "\(ledger?.found ?? "")")
            #expect(try said(result).check("token")?.state == "ok")
        }
    }

    @Test("wrong credentials end with 77 and say what to check")
    func wrongCredentials() async throws {
        try await withShop { shop in
            var environment = shop.environment
            environment["EPCC_CLIENT_SECRET"] = "a-wrong-one-9731"
            let result = try await Program.run(["doctor", "--output", "json"], environment: environment)
            #expect(result.status == 77)
            let token = try said(result).check("token")
            #expect(token?.state == "failed")
            #expect(token?.advice?.contains("EPCC_CLIENT_SECRET") == true)
            #expect(!(result.output + result.errors).contains("9731"))
        }
    }

    @Test("nothing listening ends with 69, a name that nobody knows too")
    func unreachable() async throws {
        let folder = try TemporaryFolder()
        for (url, topic) in [("http://127.0.0.1:9", "connection"), ("https://store.invalid", "name")] {
            let result = try await Program.run(
                ["doctor", "--output", "json", "--base-url", url],
                environment: [
                    "EPCC_CLIENT_ID": "a", "EPCC_CLIENT_SECRET": "b", "CARTSYNC_STATE_DIRECTORY": folder.path("state"),
                ])
            #expect(result.status == 69, "\(result.errors)")
            let said = try said(result)
            #expect(said.check(topic)?.state == "failed", "\(said.checks)")
            #expect(said.check("token")?.state == "skipped")
        }
    }

    @Test("a secret that everybody may read is named by doctor, and once at the start of a service")
    func exposedSecret() async throws {
        try await withShop { shop in
            for name in ["secrets", "inbox"] { try shop.folder.createFolder(name) }
            let secret = try shop.folder.write(TestStore.secret, to: "secrets/api-client-secret")
            try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: secret)
            var environment = shop.environment
            environment["EPCC_CLIENT_SECRET"] = nil
            environment["CARTSYNC_API_SECRETS_DIRECTORY"] = shop.folder.path("secrets")
            func warnings(_ arguments: String...) async throws -> [Substring] {
                let result = try await Program.run(arguments, environment: environment, in: shop.folder.path)
                #expect(result.status == 0, "\(result.errors)")
                return (result.output + result.errors).split(separator: "\n").filter {
                    $0.contains("everybody on this machine may read") && $0.contains(secret)
                }
            }
            #expect(try await warnings("doctor").isEmpty == false)
            for name in ["a.csv", "b.csv"] { try shop.folder.write(numbered(1...3), to: "inbox/" + name) }
            let told = try await warnings("serve", "--inbox", "inbox", "--settle", "0s", "--once", "--http", "off")
            #expect(told.count == 1, "\(told)")
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: secret)
            #expect(try await warnings("doctor").isEmpty)
        }
    }

    @Test("sources are tried: what is there, what is not taken, and what to set if nothing can be had")
    func sources() async throws {
        try await withShop { shop in
            try shop.folder.createFolder("inbox")
            for name in ["customers.csv", "b-1of2.csv", "report.pdf"] {
                try shop.folder.write(numbered(1...3), to: "inbox/\(name)")
            }
            func doctor(_ variables: [String: String]) async throws -> (Said, Int32) {
                let result = try await shop.start(["doctor", "--output", "json"], environment: variables).result()
                return (try said(result), result.status)
            }
            let (folder, status) = try await doctor(["CARTSYNC_SOURCE_FOLDER": shop.folder.path("inbox")])
            #expect(status == 0)
            #expect(folder.check("source")?.state == "ok")
            #expect(
                folder.check("source")?.found.hasSuffix(": 1 export, 1 of which something is not there yet") == true)
            let notes = folder.checks.filter { $0.topic == "source" && $0.state == "note" }.map(\.found)
            #expect(notes.count == 2 && notes.contains { $0.hasPrefix("report.pdf is not taken: ") })
            #expect(notes.contains { $0.hasPrefix("b.csv is not applied: only 1 of 2 parts are there: 1") })
            #expect(shop.folder.names(in: "inbox").count == 3, "nothing is made or moved")

            for (variables, words) in [
                (
                    ["CARTSYNC_SOURCE_FOLDER": "/nonexistent"],
                    "the inbox does not exist; create it, or mount what it is on"
                ),
                (["CARTSYNC_SOURCE_URL": "\(shop.baseURL)/v2/nothing.csv"], " answered 40"),
                (
                    [
                        "CARTSYNC_SOURCE_S3": "s3://exports/", "CARTSYNC_SOURCE_S3_ENDPOINT": "http://127.0.0.1:9",
                        "CARTSYNC_SOURCE_S3_ACCESS_KEY": "id", "CARTSYNC_SOURCE_S3_SECRET_KEY": "hush-9731",
                    ], "127.0.0.1:9"
                ),
            ] {
                let (said, status) = try await doctor(variables)
                #expect(said.check("source")?.state == "failed", "\(variables)")
                #expect(said.check("source")?.found.contains(words) == true, "\(said.checks)")
                #expect(said.check("token")?.state == "ok", "the rest is checked")
                #expect(status == 66)
            }
            let both = try await doctor([
                "CARTSYNC_SOURCE_FOLDER": "/x", "CARTSYNC_SOURCE_URL": "https://example.com/x.csv",
            ])
            #expect(both.1 == 78 && both.0.check("source")?.found.contains("a job has one source") == true)
        }
    }

    @Test("a state folder that everybody may write to ends with 74, one that others may read is a warning")
    func permissions() async throws {
        try await withShop { shop in
            let state = shop.folder.path("state")
            let manager = FileManager.default
            try manager.createDirectory(atPath: state, withIntermediateDirectories: true)
            try manager.setAttributes([.posixPermissions: 0o755], ofItemAtPath: state)
            let readable = try await shop.cartsync("doctor", "--output", "json")
            #expect(readable.status == 0)
            #expect(try said(readable).check("state folder")?.state == "warning")
            try manager.setAttributes([.posixPermissions: 0o777], ofItemAtPath: state)
            let writable = try await shop.cartsync("doctor", "--output", "json")
            #expect(writable.status == 74)
            #expect(try said(writable).check("state folder")?.advice?.contains("chmod o-w") == true)
        }
    }

    @Test("without a store it checks the folder, names every missing setting and ends with 78")
    func noStore() async throws {
        let result = try await Program.run(["doctor", "--output", "json"])
        #expect(result.status == 78)
        let said = try said(result)
        for word in ["api.base-url", "EPCC_CLIENT_ID", "EPCC_CLIENT_SECRET"] {
            #expect(said.check("store")?.found.contains(word) == true)
        }
        #expect(said.check("state folder")?.state == "note")
    }

    @Test(
        "what application keys reserve of the store's limit is said, if the key may know it",
        arguments: [
            (
                200,
                #"{"data":[{"client_id":"ID","reserved_rate_limit":40},{"client_id":"x","reserved_rate_limit":10}]}"#,
                "this key has 40 calls a second of its own, and rate.limit is 20"
            ),
            (
                200, #"{"data":[{"client_id":"ID"}],"meta":{"total_reserved_rate_limit":80}}"#,
                "other keys keep 80 of the store's limit to themselves"
            ),
            (200, #"{"data":[]}"#, "within the 25 of a development store"),
            (403, "", "within the 25 of a development store"),
            (200, "<html>", "within the 25 of a development store"),
        ])
    func reserved(status: Int, body: String, words: String) async throws {
        try await withShop { shop in
            let keys = body.replacing("ID", with: TestStore.clientID)
            shop.sandbox.inject(SandboxFault(.answer(status: status, body: keys), operation: .other, count: nil))
            let result = try await shop.cartsync("doctor", "--output", "json")
            #expect(result.status == 0, "\(result.errors)")
            #expect(try said(result).check("rate")?.found.contains(words) == true, "\(result.output)")
        }
    }

    @Test("a probe without a terminal needs --yes, and with --read-only it writes nothing")
    func probeAsks() async throws {
        try await withShop { shop in
            let asked = try await shop.cartsync("doctor", "--probe")
            #expect(asked.status == 3)
            #expect(asked.errors.contains(shop.baseURL))
            #expect(asked.lastLine.contains("--yes"))
            #expect(try await shop.cartsync("doctor", "--probe", "--yes", "--read-only").status == 3)
            #expect(shop.sandbox.statistics().writes == 0)
        }
    }

    @Test("a probe says which answers of the store would not be believed, and what to set for an empty 200")
    func doubtfulProbe() async throws {
        try await withShop(SandboxOptions.carts(SandboxCart(id: "cart-1", customers: ["c-1"]))) { shop in
            shop.sandbox.inject(
                SandboxFault(.answer(status: 200, body: "null", afterEffect: true), operation: .create))
            shop.sandbox.inject(SandboxFault(.answer(status: 200, body: "<html>Hm"), operation: .delete))
            let result = try await shop.cartsync("doctor", "--probe", "--yes", "--rate", "500", "--output", "json")
            let probe = try #require(try said(result).probe)
            #expect(probe.settings["api.empty-200"] == "believe")
            func answer(_ words: String) -> String? { probe.answers.first { $0.question.contains(words) }?.answer }
            #expect(answer("association is made")?.hasPrefix("HTTP 200, empty: not believed") == true)
            #expect(answer("it is deleted")?.hasPrefix("HTTP 200, <html>Hm: not believed") == true)
            #expect(answer("made again") == "HTTP 204: known to be there")
            #expect(probe.leftBehind.isEmpty)
        }
    }

    @Test("a probe learns what the store does, prints it as settings and leaves nothing behind")
    func probe() async throws {
        var options = SandboxOptions.carts(SandboxCart(id: "cart-1", customers: ["c-1"]))
        options.behaviour.missingAssociation = .badRequest
        options.behaviour.beyondOffsetLimit = .served
        try await withShop(options) { shop in
            let result = try await shop.cartsync("doctor", "--probe", "--yes", "--rate", "500", "--output", "json")
            #expect(result.status == 0, "\(result.errors)")
            let probe = try #require(try said(result).probe)
            #expect(probe.settings["api.already-gone"] == "404,400")
            #expect(probe.leftBehind.isEmpty)
            func answer(_ words: String) -> String? { probe.answers.first { $0.question.contains(words) }?.answer }
            #expect(answer("not there")?.hasPrefix("HTTP 400") == true)
            #expect(answer("cart that does not exist")?.contains("creates it") == true)
            #expect(answer("customer that does not exist")?.contains("accepted") == true)
            #expect(answer("customer that does not exist")?.contains("look ids up from now on") == true)
            #expect(probe.settings["sync.verify-owners"] == nil)
            // The sandbox has no customers, so that every id is unknown.
            let export = try shop.folder.write("customer_id,cart_id\nc-7,cart-1\n", to: "export.csv")
            let plan = try await shop.cartsync("plan", export)
            #expect(plan.status == 3)
            #expect(plan.output.contains("1 key: 1 of nobody"), "\(plan)")
            #expect(answer("list of references")?.hasPrefix("HTTP 200") == true)
            #expect(probe.settings["api.reference-lists"] == "true")
            #expect(answer("made again")?.contains("204") == true)
            #expect(answer("fresh association")?.hasPrefix("after") == true)
            #expect(shop.associations == ["c-1 cart-1"])
            #expect(shop.sandbox.carts() == ["cart-1"])
        }
    }

    @Test("where only real customers get a cart, one that was named is borrowed, and 429 shows its headers")
    func probeWithCustomer() async throws {
        var options = SandboxOptions.carts(SandboxCart(id: "cart-1", customers: ["c-1"]))
        options.behaviour.unknownOwner = .notFound
        options.behaviour.unknownCart = .notFound
        options.behaviour.accountReferenceLists = false
        options.behaviour.missingAssociation = .notFound
        options.behaviour.retryAfter = .seconds(2)
        options.rateLimit = 60
        try await withShop(options) { shop in
            // The burst has to have a second with more calls than the store allows.
            let result = try await shop.cartsync(
                "doctor", "--probe", "--yes", "--rate", "40", "--probe-customer", "c-1", "--probe-burst", "120",
                "--output", "json")
            #expect(result.status == 0, "\(result.errors)")
            let probe = try #require(try said(result).probe)
            func answer(_ words: String) -> String? { probe.answers.first { $0.question.contains(words) }?.answer }
            #expect(answer("customer that does not exist")?.hasPrefix("HTTP 404") == true)
            #expect(answer("cart that does not exist")?.hasPrefix("HTTP 404") == true)
            #expect(answer("list of references") == "HTTP 400: refused")
            #expect(answer("429")?.contains("retry-after: 2") == true, "\(probe.answers)")
            #expect(probe.settings.isEmpty)
            #expect(shop.associations == ["c-1 cart-1"])
            #expect(shop.sandbox.carts() == ["cart-1"])
        }
    }
}
