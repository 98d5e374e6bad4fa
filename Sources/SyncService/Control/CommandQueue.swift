import CallPacing
import Synchronization

/// The commands that were handed to a service, in the order in which they came, and who is at work before them.
final class CommandQueue: Sendable {
    /// A command that waits for its turn or has it.
    private struct Entry {
        let number: Int
        let name: String
        let process: Int32
        var hasTurn = false
        /// The run that it makes; nil before it begins.
        var run: String?
    }

    private struct State {
        var entries: [Entry] = []
        var lastNumber = 0
        var runsSeen = 0
    }

    private let state = Mutex(State())

    func enter(_ name: String, process: Int32) -> Int {
        state.withLock { state in
            state.lastNumber += 1
            state.entries.append(Entry(number: state.lastNumber, name: name, process: process))
            return state.lastNumber
        }
    }

    func leave(_ number: Int) {
        state.withLock { state in
            if state.entries.contains(where: { $0.number == number && $0.run != nil }) { state.runsSeen += 1 }
            state.entries.removeAll { $0.number == number }
        }
    }

    /// Grows with each run that begins or ends.
    var runsSeen: Int { state.withLock { $0.runsSeen } }

    func takeTurn(_ number: Int) { change(number) { $0.hasTurn = true } }

    func hasTurn(_ number: Int) -> Bool {
        state.withLock { $0.entries.contains { $0.number == number && $0.hasTurn } }
    }

    func begin(_ number: Int, run: String) {
        change(number) { $0.run = run }
        state.withLock { $0.runsSeen += 1 }
    }

    private func change(_ number: Int, _ change: (inout Entry) -> Void) {
        state.withLock { state in
            guard let place = state.entries.firstIndex(where: { $0.number == number }) else { return }
            change(&state.entries[place])
        }
    }

    /// The command that makes the run at hand, and the run; nil if no command does.
    var atHand: (command: String, run: String)? {
        state.withLock { state in
            state.entries.first(where: \.hasTurn).flatMap { entry in entry.run.map { (entry.name, $0) } }
        }
    }

    /// Who goes before a command.
    ///
    /// - Parameters:
    ///   - job: the job whose run is at hand; nil if no job has one.
    ///   - rest: how long the run at hand still takes; nil if that is not known.
    func ahead(of number: Int, job: String?, rest: Duration?) -> QueueWords? {
        state.withLock { state in
            let before = state.entries.prefix { $0.number != number }
            if let first = before.first(where: \.hasTurn) {
                return QueueWords(
                    who: "cartsync \(first.name) of process \(first.process)", rest: rest, more: before.count - 1)
            }
            return job.map { QueueWords(who: "the run of job \($0)", rest: rest, more: before.count) }
        }
    }
}

/// What a person is told who waits for the turn of a command.
struct QueueWords: Sendable, Hashable {
    /// Whose run is at hand.
    let who: String
    /// How long that still takes; nil if it is not known.
    var rest: Duration?
    /// The commands that come after it, and before this one.
    var more = 0

    var sentence: String {
        var sentence = "\(who) goes first"
        if let rest { sentence += ", \(Self.about(rest))" }
        if more > 0 { sentence += ", then \(more) more \(more == 1 ? "command" : "commands")" }
        return sentence
    }

    /// A duration as far as an estimate can be trusted, in whole minutes.
    static func about(_ duration: Duration) -> String {
        let minutes = (max(0, duration.components.seconds) + 59) / 60
        if minutes <= 1 { return "less than a minute" }
        return minutes < 120 ? "about \(minutes) min" : "about \(minutes / 60) h \(minutes % 60) min"
    }
}
