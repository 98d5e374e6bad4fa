import CommerceSandbox
import Foundation
import Logging
import TestSupport
import Testing

/// A store (the sandbox in this process), a folder for exports and a state folder: what one test needs.
struct Shop: Sendable {
    let sandbox: Sandbox
    let port: Int
    let folder: TemporaryFolder

    var baseURL: String { "http://127.0.0.1:\(port)" }

    var environment: [String: String] {
        [
            "EPCC_API_BASE_URL": baseURL, "EPCC_CLIENT_ID": "sandbox-id", "EPCC_CLIENT_SECRET": "sandbox-secret",
            "CARTSYNC_STATE_DIRECTORY": folder.path("state"),
        ]
    }

    /// Runs a command against the store to its end.
    func cartsync(_ arguments: String..., input: String? = nil) async throws -> Program.Result {
        try await start(arguments, input: input).result()
    }

    /// - Parameter environment: what is added to that of the shop.
    func start(
        _ arguments: [String], environment more: [String: String] = [:], input: String? = nil
    ) throws -> Program {
        try Program(
            arguments, environment: environment.merging(more) { $1 }, input: input, in: folder.path)
    }

    /// The associations in the store, as `owner cart`.
    var associations: Set<String> {
        Set(sandbox.associations().map { "\($0.owner) \($0.cart)" })
    }

    /// The folder of the only run, or of the latest one.
    var latestRun: String? {
        folder.names(in: "state/runs").last.map { "state/runs/" + $0 }
    }

    func report() throws -> Report {
        let path = (latestRun ?? "state/runs") + "/report.json"
        let decoder = JSONDecoder()
        return try decoder.decode(Report.self, from: Data(folder.read(path).utf8))
    }
}

/// Starts a store for one test, and stops it afterwards.
func withShop(
    _ options: SandboxOptions = SandboxOptions(), _ body: (Shop) async throws -> Void
) async throws {
    var logger = Logger(label: "sandbox")
    logger.logLevel = .critical
    let sandbox = Sandbox(options: options, logger: logger)
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await sandbox.run() }
        let shop = Shop(sandbox: sandbox, port: try await sandbox.port(), folder: try TemporaryFolder())
        try await body(shop)
        // Whatever a test looked at: no report of any of its runs may contradict itself or the files beside it.
        for run in shop.folder.names(in: "state/runs") {
            #expect(try ReportFiles(folder: shop.folder.path("state/runs/" + run)).contradictions() == [], "run \(run)")
        }
        group.cancelAll()
    }
}

extension SandboxOptions {
    static func carts(_ carts: SandboxCart...) -> SandboxOptions { SandboxOptions(carts: carts) }
}
