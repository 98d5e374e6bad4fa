/// How many calls may be on their way at once while a store stalls: a store that takes ten times as long as usual would
/// be buried by as many as before.
///
/// Latencies are looked at in small groups by their median, so that a few slow answers change nothing.
struct StallGuard: Sendable {
    /// This many times the usual latency is a stall, which is over at half as many.
    private static let growth: Int64 = 10
    /// Latencies below this are usual for every store.
    private static let quick: Int64 = 20_000_000
    private static let group = 20
    /// What is usual follows the latencies of so many calls; in a stall of four times as many.
    private static let forgotten: Int64 = 320

    private var latencies: [Int64] = []
    /// What the medians of the groups are about; nil before the first one.
    private var usual: Int64?
    /// The calls that were on their way when the stall began.
    private var before = 0
    /// The most calls on their way at once; nil for any number.
    private(set) var most: Int?

    /// Takes note of a call that ended.
    ///
    /// - Parameter outstanding: the calls that were on their way, this one included.
    mutating func ended(latency: Int64, outstanding: Int) {
        latencies.append(latency)
        guard latencies.count >= min(Self.group, most.map { max(3, 2 * $0) } ?? .max) else { return }
        let median = latencies.sorted()[latencies.count / 2]
        let calls = Int64(latencies.count)
        latencies.removeAll(keepingCapacity: true)
        guard let usual else {
            self.usual = median
            return
        }
        let normal = max(usual, Self.quick)
        let isStalled = median >= normal * Self.growth
        // A store that stays slow is usual in the end.
        self.usual = usual + (median - usual) * calls / (isStalled ? Self.forgotten * 4 : Self.forgotten)
        if isStalled {
            if most == nil { before = outstanding }
            most = max(1, (most ?? outstanding) / 2)
        } else if let now = most, median < normal * Self.growth / 2 {
            let more = now + max(1, now / 4)
            most = more < before ? more : nil
        }
    }
}
