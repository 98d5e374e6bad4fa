import DequeModule
import Synchronization

/// Lets callers through one at a time, first come, first served.
package final class Turn: Sendable {
    private struct State {
        var isTaken = false
        /// Empty while the turn is free.
        var waiting: Deque<(number: Int, begin: CheckedContinuation<Void, any Error>)> = []
        var lastNumber = 0
        var taken = 0
    }

    private let state = Mutex(State())

    package init() {}

    /// The callers that wait, and the one whose turn it is.
    package var count: Int { state.withLock { $0.waiting.count + ($0.isTaken ? 1 : 0) } }

    /// How often somebody had the turn, from 0.
    package var taken: Int { state.withLock { $0.taken } }

    /// Does some work when it is the caller's turn, and passes the turn on.
    ///
    /// - Throws: `CancellationError` if the task is cancelled before its turn, or what the work throws.
    package func callAsFunction<Value>(_ work: () async throws -> Value) async throws -> Value {
        try await take()
        defer { pass() }
        return try await work()
    }

    /// Returns when it is the caller's turn; `pass` must follow.
    ///
    /// - Throws: `CancellationError` if the task is cancelled before its turn. `pass` must not follow then.
    package func take() async throws {
        guard !state.withLock({ Self.takeFree(&$0) }) else { return }
        let number = state.withLock { state in
            state.lastNumber += 1
            return state.lastNumber
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { begin in
                // A task that is cancelled before this lock never waits; one cancelled after it is found in the line.
                let early: Result<Void, any Error>? = state.withLock { state in
                    if Task.isCancelled { return .failure(CancellationError()) }
                    if Self.takeFree(&state) { return .success(()) }
                    state.waiting.append((number, begin))
                    return nil
                }
                if let early { begin.resume(with: early) }
            }
        } onCancel: {
            let abandoned = state.withLock { state in
                state.waiting.firstIndex { $0.number == number }.map { state.waiting.remove(at: $0).begin }
            }
            abandoned?.resume(throwing: CancellationError())
        }
    }

    /// Gives the turn to the caller that has waited longest.
    package func pass() {
        let next = state.withLock { state in
            let next = state.waiting.popFirst()
            state.isTaken = next != nil
            if next != nil { state.taken += 1 }
            return next?.begin
        }
        next?.resume()
    }

    private static func takeFree(_ state: inout State) -> Bool {
        guard !state.isTaken else { return false }
        state.isTaken = true
        state.taken += 1
        return true
    }
}
