import CommerceSandbox
import Foundation
import TestSupport
import Testing

@Suite("ledger backup and restore")
struct LedgerBackupTests {
    private func csv(_ numbers: some Sequence<Int>) -> String {
        "customer_id,cart_id\n" + numbers.map { "customer-\($0),cart-\($0)\n" }.joined()
    }

    private func sync(_ numbers: some Sequence<Int>, _ shop: Shop, _ more: String...) async throws -> Program.Result {
        let path = try shop.folder.write(csv(numbers), to: "nightly.csv")
        return try await shop.start(
            ["sync", "--yes", "--source", "nightly", "--rate", "1000"] + more + [path]
        ).result()
    }

    /// A shop whose ledger was backed up, and went on afterwards: 1 to 5 were deleted, 61 to 70 were created.
    private func withBackup(_ body: (Shop, _ backup: String) async throws -> Void) async throws {
        try await withShop { shop in
            #expect(try await sync(1...60, shop).status == 0)
            let backup = shop.folder.path("ledger.backup")
            let made = try await shop.cartsync("ledger", "backup", backup)
            #expect(made.status == 0 && made.output.contains("60 associations"), "\(made.errors)")
            let mode = try FileManager.default.attributesOfItem(atPath: backup)[.posixPermissions] as? Int
            #expect(mode == 0o600, "it has the ledger's secret")
            #expect(shop.folder.names().filter { $0.hasPrefix("ledger.backup") } == ["ledger.backup"])
            let second = try await sync(6...70, shop)
            #expect(second.status == 0, "\(second.errors)")
            try await body(shop, backup)
        }
    }

    @Test("what happened since is unknown until the store has listed it: the next sync does no harm and nothing twice")
    func restored() async throws {
        try await withBackup { shop, backup in
            let before = shop.associations
            let result = try await shop.cartsync("ledger", "restore", backup, "--rate", "1000")
            #expect(result.status == 0, "\(result.errors)")
            #expect(result.output.contains("65 associations, as the store lists them"), "\(result.output)")
            #expect(shop.folder.names(in: "state").contains { $0.hasPrefix("ledger-before-") })
            let writes = shop.sandbox.statistics().writes
            let again = try await sync(6...70, shop, "--current", "ledger")
            #expect(again.lastLine.contains("nothing to do"), "\(again.errors)")
            #expect(shop.sandbox.statistics().writes == writes && shop.associations == before)
        }
    }

    @Test(
        "what was taken away and made again by somebody since is theirs and stays, with a listing and without",
        arguments: [true, false])
    func madeAgain(listed: Bool) async throws {
        try await withBackup { shop, backup in
            // The source lets go of some of what the backup has as its own, and a shopper makes one of them again.
            let fewer = try await sync(20...70, shop)
            #expect(fewer.status == 0, "\(fewer.errors)")
            let again = "customer-15 cart-15"
            #expect(!shop.associations.contains(again))
            let other = try shop.folder.write(csv(15...15), to: "other.csv")
            let made = try await shop.start(
                ["import", "--yes", other], environment: ["CARTSYNC_STATE_DIRECTORY": shop.folder.path("elsewhere")]
            ).result()
            #expect(made.status == 0 && shop.associations.contains(again), "\(made.errors)")
            let words = ["ledger", "restore"] + (listed ? ["--rate", "1000", backup] : ["--no-listing", backup])
            let restored = try await shop.start(words).result()
            #expect(restored.status == 0 && restored.output.contains("19 associations since"), "\(restored.output)")
            let next = try await sync(20...70, shop, "--current", listed ? "ledger" : "api")
            #expect(next.status == 0, "\(next.errors)")
            #expect(shop.associations.contains(again), "\(next.output)")
            #expect(shop.associations.count == 52)
        }
    }

    /// What became of the ledger that a backup takes the place of.
    enum Loss: String, CaseIterable {
        case gone, damaged, older
    }

