import DequeModule

/// The rate that a store bears, found by what it refuses: others use its limit too, and nobody counts them.
///
/// It falls once for each burst of refusals, by a part of what really got through lately, and for a moment far more, so
/// that what the store counts of the last second has room for the others at once. A burst that goes on says that this was
/// too little, and one that follows soon that the others take ever more: then it falls deeper, and expects less. It comes
/// back quickly to where it was refused last, and from there feels its way, ever faster. Refusals that do not become rarer
/// when the rate is low are not about the rate: `OwnRefusals` finds them, and only what goes beyond them counts.
///
/// A pure value: all instants are nanoseconds since the origin of the pacer that owns it. The constants were found by a
/// search over simulated stores, which the tests repeat; speeds are shares of the limit a second.
struct AdaptiveRate: Sendable {
    /// The part that a fall takes, and one that follows another soon, in nanoseconds.
    private static let (fall, fallAgain) = (0.181, 0.325)
    private static let soon: Int64 = 1_897_000_000
    /// What is expected then, of the rate at which it was refused.
    private static let expectedAgain = 0.48
    /// The share of the rate just after a fall, and for how long, in nanoseconds.
    private static let (dip, dipTime) = (0.328, Int64(166_000_000))
    /// A call that went out this long after a fall, in nanoseconds, and is refused too, says that the fall was too small, and
    /// takes another part.
    private static let (late, fallDeeper) = (Int64(52_000_000), 0.24)
    /// No other fall follows one so soon, in nanoseconds.
    private static let quiet: Int64 = 447_000_000
    /// The way back to where it was refused last.
    private static let back = 0.0158
    /// From there on: the speed, and by how much it grows each second.
    private static let (onward, faster) = (0.01342, 0.0087)
    /// The calls that are looked back at for refusals beyond the store's own; and how far beyond them, in standard
    /// deviations, is no chance any more.
    private static let (lookBack, chance) = (89, 7.24)
    /// A smaller share of refusals is not known to be the store's own.
    private static let leastOwn = 0.0005
    /// The rate is low below so much of where it was refused last.
    private static let low = 0.426
    /// Falls that follow sooner are of one overload, in nanoseconds.
    private static let apart: Int64 = 2_000_000_000
    /// How long room that is left to others stays with them, in nanoseconds, before it is looked at again.
    private static let leaves: Int64 = 60_000_000_000

    /// The limit that a person set, in calls a second.
    private(set) var limit: Int
    private let isAdaptive: Bool
    /// How much of the place where it was refused last it aims at, 0 to 1.
    private let share: Double
    private var rate: Double
    /// Where it was refused last, or how far it has come since without a refusal.
    private(set) var place = 0.0
    private var fell = Int64.min / 2
    /// Whether the last fall was made deeper.
    private var isDeeper = false
    /// What the store was found to bear, and when: the rate of the first fall of several.
    private var found = 0.0
    private var foundAt = Int64.min / 2
    /// Until when the climb is counted in.
    private var seen: Int64
    /// When it came to where it was refused last.
    private var reached: Int64
    /// From when on calls go again, if the store asked for a pause.
    private var calmFrom = Int64.min / 2
    /// The calls that got through in the last second.
    private var through = Deque<Int64>()
    private var lately = LastCalls(Self.lookBack)
    private var own: OwnRefusals

    /// - Parameters:
    ///   - isAdaptive: false keeps the rate at the limit whatever the server says.
    ///   - share: 1 feels its way beyond the place where it was refused; less stays at that part of it for a minute at
    ///     a time.
    init(limit: Int, isAdaptive: Bool, share: Double = 1, now: Int64) {
        self.limit = limit
        self.isAdaptive = isAdaptive
        self.share = share
        rate = Double(limit)
        seen = now
        reached = now
        own = OwnRefusals(now: now)
    }

