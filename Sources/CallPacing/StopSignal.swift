import Synchronization

/// The one way to say that nothing new may start: from a command to a run, its client and the wait for the pace.
///
/// Signals form a tree: that of the process, that of one run, that of the run's client. Stopping one stops all beneath
/// it and none above. Work under way goes on; only waits made through `cancelling(_:)`, and waits of a pacer that was
/// given the signal, end at once.
package final class StopSignal: Sendable {
    private struct State {
        var isStopped = false
        /// What to do at the stop, by the number that it was given; empty once stopped.
        var actions: [Int: @Sendable () -> Void] = [:]
        var lastNumber = 0
    }

    private let state = Mutex(State())
    private let outer: StopSignal?
    /// The number of this signal among the actions of `outer`.
    private let number: Int

    /// - Parameter outer: stops this one too when it stops, or at once if it has.
    package init(within outer: StopSignal? = nil) {
        self.outer = outer
        number = outer?.nextNumber() ?? 0
        outer?.add(number) { [weak self] in self?.stop() }
    }

    deinit { outer?.remove(number) }

    package var isStopped: Bool { state.withLock(\.isStopped) }

    /// Stops for good; stopping again changes nothing.
    package func stop() {
        let actions = state.withLock { state in
            state.isStopped = true
            defer { state.actions = [:] }
            return state.actions.values
        }
        for action in actions { action() }
    }

    /// Waits for something, and cancels the wait when the signal comes.
    ///
    /// - Throws: `CancellationError` if the signal came first, or what the wait throws. A wait that is over at the very
    ///   moment of the signal still returns its value, and nothing that it was given is lost.
    package func cancelling<Value: Sendable>(
        _ wait: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        if isStopped { throw CancellationError() }
        let waiting = Task { try await wait() }
        let number = nextNumber()
        add(number) { waiting.cancel() }
        defer { remove(number) }
        return try await withTaskCancellationHandler {
            try await waiting.value
        } onCancel: {
            waiting.cancel()
        }
    }

    private func nextNumber() -> Int {
        state.withLock { state in
            state.lastNumber += 1
            return state.lastNumber
        }
    }

    /// Keeps an action for the stop; does it at once if that has been.
    private func add(_ number: Int, _ action: @escaping @Sendable () -> Void) {
        let isOver = state.withLock { state in
            if !state.isStopped { state.actions[number] = action }
            return state.isStopped
        }
        if isOver { action() }
    }

    private func remove(_ number: Int) {
        state.withLock { _ = $0.actions.removeValue(forKey: number) }
    }
}
