import CommerceSandbox
import Foundation
import TestSupport
import Testing

@Suite("what goes wrong has a status and a message")
struct CommandTests {
    private let header = "customer_id,cart_id\n"

    private func refused(_ text: String, name: String = "e.csv") async throws -> Program.Result {
        let folder = try TemporaryFolder()
        let path = try folder.write(text, to: name)
        return try await Program.run(["check", path])
    }

    @Test("a CSV that ends inside quotes")
    func unterminatedQuote() async throws {
        let result = try await refused(header + "c-1,cart-1\nc-2,\"cart-2\n")
        #expect(result.status == 65)
        #expect(result.errors.contains(":3"))
        #expect(result.lastLine.contains("exit status 65"))
        #expect(result.lastLine.contains("next:"))
    }

    @Test("a CSV without its header")
    func noHeader() async throws {
        let result = try await refused("c-1,cart-1\nc-2,cart-2\n")
        #expect(result.status == 65)
        #expect(result.errors.contains("c-1"))
        #expect(result.errors.contains("cart_id"))
    }

    @Test("an XML with a DOCTYPE")
    func docType() async throws {
        let result = try await refused(
            "<!DOCTYPE a [<!ENTITY x \"y\">]>\n<a><b customer_id=\"c-1\" cart_id=\"cart-1\"/></a>", name: "e.xml")
        #expect(result.status == 65)
        #expect(result.errors.contains("DOCTYPE"))
    }

    @Test("an XML that is cut off in the middle")
    func cutXML() async throws {
        let result = try await refused(
            "<a>\n<b customer_id=\"c-1\" cart_id=\"cart-1\"/>\n<b customer_id=\"c-2\"", name: "e.xml")
        #expect(result.status == 65)
        #expect(result.errors.contains("e.xml:3"))
    }

    @Test("an empty file")
    func emptyFile() async throws {
        let result = try await refused("")
        #expect(result.status == 65)
        #expect(result.errors.contains("empty"))
    }

    @Test(
        "a command that is mistyped is answered with the one that is meant",
        arguments: [
            ("chek e.csv", "cartsync check"), ("runs aprove", "cartsync runs approve"),
            ("ledger exprot", "cartsync ledger export"), ("frobnicate", "cartsync --help"),
            ("check --frobnicate e.csv", "cartsync check --help"),
        ])
    func mistypedCommand(typed: String, next: String) async throws {
        let result = try await Program.run(typed.split(separator: " ").map(String.init))
        #expect(result.status == 64)
        #expect(result.lastLine.hasSuffix("next: \(next)"), "\(result.errors)")
    }

    @Test("a missing file")
    func missingFile() async throws {
        let result = try await Program.run(["check", "/nowhere/export.csv"])
        #expect(result.status == 66)
        #expect(result.errors.contains("/nowhere/export.csv"))
    }

    @Test("a folder in the place of a file")
    func folder() async throws {
        let folder = try TemporaryFolder()
        let result = try await Program.run(["check", folder.path])
        #expect(result.status == 66)
    }

    @Test("wrong credentials")
    func wrongCredentials() async throws {
        try await withShop { shop in
            let path = try shop.folder.write(header + "c-1,cart-1\n", to: "e.csv")
            var environment = shop.environment
            environment["EPCC_CLIENT_SECRET"] = "a-wrong-one-9731"
            let result = try await Program.run(["sync", "--yes", path], environment: environment)
            #expect(result.status == 77)
            #expect(result.errors.contains("EPCC_CLIENT_SECRET"))
            #expect(!result.errors.contains("9731"))
            #expect(shop.sandbox.statistics().writes == 0)
        }
    }

    @Test("nothing listening at the base URL")
    func nothingListening() async throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(header + "c-1,cart-1\n", to: "e.csv")
        let result = try await Program.run(
            ["sync", "--yes", "--base-url", "http://127.0.0.1:9", path],
            environment: [
                "EPCC_CLIENT_ID": "a", "EPCC_CLIENT_SECRET": "b", "CARTSYNC_STATE_DIRECTORY": folder.path("state"),
            ])
        #expect(result.status == 69)
        #expect(result.errors.contains("http://127.0.0.1:9"))
    }

    @Test("an unknown setting, with the one that was meant")
    func unknownSetting() async throws {
        let folder = try TemporaryFolder()
        let settings = try folder.write("rate:\n  limt: 5\n", to: "cartsync.yaml")
        let result = try await Program.run(["check", "--config", settings, "e.csv"])
        #expect(result.status == 78)
        #expect(result.errors.contains("rate.limt"))
        #expect(result.errors.contains("rate.limit"))
    }

    @Test("a limit that is not a number, with every other problem at once")
    func badSettings() async throws {
        let folder = try TemporaryFolder()
        _ = try folder.write("rate: {limit: fast}\nsync: {deletes: some}\n", to: "cartsync.yaml")
        let result = try await Program.run(
            ["check", "e.csv"], environment: ["CARTSYNC_RATE_CONCURRENCY": "0"], in: folder.path)
        #expect(result.status == 78)
        for word in ["rate.limit", "fast", "sync.deletes", "some", "CARTSYNC_RATE_CONCURRENCY"] {
            #expect(result.errors.contains(word), "\(word) is missing in \(result.errors)")
        }
    }

    @Test("a flag that is not a number is a wrong command line")
    func badFlag() async throws {
        let result = try await Program.run(["sync", "--rate", "fast", "e.csv"])
        #expect(result.status == 64)
        #expect(result.errors.contains("--rate"))
    }

    @Test("no settings at all says which are missing")
    func missingSettings() async throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(header + "c-1,cart-1\n", to: "e.csv")
        let result = try await Program.run(["sync", path])
        #expect(result.status == 78)
        for word in ["api.base-url", "EPCC_CLIENT_ID", "EPCC_CLIENT_SECRET"] {
            #expect(result.errors.contains(word), "\(word) is missing in \(result.errors)")
        }
    }

    @Test(
        "each command has help with an example",
        arguments: [
            "sync", "import", "plan", "check", "report", "serve", "explain", "ledger", "doctor", "health", "sandbox",
            "demo",
        ])
    func help(command: String) async throws {
        let result = try await Program.run([command, "--help"])
        #expect(result.status == 0)
        #expect(result.output.contains("EXAMPLE"), "\(result.output)")
        #expect(result.output.contains("cartsync \(command)"))
    }
}
