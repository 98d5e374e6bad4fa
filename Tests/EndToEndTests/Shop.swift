import CommerceSandbox
import Foundation
import TestStore
import TestSupport
import Testing

/// A store, and the built program with a state folder for it: what one test needs.
struct Shop: Sendable {
    let store: TestStore

    var sandbox: Sandbox { store.sandbox }
    var port: Int { store.port }
    var folder: TemporaryFolder { store.folder }
    var baseURL: String { store.baseURL }

    var environment: [String: String] {
        [
            "EPCC_API_BASE_URL": baseURL, "EPCC_CLIENT_ID": TestStore.clientID,
            "EPCC_CLIENT_SECRET": TestStore.secret, "CARTSYNC_STATE_DIRECTORY": folder.path("state"),
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
    try await TestStore.with(options) { store in
        try await body(Shop(store: store))
        // Whatever a test looked at: no report of any of its runs may contradict itself or the files beside it.
        for run in store.folder.names(in: "state/runs") {
            let files = ReportFiles(folder: store.folder.path("state/runs/" + run))
            #expect(try files.contradictions() == [], "run \(run)")
        }
    }
}

extension SandboxOptions {
    static func carts(_ carts: SandboxCart...) -> SandboxOptions { SandboxOptions(carts: carts) }
}

/// A CSV export of numbered associations: `OWNER-1,cart-1` and so on.
func numbered(_ range: ClosedRange<Int>, owner: String = "customer") -> String {
    "customer_id,cart_id\n" + range.map { "\(owner)-\($0),cart-\($0)\n" }.joined()
}

extension Program {
    /// The address of the page of a service, when it has said it.
    func pageURL() async throws -> String {
        var url: String?
        _ = try await eventually {
            url = try errorsSoFar().firstMatch(of: #/http://127\.0\.0\.1:\d+/#).map { String($0.output) }
            return url != nil
        }
        return try #require(url)
    }
}
