/// One call at a time, ever more rarely, until one of them shows that the server is well again.
struct Probe: Sendable {
    static let firstWait: Int64 = 5_000_000_000
    static let longestWait: Int64 = 30_000_000_000
    /// How often to ask again while a probe is on its way.
    static let lookAgain: Int64 = 50_000_000

    /// The call that is on its way, if one is.
    var number: Int?
    private var wait = Probe.firstWait
    private var next: Int64

    init(now: Int64) {
        next = now + Self.firstWait
    }

    func isDue(_ now: Int64) -> Bool { number == nil && next <= now }

    func heldUntil(_ now: Int64) -> Int64? {
        if number != nil { return now + Self.lookAgain }
        return next > now ? next : nil
    }

    mutating func failed(now: Int64) {
        number = nil
        wait = min(wait * 2, Self.longestWait)
        next = now + wait
    }
}
