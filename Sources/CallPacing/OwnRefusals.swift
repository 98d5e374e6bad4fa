/// The share of calls that a store refuses whatever their rate, which is the store's fault and no sign of too many.
///
/// Time is cut into stretches. Where refusals are about the rate, one stretch at least is nearly free of them, or its calls
/// at a low rate are: just after a fall, or while those who share the limit stay away. So the least share of the last
/// stretches is what is refused at any rate.
struct OwnRefusals: Sendable {
    /// The stretches that are looked back at: more than one swing of the others' calls.
    private static let stretches = 6
    private static let length: Int64 = 15_000_000_000
    /// The fewest calls of a stretch.
    private static let fewest = 100
    /// The fewest calls at a low rate that say something.
    private static let fewestLow = 20
    /// Calls without a refusal that are assumed beside those of a stretch: few calls show little.
    private static let assumed = 44.0

    private struct Stretch {
        var calls = 0
        var refused = 0
        var low = 0
        var lowRefused = 0

        var least: Double {
            let all = Double(refused) / (Double(calls) + assumed)
            guard low >= fewestLow else { return all }
            return min(all, Double(lowRefused) / (Double(low) + assumed))
        }
    }

    private var past: [Stretch] = []
    private var now = Stretch()
    private var began: Int64
    /// 0 to 1.
    private(set) var share = 0.0

    init(now: Int64) { began = now }

    /// Takes note of an answer.
    ///
    /// - Parameter isLow: whether the rate was far below the one that was refused last.
    mutating func add(_ isRefused: Bool, isLow: Bool, now instant: Int64) {
        now.calls += 1
        now.refused += isRefused ? 1 : 0
        if isLow {
            now.low += 1
            now.lowRefused += isRefused ? 1 : 0
        }
        guard instant - began >= Self.length, now.calls >= Self.fewest else { return }
        past.append(now)
        if past.count > Self.stretches { past.removeFirst() }
        share = past.count == Self.stretches ? past.map(\.least).min() ?? 0 : 0
        now = Stretch()
        began = instant
    }
}
