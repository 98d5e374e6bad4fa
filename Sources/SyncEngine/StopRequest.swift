import Synchronization

/// Why a run is asked to stop before its end.
package enum StopReason: Sendable, Equatable {
    /// A person or the system asked: a signal.
    case signal
    /// The ledger or the API failed for good; the error says how.
    case failure
}

/// One request to stop, seen by everybody who works for a run; the first reason stays.
package final class StopRequest: Sendable {
    private struct State {
        var reason: StopReason?
        var actions: [@Sendable () -> Void] = []
    }

    private let state = Mutex(State())

    package init() {}

    package var reason: StopReason? { state.withLock { $0.reason } }
    package var isRequested: Bool { reason != nil }

    package func request(_ reason: StopReason) {
        let actions = state.withLock { state -> [@Sendable () -> Void] in
            guard state.reason == nil else { return [] }
            state.reason = reason
            defer { state.actions = [] }
            return state.actions
        }
        for action in actions { action() }
    }

    /// Runs an action when the stop is requested; at once where it has been.
    package func onRequest(_ action: @escaping @Sendable () -> Void) {
        let isRequested = state.withLock { state in
            if state.reason == nil { state.actions.append(action) }
            return state.reason != nil
        }
        if isRequested { action() }
    }
}
