import CallPacing
import CartAssociations
import CommerceAPI
import Foundation
import Logging
import SyncReporting
import Synchronization

/// What the callers share.
final class Calls: Sendable {
    let begun = Atomic(0)
    let failed = Atomic(0)
}

/// Makes the calls of a run as a run makes them, and remembers nothing: what a run costs without its journal.
///
///     measure-calls BASE-URL CALLS IN-FLIGHT
func makeCalls(_ url: String, calls: Int, inFlight: Int) async throws {
    var options = APIOptions(
        baseURL: try BaseURL(url), credentials: Credentials(clientID: "id", clientSecret: "secret"))
    options.concurrency = inFlight
    let recorder = LatencyRecorder(started: .now, wallClock: Date())
    let client = CommerceClient(
        options: options, pacer: Pacer(limit: 100_000),
        logger: Logger(label: "calls") { _ in SwiftLogNoOpLogHandler() },
        observe: { recorder.record($0, now: .now) })
    let made = Calls()
    try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<inFlight {
            group.addTask {
                while true {
                    let number = made.begun.wrappingAdd(1, ordering: .relaxed).oldValue
                    guard number < calls, let owner = OwnerID("customer-\(number)"), let cart = CartID("cart-\(number)")
                    else { return }
                    let result = try await client.create(Association(.customer, owner, cart), shopper: nil)
                    if !result.outcome.isSuccess { made.failed.wrappingAdd(1, ordering: .relaxed) }
                }
            }
        }
        try await group.waitForAll()
    }
    try await client.shutdown()
    let failed = made.failed.load(ordering: .relaxed)
    if failed > 0 {
        print("\(failed) calls failed")
        exit(1)
    }
}

let arguments = CommandLine.arguments
guard arguments.count == 4, let calls = Int(arguments[2]), let inFlight = Int(arguments[3]) else {
    print("usage: measure-calls BASE-URL CALLS IN-FLIGHT")
    exit(64)
}
try await makeCalls(arguments[1], calls: calls, inFlight: inFlight)
