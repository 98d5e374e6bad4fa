/// Tells an outage from a store that fails at times, by the calls that ended last, whatever the time they took.
struct OutageWatch: Sendable {
    /// The calls that are looked back at.
    static let lookBack = 20
    /// So many failures among them are an outage.
    static let outage = 18
    /// The calls whose failures are worth telling a person.
    private static let told = 100

    private var last = LastCalls(Self.lookBack)
    private var many = LastCalls(Self.told)

    /// Takes note of how a call ended; returns whether it makes an outage.
    mutating func ended(isFailure: Bool) -> Bool {
        last.add(isFailure)
        many.add(isFailure)
        guard last.hits >= Self.outage else { return false }
        last = LastCalls(Self.lookBack)
        return true
    }

    /// The share of calls that failed lately, once there were enough of them; nil before.
    var failing: Double? { many.count == Self.told ? Double(many.hits) / Double(Self.told) : nil }
}

/// Whether something was so in each of the last calls.
struct LastCalls: Sendable {
    private var ring: [Bool] = []
    private var next = 0
    private let most: Int
    /// In how many of them it was.
    private(set) var hits = 0

    init(_ most: Int) { self.most = most }

    var count: Int { ring.count }

    mutating func add(_ isHit: Bool) {
        hits += isHit ? 1 : 0
        guard ring.count == most else {
            ring.append(isHit)
            return
        }
        hits -= ring[next] ? 1 : 0
        ring[next] = isHit
        next = (next + 1) % most
    }

    mutating func forget() { self = LastCalls(most) }
}
