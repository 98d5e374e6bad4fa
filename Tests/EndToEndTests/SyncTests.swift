import CommerceSandbox
import Foundation
import TestSupport
import Testing

@Suite("sync")
struct SyncTests {
    private func csv(_ pairs: [(String, String)]) -> String {
        "customer_id,cart_id\n" + pairs.map { "\($0),\($1)\n" }.joined()
    }

    @Test("a CSV and an XML export end up in the store, and the report adds up")
    func mainJob() async throws {
        try await withShop(.carts(SandboxCart(id: "cart-1", customers: ["c-1"]))) { shop in
            let first = try shop.folder.write(
                "Customer ID,Cart ID,Note\nc-1,cart-1,\nc-2,cart-2,\"a, \"\"quoted\"\" note\"\nc-2,cart-2,again\nc-3,c/3,\n",
                to: "customers.csv")
            let second = try shop.folder.write(
                """
                <associations>
                  <association><account_id>a-1</account_id><cart_id>cart-2</cart_id></association>
                  <association account_id="a-2" cart_id="cart-9"/>
                </associations>
                """, to: "accounts.xml")
            let result = try await shop.cartsync("sync", "--yes", "--rate", "500", first, second)
            #expect(result.status == 1, "\(result.errors)")
            #expect(shop.associations == ["c-1 cart-1", "c-2 cart-2", "a-1 cart-2", "a-2 cart-9"])
            let report = try shop.report()
            #expect(report.contradictions.isEmpty)
            #expect(report.plan.creates == 3)
            #expect(report.plan.kept == 1)
            #expect(report.outcomes.create.created == 3)
            #expect(report.exports.map(\.records) == [4, 2])
            #expect(report.exports[0].duplicates == 1)
            #expect(report.exports[0].rejected == ["bad-cart": 1])
            for word in ["p50", "p99.9", "max", "create", "list", "token"] {
                #expect(result.output.contains(word), "\(word) is missing in \(result.output)")
            }
            let folder = try #require(shop.latestRun)
            let names = shop.folder.names(in: folder)
            for name in ["report.json", "report.html", "results.csv", "rejects.csv", "latency.hlog"] {
                #expect(names.contains(name), "\(name) is missing in \(names)")
            }
            #expect(try shop.folder.read(folder + "/rejects.csv").contains("c-3,c/3,"))
        }
    }

    @Test("parts of an export are one snapshot together, and none without the others")
    func parts() async throws {
        try await withShop { shop in
            let first = try shop.folder.write(numbered(1...30), to: "e-1of2.csv")
            let second = try shop.folder.write(numbered(31...60), to: "e-2of2.csv")
            let both = try await shop.cartsync("sync", "--yes", "--rate", "1000", first, second)
            #expect(both.status == 0, "\(both.errors)")
            #expect(shop.associations.count == 60)
            let alone = try await shop.cartsync("sync", "--yes", "--max-deletes", "100", second)
            #expect(alone.status == 65, "\(alone.errors)")
            #expect(
                alone.errors.contains(
                    "e-2of2.csv: by its name it is a part of an export, and only 1 of 2 parts are there: 2"))
            #expect(shop.associations.count == 60)
            try shop.folder.write(numbered(31...59), to: "e-2of2.csv")
            let manifest = try shop.folder.write(
                #"{"parts": ["e-1of2.csv", "e-2of2.csv"], "records": 59}"#, to: "e.manifest.json")
            let listed = try await shop.cartsync("sync", "--yes", "--rate", "1000", manifest)
            #expect(listed.status == 0, "\(listed.errors)")
            #expect(shop.associations.count == 59)
            let off = try await shop.start(
                ["plan", second], environment: ["CARTSYNC_SOURCE_PARTS": "off"]
            ).result()
            #expect(off.status != 65 && off.output.contains("30"), "a part alone is another snapshot: \(off.output)")
        }
    }

