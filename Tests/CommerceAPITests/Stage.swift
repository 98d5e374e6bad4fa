import CallPacing
import CartAssociations
import CommerceSandbox
import Synchronization
import TestStore
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

    var pauses: Int { events.withLock { events in events.count { if case .pause = $0 { true } else { false } } } }

    var rateReasons: [String] {
        events.withLock { events in events.compactMap { if case .rate(_, let reason) = $0 { reason } else { nil } } }
    }
}

/// A client before a real server on the loopback interface, and all that it reports.
struct Stage: Sendable {
    let sandbox: Sandbox
    let client: CommerceClient
    let events: Events
    let log: CapturedLog

    static func with(
        _ options: SandboxOptions = SandboxOptions(), limit: Int = 2000, retry: RetryPolicy = TestStore.promptRetry,
        time: TimeSource = .system, clientSecret: String = TestStore.secret, scheme: String = "http",
        change: (inout APIOptions) -> Void = { _ in }, body: @Sendable (Stage) async throws -> Void
    ) async throws {
        try await TestStore.with(options) { store in
            let events = Events()
            try await store.withClient(
                limit: limit, retry: retry, time: time, secret: clientSecret, scheme: scheme, change: change,
                observe: { events.add($0) }
            ) { client in
                try await body(Stage(sandbox: store.sandbox, client: client, events: events, log: store.log))
            }
        }
    }
}

func association(_ owner: String, _ cart: String, _ kind: OwnerKind = .customer) throws -> Association {
    Association(kind, try #require(OwnerID(owner)), try #require(CartID(cart)))
}

extension CommerceClient {
    /// Gets a token before a test's own calls.
    func authenticate() async throws(APIError) {
        if let standing = standingError { throw standing }
        _ = try await tokens.token { await self.issueToken() }
    }
}
