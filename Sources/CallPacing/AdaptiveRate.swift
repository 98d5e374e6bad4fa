/// The rate that a server bears: halved when it says "too many", climbing back while it does not.
///
/// A pure value: all instants are nanoseconds since the origin of the pacer that owns it.
struct AdaptiveRate: Sendable {
    /// A span without a single "too many" after which the rate climbs one step.
    static let cleanSpan: Int64 = 10_000_000_000

    /// The limit that a person set, in calls a second.
    private(set) var limit: Int
    /// The rate in force, from 1 to `limit`.
    private(set) var rate: Int
    private let isAdaptive: Bool
    private var lastCut = Int64.min / 2
    private var cleanSince = Int64.min / 2

    /// - Parameter isAdaptive: false keeps the rate at the limit whatever the server says.
    init(limit: Int, isAdaptive: Bool) {
        self.limit = limit
        self.rate = limit
        self.isAdaptive = isAdaptive
    }

    /// Takes note of one "too many"; returns whether the rate was cut.
    ///
    /// A call that went out before the last cut says nothing about the rate since, and cuts nothing.
    ///
    /// - Parameters:
    ///   - sentAt: when the refused call was sent.
    ///   - calmFrom: when calls begin again; a clean span is counted from then.
    mutating func tooMany(sentAt: Int64, now: Int64, calmFrom: Int64) -> Bool {
        guard isAdaptive else { return false }
        cleanSince = max(cleanSince, calmFrom)
        guard sentAt >= lastCut else { return false }
        lastCut = now
        let before = rate
        rate = max(1, rate / 2)
        return rate < before
    }

    /// Climbs a twentieth of the limit, at least one call a second, for each clean span; returns whether it did.
    mutating func climb(now: Int64) -> Bool {
        let before = rate
        while rate < limit, now - cleanSince >= Self.cleanSpan {
            rate = min(limit, rate + max(1, limit / 20))
            cleanSince += Self.cleanSpan
        }
        return rate > before
    }

    /// Changes the limit; a rate that was at the limit follows it.
    mutating func setLimit(_ newLimit: Int) {
        rate = rate == limit ? newLimit : min(rate, newLimit)
        limit = newLimit
    }
}
