import Synchronization

/// Tells those who wait that nothing new is to be started.
///
/// What runs already is not disturbed: only waits that are made through `cancelling(_:)`, and for a pacer that was given it, end.
package final class StopSignal: Sendable {
    private struct State {
        var isStopped = false
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
        var lastNumber = 0
    }

    private let state = Mutex(State())

    package init() {}

    package var isStopped: Bool { state.withLock(\.isStopped) }

    /// Ends every wait, now and from now on.
    package func stop() {
        let waiters = state.withLock { state in
            state.isStopped = true
            defer { state.waiters = [:] }
            return state.waiters.values
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Waits for something, and cancels the wait when the signal comes.
    ///
    /// - Throws: `CancellationError` where the signal came first, or what the wait throws. A wait that is over at
    ///   the very moment of the signal still returns its value, so that nothing it was given is lost.
    package func cancelling<Value: Sendable>(
        _ wait: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        if isStopped { throw CancellationError() }
        return try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await wait() }
            group.addTask {
                await self.stopped()
                return nil
            }
            while let result = try await group.next() {
                group.cancelAll()
                if let result { return result }
            }
            throw CancellationError()
        }
    }

    /// Returns when the signal has come, or when the task is cancelled.
    private func stopped() async {
        let number = state.withLock { state in
            state.lastNumber += 1
            return state.lastNumber
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                let isOver = state.withLock { state in
                    if state.isStopped || Task.isCancelled { return true }
                    state.waiters[number] = waiter
                    return false
                }
                if isOver { waiter.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: number) }?.resume()
        }
    }
}
