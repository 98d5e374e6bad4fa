/// How much of the rate may be given up for answers that were slow, and may have been slow on their way there.
///
/// A request that travels slowly arrives late, closer to those that come a second after it; its answer is late too.
/// But so is the answer of a server that took its time, and the two cannot be told apart. Waiting out every delay
/// would cost a tenth of the rate where answers vary; so delays are waited out from an allowance, which a rare
/// hiccup always finds and which answers that vary all the time use up.
struct Caution: Sendable {
    /// The most that one delay is waited out.
    static let most: Int64 = 40_000_000
    /// What is given up on average at most: 8 ms of each second.
    private static let share = 0.008

    private var left = Double(Caution.most)
    private var refilled: Int64

    init(now: Int64) {
        refilled = now
    }

    /// How far behind its grid the schedule may fall by waiting delays out.
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