    @Test("import shows the first rejected records with their reasons before it offers a permission")
    func rejectedShown() async throws {
        try await withShop { shop in
            let bad = (1...20).map { "c-\($0),cart \($0)\n" }.joined()
            let path = try shop.folder.write("customer_id,cart_id\nc-0,cart-0\n" + bad, to: "e.csv")
            let result = try await shop.cartsync("import", "--yes", path)
            #expect(result.status == 3, "\(result.errors)")
            #expect(result.lastLine.contains("--max-rejected 20"))
            #expect(result.output.contains("20 records rejected"), "\(result.output)")
            let shown = result.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
            #expect(shown.contains("e.csv line 3: the cart \"cart 1\" is not an id"), "\(result.output)")
            #expect(shown.contains("… and 17 more"))
            let allowed = try await shop.cartsync("import", "--yes", "--max-rejected", "20", path)
            #expect(allowed.status == 1 && shop.associations == ["c-0 cart-0"])
        }
    }

    @Test("a mended file of rejected records is imported for the source of its run, with no setting repeated")
    func mended() async throws {
        try await withShop { shop in
            let good = (1...30).map { "k-\($0);c-\($0);Gr\u{F6}\u{DF}e\r\n" }.joined()
            let text = "KORB;KUNDE;cart_name\r\n" + good + "k 31;c-31;\u{FC}ber\r\n"
            let path = try shop.folder.write(text.unicodeScalars.map { UInt8($0.value) }, to: "nacht.csv")
            let flags = [
                "--map", "cart=KORB", "--map", "account=KUNDE", "--encoding", "windows-1252", "--source", "night",
                "--rate",
                "1000",
            ]
            let first = try await shop.start(["sync", "--yes"] + flags + [path]).result()
            #expect(first.status == 1, "\(first.errors)")
            #expect(shop.associations.count == 30)
            let folder = try #require(shop.latestRun)
            let rejects = shop.folder.path(folder + "/rejects.csv")
            #expect(first.lastLine.contains("cartsync import --rate 1000 "), "\(first.lastLine)")
            var bytes = Array(try Data(contentsOf: URL(filePath: rejects)))
            #expect(bytes.firstRange(of: Array("k 31;c-31;".utf8) + [0xFC] + Array("ber\r\n".utf8)) != nil)
            let place = try #require(bytes.firstRange(of: Array("k 31;c".utf8)))
            bytes[place.lowerBound + 1] = UInt8(ascii: "-")
            try Data(bytes).write(to: URL(filePath: rejects))
            let imported = try await shop.cartsync("import", "--yes", rejects)
            #expect(imported.status == 0, "\(imported.errors)")
            #expect(imported.errors.contains("rejects.csv.settings.yaml"))
            #expect(shop.associations.contains("c-31 k-31") && shop.associations.count == 31)
            #expect(try shop.report().source == "night")
            // What the file does not name is still the source's, and the next export of it says so.
            let again = try await shop.start(["sync", "--yes"] + flags + [path]).result()
            #expect(again.status == 1 && shop.associations.count == 31, "\(again.errors)")
            let corrected = text.replacing("k 31", with: "k-31").replacing("k-30;c-30;Gr\u{F6}\u{DF}e\r\n", with: "")
            _ = try shop.folder.write(corrected.unicodeScalars.map { UInt8($0.value) }, to: "nacht.csv")
            #expect(try await shop.start(["sync", "--yes"] + flags + [path]).result().status == 0)
            #expect(shop.associations.count == 30 && !shop.associations.contains("c-30 k-30"))
        }
    }

