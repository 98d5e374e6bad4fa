/// One call at a time until one of them shows that the server is well again: every five seconds in the first three
/// minutes, then ever more rarely.
struct Probe: Sendable {
    static let waits = Backoff(first: .seconds(5), longest: .seconds(30))
    /// How long the wait stays the first one.
    private static let patience: Int64 = 180_000_000_000
    /// How often to ask again while a probe is on its way.
    static let lookAgain: Int64 = 50_000_000

    /// The call that is on its way, if one is.
    var number: Int?
    /// When probing began.
    let since: Int64
    /// Failures after the first minutes.
    private var failures = 0
    private var next: Int64

    init(now: Int64) {
        since = now
        next = now + Self.waits.first.nanoseconds
    }

    func isDue(_ now: Int64) -> Bool { number == nil && next <= now }

    func heldUntil(_ now: Int64) -> Int64? {
        if number != nil { return now + Self.lookAgain }
        return next > now ? next : nil
    }

    mutating func failed(now: Int64) {
        number = nil
        if now - since > Self.patience { failures += 1 }
        next = now + Self.waits.wait(afterFailures: failures + 1).nanoseconds
    }
}
