import Synchronization

/// What a source has noticed and nobody has been told yet. May be used by any task.
final class Notices: Sendable {
    private struct State {
        var told: Set<String> = []
        var waiting: [String] = []
    }

    /// More are not kept: each is about a name or a server, and both could go on without end.
    private static let limit = 1000
    private let state = Mutex(State())

    /// Keeps a sentence unless it was told before.
    func add(_ sentence: String) {
        state.withLock { state in
            guard state.told.count < Self.limit, state.told.insert(sentence).inserted else { return }
            state.waiting.append(sentence)
        }
    }

    /// Those that were added since the last call.
    func take() -> [String] {
        state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
    }
}
