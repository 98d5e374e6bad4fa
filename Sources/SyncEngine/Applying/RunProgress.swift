package import CartAssociations
import Synchronization

/// What a run is doing at this moment.
package final class RunProgress: Sendable {
    /// The steps of a run that take time.
    package enum Phase: String, Sendable, Encodable {
        case reading = "reading the export"
        case lookingUp = "looking up owners"
        case listing = "listing carts"
        case comparing
        case applying

        /// The calls that matter in this phase.
        package var operations: [CartAssociations.Operation] {
            switch self {
            case .listing, .lookingUp: [.list]
            case .applying: [.create, .delete]
            case .reading, .comparing: []
            }
        }
    }

    private struct State {
        var phase = Phase.reading
        var done = 0
        var total: Int?
        var failed = 0
        var created = 0
        var deleted = 0
        var notices: [String] = []
        var news: [String] = []
    }

    private let state = Mutex(State())

    /// The phase, and how much of it is done; `total` is nil if it is not known.
    package var now: (phase: Phase, done: Int, total: Int?, failed: Int) {
        state.withLock { ($0.phase, $0.done, $0.total, $0.failed) }
    }

    /// The associations that were created and deleted since this process went on with the run.
    package var made: (created: Int, deleted: Int) { state.withLock { ($0.created, $0.deleted) } }

    /// What a person should know at once, said since the last time this was asked.
    package func takeNotices() -> [String] {
        state.withLock { state in
            defer { state.notices = [] }
            return state.notices
        }
    }

    /// What the run is about to do, said since the last time this was asked.
    package func takeNews() -> [String] {
        state.withLock { state in
            defer { state.news = [] }
            return state.news
        }
    }

    func tell(_ text: String) {
        state.withLock { $0.news.append(text) }
    }

    func notice(_ text: String) {
        state.withLock { $0.notices.append(text) }
    }

    func enter(_ phase: Phase, total: Int? = nil, done: Int = 0) {
        state.withLock { state in
            state.phase = phase
            state.done = done
            state.total = total
        }
    }

    func advance(to done: Int, of total: Int? = nil) {
        state.withLock { state in
            state.done = done
            state.total = total ?? state.total
        }
    }

    func count(_ outcome: Outcome) {
        state.withLock { state in
            state.done += 1
            switch outcome {
            case .created: state.created += 1
            case .deleted: state.deleted += 1
            default: if !outcome.isSuccess { state.failed += 1 }
            }
        }
    }
}
