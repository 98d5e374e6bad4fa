import CommerceSandbox
import Foundation
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A service on the state folder of a shop, without a page.
private struct Beside {
    let shop: Shop
    let service: Program

    /// Starts it, and waits until commands can be handed to it.
    static func start(
        _ shop: Shop, rate: Int = 500, prefix: [String] = [], more: [String: String] = [:]
    ) async throws -> Beside {
        try FileManager.default.createDirectory(atPath: shop.folder.path("inbox"), withIntermediateDirectories: true)
        let words = [
            "serve", "--inbox", shop.folder.path("inbox"), "--poll", "100ms", "--settle", "0s", "--http", "off",
            "--rate", "\(rate)",
        ]
        // Its working folder is another one than that of the commands.
        let service = try Program(
            prefix.isEmpty ? words : Array(prefix.dropFirst()) + [try Program.path()] + words,
            environment: shop.environment.merging(more) { $1 }, executable: prefix.first)
        let beside = Beside(shop: shop, service: service)
        let isThere = await eventually { beside.listens }
        try #require(isThere, "\((try? service.errorsSoFar()) ?? "")")
        return beside
    }

    var listens: Bool { FileManager.default.fileExists(atPath: shop.folder.path("state/service.sock")) }

    /// What the commands get that only the service may know.
    var environment: [String: String] {
        var environment = shop.environment
        environment["EPCC_CLIENT_SECRET"] = nil
        return environment
    }

    func start(_ arguments: [String], input: String? = nil) throws -> Program {
        try Program(arguments, environment: environment, input: input, in: shop.folder.path)
    }

    func cartsync(_ arguments: String..., input: String? = nil) async throws -> Program.Result {
        try await start(arguments, input: input).result()
    }

    /// Ends it, and tells whether it ended as a service does.
    func end() async throws {
        service.send(signal: SIGTERM)
        let result = try await service.result()
        #expect(result.status == 0, "\(result.errors)")
        #expect(!listens, "the socket is still there")
    }

    /// The id of the newest run.
    func latestRun() async throws -> String {
        let listed = try await cartsync("runs", "list", "--output", "json")
        let runs = try JSONDecoder().decode([Listed].self, from: Data(listed.output.utf8))
        return try #require(runs.first).id
    }

    private struct Listed: Decodable {
        let id: String
    }
}

private func withService(
    rate: Int = 500, _ options: SandboxOptions = SandboxOptions(), _ body: (Beside) async throws -> Void
) async throws {
    try await withShop(options) { shop in
        let beside = try await Beside.start(shop, rate: rate)
        try await body(beside)
        try await beside.end()
    }
}