    @Test(
        "with an old ledger that cannot say what was let go of, the next snapshot names what is its source's, and deletes nothing",
        arguments: Loss.allCases, [true, false])
    func blind(loss: Loss, listed: Bool) async throws {
        try await withBackup { shop, backup in
            let ledger = URL(filePath: shop.folder.path("state/ledger.sqlite"))
            let older = try Data(contentsOf: ledger)
            let fewer = try await sync(20...70, shop)
            #expect(fewer.status == 0, "\(fewer.errors)")
            let other = try shop.folder.write(csv(15...15), to: "other.csv")
            let made = try await shop.start(
                ["import", "--yes", other], environment: ["CARTSYNC_STATE_DIRECTORY": shop.folder.path("elsewhere")]
            ).result()
            #expect(made.status == 0, "\(made.errors)")
            switch loss {
            case .gone:
                for name in shop.folder.names(in: "state") where name.hasPrefix("ledger") {
                    try FileManager.default.removeItem(atPath: shop.folder.path("state/\(name)"))
                }
            case .damaged: try Data(repeating: 7, count: older.count).write(to: ledger)
            case .older: try older.write(to: ledger)
            }
            let words = ["ledger", "restore"] + (listed ? ["--rate", "1000", backup] : ["--no-listing", backup])
            let restored = try await shop.start(words).result()
            #expect(restored.status == 0 && restored.output.contains("let go     not known"), "\(restored.output)")

            let next = try await sync(20...70, shop)
            #expect(next.status == 0, "\(next.errors)")
            #expect(next.errors.contains("19 associations of the restored backup"), "\(next.errors)")
            #expect(shop.associations.contains("customer-15 cart-15") && shop.associations.count == 52)
            // From now on it is known again what is its own.
            let later = try await sync(25...70, shop)
            #expect(later.status == 0 && !later.errors.contains("restored backup"), "\(later.errors)")
            #expect(shop.associations.contains("customer-15 cart-15") && shop.associations.count == 47)
        }
    }

    @Test(
        "what another source may have named since the backup is deleted by a person's number only, which is asked once")
    func otherSources() async throws {
        try await withBackup { shop, _ in
            func add(_ numbers: ClosedRange<Int>) async throws {
                let path = try shop.folder.write(csv(numbers), to: "more.csv")
                #expect(try await shop.cartsync("import", "--yes", path).status == 0)
            }
            try await add(71...71)
            let backup = shop.folder.path("later.backup")
            #expect(try await shop.cartsync("ledger", "backup", backup).status == 0)
            // The backup knows of one import, and not of this one.
            try await add(6...7)
            for name in shop.folder.names(in: "state") where name.hasPrefix("ledger") {
                try FileManager.default.removeItem(atPath: shop.folder.path("state/\(name)"))
            }
            let restored = try await shop.cartsync("ledger", "restore", backup, "--rate", "1000")
            #expect(restored.status == 0 && restored.output.contains("asserted   not known"), "\(restored.output)")
            #expect(try await sync(6...70, shop).status == 0)

            let withheld = try await sync(8...70, shop)
            #expect(withheld.status == 1 && withheld.errors.contains("--max-doubtful-deletes 2"), "\(withheld.errors)")
            #expect(withheld.output.contains("source import may want it"), "\(withheld.output)")
            #expect(shop.associations.contains("customer-6 cart-6"))
            let allowed = try await sync(8...70, shop, "--max-doubtful-deletes", "2")
            #expect(allowed.status == 0, "\(allowed.errors)")
            #expect(!shop.associations.contains("customer-6 cart-6"))
            // That is not asked again.
            #expect(try await sync(9...70, shop).status == 0)
            #expect(!shop.associations.contains("customer-8 cart-8"))
        }
    }

