/// How much of the rate may be given up for answers that were slow, and may have been slow on their way there.
///
/// A request that travels slowly arrives late, closer to those that come a second after it; its answer is late too.
/// But so is the answer of a server that took its time, and the two cannot be told apart. Waiting out every delay
/// would cost a tenth of the rate where answers vary. So a delay is always waited out up to `always`, and up to
/// `most` from an allowance, which a rare hiccup finds full and which answers that vary all the time use up. Together
/// that is less than 1 % of the rate.
struct Caution: Sendable {
    /// The delay that is waited out in any case, in nanoseconds.
    static let always: Int64 = 8_000_000
    /// The most that the allowance holds, in nanoseconds.
    static let most: Int64 = 30_000_000
    /// What the allowance gains: half a millisecond in each second.
    private static let share = 0.0005

    private var left = Double(Caution.most)
    private var refilled: Int64

    init(now: Int64) {
        refilled = now
    }

    /// How far behind its grid the schedule may fall by waiting longer delays out.
    func allowance(now: Int64) -> Int64 { Int64(filled(now)) }

    /// Takes note of time that the schedule lost by waiting delays out.
    mutating func spend(_ lost: Int64, now: Int64) {
        left = max(0, filled(now) - Double(lost))
        refilled = now
    }

    private func filled(_ now: Int64) -> Double {
        min(Double(Self.most), left + Double(now - refilled) * Self.share)
    }
}