@Suite("commands that the service on their state folder does")
struct HandedCommandTests {
    /// What a person sees, without what differs from run to run.
    private func shape(_ text: String, _ shop: Shop) -> String {
        // A path is broken at the width of the terminal, anywhere in it.
        let lines = (text.split(separator: "latency ").first.map(String.init) ?? "").split(separator: "\n")
        return lines.filter { !$0.contains("cartsync: applying") }.joined().filter { !$0.isWhitespace }
            .replacing(shop.folder.path, with: "FOLDER").replacing(#/\d{8}-\d{6}-[0-9a-z]{4}/#, with: "RUN")
            .replacing(#/localhost:\d+|127\.0\.0\.1:\d+/#, with: "STORE")
            .replacing(#/[0-9][0-9,.]*(ms|s|min)?/#, with: "N")
    }

    @Test("sync, undo and import look beside a service as they do alone")
    func sameInTheTerminal() async throws {
        let commands = [
            ["sync", "first.csv"], ["sync", "--yes", "first.csv"], ["sync", "--yes", "first.csv"],
            ["sync", "--yes", "fewer.csv"], ["sync", "--yes", "--max-deletes", "40", "fewer.csv"],
            ["sync", "--yes", "--output", "json", "missing.csv"], ["sync", "--yes", "broken.csv"],
            ["runs", "undo", "--yes", "--max-deletes", "60", "latest"], ["import", "--yes", "other.csv"],
            ["runs", "resume", "latest"], ["apply", "--yes", "missing.plan"],
        ]
        func prepare(_ shop: Shop) throws {
            _ = try shop.folder.write(numbered(1...60), to: "first.csv")
            _ = try shop.folder.write(numbered(1...20), to: "fewer.csv")
            _ = try shop.folder.write(numbered(61...70), to: "other.csv")
            _ = try shop.folder.write("customer_id,cart_id\nc-1,\"cart", to: "broken.csv")
        }
        var alone: [(Int32, String, String)] = []
        try await withShop { shop in
            try prepare(shop)
            for command in commands {
                let result = try await shop.start(command).result()
                alone.append((result.status, shape(result.output, shop), shape(result.errors, shop)))
            }
        }
        try await withService(rate: 20) { beside in
            try prepare(beside.shop)
            for (command, alone) in zip(commands, alone) {
                let result = try await beside.start(command).result()
                #expect(result.status == alone.0, "\(command): \(result.errors)")
                #expect(shape(result.output, beside.shop) == alone.1, "\(command)")
                #expect(shape(result.errors, beside.shop) == alone.2, "\(command)")
            }
            let log = try beside.service.errorsSoFar()
            #expect(log.matches(of: #/a command is handed over/#).count >= commands.count - 1, "\(log)")
        }
    }

    @Test("a saved plan is applied, and a ledger's file added, by the service")
    func planAndLedger() async throws {
        try await withService { beside in
            let shop = beside.shop
            _ = try shop.folder.write(numbered(1...5), to: "e.csv")
            // Only reading needs credentials of its own.
            let plan = try await shop.cartsync("plan", "--out", "night.plan", "e.csv")
            #expect(plan.status == 0, "\(plan.errors)")
            let applied = try await beside.cartsync("apply", "--yes", "night.plan")
            #expect(applied.status == 0, "\(applied.errors)")
            #expect(shop.associations.count == 5)
            let again = try await beside.cartsync("apply", "--yes", "night.plan")
            #expect(again.status != 0 && again.errors.contains("was applied before"), "\(again.errors)")

            let exported = try await beside.cartsync("ledger", "export", "--out", "ledger.csv")
            #expect(exported.status == 0, "\(exported.errors)")
            let added = try await beside.cartsync("ledger", "import", "ledger.csv")
            #expect(added.status == 0, "\(added.errors)")
            #expect(added.output.contains("kept     5"), "\(added.output)")
            let piped = try await beside.cartsync(
                "ledger", "import", "-", input: try shop.folder.read("ledger.csv"))
            #expect(piped.status == 0, "\(piped.errors)")
        }
    }

    @Test("a run that waits is approved by the service, which lets it go on")
    func approval() async throws {
        try await withService { beside in
            let shop = beside.shop
            _ = try shop.folder.write(numbered(1...60), to: "inbox/first.csv")
            #expect(await eventually { shop.folder.names(in: "inbox/done").contains("first.csv") })
            _ = try shop.folder.write(numbered(1...20), to: "inbox/fewer.csv")
            #expect(await eventually { shop.folder.names(in: "inbox/waiting").contains("fewer.csv") })
            let few = try await beside.cartsync("runs", "approve", "--max-deletes", "3", "latest")
            #expect(few.status == 64 || few.status == 3, "\(few.errors)")
            let approved = try await beside.cartsync("runs", "approve", try await beside.latestRun())
            #expect(approved.status == 0, "\(approved.errors)")
            #expect(await eventually { shop.associations.count == 20 })
        }
    }

    @Test("files are those of the person's folder, what stands beside them too, and standard input")
    func files() async throws {
        try await withService { beside in
            let shop = beside.shop
            _ = try shop.folder.write(numbered(1...3), to: "e.csv")
            let manifest = try shop.folder.write("{\"records\": 4}", to: "e.csv.manifest.json")
            let refused = try await beside.cartsync("import", "--yes", "e.csv")
            #expect(refused.status == 65, "\(refused.errors)")
            try FileManager.default.removeItem(atPath: manifest)
            #expect(try await beside.cartsync("import", "--yes", "./e.csv").status == 0)
            let piped = try await beside.cartsync("import", "--yes", "-", input: numbered(4...6))
            #expect(piped.status == 0, "\(piped.errors)")
            #expect(shop.associations.count == 6)
            let pipe = try await Program(
                ["-c", "\"$0\" import --yes <(printf 'customer_id,cart_id\\nc,d\\n')", Program.path()],
                environment: beside.environment, in: shop.folder.path, executable: "/bin/bash"
            ).result()
            #expect(pipe.status == 66 && pipe.errors.contains("not a regular file"), "\(pipe.errors)")
        }
    }

    @Test("Ctrl-C stops the run of the command alone, which then is resumed by the service")
    func interrupt() async throws {
        try await withService(rate: 20) { beside in
            let shop = beside.shop
            _ = try shop.folder.write(numbered(1...200), to: "e.csv")
            let client = try beside.start(["import", "--yes", "e.csv"])
            try #require(await eventually { shop.associations.count > 5 })
            client.send(signal: SIGINT)
            let result = try await client.result()
            #expect(result.status == 75, "\(result.errors)")
            #expect(result.lastLine.contains("cartsync runs resume "), "\(result.lastLine)")
            #expect(result.errors.contains("stopping"), "\(result.errors)")
            #expect(shop.associations.count < 150)
            let left = shop.associations.count
            let resumed = try await beside.cartsync("runs", "resume", "--rate", "100", try await beside.latestRun())
            #expect(resumed.status == 0, "\(resumed.errors)")
            #expect(resumed.errors.contains("the service's limit of 20 calls a second holds"), "\(resumed.errors)")
            #expect(shop.associations.count == 200 && left < 200)
            #expect(shop.sandbox.statistics().busiestSecond <= 20)
        }
    }

    @Test("a client that is killed stops its run, and the service goes on")
    func killedClient() async throws {
        try await withService(rate: 20) { beside in
            let shop = beside.shop
            _ = try shop.folder.write(numbered(1...200), to: "e.csv")
            let client = try beside.start(["import", "--yes", "e.csv"])
            try #require(await eventually { shop.associations.count > 5 })
            client.send(signal: SIGKILL)
            _ = try await client.result()
            #expect(try await eventually { try beside.service.errorsSoFar().contains("a command ended") })
            #expect(shop.associations.count < 150)
            _ = try shop.folder.write(numbered(301...303, owner: "other"), to: "inbox/next.csv")
            #expect(await eventually { shop.folder.names(in: "inbox/done").contains("next.csv") })
            #expect(shop.associations.contains("other-301 cart-301"))
        }
    }

    @Test("when the service is killed, the client says which run it was and how it goes on")
    func killedService() async throws {
        try await withShop { shop in
            let beside = try await Beside.start(shop, rate: 20)
            _ = try shop.folder.write(numbered(1...100), to: "e.csv")
            let client = try beside.start(["import", "--yes", "e.csv"])
            try #require(await eventually { shop.associations.count > 5 })
            beside.service.send(signal: SIGKILL)
            _ = try await beside.service.result()
            let result = try await client.result()
            #expect(result.status == 75, "\(result.errors)")
            let next = try #require(result.lastLine.firstMatch(of: #/next: cartsync (runs resume \S+)/#)?.output.1)
            // The socket is still there, and nobody listens.
            #expect(beside.listens)
            let resumed = try await shop.start(next.split(separator: " ").map(String.init) + ["--rate", "500"]).result()
            #expect(resumed.status == 0, "\(resumed.errors)")
            #expect(shop.associations.count == 100)
        }
    }

    @Test("a service that is ended stops the run, and the client tells how it goes on")
    func endedService() async throws {
        try await withShop { shop in
            let beside = try await Beside.start(shop, rate: 20)
            _ = try shop.folder.write(numbered(1...100), to: "e.csv")
            let client = try beside.start(["import", "--yes", "e.csv"])
            try #require(await eventually { shop.associations.count > 5 })
            try await beside.end()
            let result = try await client.result()
            #expect(result.status == 75, "\(result.errors)")
            #expect(result.output.contains("report"), "\(result.output)")
            #expect(result.lastLine.contains("cartsync runs resume "), "\(result.lastLine)")
        }
    }

    @Test("who comes second is told who goes first, and has the turn after it")
    func queue() async throws {
        try await withService(rate: 20) { beside in
            let shop = beside.shop
            _ = try shop.folder.write(numbered(1...60), to: "inbox/night.csv")
            try #require(await eventually { shop.associations.count > 2 })
            _ = try shop.folder.write(numbered(101...140), to: "second.csv")
            _ = try shop.folder.write(numbered(201...203), to: "third.csv")
            let second = try beside.start(["import", "--yes", "second.csv"])
            try #require(
                try await eventually { try second.errorsSoFar().contains("the run of job default goes first") })
            try #require(await eventually { shop.associations.count > 65 })
            let third = try beside.start(["import", "--yes", "third.csv"])
            let (last, result) = (try await third.result(), try await second.result())
            #expect(result.status == 0, "\(result.errors)")
            #expect(last.status == 0, "\(last.errors)")
            let process = second.processIdentifier
            #expect(last.errors.contains("cartsync import of process \(process) goes first"), "\(last.errors)")
            #expect(shop.associations.count == 103)
            #expect(shop.sandbox.statistics().busiestCart == 1)
        }
    }

    @Test("who waits for the turn and is stopped has written nothing")
    func stoppedInQueue() async throws {
        try await withService(rate: 20) { beside in
            let shop = beside.shop
            _ = try shop.folder.write(numbered(1...60), to: "inbox/night.csv")
            try #require(await eventually { shop.associations.count > 2 })
            _ = try shop.folder.write(numbered(101...140), to: "second.csv")
            let second = try beside.start(["import", "--yes", "second.csv"])
            try #require(try await eventually { try second.errorsSoFar().contains("goes first") })
            second.send(signal: SIGINT)
            let result = try await second.result()
            #expect(result.status == 75 && result.lastLine.contains("nothing was written"), "\(result.errors)")
            #expect(await eventually { shop.folder.names(in: "inbox/done").contains("night.csv") })
            #expect(shop.associations.count == 60)
        }
    }

    @Test("a mended file of rejected records is imported by the service with what stands beside it")
    func rejects() async throws {
        try await withService { beside in
            let shop = beside.shop
            let records = (1...30).map { "k-\($0);c-\($0)\r\n" }.joined()
            _ = try shop.folder.write("KORB;KUNDE\r\n" + records + "k 31;c-31\r\n", to: "night.csv")
            let map = ["--map", "cart=KORB", "--map", "account=KUNDE", "--source", "night"]
            let first = try await beside.start(["sync", "--yes"] + map + ["night.csv"]).result()
            #expect(first.status == 1 && shop.associations.count == 30, "\(first.errors)")
            let folder = "state/runs/" + (try await beside.latestRun())
            let text = try shop.folder.read(folder + "/rejects.csv").replacing("k 31", with: "k-31")
            // Mended where the person works, with the settings beside it.
            _ = try shop.folder.write(text, to: "mended.csv")
            _ = try shop.folder.write(
                try shop.folder.read(folder + "/rejects.csv.settings.yaml"), to: "mended.csv.settings.yaml")
            let imported = try await beside.cartsync("import", "--yes", "mended.csv")
            #expect(imported.status == 0, "\(imported.errors)")
            #expect(imported.errors.contains("mended.csv.settings.yaml"), "\(imported.errors)")
            #expect(shop.associations.contains("c-31 k-31") && shop.associations.count == 31)
            let listed = try await beside.cartsync("runs", "show", "latest")
            #expect(listed.output.contains("night"), "\(listed.output)")
            let log = try beside.service.errorsSoFar()
            #expect(log.matches(of: #/a command is handed over/#).count >= 2, "\(log)")
        }
    }

    @Test("owners' keys and a crosswalk of the person's folder are looked up by the service")
    func ownerKeys() async throws {
        var options = SandboxOptions()
        options.owners.customers = [.init(id: "id-1", email: "u1@x.example")]
        try await withService(options) { beside in
            let shop = beside.shop
            let records = ["u1@x.example,k-1\n", "u2@x.example,k-2\n"]
            _ = try shop.folder.write("customer_email,cart_id\n" + records.joined(), to: "night.csv")
            _ = try shop.folder.write("customer_id,customer_email\nid-2,u2@x.example\n", to: "crosswalk.csv")
            let result = try await beside.cartsync("import", "--yes", "--crosswalk", "crosswalk.csv", "night.csv")
            #expect(result.status == 0, "\(result.errors)")
            #expect(result.output.contains("2 keys: 1 from the crosswalk, 1 found in the store"), "\(result.output)")
            #expect(shop.associations == ["id-1 k-1", "id-2 k-2"])
            #expect(try beside.service.errorsSoFar().contains("a command is handed over"))
        }
    }

    @Test("a sealed export is opened with the service's key, which the command need not have")
    func sealed() async throws {
        let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "ExportFilesTests/Fixtures/sealed")
        func path(_ name: String) -> String { fixtures.appending(path: name).path(percentEncoded: false) }
        try await withShop { shop in
            let key = try String(contentsOfFile: path("ours.key.asc"), encoding: .utf8)
            let beside = try await Beside.start(shop, more: ["CARTSYNC_EXPORT_DECRYPTION_KEY": key])
            // Its path is one of the command's working folder.
            try FileManager.default.copyItem(atPath: path("signed.csv.gpg"), toPath: shop.folder.path("e.csv.gpg"))
            try FileManager.default.copyItem(atPath: path("sender.asc"), toPath: shop.folder.path("partner.asc"))
            var environment = beside.environment
            environment["CARTSYNC_EXPORT_SIGNED_BY"] = "partner.asc"
            let result = try await Program(
                ["import", "--yes", "e.csv.gpg"], environment: environment, in: shop.folder.path
            ).result()
            #expect(result.status == 0, "\(result.errors)")
            #expect(shop.associations == ["c-1 k-1", "c-2 k-2"])
            try await beside.end()
        }
    }

    @Test("settings of another store are refused, and the service's own are named that hold instead")
    func settings() async throws {
        try await withService { beside in
            let shop = beside.shop
            _ = try shop.folder.write(numbered(1...3), to: "e.csv")
            var environment = beside.environment
            environment["EPCC_CLIENT_ID"] = "another"
            let other = try await Program(
                ["import", "--yes", "e.csv"], environment: environment, in: shop.folder.path
            ).result()
            #expect(other.status == 78 && other.errors.contains("works with another store"), "\(other.errors)")
            #expect(shop.associations.isEmpty)
            environment = beside.environment
            environment["CARTSYNC_API_LARGEST_OFFSET"] = "900"
            environment["CARTSYNC_RATE_LIMIT"] = "900"
            let told = try await Program(
                ["import", "--yes", "e.csv"], environment: environment, in: shop.folder.path
            ).result()
            #expect(told.status == 0, "\(told.errors)")
            #expect(told.errors.contains("the service's own settings hold for api.largest-offset"), "\(told.errors)")
            #expect(told.errors.contains("the service's limit of 500 calls a second holds"), "\(told.errors)")
        }
    }

    @Test(
        "a command's own rate holds for its run in the service's pace, whatever the schedule says, and for that run alone"
    )
    func ownRate() async throws {
        try await withShop { shop in
            let more = ["CARTSYNC_RATE_SCHEDULE": "00:00-24:00 60"]
            let beside = try await Beside.start(shop, rate: 50, more: more)
            // Three seconds of calls at four a second.
            _ = try shop.folder.write(numbered(1...12), to: "slow.csv")
            let slow = try beside.start(["import", "--yes", "--rate", "4", "slow.csv"])
            #expect(await eventually { shop.associations.count > 1 })
            // It waits for its turn while the slow one is under way, and has no rate of its own.
            _ = try shop.folder.write(numbered(21...60, owner: "other"), to: "fast.csv")
            let fast = try beside.start(["import", "--yes", "--source", "fast", "fast.csv"])
            #expect(await eventually { shop.associations.count == 12 })
            #expect(shop.sandbox.statistics().busiestSecond <= 4)
            for result in [try await slow.result(), try await fast.result()] {
                #expect(result.status == 0, "\(result.errors)")
            }
            let limits = try shop.folder.names(in: "state/runs").map { run in
                try JSONDecoder().decode(
                    Report.self, from: Data(shop.folder.read("state/runs/\(run)/report.json").utf8)
                ).latency.rate.limit
            }
            #expect(limits == [4, 60])
            #expect(shop.sandbox.statistics().busiestSecond > 4)
            try await beside.end()
        }
    }

    @Test("plan and doctor beside a run never cross the limit together with it")
    func sharedPace() async throws {
        try await withService(rate: 10) { beside in
            let shop = beside.shop
            _ = try shop.folder.write(numbered(1...60), to: "inbox/night.csv")
            try #require(await eventually { shop.associations.count > 2 })
            _ = try shop.folder.write(numbered(1...90), to: "next.csv")
            let readers =
                try (0..<4).map { _ in
                    try shop.start(["plan", "--rate", "10", "next.csv"])
                } + [try shop.start(["doctor", "--rate", "10"])]
            for reader in readers {
                let result = try await reader.result()
                #expect(result.status == 0, "\(result.errors)")
            }
            #expect(await eventually { shop.folder.names(in: "inbox/done").contains("night.csv") })
            #expect(shop.sandbox.statistics().busiestSecond <= 10)
        }
    }

    @Test("beside a command the second one ends with 75 and says who holds the folder")
    func besideCommand() async throws {
        try await withShop { shop in
            _ = try shop.folder.write(numbered(1...100), to: "e.csv")
            let first = try shop.start(["import", "--yes", "--rate", "10", "e.csv"])
            try #require(await eventually { shop.associations.count > 2 })
            let second = try await shop.cartsync("import", "--yes", "e.csv")
            #expect(second.status == 75, "\(second.errors)")
            #expect(second.errors.contains("in use by process \(first.processIdentifier)"), "\(second.errors)")
            first.send(signal: SIGINT)
            #expect(try await first.result().status == 75)
        }
    }

    @Test("a second service, and a new ledger in the place of the one that is served, are refused with what to do")
    func whatCannotBeHanded() async throws {
        try await withService { beside in
            let second = try await beside.shop.cartsync("serve", "--inbox", beside.shop.folder.path("inbox"))
            #expect(second.status == 75 && second.errors.contains("a service works on"), "\(second.errors)")
            let rebuilt = try await beside.shop.cartsync("ledger", "rebuild", "--yes", "--listing")
            #expect(rebuilt.status == 75 && rebuilt.lastLine.contains("stop the service, then"), "\(rebuilt.errors)")
        }
    }

    @Test(
        "a service of another user gets what root may read, and serves nobody else",
        .enabled(if: geteuid() == 0 && FileManager.default.isExecutableFile(atPath: "/usr/bin/setpriv")))
    func users() async throws {
        try await withShop { shop in
            let user = ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
            for name in ["inbox", "state"] {
                try FileManager.default.createDirectory(
                    atPath: shop.folder.path(name), withIntermediateDirectories: true,
                    attributes: [.posixPermissions: 0o700])
                try FileManager.default.setAttributes(
                    [.ownerAccountID: 65534, .groupOwnerAccountID: 65534], ofItemAtPath: shop.folder.path(name))
            }
            func allow(_ mode: Int, _ path: String) throws {
                try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
            }
            try allow(0o755, shop.folder.path)
            let beside = try await Beside.start(shop, prefix: user)
            let export = try shop.folder.write(numbered(1...3), to: "e.csv")
            try allow(0o600, export)
            let result = try await beside.cartsync("import", "--yes", "e.csv")
            #expect(result.status == 0, "\(result.errors)")
            #expect(shop.associations.count == 3)
            for path in try FileManager.default.subpathsOfDirectory(atPath: shop.folder.path("state")) {
                let owner = try FileManager.default.attributesOfItem(atPath: shop.folder.path("state/" + path))[
                    .ownerAccountID]
                #expect(owner as? Int == 65534, "\(path)")
            }
            let socket = shop.folder.path("state/service.sock")
            let mode = try FileManager.default.attributesOfItem(atPath: socket)[.posixPermissions]
            #expect(mode as? Int == 0o600)

            // Were the modes wider than they are, it would still not serve another user.
            try allow(0o755, shop.folder.path("state"))
            try allow(0o666, socket)
            try allow(0o644, export)
            let stranger = try await Program(
                ["--reuid=65533", "--regid=65533", "--clear-groups", Program.path(), "import", "--yes", export],
                environment: beside.environment, executable: user[0]
            ).result()
            #expect(stranger.status == 74, "\(stranger.errors)")
            #expect(try await eventually { try beside.service.errorsSoFar().contains("another user is refused") })
            try await beside.end()
        }
    }

    @Test("a state folder whose path is too long for a socket's address is served too")
    func longPath() async throws {
        try await withShop { shop in
            let deep = shop.folder.path((0..<12).map { "a-long-name-\($0)" }.joined(separator: "/"))
            let state = deep + "/state"
            try FileManager.default.createDirectory(atPath: deep, withIntermediateDirectories: true)
            var environment = shop.environment
            environment["CARTSYNC_STATE_DIRECTORY"] = state
            try FileManager.default.createDirectory(
                atPath: shop.folder.path("inbox"), withIntermediateDirectories: true)
            let service = try Program(
                ["serve", "--inbox", shop.folder.path("inbox"), "--poll", "100ms", "--http", "off"],
                environment: environment)
            try #require(await eventually { FileManager.default.fileExists(atPath: state + "/service.sock") })
            let export = try shop.folder.write(numbered(1...3), to: "e.csv")
            let result = try await Program.run(["import", "--yes", export], environment: environment)
            #expect(result.status == 0, "\(result.errors)")
            service.send(signal: SIGTERM)
            #expect(try await service.result().status == 0)
        }
    }
}