    @Test("settings beside one of several exports, or about anything else, are refused")
    func settingsBeside() async throws {
        let folder = try TemporaryFolder()
        let first = try folder.write("customer_id,cart_id\nc,k\n", to: "a.csv")
        let second = try folder.write("customer_id,cart_id\nc,k\n", to: "b.csv")
        _ = try folder.write("export:\n  kind: \"additions\"\n", to: "a.csv.settings.yaml")
        let one = try await Program.run(["check", first])
        #expect(one.status == 0 && one.output.contains("additions"), "\(one.errors)")
        #expect(try await Program.run(["check", first, second]).status == 65)
        _ = try folder.write("api:\n  base-url: http://localhost\n", to: "a.csv.settings.yaml")
        let other = try await Program.run(["check", first])
        #expect(other.status == 78 && other.errors.contains("api.base-url does not say how an export is read"))
    }

    @Test("a second sync of the same file makes no writes")
    func secondSync() async throws {
        try await withShop { shop in
            let path = try shop.folder.write(numbered(1...50), to: "e.csv")
            let first = try await shop.cartsync("sync", "--yes", "--rate", "1000", path)
            #expect(first.status == 0, "\(first.errors)")
            let writes = shop.sandbox.statistics().writes
            #expect(writes == 50)
            let second = try await shop.cartsync("sync", "--yes", "--rate", "1000", path)
            #expect(second.status == 0, "\(second.errors)")
            #expect(shop.sandbox.statistics().writes == writes)
            #expect(second.lastLine.contains("nothing to do, the store is as the export wants it"))
            // Who did not ask the store does not speak of it.
            let third = try await shop.cartsync("sync", "--yes", "--current", "ledger", path)
            #expect(third.lastLine.contains("nothing to do, all is there by the ledger"), "\(third.lastLine)")
        }
    }

    @Test("a removed line deletes what this source asserted, and nothing else")
    func ownedDeletes() async throws {
        let seeded = SandboxCart(id: "cart-shop", customers: ["shopper"])
        try await withShop(.carts(seeded)) { shop in
            let kept = (4...10).map { ("c-\($0)", "cart-\($0)") }
            let path = try shop.folder.write(
                csv([("c-1", "cart-1"), ("c-2", "cart-2"), ("c-3", "cart-3")] + kept), to: "e.csv")
            let other = try shop.folder.write(csv([("c-2", "cart-2")]), to: "other.csv")
            #expect(try await shop.cartsync("sync", "--yes", path).status == 0)
            #expect(try await shop.cartsync("sync", "--yes", "--source", "region-b", other).status == 0)
            _ = try shop.folder.write(csv([("c-1", "cart-1")] + kept), to: "e.csv")
            let result = try await shop.cartsync("sync", "--yes", path)
            #expect(result.status == 0, "\(result.errors)")
            let remaining = Set(kept.map { "\($0) \($1)" } + ["c-1 cart-1", "shopper cart-shop"])
            #expect(shop.associations == remaining.union(["c-2 cart-2"]))
            let report = try shop.report()
            #expect(report.plan.deletes == 1)
            #expect(report.outcomes.delete.deleted == 1)
            #expect(report.plan.unmanaged == 1)
            #expect(report.contradictions.isEmpty)
            // When the other source lets go of it too, it is deleted.
            _ = try shop.folder.write(csv([("c-99", "cart-99")]), to: "other.csv")
            #expect(try await shop.cartsync("sync", "--yes", "--source", "region-b", other).status == 0)
            #expect(shop.associations == remaining.union(["c-99 cart-99"]))
        }
    }

    @Test("a cart that changes hands is created for the new owner before it is deleted for the old one")
    func changesHands() async throws {
        try await withShop { shop in
            let path = try shop.folder.write(csv([("old", "cart-1")]), to: "e.csv")
            #expect(try await shop.cartsync("sync", "--yes", path).status == 0)
            _ = try shop.folder.write(csv([("new", "cart-1")]), to: "e.csv")
            #expect(try await shop.cartsync("sync", "--yes", path).status == 0)
            #expect(shop.associations == ["new cart-1"])
            let calls = shop.sandbox.calls().filter { $0.cart == "cart-1" }
            #expect(calls.map(\.operation) == [.create, .create, .delete])
        }
    }

