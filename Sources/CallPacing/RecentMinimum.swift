/// The smallest value of the last ten to twenty minutes, and of a thousand values at least.
///
/// The quickest answer seen stands for the way there and back, so it must be remembered long enough to have been
/// quick. Forgetting it at last lets the pace recover after the way has become longer.
struct RecentMinimum: Sendable {
    private static let span: Int64 = 600_000_000_000
    private static let enough = 1000

    private var began: Int64?
    private var count = 0
    private var current = Int64.max
    private var previous = Int64.max

    /// `Int64.max` before the first value.
    var value: Int64 { min(current, previous) }

    mutating func add(_ value: Int64, now: Int64) {
        let start = began ?? now
        if now - start >= Self.span, count >= Self.enough {
            (previous, current, count) = (current, .max, 0)
            began = now
        } else {
            began = start
        }
        count += 1
        current = min(current, value)
    }
}
