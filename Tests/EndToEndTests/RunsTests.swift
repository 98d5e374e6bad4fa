import CommerceSandbox
import Foundation
import TestSupport
import Testing

@Suite("runs")
struct RunsTests {
    /// What the tests read of `runs show --output json`.
    private struct Shown: Decodable {
        struct Run: Decodable {
            let id: String
            let state: String
        }

        struct Outcomes: Decodable {
            let create: Report.Tally
            let delete: Report.Tally
        }

        let run: Run
        let outcomes: Outcomes
    }

    private func show(_ run: String, _ shop: Shop) async throws -> Shown {
        let result = try await shop.cartsync("runs", "show", "--output", "json", run)
        #expect(result.status == 0, "\(result.errors)")
        return try JSONDecoder().decode(Shown.self, from: Data(result.output.utf8))
    }

    private func list(_ shop: Shop) async throws -> [Shown.Run] {
        let result = try await shop.cartsync("runs", "--output", "json")
        #expect(result.status == 0, "\(result.errors)")
        return try JSONDecoder().decode([Shown.Run].self, from: Data(result.output.utf8))
    }

    /// Starts a sync and ends it with a signal in the middle; returns its result and its run.
    ///
    /// Its rate makes it last for a second or more, so that much is left however late the signal comes.
    private func interrupt(
        _ arguments: [String], with signal: Int32, after calls: Int, in shop: Shop
    ) async throws -> (Program.Result, run: String) {
        let before = shop.sandbox.statistics().writes
        let program = try shop.start(arguments)
        #expect(await eventually { shop.sandbox.statistics().writes >= before + calls })
        program.send(signal: signal)
        let result = try await program.result()
        return (result, try #require(shop.folder.names(in: "state/runs").last))
    }

    @Test("a run that Ctrl-C stopped names the command that goes on, and that finishes it and reports it whole")
    func resumeStopped() async throws {
        try await withShop { shop in
            let path = try shop.folder.write(numbered(1...150, owner: "c"), to: "e.csv")
            let (stopped, run) = try await interrupt(
                ["sync", "--yes", "--rate", "60", path], with: SIGINT, after: 20, in: shop)
            #expect(stopped.status == 75, "\(stopped.errors)")
            #expect(stopped.lastLine.contains("next: cartsync runs resume --rate 60 \(run)"), "\(stopped.lastLine)")
            #expect(try await show(run, shop).run.state == "stopped")

            // The export is no longer needed.
            try FileManager.default.removeItem(atPath: path)
            let resumed = try await shop.cartsync("runs", "resume", "--rate", "1000", run)
            #expect(resumed.status == 0, "\(resumed.errors)")
            #expect(shop.associations.count == 150)
            #expect(shop.sandbox.statistics().count(.create) == 150)
            let report = try shop.report()
            #expect(report.run == run)
            #expect(report.contradictions.isEmpty)
            #expect(report.outcomes.create.created == 150)
            #expect(report.exports.map(\.records) == [150])
            let lines = try shop.folder.read("state/runs/\(run)/results.csv").split(separator: "\r\n")
            #expect(lines.count == 151)
            #expect(lines[1].contains(path))
            #expect(try await show(run, shop).run.state == "finished")
            let again = try await shop.cartsync("runs", "resume", run)
            #expect(again.status == 3)
            #expect(again.errors.contains("it is finished"))
        }
    }

    @Test("a run that was killed is stopped, not under way, and is resumed by the last part of its id")
    func resumeKilled() async throws {
        try await withShop { shop in
            let path = try shop.folder.write(numbered(1...150, owner: "c"), to: "e.csv")
            let (_, run) = try await interrupt(
                ["sync", "--yes", "--rate", "60", path], with: SIGKILL, after: 30, in: shop)
            #expect(try await list(shop).map(\.state) == ["stopped"])
            // What is known of it is told when somebody asks, and it is the latest.
            let known = try await shop.cartsync("report", "--output", "json")
            #expect(known.status == 0, "\(known.errors)")
            let partial = try JSONDecoder().decode(Report.self, from: Data(known.output.utf8))
            let shownRun = try await show(run, shop)
            #expect(partial.run == run && partial.contradictions.isEmpty)
            #expect(partial.outcomes.create.created == shownRun.outcomes.create.created)
            #expect(partial.outcomes.create.created > 0 && partial.outcomes.create.pending > 0)
            #expect(partial.outcomes.create.total == 150)
            let text = try await shop.cartsync("report", run)
            #expect(text.output.contains("ended in the middle"), "\(text.output)")
            #expect(try await shop.cartsync("report", "--output", "html", run).output.contains("ended in the middle"))
            let short = String(try #require(run.split(separator: "-").last))
            let resumed = try await shop.cartsync("runs", "resume", "--rate", "1000", short)
            #expect(resumed.status == 0, "\(resumed.errors)")
            #expect(shop.associations.count == 150)
            let report = try shop.report()
            #expect(report.contradictions.isEmpty)
            #expect(report.outcomes.create.created + report.outcomes.create.alreadyThere == 150)
            // Only the calls of the last moment are made again.
            #expect(shop.sandbox.statistics().count(.create) <= 150 + 60)
        }
    }

    @Test(
        "a signal and its echo stop gently, which is said at once while calls stall; without a terminal no escape code is sent"
    )
    func echo() async throws {
        var options = SandboxOptions()
        options.latency = .steady(.seconds(2))
        try await withShop(options) { shop in
            let path = try shop.folder.write(numbered(1...150, owner: "c"), to: "e.csv")
            let program = try shop.start(["sync", "--yes", "--current", "ledger", "--concurrency", "8", path])
            #expect(await eventually { shop.sandbox.statistics().writes > 3 })
            let asked = ContinuousClock.now
            for _ in 0..<3 { program.send(signal: SIGTERM) }
            #expect(
                try await eventually {
                    try program.errorsSoFar().contains("calls in flight; another signal ends at once")
                })
            #expect(ContinuousClock.now - asked < .seconds(1.5), "it is said while the calls go on")
            let result = try await program.result()
            #expect(result.status == 75 && result.lastLine.contains("runs resume"), "\(result.errors)")
            #expect(try shop.report().contradictions.isEmpty)
            #expect(!(result.errors + result.output).unicodeScalars.contains("\u{1B}"))
        }
    }

    @Test(
        "SIGTERM is heard in the middle of a long read within a second",
        .enabled(if: Program.hasFacts, "the time of processors is read in /proc"),
        arguments: ["csv", "xml"])
    func whileReading(form: String) async throws {
        try await withShop { shop in
            // Many seconds of reading in a debug build.
            let path: String
            if form == "csv" {
                path = try shop.folder.write(numbered(1...600_000), to: "long.csv")
            } else {
                let records = (1...300_000).map {
                    "<r><customer_id>c-\($0)</customer_id><cart_id>cart-\($0)</cart_id></r>\n"
                }
                path = try shop.folder.write("<all>\n" + records.joined() + "</all>\n", to: "long.xml")
            }
            let program = try shop.start(["sync", "--yes", path])
            // What comes before the reading takes a fraction of it.
            #expect(await eventually { (program.processorTime ?? .zero) > .seconds(1.5) })
            let asked = try #require(program.processorTime)
            let began = ContinuousClock.now
            program.send(signal: SIGTERM)
            // A machine that others use, too, takes longer for it than it works on it.
            var spent = asked
            _ = await eventually {
                guard let time = program.processorTime else { return true }
                spent = max(spent, time)
                return false
            }
            let result = try await program.result()
            #expect(result.status == 75, "\(result.errors)")
            #expect(spent - asked < .seconds(1))
            #expect(ContinuousClock.now - began < .seconds(10), "it waits for nothing either")
            #expect(shop.sandbox.statistics().writes == 0)
        }
    }

    @Test(
        "SIGTERM is heard while standard input says nothing", .enabled(if: Program.hasFacts), .timeLimit(.minutes(10)))
    func whileWaitingForInput() async throws {
        try await withShop { shop in
            // The program takes the shell's place, and a pipe that is open for writing has no end.
            let program = try Program(
                ["-c", "mkfifo pipe && exec '\(try Program.path())' sync --yes - <>pipe"],
                environment: shop.environment,
                in: shop.folder.path, executable: "/bin/bash")
            #expect(await eventually { shop.folder.names(in: "state").contains { $0.hasPrefix("ledger") } })
            // A signal before the program listens to them ends it at once.
            #expect(await eventually { program.hears(SIGTERM) })
            program.send(signal: SIGTERM)
            let result = try await program.result()
            #expect(result.status == 75, "\(result.errors)")
        }
    }

    @Test("an undo deletes what the run created, creates what it deleted, and leaves what was there before")
    func undo() async throws {
        try await withShop(.carts(SandboxCart(id: "cart-1", customers: ["c-1"]))) { shop in
            let path = try shop.folder.write(numbered(2...20, owner: "c"), to: "e.csv")
            #expect(try await shop.cartsync("sync", "--yes", "--rate", "500", path).status == 0)
            let before = shop.associations
            // cart-1 is there already without a listing being asked, 2 to 4 go, 21 to 23 come.
            _ = try shop.folder.write(
                "customer_id,cart_id\nc-1,cart-1\n" + (5...23).map { "c-\($0),cart-\($0)\n" }.joined(), to: "e.csv")
            let second = try await shop.cartsync("sync", "--yes", "--rate", "500", "--current", "ledger", path)
            #expect(second.status == 0, "\(second.errors)")
            #expect(try shop.report().outcomes.create.alreadyThere == 1)
            let run = try #require(try await list(shop).first).id

            let refused = try await shop.cartsync("runs", "undo", run)
            #expect(refused.status == 3)
            #expect(refused.lastLine.contains("cartsync runs undo --yes"), "\(refused.lastLine)")
            let guarded = try await shop.cartsync("runs", "undo", "--yes", "--max-deletes", "1", run)
            #expect(guarded.status == 3)
            #expect(guarded.lastLine.contains("--max-deletes 3"))
            let undone = try await shop.cartsync("runs", "undo", "--yes", "--rate", "500", run)
            #expect(undone.status == 0, "\(undone.errors)")
            let words = undone.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
            #expect(words.components(separatedBy: "undoes run \(run)").count == 3, "plan and report name it")
            #expect(shop.associations == before)
            let report = try shop.report()
            #expect(report.outcomes.create.created == 3)
            #expect(report.outcomes.delete.deleted == 3)

            let twice = try await shop.cartsync("runs", "undo", "--yes", run)
            #expect(twice.lastLine.contains("nothing to do"), "\(twice.lastLine)")
            // What the undo created again is the source's own again.
            _ = try shop.folder.write(numbered(3...20, owner: "c"), to: "e.csv")
            #expect(try await shop.cartsync("sync", "--yes", "--rate", "500", path).status == 0)
            #expect(!shop.associations.contains("c-2 cart-2"))
        }
    }

    @Test("a stopped run is void once a later snapshot of its source was synced")
    func superseded() async throws {
        try await withShop { shop in
            let path = try shop.folder.write(numbered(1...100, owner: "c"), to: "e.csv")
            let (_, run) = try await interrupt(
                ["sync", "--yes", "--rate", "60", path], with: SIGINT, after: 10, in: shop)
            _ = try shop.folder.write(numbered(1...100, owner: "d"), to: "e.csv")
            let later = try await shop.cartsync("sync", "--yes", "--rate", "1000", "--max-deletes", "100", path)
            #expect(later.status == 0, "\(later.errors)")
            let resumed = try await shop.cartsync("runs", "resume", run)
            #expect(resumed.status == 3)
            #expect(resumed.errors.contains("cannot be resumed"))
            #expect(shop.associations.allSatisfy { $0.hasPrefix("d-") })
        }
    }

    @Test("what is left of a run goes through the guard again")
    func guarded() async throws {
        try await withShop { shop in
            let path = try shop.folder.write(numbered(1...100, owner: "c"), to: "e.csv")
            #expect(try await shop.cartsync("sync", "--yes", "--rate", "1000", path).status == 0)
            _ = try shop.folder.write(numbered(1...1, owner: "c"), to: "e.csv")
            let (stopped, run) = try await interrupt(
                ["sync", "--yes", "--max-deletes", "99", "--rate", "40", path], with: SIGINT, after: 10, in: shop)
            #expect(stopped.status == 75, "\(stopped.errors)")
            let refused = try await shop.cartsync("runs", "resume", "--max-deletes", "5", run)
            #expect(refused.status == 3)
            #expect(refused.lastLine.contains("--max-deletes"), "\(refused.lastLine)")
            // What a person allowed for the run holds for all of it.
            let resumed = try await shop.cartsync("runs", "resume", "--rate", "1000", run)
            #expect(resumed.status == 0, "\(resumed.errors)")
            #expect(shop.associations == ["c-1 cart-1"])
        }
    }

    @Test("a deadline stops with 75 and the command that goes on")
    func deadline() async throws {
        try await withShop { shop in
            let path = try shop.folder.write(numbered(1...200, owner: "c"), to: "e.csv")
            // The shortest deadline there is; the changes would take three seconds.
            let stopped = try await shop.cartsync("sync", "--yes", "--rate", "60", "--deadline", "1s", path)
            #expect(stopped.status == 75, "\(stopped.errors)")
            #expect(stopped.errors.contains("the deadline has passed"))
            #expect(stopped.lastLine.contains("next: cartsync runs resume --rate 60 "), "\(stopped.lastLine)")
            #expect(try shop.report().outcomes.create.pending > 0)
        }
    }

    @Test("quiet hours hold every call, and are said to be the reason")
    func quietHours() async throws {
        try await withShop { shop in
            let path = try shop.folder.write(numbered(1...5, owner: "c"), to: "e.csv")
            var environment = shop.environment
            environment["CARTSYNC_RATE_SCHEDULE"] = "00:00-24:00 off"
            environment["CARTSYNC_RATE_TIME_ZONE"] = "Europe/Berlin"
            let result = try await Program.run(
                ["sync", "--yes", "--deadline", "1s", path], environment: environment)
            #expect(result.status == 75, "\(result.errors)")
            #expect(shop.sandbox.statistics().total == 0)
            environment["CARTSYNC_RATE_SCHEDULE"] = "00:00-24:00 40"
            let paced = try await Program.run(
                ["sync", "--yes", "--output", "json", path], environment: environment)
            #expect(paced.status == 0, "\(paced.errors)")
            #expect(paced.output.contains("rate.schedule 00:00-24:00 Europe/Berlin"), "\(paced.output)")
        }
    }

    @Test("carts are created from the export's names where that is asked for")
    func createCarts() async throws {
        var options = SandboxOptions()
        options.behaviour.unknownCart = .notFound
        try await withShop(options) { shop in
            let path = try shop.folder.write(
                "customer_id,cart_id,cart_name,cart_description\nc-1,cart-1,One,the first\n", to: "e.csv")
            let refused = try await shop.cartsync("sync", "--yes", path)
            #expect(refused.status == 1, "\(refused.errors)")
            let made = try await shop.cartsync("sync", "--yes", "--create-carts", path)
            #expect(made.status == 0, "\(made.errors)")
            #expect(shop.associations == ["c-1 cart-1"])
            #expect(shop.sandbox.statistics().count(.createCart) == 1)
        }
    }

    @Test(
        "refused exports and stores that do not answer are runs like others, and an undo of the latest means one with changes"
    )
    func failed() async throws {
        try await withShop { shop in
            let good = try shop.folder.write(numbered(1...3, owner: "c"), to: "good.csv")
            #expect(try await shop.cartsync("sync", "--yes", good).status == 0)
            let run = try #require(try await list(shop).first).id
            let bad = try shop.folder.write("a,b\n1,2\n", to: "bad.csv")
            #expect(try await shop.cartsync("plan", bad).status == 65)
            #expect(try await list(shop).count == 1, "a plan is no run")
            #expect(try await shop.cartsync("sync", "--yes", bad).status == 65)
            let closed = try shop.start(
                ["sync", "--yes", good], environment: ["EPCC_CLIENT_SECRET": "wrong"])
            #expect(try await closed.result().status == 77)
            #expect(try await list(shop).map(\.state) == ["failed", "failed", "finished"])
            let shown = try await shop.cartsync("runs", "--output", "json").output
            #expect(shown.contains(#/"exitStatus" ?: ?65/#) && shown.contains(#/"exitStatus" ?: ?77/#), "\(shown)")
            #expect(try await shop.cartsync("runs").output.contains("failed"))
            #expect(try await shop.cartsync("runs", "show", "latest").output.contains("exit status 77"))

            let undone = try await shop.cartsync("runs", "undo", "--yes", "--max-deletes", "3", "latest")
            #expect(undone.status == 0, "\(undone.errors)")
            #expect(undone.output.contains(run) && shop.associations.isEmpty)
        }
    }

    @Test("an unknown run is said to be unknown")
    func unknown() async throws {
        try await withShop { shop in
            let path = try shop.folder.write(numbered(1...1, owner: "c"), to: "e.csv")
            #expect(try await shop.cartsync("sync", "--yes", path).status == 0)
            let unknown = try await shop.cartsync("runs", "show", "20200101-000000-abcd")
            #expect(unknown.status == 64)
            #expect(unknown.lastLine.contains("next: cartsync runs"))
        }
    }

    @Test("serve goes on with the run that a kill interrupted")
    func serve() async throws {
        try await withShop { shop in
            try FileManager.default.createDirectory(
                atPath: shop.folder.path("inbox"), withIntermediateDirectories: true)
            _ = try shop.folder.write(numbered(1...120, owner: "c"), to: "inbox/big.csv")
            let common = [
                "serve", "--inbox", shop.folder.path("inbox"), "--poll", "100ms", "--settle", "0s", "--http", "off",
            ]
            let (_, run) = try await interrupt(common + ["--rate", "60"], with: SIGKILL, after: 20, in: shop)
            let again = try await shop.start(common + ["--rate", "1000", "--once"]).result()
            #expect(again.status == 0, "\(again.errors)")
            #expect(shop.associations.count == 120)
            #expect(try await list(shop).map(\.id) == [run])
            #expect(try shop.report().outcomes.create.total == 120)
            #expect(shop.folder.names(in: "inbox/done").contains("big.csv"))
        }
    }
}
