import ArgumentParser
import CartAssociations
import CommerceSandbox
import Foundation
import Logging
import ServiceLifecycle
import SyncEngine
import UnixSignals

struct SandboxCommand: ProgramCommand {
    static let configuration = CommandConfiguration(
        commandName: "sandbox",
        abstract: "A local Elastic Path API for trying things out.",
        discussion: """
            Carts, associations and tokens live in memory and are gone when it ends. Ctrl-C ends it.

            What goes wrong is said at the start by --fault, and while it runs by POST /sandbox/faults (DELETE takes all \
            faults away): an action (answer, delay, trickle, reset-before, reset-after, stall, garbage, cut, \
            revoke-tokens) with what it needs (status, headers, body, effect; seconds), the operation and cart it strikes, the \
            first request and their count, or a share of them. An answer comes without any effect, or after it with \
            "effect":true; {token} in its body is the token that was sent, {owner} the owner's id. What the vendor leaves open is chosen by \
            --behaviour, and while it runs by PUT /sandbox/behaviour. /sandbox/stats shows what it has seen, /sandbox/associations what \
            it holds, as CSV. A shopper's token is sandbox-customer:ID or sandbox-account:ID.

            BEHAVIOURS
            \(behaviours)

            EXAMPLE
              cartsync sandbox --port 8400 --seed samples/sandbox/store.json --rate-limit 25
              cartsync sandbox --behaviour unknown-cart=404 --behaviour listing=short --token-lifetime 30s \
                --fault '{"action":"answer","status":429,"headers":{"Retry-After":"2"},"share":0.05}' \
                --fault '{"action":"reset-after","operation":"create","share":0.01}' \
                --fault '{"action":"delay","seconds":5,"share":0.001}'
              curl -X POST -d '{"action":"answer","status":502,"body":"<html>","count":10}' \
                http://127.0.0.1:8400/sandbox/faults
              curl -X PUT -d '{"missing-association":"404"}' http://127.0.0.1:8400/sandbox/behaviour
            """)

    private static var behaviours: String {
        SandboxBehaviour.names.map { "  \($0.name): \($0.values)" }.joined(separator: "\n")
    }

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

    @Option(help: ArgumentHelp("Something that goes wrong, as JSON; may be given several times.", valueName: "json"))
    var fault: [String] = []

    @Option(help: ArgumentHelp("What the vendor leaves open; may be given several times.", valueName: "name=value"))
    var behaviour: [String] = []

    @Option(help: ArgumentHelp("How long a token is good for (1h).", valueName: "duration"))
    var tokenLifetime = "1h"

    @Option(
        help: ArgumentHelp(
            "Chooses the random part: latencies, and what shares of calls are struck (1).", valueName: "n"))
    var randomSeed: UInt64 = 1

    @Option(help: ArgumentHelp("PEM file of a certificate chain, to be spoken to by TLS.", valueName: "file"))
    var tlsCertificate: String?

    @Option(help: ArgumentHelp("PEM file of the certificate's key.", valueName: "file"))
    var tlsKey: String?

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
        _ = try chosenLifetime()
        _ = try chosenFaults()
        _ = try chosenBehaviour()
        guard (tlsCertificate == nil) == (tlsKey == nil) else {
            throw ValidationError("--tls-certificate and --tls-key go together")
        }
    }

    private func chosenLifetime() throws -> Duration {
        do {
            return try SettingKind.duration(in: .seconds(1)...Duration.seconds(86_400)).read(tokenLifetime)
        } catch {
            throw ValidationError("--token-lifetime is '\(tokenLifetime)': \(error.reason)")
        }
    }

    private func chosenFaults() throws -> [SandboxFault] {
        do {
            return try fault.map { try SandboxFault(json: Data($0.utf8)) }
        } catch {
            throw ValidationError("--fault: \(error)")
        }
    }

    private func chosenBehaviour() throws -> SandboxBehaviour {
        var chosen = SandboxBehaviour()
        for pair in behaviour {
            let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else { throw ValidationError("--behaviour is '\(pair)', and takes NAME=VALUE") }
            do {
                try chosen.set(parts[0], to: parts[1])
            } catch {
                throw ValidationError("--behaviour: \(error)")
            }
        }
        return chosen
    }

    private func chosenLatency() throws -> SandboxLatency {
        guard let latency else { return .none }
        do {
            let median = try SettingKind.duration(in: .zero...Duration.seconds(60)).read(latency)
            return latencySigma == 0 ? .steady(median) : .lognormal(median: median, sigma: latencySigma)
        } catch {
            throw ValidationError("--latency is '\(latency)': \(error.reason)")
        }
    }

    func work() async throws -> Ending? {
        var options = SandboxOptions(
            port: port, rateLimit: rateLimit, latency: try chosenLatency(), tokenLifetime: try chosenLifetime())
        options.clientID = clientID
        options.clientSecret = clientSecret
        options.behaviour = try chosenBehaviour()
        options.seed = randomSeed
        if let tlsCertificate, let tlsKey { options.tls = (tlsCertificate, tlsKey) }
        if let seed {
            let data = try Self.data(of: seed)
            options.carts = try Self.reading(seed) { try Sandbox.seed(from: data) }
            options.owners = try Self.reading(seed) { try Sandbox.seedOwners(from: data, options.behaviour) }
        }
        let sandbox = Sandbox(options: options, logger: .forProgram())
        for fault in try chosenFaults() { sandbox.inject(fault) }
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                let services = ServiceGroup(
                    services: [sandbox], gracefulShutdownSignals: [.sigint, .sigterm], logger: .forProgram())
                group.addTask { try await services.run() }
                let url = "\(options.tls == nil ? "http" : "https")://127.0.0.1:\(try await sandbox.port())"
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
            throw Ending(status: .usage, details: error.description, next: "cartsync sandbox --port 0")
        }
        let seen = sandbox.statistics()
        return Ending(
            status: .done,
            summary: "\(seen.total) requests, \(seen.writes) writes, at most \(seen.busiestSecond) in one second")
    }

    static func carts(from path: String) throws -> [SandboxCart] {
        let data = try data(of: path)
        return try reading(path) { try Sandbox.seed(from: data) }
    }

    private static func data(of path: String) throws -> Data {
        if let data = FileManager.default.contents(atPath: path) { return data }
        throw Ending(
            status: .exportUnreadable, details: "\(path): the seed cannot be read; check the name",
            next: "cartsync sandbox --help")
    }

    private static func reading<Value>(_ path: String, _ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as SandboxError {
            throw Ending(
                status: .exportRefused, details: "\(path): \(error.description)", next: "cartsync sandbox --help")
        }
    }
}
