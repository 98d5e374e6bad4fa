/// What the least of the last ten to twenty minutes may have been, and of a thousand values at least.
///
/// The quickest answer stands for the way there and back, so it must be remembered long enough to have been quick.
/// Forgetting it at last lets the pace recover after the way has become longer.
///
/// Of the values seen, the smallest is not the smallest possible: how far the few smallest lie apart says how far it may
/// still be away. Answers that take equally long leave next to nothing between them; of answers that vary, many are
/// needed.
struct RecentMinimum: Sendable {
    private static let span: Int64 = 600_000_000_000
    private static let enough = 1000
    /// So many of the smallest are compared: it lies farther away than they lie apart once in 2 to the power of one less.
    private static let few = 6

    private var began: Int64?
    private var count = 0
    private var current: [Int64] = []
    private var previous: [Int64] = []
    /// The distance that is assumed while there are only a few values, and the longest.
    private let unknown: Int64
    /// What the smallest value may have been; 0 before the first one. Values are not negative.
    private(set) var least: Int64 = 0

    init(unknown: Int64) {
        self.unknown = unknown
    }

    mutating func add(_ value: Int64, now: Int64) {
        let start = began ?? now
        if now - start >= Self.span, count >= Self.enough {
            (previous, current, count) = (current, [], 0)
            began = now
        } else {
            began = start
        }
        count += 1
        guard current.count < Self.few || value < current[Self.few - 1] else { return }
        current.insert(value, at: current.firstIndex { $0 > value } ?? current.count)
        if current.count > Self.few { current.removeLast() }
        let smallest = (current + previous).sorted().prefix(Self.few)
        let apart = smallest.count < Self.few ? unknown : min(unknown, smallest[Self.few - 1] - smallest[0])
        least = max(0, smallest[0] - apart)
    }
}
