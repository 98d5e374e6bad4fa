/// How many repetitions a run may make while it has first attempts to make: others wait at the end of the line.
package struct RetryBudget: Sendable, Equatable {
    /// The most repetitions, as a share of all calls sent.
    let share: Double
    /// Repetitions that are always allowed.
    let floor: Int
    private var calls = 0
    private var repetitions = 0

    package init(share: Double = 0.10, floor: Int = 20) {
        self.share = share
        self.floor = floor
    }

    /// Takes note of a call that was sent, a repetition or not.
    package mutating func callSent() {
        calls += 1
    }

    /// Takes one repetition; returns false if the budget is spent.
    package mutating func takeRepetition() -> Bool {
        guard repetitions < floor || Double(repetitions + 1) <= share * Double(calls) else { return false }
        repetitions += 1
        return true
    }
}
