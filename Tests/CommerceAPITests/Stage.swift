import CallPacing
import CartAssociations
import CommerceSandbox
import Logging
import Synchronization
import Testing

@testable import CommerceAPI

/// Everything that a client reports during a test.
final class Events: Sendable {
    private let events = Mutex<[CallEvent]>([])

    func add(_ event: CallEvent) {
        events.withLock { $0.append(event) }
    }

    var attempts: [AttemptMeasure] {
        events.withLock { events in
            events.compactMap { if case .attempt(let measure) = $0 { measure } else { nil } }
        }
    }

    var finished: [CallMeasure] {
        events.withLock { events in
            events.compactMap { if case .finished(let measure) = $0 { measure } else { nil } }
        }
    }

    var rateReasons: [String] {
        events.withLock { events in events.compactMap { if case .rate(_, let reason) = $0 { reason } else { nil } } }
    }
}

/// A client before a real server on the loopback interface.
struct Stage: Sendable {
    let sandbox: Sandbox
    let client: CommerceClient
    let events: Events
    let log: CapturedLog

    static let secret = "marker-secret-5b1f"

    /// Retries as always, without the long waits.
    static var promptRetry: RetryPolicy {
        var retry = RetryPolicy()
        retry.waits = Backoff(first: .milliseconds(2), longest: .milliseconds(20))
        return retry
    }

    /// Runs a test's part with a sandbox that ends with it.
    static func with(
        _ sandboxOptions: SandboxOptions = SandboxOptions(), limit: Int = 2000, retry: RetryPolicy = promptRetry,
        clientSecret: String = secret, scheme: String = "http", change: (inout APIOptions) -> Void = { _ in },
        body: @Sendable (Stage) async throws -> Void
    ) async throws {
        var sandboxOptions = sandboxOptions
        sandboxOptions.clientSecret = secret
        var quiet = Logger(label: "sandbox")
        quiet.logLevel = .critical
        let sandbox = Sandbox(options: sandboxOptions, logger: quiet)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await sandbox.run() }
            defer { group.cancelAll() }
            var options = APIOptions(
                baseURL: try BaseURL("\(scheme)://127.0.0.1:\(try await sandbox.port())"),
                credentials: Credentials(clientID: "sandbox-id", clientSecret: clientSecret))
            change(&options)
            let events = Events()
            let log = CapturedLog()
            let pacer = Pacer(limit: limit, time: .system) { events.add(.rate(Double($0.rate), reason: $0.reason)) }
            let client = CommerceClient(
                options: options, pacer: pacer, retry: retry, logger: log.logger, observe: { events.add($0) })
            do {
                try await body(Stage(sandbox: sandbox, client: client, events: events, log: log))
            } catch {
                try await client.shutdown()
                throw error
            }
            try await client.shutdown()
        }
    }
}

/// A log that a test can read.
final class CapturedLog: Sendable {
    private let lines = Mutex<[String]>([])

    var text: String { lines.withLock { $0.joined(separator: "\n") } }

    var logger: Logger {
        Logger(label: "test") { _ in Handler(log: self) }
    }

    private struct Handler: LogHandler {
        let log: CapturedLog
        var logLevel = Logger.Level.trace
        var metadata: Logger.Metadata = [:]

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let metadata = self.metadata.merging(event.metadata ?? [:]) { $1 }
            log.lines.withLock { $0.append("\(event.level) \(event.message) \(metadata)") }
        }
    }
}

func association(_ owner: String, _ cart: String, _ kind: OwnerKind = .customer) throws -> Association {
    Association(kind, try #require(OwnerID(owner)), try #require(CartID(cart)))
}
