import CallPacing
import CartAssociations
import CommerceAPI
import DequeModule
import Foundation
import Ledger
import Logging
import SyncReporting
import Synchronization

/// The carts of a run's plan, read from its ledger a few thousand at a time.
final class Plan: Sendable {
    private struct State {
        var waiting: Deque<CartChanges> = []
        var last: CartID?
    }

    private let ledger: Ledger
    private let run: String
    private let state = Mutex(State())
    let failedCalls = Atomic(0)

    init(state folder: String, run: String) throws {
        ledger = try Ledger.open(folder: folder, store: nil, now: Date())
        self.run = run
    }

    func next() throws -> CartChanges? {
        try state.withLock { state in
            if state.waiting.isEmpty {
                let carts = try ledger.pendingCarts(of: run, after: state.last, limit: 2048)
                state.waiting.append(contentsOf: carts)
                state.last = carts.last?.cart ?? state.last
            }
            return state.waiting.popFirst()
        }
    }
}

/// Makes the creates of a run as the run makes them and remembers nothing: what it costs without its journal.
///
///     EPCC_CLIENT_ID=... EPCC_CLIENT_SECRET=... measure-calls BASE-URL STATE RUN IN-FLIGHT
func makeCalls(_ url: String, plan: Plan, inFlight: Int) async throws {
    let environment = ProcessInfo.processInfo.environment
    var options = APIOptions(
        baseURL: try BaseURL(url),
        credentials: Credentials(
            clientID: environment["EPCC_CLIENT_ID"] ?? "", clientSecret: environment["EPCC_CLIENT_SECRET"] ?? ""))
    options.concurrency = inFlight
    let recorder = LatencyRecorder(started: .now, wallClock: Date())
    let client = CommerceClient(
        options: options, pacer: Pacer(limit: 100_000, time: .system),
        logger: Logger(label: "calls") { _ in SwiftLogNoOpLogHandler() },
        observe: { recorder.record($0, now: .now) })
    try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<inFlight {
            group.addTask {
                while let cart = try plan.next() {
                    for entry in cart.entries where entry.change.kind == .create {
                        let result = try await client.create(entry.change.association, shopper: nil)
                        if !result.outcome.isSuccess { plan.failedCalls.wrappingAdd(1, ordering: .relaxed) }
                    }
                }
            }
        }
        try await group.waitForAll()
    }
    try await client.shutdown()
    let failures = plan.failedCalls.load(ordering: .relaxed)
    if failures > 0 {
        print("\(failures) calls failed")
        exit(1)
    }
}

let arguments = CommandLine.arguments
guard arguments.count == 5, let inFlight = Int(arguments[4]) else {
    print("usage: measure-calls BASE-URL STATE RUN IN-FLIGHT")
    exit(64)
}
try await makeCalls(arguments[1], plan: Plan(state: arguments[2], run: arguments[3]), inFlight: inFlight)