    @Test("a delete is skipped when the create of the same cart is refused")
    func skippedDelete() async throws {
        try await withShop { shop in
            let path = try shop.folder.write(csv([("old", "cart-1")]), to: "e.csv")
            #expect(try await shop.cartsync("sync", "--yes", path).status == 0)
            _ = try shop.folder.write(csv([("new", "cart-1")]), to: "e.csv")
            shop.sandbox.inject(
                SandboxFault(
                    .answer(status: 422, body: #"{"errors":[{"status":400,"title":"no"}]}"#), operation: .create))
            let result = try await shop.cartsync("sync", "--yes", path)
            #expect(result.status == 1)
            #expect(shop.associations == ["old cart-1"])
            #expect(try shop.report().outcomes.delete.skipped == 1)
            // The next run has not forgotten the delete.
            #expect(try await shop.cartsync("sync", "--yes", path).status == 0)
            #expect(shop.associations == ["new cart-1"])
        }
    }

    @Test("without a terminal and without --yes nothing is written")
    func noApproval() async throws {
        try await withShop { shop in
            let path = try shop.folder.write(numbered(1...3), to: "e.csv")
            let result = try await shop.cartsync("sync", path)
            #expect(result.status == 3)
            #expect(result.lastLine.contains("--yes"))
            #expect(shop.sandbox.statistics().writes == 0)
            #expect(result.output.contains("customer-1"))
        }
    }

    @Test("plan writes nothing, and says with its exit status whether there are changes")
    func plan() async throws {
        try await withShop { shop in
            let path = try shop.folder.write(numbered(1...3), to: "e.csv")
            #expect(try await shop.cartsync("plan", path).status == 0)
            #expect(try await shop.cartsync("plan", "--detailed-exitcode", path).status == 2)
            #expect(shop.sandbox.statistics().writes == 0)
            #expect(shop.sandbox.statistics().autoCreatedCarts == 0)
            #expect(try await shop.cartsync("sync", "--yes", path).status == 0)
            #expect(try await shop.cartsync("plan", "--detailed-exitcode", path).status == 0)
            let json = try await shop.cartsync("plan", "--output", "json", path)
            _ = try JSONSerialization.jsonObject(with: Data(json.output.utf8))
        }
    }

    @Test("import never deletes, and its source is its own")
    func importOnly() async throws {
        try await withShop { shop in
            let path = try shop.folder.write(numbered(1...5), to: "e.csv")
            #expect(try await shop.cartsync("import", "--yes", path).status == 0)
            _ = try shop.folder.write(numbered(6...7), to: "e.csv")
            #expect(try await shop.cartsync("import", "--yes", path).status == 0)
            #expect(shop.associations.count == 7)
            #expect(try await shop.cartsync("sync", "--yes", path).status == 0)
            #expect(shop.associations.count == 7)
        }
    }

    @Test("an export on standard input is read")
    func standardInput() async throws {
        try await withShop { shop in
            let result = try await shop.cartsync("sync", "--yes", "-", input: numbered(1...3))
            #expect(result.status == 0, "\(result.errors)")
            #expect(shop.associations.count == 3)
        }
    }

    @Test("deletes above the guard are refused with the command that allows exactly them")
    func guardOnDeletes() async throws {
        try await withShop { shop in
            let path = try shop.folder.write(numbered(1...60), to: "e.csv")
            #expect(try await shop.cartsync("sync", "--yes", "--rate", "1000", path).status == 0)
            _ = try shop.folder.write(numbered(1...35), to: "e.csv")
            let refused = try await shop.cartsync("sync", "--yes", path)
            #expect(refused.status == 3, "\(refused.errors)")
            #expect(refused.errors.contains("25 deletes of 60"))
            #expect(refused.errors.contains("customer customer-36") || refused.errors.contains("customer-36"))
            #expect(refused.lastLine.contains("--max-deletes 25"))
            #expect(shop.associations.count == 60)
            let allowed = try await shop.cartsync("sync", "--yes", "--max-deletes", "25", "--rate", "1000", path)
            #expect(allowed.status == 0, "\(allowed.errors)")
            #expect(shop.associations.count == 35)
        }
    }

    @Test("an empty snapshot is refused with the flag that allows it")
    func guardOnEmpty() async throws {
        try await withShop { shop in
            let path = try shop.folder.write(numbered(1...5), to: "e.csv")
            #expect(try await shop.cartsync("sync", "--yes", path).status == 0)
            _ = try shop.folder.write("customer_id,cart_id\n", to: "e.csv")
            let refused = try await shop.cartsync("sync", "--yes", path)
            #expect(refused.status == 3)
            #expect(refused.lastLine.contains("--allow-empty"))
            #expect(shop.associations.count == 5)
        }
    }

    @Test("the last record of a CSV without a final line end is rejected, and nothing is deleted")
    func possiblyCut() async throws {
        try await withShop { shop in
            let path = try shop.folder.write(numbered(1...5), to: "e.csv")
            #expect(try await shop.cartsync("sync", "--yes", path).status == 0)
            // Half of the fourth record, and half of one that the store does not have.
            for cut in [String(numbered(1...4).dropLast()), numbered(1...3) + "customer-22,cart-2"] {
                _ = try shop.folder.write(cut, to: "e.csv")
                let result = try await shop.cartsync("sync", "--yes", path)
                #expect(result.status == 1, "\(result.errors)")
                #expect(result.errors.contains("final line end"), "\(result.errors)")
                #expect(shop.associations.count == 5)
                #expect(try shop.report().exports[0].rejected == ["may-be-cut": 1])
            }
            // This system writes none.
            let told = try await shop.start(
                ["sync", "--yes", path], environment: ["CARTSYNC_EXPORT_REQUIRE_FINAL_NEWLINE": "false"]
            ).result()
            #expect(told.status == 0, "\(told.errors)")
            #expect(shop.associations.count == 4)
        }
    }

    @Test("a manifest vouches for the end of a CSV, by the number of its records or by its digest")
    func vouched() async throws {
        try await withShop { shop in
            let path = try shop.folder.write(numbered(1...10), to: "e.csv")
            #expect(try await shop.cartsync("sync", "--yes", path).status == 0)
            _ = try shop.folder.write(String(numbered(1...9).dropLast()), to: "e.csv")
            _ = try shop.folder.write(#"{"records": 9}"#, to: "e.csv.manifest.json")
            let counted = try await shop.cartsync("sync", "--yes", path)
            #expect(counted.status == 0, "\(counted.errors)")
            #expect(shop.associations.count == 9)
            _ = try shop.folder.write(#"{"records": 8}"#, to: "e.csv.manifest.json")
            _ = try shop.folder.write(String(numbered(1...8).dropLast()), to: "e.csv")
            let checked = try await shop.cartsync("check", "--output", "json", path)
            let digest = try #require(checked.output.firstMatch(of: #/"sha256" ?: ?"([0-9a-f]{64})"/#)).1
            _ = try shop.folder.write(#"{"sha256": "\#(digest)"}"#, to: "e.csv.manifest.json")
            let digested = try await shop.cartsync("sync", "--yes", path)
            #expect(digested.status == 0, "\(digested.errors)")
            #expect(shop.associations.count == 8)
        }
    }

    @Test("a plan for a snapshot that is a tenth smaller than the last one warns")
    func smaller() async throws {
        try await withShop { shop in
            let path = try shop.folder.write(numbered(1...20), to: "e.csv")
            #expect(try await shop.cartsync("sync", "--yes", "--rate", "500", path).status == 0)
            _ = try shop.folder.write(numbered(1...18), to: "e.csv")
            let json = try await shop.cartsync("plan", "--output", "json", path)
            #expect(json.output.contains("10 % fewer than the 20"), "\(json.output)")
            for format in ["text", "markdown"] {
                let plan = try await shop.cartsync("plan", "--output", format, path)
                #expect(plan.output.contains("10 % fewer"), "\(plan.output)")
            }
            let result = try await shop.cartsync("sync", "--yes", path)
            #expect(result.errors.contains("10 % fewer"), "\(result.errors)")
            #expect(try shop.report().plan.warnings.count == 1)
            let folder = try #require(shop.latestRun)
            #expect(try shop.folder.read(folder + "/report.html").contains("10 % fewer"))
        }
    }

    @Test("a rejected record never costs its association")
    func rejectedRecord() async throws {
        try await withShop { shop in
            let path = try shop.folder.write(csv([("c-1", "cart-1"), ("c-2", "cart-2")]), to: "e.csv")
            #expect(try await shop.cartsync("sync", "--yes", path).status == 0)
            _ = try shop.folder.write(csv([("c-1", "cart-1"), ("c-2", "cart 2")]), to: "e.csv")
            let result = try await shop.cartsync("sync", "--yes", path)
            #expect(result.status == 1)
            #expect(shop.associations == ["c-1 cart-1", "c-2 cart-2"])
        }
    }

    @Test("a listing that is not complete causes no delete")
    func incompleteListing() async throws {
        for listing in [SandboxBehaviour.Listing.short, .growingTotal] {
            var options = SandboxOptions()
            options.carts = (1...150).map { SandboxCart(id: "shop-\($0)", customers: ["shopper-\($0)"]) }
            options.behaviour.listing = listing
            try await withShop(options) { shop in
                let path = try shop.folder.write(numbered(1...5), to: "e.csv")
                let result = try await shop.cartsync(
                    "sync", "--yes", "--deletes", "all", "--current", "api", "--max-deletes", "1000", "--rate", "1000",
                    path)
                #expect(result.status == 1, "\(result.errors)")
                #expect(result.output.contains("because the store's listing is not complete"))
                #expect(shop.sandbox.statistics().count(.delete) == 0)
                #expect(shop.associations.count == 155)
            }
        }
    }

    @Test("429, 5xx and a reset connection are repeated until the change is made")
    func retries() async throws {
        try await withShop { shop in
            shop.sandbox.inject(SandboxFault(.answer(status: 429, headers: ["Retry-After": "1"]), operation: .create))
            shop.sandbox.inject(SandboxFault(.answer(status: 503, body: "<html>"), operation: .create, count: 2))
            shop.sandbox.inject(SandboxFault(.resetAfterEffect, operation: .create))
            let path = try shop.folder.write(numbered(1...10), to: "e.csv")
            let result = try await shop.cartsync("sync", "--yes", "--rate", "100", path)
            #expect(result.status == 0, "\(result.errors)")
            #expect(shop.associations.count == 10)
            #expect(try shop.report().contradictions.isEmpty)
        }
    }

    @Test("twenty changes in a row that something else answers end the run with 69, which says so aloud")
    func notTheStore() async throws {
        try await withShop { shop in
            shop.sandbox.inject(
                SandboxFault(
                    .answer(status: 200, body: "<html><title>Sign in</title>"), operation: .create, count: nil))
            let path = try shop.folder.write(numbered(1...60), to: "e.csv")
            let result = try await shop.cartsync("sync", path, "--yes", "--rate", "500", "--concurrency", "24")
            #expect(result.status == 69, "\(result.errors)")
            for words in [
                "this is not the store: 2", "changes in a row got an answer",
                "a web page (HTML) with the title \"Sign in\"",
                "api.base-url",
            ] {
                #expect(result.errors.contains(words), "\(result.errors)")
            }
            #expect(shop.associations.isEmpty)
            let report = try shop.report()
            #expect(report.verdict.exitStatus == 69)
            // Nothing counts as made, and a second run makes all of it.
            shop.sandbox.clearFaults()
            #expect(try await shop.cartsync("sync", path, "--yes", "--rate", "500").status == 0)
            #expect(shop.associations.count == 60)
        }
    }

    @Test("Ctrl-C stops early with 75, and a second run finishes the job")
    func interrupt() async throws {
        try await withShop { shop in
            let path = try shop.folder.write(numbered(1...200), to: "e.csv")
            // Ten of 200 at 40 a second take a quarter of one: most is left however late the signal comes.
            let program = try shop.start(["sync", "--yes", "--rate", "40", path])
            let hasBegun = await eventually { shop.sandbox.statistics().count(.create) >= 10 }
            #expect(hasBegun)
            program.send(signal: SIGINT)
            // As timeout(1) does: to the program, and to its group.
            program.send(signal: SIGINT)
            let result = try await program.result()
            #expect(result.status == 75, "\(result.errors)")
            #expect(result.lastLine.contains("cartsync runs resume"), "\(result.errors)")
            #expect(result.errors.contains("cartsync: stopping"))
            #expect(result.errors.contains("another signal ends at once"))
            #expect(!result.errors.contains("\u{1B}"), "no terminal, no escape codes")
            let done = shop.associations.count
            #expect(done < 200)
            let report = try shop.report()
            #expect(report.outcomes.create.pending == 200 - done)
            #expect(report.contradictions.isEmpty)
            let second = try await shop.cartsync("sync", "--yes", "--rate", "1000", path)
            #expect(second.status == 0, "\(second.errors)")
            #expect(shop.associations.count == 200)
            #expect(shop.sandbox.statistics().count(.create) == 200)
        }
    }

    @Test("the second of two processes on one state folder is told who holds it")
    func locked() async throws {
        try await withShop { shop in
            let path = try shop.folder.write(numbered(1...100), to: "e.csv")
            // It holds the folder for five seconds, and is stopped as soon as the other one has been refused.
            let first = try shop.start(["sync", "--yes", "--rate", "20", path])
            let hasBegun = await eventually { shop.sandbox.statistics().count(.create) >= 1 }
            #expect(hasBegun)
            let second = try await shop.cartsync("sync", "--yes", path)
            #expect(second.status == 75)
            #expect(second.errors.contains("process"))
            first.send(signal: SIGINT)
            #expect(try await first.result().status == 75)
        }
    }

    @Test("a ledger belongs to one store")
    func otherStore() async throws {
        try await withShop { shop in
            let path = try shop.folder.write(numbered(1...2), to: "e.csv")
            #expect(try await shop.cartsync("sync", "--yes", path).status == 0)
            var environment = shop.environment
            environment["EPCC_CLIENT_ID"] = "another-key"
            let result = try await Program.run(["sync", "--yes", path], environment: environment)
            #expect(result.status == 78)
            #expect(result.errors.contains("another-key"))
        }
    }

    @Test("every call is paced: no second holds more than the limit")
    func pace() async throws {
        try await withShop { shop in
            let path = try shop.folder.write(numbered(1...120), to: "e.csv")
            // A second that is full takes more than one second of calls, on the clock of the store.
            let result = try await shop.cartsync("sync", "--yes", "--rate", "50", path)
            #expect(result.status == 0, "\(result.errors)")
            #expect(shop.sandbox.statistics().busiestSecond <= 50)
            #expect(shop.sandbox.statistics().busiestCart <= 1)
        }
    }

    @Test("read-only refuses every write")
    func readOnly() async throws {
        try await withShop { shop in
            let path = try shop.folder.write(numbered(1...3), to: "e.csv")
            let result = try await shop.cartsync("sync", "--yes", "--read-only", path)
            #expect(result.status != 0)
            #expect(shop.sandbox.statistics().writes == 0)
        }
    }
}