    /// The rate in force, in calls a second: more than 0, at most the limit.
    mutating func inForce(now: Int64) -> Double {
        climb(now)
        return rate
    }

    /// The rate that calls go at, which is less for a moment after a fall.
    mutating func pace(now: Int64) -> Double {
        let rate = inForce(now: now)
        return now - fell < Self.dipTime ? max(1, rate * Self.dip) : rate
    }

    private mutating func climb(_ now: Int64) {
        guard now > seen else { return }
        let passed = Self.seconds(now - max(seen, min(calmFrom, now)))
        seen = now
        let limit = Double(limit)
        guard rate < limit else { return }
        if rate < place {
            rate += Self.back * limit * passed
            reached = now
        } else {
            rate += (Self.onward + Self.faster * Self.seconds(now - reached)) * limit * passed
        }
        rate = min(rate, limit)
        if share < 1, rate > found * share, now - foundAt < Self.leaves {
            rate = max(1, found * share)
            reached = now
        } else {
            place = max(place, rate)
        }
    }

    private static func seconds(_ nanoseconds: Int64) -> Double { Double(nanoseconds) / 1e9 }

    /// Takes note of an answer; returns whether the rate fell.
    ///
    /// A call that went out before the last fall says nothing about the rate since, and makes no other one.
    ///
    /// - Parameters:
    ///   - sentAt: when the call went out.
    ///   - calmFrom: when calls begin again after it.
    mutating func ended(sentAt: Int64, now: Int64, isTooMany: Bool, calmFrom: Int64) -> Bool {
        guard isAdaptive else { return false }
        climb(now)
        own.add(isTooMany, isLow: rate < Self.low * place && sentAt > fell, now: now)
        lately.add(isTooMany)
        if !isTooMany { through.append(now) }
        while let first = through.first, first <= now - 1_000_000_000 { through.removeFirst() }
        // Nothing gets through in a pause, whatever the store bears.
        let isRunning = now - self.calmFrom > 1_000_000_000
        if calmFrom > now { self.calmFrom = max(self.calmFrom, calmFrom) }
        guard isTooMany, sentAt > fell else { return false }
        guard now - fell > Self.quiet else {
            deepen(sentAt: sentAt)
            return false
        }
        guard isAboutTheRate else { return false }

        if isRunning { rate = min(rate, max(Double(through.count), rate / 4)) }
        if now - fell > Self.apart { (found, foundAt) = (rate, now) }
        let isAgain = now - fell < Self.soon
        place = isAgain ? rate * Self.expectedAgain : rate
        rate = max(1, rate * (1 - (isAgain ? Self.fallAgain : Self.fall)))
        fell = now
        isDeeper = false
        reached = now
        lately.forget()
        return true
    }

    /// Makes the last fall deeper, once, if a call that went out long enough after it is refused too.
    private mutating func deepen(sentAt: Int64) {
        guard sentAt > fell + Self.late, !isDeeper else { return }
        isDeeper = true
        rate = max(1, rate * (1 - Self.fallDeeper))
    }

    /// Whether more is refused lately than the store refuses at any rate.
    private var isAboutTheRate: Bool {
        guard own.share > Self.leastOwn else { return true }
        let expected = own.share * Double(lately.count)
        return Double(lately.hits) > expected + Self.chance * expected.squareRoot()
    }

    /// Changes the limit; a rate that was at the limit follows it.
    mutating func setLimit(_ newLimit: Int, now: Int64) {
        climb(now)
        rate = rate >= Double(limit) ? Double(newLimit) : min(rate, Double(newLimit))
        place = min(place, Double(newLimit))
        limit = newLimit
    }

    /// Why the rate is what it is, in a few words.
    var words: String {
        let refused = own.share
        if refused > 0.005 { return "the store refuses \(Int((refused * 100).rounded(.up))) % with 429 at any rate" }
        return rate < Double(limit)
            ? "others use the rest of the store's limit (429)" : "the store takes the whole limit again"
    }
}
