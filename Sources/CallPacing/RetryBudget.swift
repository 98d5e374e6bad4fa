/// How many repetitions a whole run may make: without a bound an outage becomes a storm.
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

    /// Takes one repetition; returns false if the budget is spent, and only probes should go out.
    package mutating func takeRepetition() -> Bool {
        repetitions += 1
        return repetitions <= floor || Double(repetitions) <= share * Double(calls)
    }
}
