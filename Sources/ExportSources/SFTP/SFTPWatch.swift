import CallPacing
import Synchronization

/// Ends a conversation that takes too long. May be used by any task.
final class SFTPWatch: Sendable {
    private struct State {
        var lastHeard: ContinuousClock.Instant
        var gauge: SpeedGauge?
        var givenUp: String?
    }

    private let patience: FetchPatience
    private let time: TimeSource
    private let state: Mutex<State>

    init(_ patience: FetchPatience, _ time: TimeSource) {
        self.patience = patience
        self.time = time
        state = Mutex(State(lastHeard: time.now()))
    }

    /// Why the conversation was given up; completes "HOST …". Nil if it was not.
    var givenUp: String? { state.withLock { $0.givenUp } }

    /// Notes that so many bytes came.
    func heard(_ count: Int) {
        let now = time.now()
        state.withLock { state in
            state.lastHeard = now
            state.gauge?.add(count)
        }
    }

    /// From now on what comes has to be fast enough.
    func measure() {
        let gauge = SpeedGauge(patience, now: time.now())
        state.withLock { $0.gauge = gauge }
    }

    /// Runs a conversation, and gives it up when it is too slow.
    ///
    /// - Parameter giveUp: makes the body end.
    func guarding<Value>(
        _ body: () async throws -> Value, giveUp: @escaping @Sendable () async -> Void
    ) async -> Result<Value, any Error> {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                // A cancelled sleep ends the watch.
                while (try? await self.time.sleep(for: min(self.patience.silence / 12, .seconds(5)))) != nil {
                    if self.isTooSlow() { return await giveUp() }
                }
            }
            defer { group.cancelAll() }
            do {
                return .success(try await body())
            } catch {
                return .failure(error)
            }
        }
    }

    private func isTooSlow() -> Bool {
        let now = time.now()
        return state.withLock { state in
            if now - state.lastHeard > patience.silence {
                state.givenUp = "says nothing for \(patience.silence.components.seconds) s"
            } else {
                state.givenUp = state.gauge?.problem(now: now)
            }
            return state.givenUp != nil
        }
    }
}
