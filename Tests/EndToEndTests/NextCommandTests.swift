import CommerceSandbox
import Foundation
import TestSupport
import Testing

/// What a command says is to be typed next, typed as it stands in the same folder.
@Suite("the next command")
struct NextCommandTests {
    /// A folder with settings of its own, a state folder of its own and a rate of its own, so that each has to be said again.
    private struct Place {
        let shop: Shop
        /// The flags that every next command has to keep, if it takes them.
        static let flags = ["--config", "own settings.yaml", "--state", "own state", "--rate", "400"]

        /// The flags that every command takes.
        static let named = "--config 'own settings.yaml' --state 'own state'"

        var environment: [String: String] {
            var environment = shop.environment
            environment["CARTSYNC_STATE_DIRECTORY"] = nil
            environment["EPCC_API_BASE_URL"] = nil
            environment["PATH"] = (try? URL(filePath: Program.path()).deletingLastPathComponent().path)
                .map { $0 + ":/usr/bin:/bin" }
            return environment
        }

        init(_ shop: Shop) throws {
            self.shop = shop
            _ = try shop.folder.write("api: {base-url: '\(shop.baseURL)'}\n", to: "own settings.yaml")
        }

        func start(_ words: String...) throws -> Program {
            try Program(words + Self.flags, environment: environment, in: shop.folder.path)
        }

        func cartsync(_ words: String...) async throws -> Program.Result {
            try await Program(words + Self.flags, environment: environment, in: shop.folder.path).result()
        }

        /// Types a line into a shell.
        func type(_ line: String) async throws -> Program.Result {
            try await Program(
                ["-c", line], environment: environment, in: shop.folder.path, executable: "/bin/sh"
            ).result()
        }

        /// The command that a result says is next.
        func next(_ result: Program.Result) throws -> String {
            let next = try #require(
                result.lastLine.components(separatedBy: "; next: ").dropFirst().last, "\(result.errors)")
            // What is to be done before stands before it, what it is good for behind it.
            let command = try #require(next.range(of: "cartsync "), "\(next)")
            return String(next[command.lowerBound...]).components(separatedBy: ", to see").first ?? ""
        }

