/// A wait that doubles with every failure in a row, up to a longest one.
package struct Backoff: Sendable, Hashable {
    /// The wait after the first failure.
    package var first: Duration
    var longest: Duration

    package init(first: Duration, longest: Duration) {
        self.first = first
        self.longest = longest
    }

    /// The wait after this many failures in a row, counted from 1.
    package func wait(afterFailures failures: Int) -> Duration {
        // Bounded: no number of failures may overflow.
        min(first * (1 << min(max(failures - 1, 0), 30)), longest)
    }
}
