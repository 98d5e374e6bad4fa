import DequeModule
import HeapModule

/// The calls that may still count in a second that ends now, as the server sees it.
///
/// Each call counts for a second and a margin from its sending, and longer if its answer shows that it may have
/// arrived late. While it is unanswered, nothing is known of that: it counts for as long as any call does at least, and one
/// that another process makes longer by the time within which it may leave there.
struct RecentCalls: Sendable {
    /// A second, and 50 millionths of it for clocks that do not go equally fast.
    static let window: Int64 = 1_000_050_000

    private struct Call {
        /// Until when it counts without an answer.
        let end: Int64
        /// From when it would count no longer had it been answered at once.
        let release: Int64
        var isAnswered = false
    }

    /// In the order of granting, the first one numbered `firstNumber`; answered ones in front are forgotten.
    private var calls = Deque<Call>()
    private var firstNumber = 0
    private var unanswered = 0
    /// When those calls were answered whose whole delay is believed. The delay depends on the quickest answer, which is
    /// known the better the later it is asked for.
    private var answers = Heap<Int64>()
    /// When the other answered calls count no longer.
    private var releases = Heap<Int64>()

    /// Takes note of a call, and returns its place among all calls, from 0.
    ///
    /// - Parameter leavesWithin: how long it may take to be sent, in nanoseconds.
    mutating func begin(now: Int64, leavesWithin: Int64 = 0) -> Int {
        let release = now + leavesWithin + Self.window
        calls.append(Call(end: release + Caution.always, release: release))
        unanswered += 1
        return firstNumber + calls.count - 1
    }

    /// Takes note that a call was answered; its whole delay is believed.
    mutating func end(_ number: Int, answeredAt: Int64) {
        if answer(number) { answers.insert(answeredAt) }
    }

    /// Takes note that a call was answered, and of the instant from which it counts no longer.
    mutating func end(_ number: Int, release: Int64) {
        if answer(number) { releases.insert(release) }
    }

    /// Returns false if it was forgotten unanswered, because it could not count any longer.
    private mutating func answer(_ number: Int) -> Bool {
        guard number >= firstNumber, !calls[number - firstNumber].isAnswered else { return false }
        calls[number - firstNumber].isAnswered = true
        unanswered -= 1
        return true
    }

    /// From when another call may go beside fewer than `limit` that count: `now` or earlier if it may go at once,
    /// else an instant at which to ask again.
    ///
    /// - Parameter quickest: how long the quickest answer may have taken.
    mutating func room(limit: Int, quickest: Int64, now: Int64) -> Int64 {
        let counting = Self.window - quickest
        while let answer = answers.min, answer + counting <= now { _ = answers.removeMin() }
        while let release = releases.min, release <= now { _ = releases.removeMin() }
        while !calls.isEmpty, calls[0].isAnswered || calls[0].end <= now {
            if !calls.removeFirst().isAnswered { unanswered -= 1 }
            firstNumber += 1
        }
        guard unanswered + answers.count + releases.count >= limit else { return now }
        var earliest = min(releases.min ?? .max, answers.min.map { $0 + counting } ?? .max)
        if !calls.isEmpty {
            earliest = min(earliest, calls[0].release > now ? calls[0].release : calls[0].end)
        }
        return earliest
    }
}
