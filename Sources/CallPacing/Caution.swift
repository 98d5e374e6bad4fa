/// How much of the rate may be given up for answers that were slow, and may have been slow on their way there.
///
/// A request that travels slowly arrives late, among those that come after it; its answer is late too. But so is the
/// answer of a server that took its time, and the two cannot be told apart. Counting every call for as long as its
/// answer was late would cost a tenth of the rate if answers vary. Therefore each may be counted longer by `always`,
/// which costs less than 1 % of the rate at worst, and what one call does not use of that is saved for others: a
/// rare one that was held up is counted for the whole of its delay.
struct Caution: Sendable {
    /// The delay that is believed in any case, in nanoseconds.
    static let always: Int64 = 7_000_000
    /// The most that is saved: this much for each call of a second, in nanoseconds.
    private static let most: Int64 = 16_000_000

    /// In nanoseconds. Full at first: delays are most often real while connections are made and programs warm up.
    private var saved: Int64

    /// - Parameter limit: calls in any one second.
    init(limit: Int) {
        saved = Self.most * Int64(limit)
    }

    /// How long a call is counted beyond its second.
    ///
    /// - Parameters:
    ///   - delay: how much later than the quickest its answer came.
    ///   - limit: calls in any one second.
    mutating func believe(_ delay: Int64, limit: Int) -> Int64 {
        let believed = min(delay, Self.always + saved)
        saved = min(saved + Self.always - believed, Self.most * Int64(limit))
        return believed
    }
}
