import ArgumentParser
import CartAssociations
import CommerceSandbox
import Foundation
import Logging
import ServiceLifecycle
import SyncEngine
import UnixSignals

struct SandboxCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sandbox",
        abstract: "A local Elastic Path API for trying things out.",
        discussion: """
            Carts, associations and tokens live in memory and are gone when it ends. Ctrl-C ends it.

            EXAMPLE
              cartsync sandbox --port 8400 --seed samples/sandbox/store.json --rate-limit 25
            """)

    @Option(help: ArgumentHelp("Port to listen on; 0 takes a free one.", valueName: "port"))
    var port = 8400

    @Option(help: ArgumentHelp("Carts and associations that exist at the start (JSON).", valueName: "file"))
    var seed: String?

    @Option(help: ArgumentHelp("Calls a second; further ones get 429 (no limit).", valueName: "n"))
    var rateLimit: Int?

    @Option(help: ArgumentHelp("Time that each call takes, for instance 40ms.", valueName: "duration"))
    var latency: String?

    @Option(
        help: ArgumentHelp(
            "How much that varies: the sigma of a logarithmic normal distribution, for instance 0.5 (0).",
            valueName: "sigma"))
    var latencySigma = 0.0

    @Option(help: ArgumentHelp("Id that gets a token.", valueName: "id"))
    var clientID = SandboxOptions().clientID

    // Not the credentials of a store: the sandbox makes its own, and a person needs to see them.
    @Option(help: ArgumentHelp("Secret that gets a token.", valueName: "text"))
    var clientSecret = SandboxOptions().clientSecret

    func validate() throws {
        guard (0...65_535).contains(port) else { throw ValidationError("--port is 0 to 65535") }
        if let rateLimit, rateLimit < 1 { throw ValidationError("--rate-limit is 1 or more") }
        guard (0...3).contains(latencySigma) else { throw ValidationError("--latency-sigma is 0 to 3") }
        _ = try chosenLatency()
    }

    private func chosenLatency() throws -> SandboxLatency {
        guard let latency else { return .none }
        do {
            let median = try SettingValue.duration(latency, in: .zero...Duration.seconds(60))
            return latencySigma == 0 ? .steady(median) : .lognormal(median: median, sigma: latencySigma)
        } catch {
            throw ValidationError("--latency is '\(latency)': \(error.reason)")
        }
    }

    func run() async throws {
        var options = SandboxOptions(
            port: port, rateLimit: rateLimit, latency: try chosenLatency(), clientID: clientID,
            clientSecret: clientSecret)
        if let seed { options.carts = try Self.carts(from: seed) }
        let sandbox = Sandbox(options: options, logger: .forProgram())
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                let services = ServiceGroup(
                    services: [sandbox], gracefulShutdownSignals: [.sigint, .sigterm], logger: .forProgram())
                group.addTask { try await services.run() }
                let url = "http://127.0.0.1:\(try await sandbox.port())"
                Terminal.output(
                    """
                    export EPCC_API_BASE_URL=\(url)
                    export EPCC_CLIENT_ID=\(ShellWord.quoted(clientID))
                    export EPCC_CLIENT_SECRET=\(ShellWord.quoted(clientSecret))
                    """)
                Terminal.message("cartsync: the sandbox listens on \(url); Ctrl-C ends it")
                try await group.waitForAll()
            }
        } catch let error as SandboxError {
            throw Ending(status: .unavailable, details: error.description, next: "cartsync sandbox --port 0")
        }
        let seen = sandbox.statistics()
        throw Ending(
            status: .done,
            summary: "\(seen.total) requests, \(seen.writes) writes, at most \(seen.busiestSecond) in one second")
    }

    static func carts(from path: String) throws -> [SandboxCart] {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw Ending(
                status: .exportUnreadable, details: "\(path): the seed cannot be read; check the name",
                next: "cartsync sandbox --help")
        }
        do {
            return try Sandbox.seed(from: data)
        } catch let error as SandboxError {
            throw Ending(
                status: .exportRefused, details: "\(path): \(error.description)", next: "cartsync sandbox --help")
        }
    }
}
