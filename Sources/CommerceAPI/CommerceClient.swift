package import CallPacing
package import CartAssociations
package import Logging
import Synchronization

/// Makes calls to one store, each in the same way: paced, measured, judged, repeated.
///
/// What goes wrong with one change is a value (`WriteResult`). What concerns every call is thrown as `APIError`, by
/// the call that finds out or by the next one, and by every later one. `stop()` ends all waits and lets the calls
/// that were sent finish; cancelling a task also gives up its call on the way, whose effect is then unknown.
package final class CommerceClient: Sendable {
    struct State {
        var budget = RetryBudget()
        var rule = StopRule()
        /// Calls on the wire, and the connections that there must be at least: one for each of the most at once.
        var inFlight = 0
        var connections = 0
        /// Since when the budget of repetitions is spent without one answer of a store that can do its work.
        var outageSince: ContinuousClock.Instant?
        /// Why no call is made any more.
        var standing: APIError?
        /// What no message may hold: the client's secret and its token.
        var secrets: [String] = []
    }

    let options: APIOptions
    let transport: Transport
    let pacer: Pacer
    let retry: RetryPolicy
    let logger: Logger
    let observe: @Sendable (CallEvent) -> Void
    let tokens = TokenKeeper()
    let signal = StopSignal()
    let state = Mutex(State())

    /// - Parameters:
    ///   - pacer: stands before every call of the process, so all clients share one.
    ///   - observe: told every attempt, call and repetition as it happens; it must return soon.
    package init(
        options: APIOptions, pacer: Pacer, retry: RetryPolicy = RetryPolicy(), logger: Logger,
        observe: @escaping @Sendable (CallEvent) -> Void = { _ in }
    ) {
        self.options = options
        self.transport = Transport(options)
        self.pacer = pacer
        self.retry = retry
        self.logger = logger
        self.observe = observe
        state.withLock { $0.secrets = secrets(with: nil) }
    }

    /// What no message may hold.
    func secrets(with token: String?) -> [String] {
        [options.credentials.clientSecret] + [token, options.proxy?.password].compactMap { $0 }
            + options.headers.filter(\.isSecret).map(\.value)
    }

    /// Lets the calls that were sent finish and starts no other; waits for the pacer and before repetitions end.
    package func stop() {
        refuseCalls(.stopped)
    }

    /// Does the same because the time for the run is over.
    package func stop(atDeadline words: String) {
        refuseCalls(APIError(.deadline, "\(words), so no further call is made; run again to go on"))
    }

    /// Why no call is made any more; nil while calls are made.
    package var standingError: APIError? { state.withLock(\.standing) }

    /// Closes all connections. No call may be under way, and none may follow.
    package func shutdown() async throws {
        stop()
        try await transport.shutdown()
    }

    func refuseCalls(_ error: APIError) {
        state.withLock { $0.standing = $0.standing ?? error }
        signal.stop()
    }
}
