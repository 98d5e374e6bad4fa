package import CallPacing
package import CartAssociations
package import CommerceAPI
package import CommerceSandbox
import Logging
package import TestSupport

/// A store for one test: the sandbox on the loopback interface, and a folder for exports and state.
package struct TestStore: Sendable {
    package let sandbox: Sandbox
    package let port: Int
    package let folder: TemporaryFolder
    /// What clients of the store log.
    package let log = CapturedLog()

    package static let clientID = "sandbox-id"
    package static let secret = "marker-secret-5b1f"

    package var baseURL: String { "http://127.0.0.1:\(port)" }

    /// The same calls and repetitions as always, without the long waits.
    package static var promptRetry: RetryPolicy {
        var retry = RetryPolicy()
        retry.waits = Backoff(first: .milliseconds(2), longest: .milliseconds(20))
        return retry
    }

    /// Starts a store, and stops it when the body has ended.
    package static func with<Value>(
        _ options: SandboxOptions = SandboxOptions(), _ body: (TestStore) async throws -> Value
    ) async throws -> Value {
        var options = options
        if options.clientSecret == SandboxOptions().clientSecret { options.clientSecret = secret }
        var quiet = Logger(label: "sandbox")
        quiet.logLevel = .critical
        let sandbox = Sandbox(options: options, logger: quiet)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await sandbox.run() }
            defer { group.cancelAll() }
            let port = try await sandbox.port()
            return try await body(TestStore(sandbox: sandbox, port: port, folder: try TemporaryFolder()))
        }
    }

    /// Makes a client of the store, and shuts it down when the body has ended.
    ///
    /// - Parameter observe: is told what the client reports, and the changes of its pacer's rate.
    package func withClient<Value>(
        limit: Int = 10_000, retry: RetryPolicy = promptRetry, time: TimeSource = .system, secret: String = secret,
        scheme: String = "http", change: (inout APIOptions) -> Void = { _ in },
        observe: @escaping @Sendable (CallEvent) -> Void = { _ in }, _ body: (CommerceClient) async throws -> Value
    ) async throws -> Value {
        var options = APIOptions(
            baseURL: try BaseURL("\(scheme)://127.0.0.1:\(port)"),
            credentials: Credentials(clientID: Self.clientID, clientSecret: secret))
        change(&options)
        let pacer = Pacer(limit: limit, time: time) { change in
            observe(.rate(Double(change.rate), reason: change.reason))
            if let pause = change.pause { observe(.pause(pause)) }
        }
        let client = CommerceClient(
            options: options, pacer: pacer, retry: retry, logger: log.logger, observe: observe)
        let value: Value
        do {
            value = try await body(client)
        } catch {
            try await client.shutdown()
            throw error
        }
        try await client.shutdown()
        return value
    }
}
