import CommerceSandbox
import Foundation
import TestSupport
import Testing

@Suite("ledger")
struct LedgerCommandTests {
    @Test("a ledger goes to a file and from there into a new folder, and the next sync there has nothing to do")
    func exportAndImport() async throws {
        try await withShop { shop in
            let path = try shop.folder.write(numbered(1...40), to: "e.csv")
            #expect(try await shop.cartsync("sync", "--yes", "--rate", "1000", path).status == 0)
            // Without credentials, for the ledger knows its store.
            let offline = ["CARTSYNC_STATE_DIRECTORY": shop.folder.path("state")]
            let export = try await Program.run(
                ["ledger", "export", "--out", "ledger.csv"], environment: offline, in: shop.folder.path)
            #expect(export.status == 0, "\(export.errors)")
            #expect(shop.folder.names().contains("ledger.csv.manifest.json"))
            let piped = try await Program.run(["ledger", "export"], environment: offline)
            #expect(piped.output == (try shop.folder.read("ledger.csv")))
            #expect(piped.output.split(separator: "\n").count == 41)

            let moved = try await shop.cartsync("ledger", "import", "--state", "moved", "ledger.csv")
            #expect(moved.status == 0, "\(moved.errors)")
            #expect(moved.output.contains("added    40"), "\(moved.output)")
            let writes = shop.sandbox.statistics().writes
            let again = try await shop.cartsync(
                "sync", "--yes", "--state", "moved", "--current", "ledger", "--rate", "1000", path)
            #expect(again.lastLine.contains("nothing to do"), "\(again.errors)")
            #expect(shop.sandbox.statistics().writes == writes)
            // What was asserted elsewhere is owned here, too.
            _ = try shop.folder.write(numbered(1...39), to: "e.csv")
            let fewer = try await shop.cartsync("plan", "--state", "moved", "--current", "ledger", path)
            #expect(fewer.lastLine.contains("deletes: 1"), "\(fewer.errors)")
        }
    }

    @Test("a file that is cut is refused with status 65, and the ledger is as it was")
    func cutFile() async throws {
        try await withShop { shop in
            let path = try shop.folder.write(numbered(1...5), to: "e.csv")
            #expect(try await shop.cartsync("sync", "--yes", path).status == 0)
            let whole = try await shop.cartsync("ledger", "export").output
            let cut = try shop.folder.write(String(whole.dropLast()), to: "cut.csv")
            let result = try await shop.cartsync("ledger", "import", cut)
            #expect(result.status == 65)
            #expect(result.errors.contains("cut.csv"))
            #expect(try await shop.cartsync("ledger", "export").output == whole)
        }
    }

    @Test("a reader who goes away has had enough, and a full disk has not")
    func readerGone() async throws {
        try await withShop { shop in
            let path = try shop.folder.write(numbered(1...5), to: "e.csv")
            #expect(try await shop.cartsync("sync", "--yes", path).status == 0)
            func through(_ target: String) async throws -> Program.Result {
                try await Program(
                    ["-c", "{ \(try Program.path()) ledger export; echo status $? >&2; } \(target)"],
                    environment: shop.environment, in: shop.folder.path, executable: "/bin/sh"
                ).result()
            }
            // The reader has gone long before the program has started.
            let gone = try await through("| true")
            #expect(gone.errors.contains("status 0"), "\(gone.errors)")
            #expect(!gone.errors.contains("pipe"), "\(gone.errors)")
            let full = try await through("> /dev/full")
            #expect(full.errors.contains("status 74"), "\(full.errors)")
        }
    }

    @Test("a result that cannot be written is no success, whatever the command")
    func fullEverywhere() async throws {
        try await withShop { shop in
            let path = try shop.folder.write(numbered(1...5), to: "e.csv")
            #expect(try await shop.cartsync("sync", "--yes", path).status == 0)
            _ = try shop.folder.write(numbered(1...6), to: "f.csv")
            for command in [
                "runs", "runs list --output json", "runs show latest", "runs approve", "report", "report --output html",
                "report --output json", "report --output hlog", "report --output hgrm", "explain cart-1",
                "ledger export",
                "check e.csv", "plan f.csv", "plan --output csv f.csv", "plan --output markdown f.csv",
                "sync --yes f.csv",
                "doctor", "runs undo --yes latest", "--help", "--version", "sync --help",
                "documents --help",
            ] {
                let result = try await Program(
                    ["-c", "\"$0\" \(command) > /dev/full", try Program.path()], environment: shop.environment,
                    in: shop.folder.path, executable: "/bin/sh"
                ).result()
                #expect(result.status == 74, "\(command): \(result.status) \(result.errors)")
                #expect(result.lastLine.contains("exit status 74"), "\(command): \(result.errors)")
            }
            // What was done is done, whoever was told of it.
            #expect(shop.associations.count == 5)
        }
    }

    @Test("where there is no ledger, the list of runs is empty")
    func noRuns() async throws {
        let folder = try TemporaryFolder()
        let result = try await Program.run(
            ["runs"], environment: ["CARTSYNC_STATE_DIRECTORY": folder.path("state")])
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.lastLine.contains("no runs yet"))
        #expect(folder.names().isEmpty)
    }

    @Test("where there is no ledger the status is 64, and no folder is made")
    func absent() async throws {
        let folder = try TemporaryFolder()
        let environment = ["CARTSYNC_STATE_DIRECTORY": folder.path("state")]
        let file = try folder.write("owner_type,owner_id,cart_id,confirmed,sources\n", to: "l.csv")
        for arguments in [["ledger", "export"], ["ledger", "import", file]] {
            let result = try await Program.run(arguments, environment: environment)
            #expect(result.status == 64, "\(result.errors)")
            #expect(result.errors.contains("there is no ledger"))
            #expect(result.lastLine.contains("next:"))
            #expect(!folder.names().contains("state"))
        }
    }

    @Test("a ledger of another store than the settings name is refused")
    func otherStore() async throws {
        try await withShop { shop in
            let path = try shop.folder.write(numbered(1...2), to: "e.csv")
            #expect(try await shop.cartsync("sync", "--yes", path).status == 0)
            var environment = shop.environment
            environment["EPCC_API_BASE_URL"] = "https://useast.api.elasticpath.com"
            let result = try await Program.run(["ledger", "export"], environment: environment)
            #expect(result.status == 78, "\(result.errors)")
            #expect(result.errors.contains("belongs to"))
        }
    }

    @Test("each has help with an example", arguments: ["export", "import", "rebuild"])
    func help(command: String) async throws {
        let result = try await Program.run(["ledger", command, "--help"])
        #expect(result.status == 0)
        #expect(result.output.contains("EXAMPLE") && result.output.contains("cartsync ledger \(command)"))
    }
}