    @Test("without a listing nothing counts as existing, so that nothing is deleted")
    func unlisted() async throws {
        try await withBackup { shop, backup in
            let before = shop.associations
            let result = try await shop.cartsync("ledger", "restore", "--no-listing", backup)
            #expect(result.status == 0 && result.output.contains("not known"), "\(result.errors)")
            let again = try await sync(10...70, shop, "--current", "ledger")
            #expect(again.status == 0, "\(again.errors)")
            #expect(shop.associations == before)
        }
    }

    @Test("a backup is made while a service works, which goes on")
    func beside() async throws {
        try await withShop { shop in
            try FileManager.default.createDirectory(
                atPath: shop.folder.path("inbox"), withIntermediateDirectories: true)
            _ = try shop.folder.write(csv(1...400), to: "inbox/many.csv")
            let service = try shop.start([
                "serve", "--inbox", shop.folder.path("inbox"), "--poll", "100ms", "--settle", "0s", "--http", "off",
                "--rate", "200",
            ])
            #expect(await eventually { shop.associations.count >= 50 })
            let backup = shop.folder.path("ledger.backup")
            let made = try await shop.cartsync("ledger", "backup", backup)
            #expect(made.status == 0, "\(made.errors)")
            #expect(shop.associations.count < 400, "the run went on meanwhile")
            #expect(await eventually { shop.folder.names(in: "inbox/done").contains("many.csv") })
            let refused = try await shop.cartsync("ledger", "restore", backup)
            #expect(refused.status == 75 && refused.lastLine.contains("stop the service"), "\(refused.lastLine)")
            service.send(signal: SIGTERM)
            #expect(try await service.result().status == 0)
            // The run of that moment is void, and nothing of it is done twice.
            let restored = try await shop.cartsync("ledger", "restore", backup, "--rate", "1000")
            #expect(restored.status == 0, "\(restored.errors)")
            #expect(try await shop.cartsync("runs", "resume", "latest").status == 3)
        }
    }

    @Test("a restore that is killed leaves the old ledger or the new one, and can be done again", arguments: 0...3)
    func killed(moment: Int) async throws {
        try await withBackup { shop, backup in
            let signs = [
                "ledger-rebuild", "ledger-rebuild/ledger.sqlite", "ledger-rebuild/ledger.marker", "ledger.swap",
            ]
            let program = try shop.start(["ledger", "restore", backup, "--rate", "1000"])
            let sign = shop.folder.path("state/\(signs[moment])")
            // The last ones are there for a moment only; then the program may have ended.
            _ = await eventually(within: .seconds(2)) { FileManager.default.fileExists(atPath: sign) }
            program.send(signal: SIGKILL)
            _ = try await program.result()
            let runs = try await shop.cartsync("runs")
            #expect(runs.status == 0, "\(runs.errors)")
            let again = try await shop.cartsync("ledger", "restore", backup, "--rate", "1000")
            #expect(again.status == 0, "\(again.errors)")
            #expect(try await sync(6...70, shop, "--current", "ledger").lastLine.contains("nothing to do"))
        }
    }

    @Test("what is no sound backup of this store is refused, and the ledger is as it was")
    func refused() async throws {
        try await withBackup { shop, backup in
            let text = try shop.folder.write("no backup at all, but long enough to be one", to: "text")
            var bytes = try Data(contentsOf: URL(filePath: backup))
            bytes.replaceSubrange(20_000..<30_000, with: Data(repeating: 7, count: 10_000))
            let damaged = shop.folder.path("damaged")
            try bytes.write(to: URL(filePath: damaged))
            for path in [text, damaged, shop.folder.path("missing")] {
                let result = try await shop.cartsync("ledger", "restore", path)
                #expect(result.status == 74, "\(path): \(result.errors)")
            }
            let other = try shop.start(
                ["ledger", "restore", backup], environment: ["EPCC_CLIENT_ID": "another-key"])
            #expect(try await other.result().status == 78)
            #expect(try await sync(6...70, shop, "--current", "ledger").lastLine.contains("nothing to do"))
        }
    }
}