        /// Types what is next, and what is next then, until a command names none; none may be the one before.
        ///
        /// - Parameter most: how many commands there may be.
        @discardableResult
        func follow(_ first: Program.Result, most: Int = 3) async throws -> (commands: [String], last: Program.Result) {
            var (result, commands) = (first, [String]())
            while result.lastLine.contains("; next: ") {
                try #require(commands.count < most, "\(commands)")
                let command = try next(result)
                #expect(command != commands.last, "the command that just failed")
                #expect(command.contains("--state 'own state'"), "\(command)")
                commands.append(command)
                result = try await type(command)
                #expect(![64, 66, 70, 78].contains(result.status), "\(command): \(result.errors)")
            }
            return (commands, result)
        }
    }

    private func withPlace(
        _ options: SandboxOptions = SandboxOptions(), _ body: (Place) async throws -> Void
    ) async throws {
        try await withShop(options) { shop in try await body(Place(shop)) }
    }

    @Test("a plan leads to a sync, that to the approval, and that to the end, with the flags that were typed")
    func planned() async throws {
        try await withPlace { place in
            _ = try place.shop.folder.write(numbered(1...3), to: "my export.csv")
            let plan = try await place.cartsync("plan", "--source", "night", "my export.csv")
            let (commands, last) = try await place.follow(plan)
            #expect(commands.count == 2)
            #expect(
                commands.allSatisfy { command in
                    ["--source night", "--config 'own settings.yaml'", "--rate 400"].allSatisfy(command.contains)
                }, "\(commands)")
            #expect(last.status == 0 && place.shop.associations.count == 3)
        }
    }

    @Test("a saved plan leads to its application, one that is stale to a new one with the settings of the first")
    func saved() async throws {
        try await withPlace { place in
            let folder = place.shop.folder
            _ = try folder.write("OWNER;cart\nc-1;k-1\n", to: "odd.csv")
            let words = ["--map", "customer=OWNER", "--source", "night"]
            let flags = words + ["--deletes", "listed", "--out", "night.plan", "odd.csv"]
            let first = try await Program(
                ["plan"] + flags + Place.flags, environment: place.environment, in: folder.path
            ).result()
            #expect(first.status == 0, "\(first.errors)")
            let done = try await place.follow(first)
            #expect(done.last.status == 0 && place.shop.associations == ["c-1 k-1"])
            #expect(done.commands.allSatisfy { $0.hasPrefix("cartsync apply ") && $0.contains("--rate 400") })

            _ = try folder.write("OWNER;cart\nc-1;k-1\nc-2;k-2\n", to: "odd.csv")
            let spent = try await place.cartsync("apply", "--yes", "night.plan")
            #expect(spent.status != 0)
            let again = try await place.follow(spent)
            #expect(again.commands.first?.hasPrefix("cartsync plan ") == true)
            for flag in [
                "--map customer=OWNER", "--source night", "--deletes listed", "--out night.plan", "--rate 400",
            ] {
                #expect(again.commands.first?.contains(flag) == true, "\(again.commands)")
            }
            #expect(again.last.status == 0 && place.shop.associations == ["c-1 k-1", "c-2 k-2"])
        }
    }

    @Test("each guard's refusal leads to the command that allows exactly this plan")
    func guards() async throws {
        try await withPlace { place in
            let folder = place.shop.folder
            _ = try folder.write(numbered(1...60), to: "e.csv")
            #expect(try await place.cartsync("sync", "--yes", "e.csv").status == 0)
            _ = try folder.write(numbered(1...20), to: "e.csv")
            let deletes = try await place.follow(try await place.cartsync("sync", "--yes", "e.csv"))
            // The first shows the plan and asks, whoever typed --yes before.
            #expect(deletes.commands.count == 2 && deletes.commands[0].contains("--max-deletes 40"))
            #expect(deletes.commands.map { $0.contains("--yes") } == [false, true])
            #expect(deletes.last.status == 0 && place.shop.associations.count == 20)
            _ = try folder.write(numbered(1...20) + String(repeating: "c 1,k\n", count: 9), to: "e.csv")
            let rejected = try await place.cartsync("sync", "--yes", "e.csv")
            #expect(rejected.status == 3)
            let allowed = try await place.type(try place.next(rejected))
            #expect(allowed.status == 1, "\(allowed.errors)")
            // What is rejected is corrected, and imported for the source of its run.
            let line = try place.next(allowed)
            let path = try #require(line.firstMatch(of: #/[^ ']*own state[^']*rejects\.csv/#)).output
            let text = try String(
                contentsOfFile: path.hasPrefix("/") ? String(path) : folder.path(String(path)), encoding: .utf8)
            try text.replacing("c 1,k", with: "c-1,k-1").write(
                toFile: path.hasPrefix("/") ? String(path) : folder.path(String(path)), atomically: true,
                encoding: .utf8)
            let imported = try await place.follow(allowed)
            #expect(imported.last.status == 0, "\(imported.last.errors)")
            #expect(place.shop.associations.contains("c-1 k-1"))
            _ = try folder.write("customer_id,cart_id\n", to: "empty.csv")
            let empty = try await place.cartsync("sync", "--yes", "--source", "other", "empty.csv")
            #expect(empty.status == 3)
            #expect(try await place.follow(empty).last.status == 0)
        }
    }

    @Test("what could not be read, or was refused the credentials, leads to the same command once that is mended")
    func mended() async throws {
        try await withPlace { place in
            let folder = place.shop.folder
            _ = try folder.write("customer_id,cart_id\nc-1,\"k-1\n", to: "e.csv")
            let cut = try await place.cartsync("sync", "--yes", "e.csv")
            #expect(cut.status == 65 && cut.lastLine.contains("correct the export"))
            _ = try folder.write(numbered(1...2), to: "e.csv")
            #expect(try await place.follow(cut).last.status == 0)
            let missing = try await place.cartsync("sync", "--yes", "later.csv")
            #expect(missing.status == 66)
            _ = try folder.write(numbered(1...3), to: "later.csv")
            #expect(try await place.follow(missing).last.status == 0)
            place.shop.sandbox.inject(SandboxFault(.answer(status: 401), operation: .token, count: nil))
            _ = try folder.write(numbered(1...4), to: "later.csv")
            let refused = try await place.cartsync("sync", "--yes", "later.csv")
            #expect(refused.status == 77, "\(refused.errors)")
            place.shop.sandbox.clearFaults()
            #expect(try await place.follow(refused).last.status == 0)
            #expect(place.shop.associations.count == 4)
        }
    }

    @Test("a run that was stopped, or whose changes failed, leads to what does the rest", arguments: [SIGINT, SIGKILL])
    func stopped(signal: Int32) async throws {
        try await withPlace { place in
            let shop = place.shop
            _ = try shop.folder.write(numbered(1...120), to: "e.csv")
            // Two seconds of calls, so that much is left however late the signal comes.
            let words = [
                "sync", "--yes", "--config", "own settings.yaml", "--state", "own state", "--rate", "60", "e.csv",
            ]
            let program = try Program(words, environment: place.environment, in: shop.folder.path)
            #expect(await eventually { shop.associations.count > 10 })
            program.send(signal: signal)
            var result = try await program.result()
            if signal == SIGKILL {
                // Nothing was said; the list of runs says it.
                result = try await place.type("cartsync runs list \(Place.named)")
                #expect(result.status == 0)
                let shown = try await place.type("cartsync runs show \(Place.named) latest")
                #expect(try place.next(shown) == place.next(result))
            } else {
                #expect(result.status == 75 && result.lastLine.contains("--rate 60"))
            }
            let resumed = try await place.follow(result)
            #expect(resumed.commands.count == 1 && resumed.commands[0].contains("runs resume"))
            #expect(resumed.last.status == 0 && shop.associations.count == 120)
            // Only the calls of the last moment are made again.
            #expect(shop.sandbox.statistics().count(.create) <= 120 + 68)

            shop.sandbox.inject(
                SandboxFault(
                    .answer(status: 422, body: #"{"errors":[{"title":"No","detail":"not now"}]}"#), operation: .create,
                    count: 3))
            _ = try shop.folder.write(numbered(1...123), to: "e.csv")
            let failed = try await place.cartsync("sync", "--yes", "e.csv")
            #expect(failed.status == 1, "\(failed.errors)")
            #expect(try await place.follow(failed).last.status == 0)
            #expect(shop.associations.count == 123)
        }
    }

    @Test("a resumed run has the pace, the objectives and the secrecy of the run, unless it is told otherwise")
    func resumedAsItWas() async throws {
        try await withPlace { place in
            let shop = place.shop
            _ = try shop.folder.write(numbered(1...90), to: "e.csv")
            let words = [
                "sync", "--yes", "--config", "own settings.yaml", "--state", "own state", "--rate", "45",
                "--concurrency", "3",
                "--redact", "--slo", "create.p99<30s", "e.csv",
            ]
            let program = try Program(words, environment: place.environment, in: shop.folder.path)
            #expect(await eventually { shop.associations.count > 5 })
            program.send(signal: SIGTERM)
            #expect(try await program.result().status == 75)
            let resumed = try await place.type(
                "cartsync runs resume --config 'own settings.yaml' --state 'own state' latest")
            #expect(resumed.status == 0, "\(resumed.errors)")
            let run = try #require(shop.folder.names(in: "own state/runs").last)
            let json = try shop.folder.read("own state/runs/\(run)/report.json")
            let report = try JSONDecoder().decode(Report.self, from: Data(json.utf8))
            #expect(report.latency.rate.limit == 45)
            #expect(report.objectives.map(\.objective) == ["create.p99<30s"])
            #expect(shop.sandbox.statistics().busiestSecond <= 45)
            for file in ["report.json", "results.csv", "report.html"] {
                #expect(try !shop.folder.read("own state/runs/\(run)/\(file)").contains("customer-"), "\(file)")
            }
        }
    }

    @Test("an undo leads to its approval, and after it the latest run with changes is the undo")
    func undone() async throws {
        try await withPlace { place in
            _ = try place.shop.folder.write(numbered(1...3), to: "e.csv")
            #expect(try await place.cartsync("sync", "--yes", "e.csv").status == 0)
            let run = try #require(place.shop.folder.names(in: "own state/runs").last)
            let asked = try await place.cartsync("runs", "undo", "latest")
            #expect(asked.status == 3 && asked.output.contains(run), "the plan names the run: \(asked.output)")
            let undone = try await place.follow(asked)
            #expect(undone.last.status == 0 && place.shop.associations.isEmpty)
            #expect(undone.last.output.contains(run))
            // What would be done now is said before it is done: the undo is taken back.
            let again = try await place.cartsync("runs", "undo", "latest")
            let undo = try #require(place.shop.folder.names(in: "own state/runs").last)
            #expect(again.status == 3 && again.output.contains(undo), "\(again.output)")
            #expect(try await place.follow(again).last.status == 0)
            #expect(place.shop.associations.count == 3)
        }
    }

    @Test(
        "what only looks leads to a command that can be typed: check, explain, an unknown run, a report, forget, doctor"
    )
    func looking() async throws {
        try await withPlace { place in
            let folder = place.shop.folder
            _ = try folder.write(numbered(1...3), to: "e.csv")
            let check = try await place.type("cartsync check \(Place.named) e.csv")
            #expect(check.status == 0, "\(check.errors)")
            #expect(try await place.follow(check).last.status == 0)
            #expect(place.shop.associations.count == 3)
            for (line, status) in [
                ("explain cart-1", 0), ("runs show 20200101-000000-aaaa", 64), ("report 20200101-000000-aaaa", 64),
                ("report --output hgrm --operation list-x", 64), ("runs approve 20200101-000000-aaaa", 64),
                ("runs decline 20200101-000000-aaaa", 64), ("runs resume 20200101-000000-aaaa", 64),
                ("forget customer-3", 3),
            ] {
                let result = try await place.type("cartsync \(line) \(Place.named)")
                #expect(result.status == status, "\(line): \(result.errors)")
                let command = try place.next(result)
                let next = try await place.type(command)
                #expect(next.status == 0, "\(command): \(next.errors)")
            }
        }
    }

    @Test("a run of the service that waits leads to its approval, wherever that is typed")
    func waiting() async throws {
        try await withPlace { place in
            let folder = place.shop.folder
            try folder.createFolder("inbox")
            _ = try folder.write(numbered(1...60), to: "inbox/a.csv")
            let words = ["serve", "--once", "--inbox", "inbox", "--settle", "0s", "--http", "off"]
            let once = {
                try await Program(words + Place.flags, environment: place.environment, in: folder.path).result()
            }
            #expect(try await once().status == 0)
            _ = try folder.write(numbered(1...20), to: "inbox/b.csv")
            #expect(try await once().status == 3)
            let listed = try await place.type("cartsync runs list --state 'own state'")
            #expect(try place.next(listed).hasPrefix("cartsync runs approve "))
            let approved = try await place.follow(listed)
            #expect(approved.commands.count == 2, "what waits is shown before it is approved: \(approved.commands)")
            #expect(approved.last.status == 0, "\(approved.last.errors)")
            #expect(try await once().status == 0)
            #expect(place.shop.associations.count == 20)
        }
    }
}
