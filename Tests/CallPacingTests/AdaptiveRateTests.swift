import TestSupport
import Testing

@testable import CallPacing

private let second: Int64 = 1_000_000_000
private let millisecond: Int64 = 1_000_000

@Suite("the adaptive rate")
struct AdaptiveRateTests {
    /// A rate of a store that has let a second of calls through.
    private func running(_ limit: Int, share: Double = 1, isAdaptive: Bool = true) -> AdaptiveRate {
        var rate = AdaptiveRate(limit: limit, isAdaptive: isAdaptive, share: share, now: 0)
        for number in 0..<limit {
            let at = Int64(number) * second / Int64(limit)
            _ = rate.ended(sentAt: at, now: at + 1, isTooMany: false, calmFrom: at + 1)
        }
        return rate
    }

    private func refuse(_ rate: inout AdaptiveRate, sentAt: Int64, now: Int64) -> Bool {
        rate.ended(sentAt: sentAt, now: now, isTooMany: true, calmFrom: now)
    }

    @Test("it is the limit until calls are refused, and falls by a part once for a burst")
    func burst() {
        var rate = running(100)
        let before = rate.inForce(now: second)
        #expect(before == 100)
        var falls = 0
        // All were under way when the first refusal came.
        for number in Int64(0)..<8 {
            if refuse(&rate, sentAt: second - number, now: second + number * 20 * millisecond) { falls += 1 }
        }
        #expect(falls == 1)
        let after = rate.inForce(now: second + 1)
        #expect((67...90).contains(after))
        // A second burst, of calls that left since.
        let fell = refuse(&rate, sentAt: second + 500 * millisecond, now: second + 600 * millisecond)
        let further = rate.inForce(now: second + 600 * millisecond)
        // So soon, it falls deeper.
        #expect(fell && further < after * 0.7)
        // And the pace is far lower for a moment.
        let pace = rate.pace(now: second + 650 * millisecond)
        #expect(pace < further * 0.5)
        let later = rate.pace(now: second + 800 * millisecond)
        #expect(later >= further)
    }

    @Test("a burst that goes on makes its fall deeper, once; calls that left just after the fall say nothing of that")
    func deeper() {
        var rate = running(100)
        #expect(refuse(&rate, sentAt: second, now: second))
        let fallen = rate.inForce(now: second)
        #expect(!refuse(&rate, sentAt: second + 40 * millisecond, now: second + 60 * millisecond))
        let same = rate.inForce(now: second + 60 * millisecond)
        #expect(same >= fallen)
        #expect(!refuse(&rate, sentAt: second + 80 * millisecond, now: second + 110 * millisecond))
        let further = rate.inForce(now: second + 110 * millisecond)
        #expect(further < same * 0.9)
        for number in Int64(1)...5 {
            let now = second + (110 + number * 20) * millisecond
            #expect(!refuse(&rate, sentAt: now - 10 * millisecond, now: now))
        }
        let last = rate.inForce(now: second + 210 * millisecond)
        #expect(last >= further && last > 60)
    }

    @Test("a refusal that was long on its way says nothing of the rate since: its call left before the fall")
    func left() {
        var rate = running(100)
        #expect(refuse(&rate, sentAt: second, now: second))
        let fallen = rate.inForce(now: second)
        #expect(!refuse(&rate, sentAt: second - millisecond, now: second + 700 * millisecond))
        let same = rate.inForce(now: second + 700 * millisecond)
        #expect(same >= fallen)
        #expect(refuse(&rate, sentAt: second + millisecond, now: second + 701 * millisecond))
        let further = rate.inForce(now: second + 701 * millisecond)
        #expect(further < fallen)
    }

    @Test("it falls from what got through, not from the setting")
    func through() {
        var rate = AdaptiveRate(limit: 1000, isAdaptive: true, now: 0)
        // 50 calls a second get through; the rest is under way or refused.
        for number in Int64(0)..<50 {
            let at = 2 * second + number * 20 * millisecond
            _ = rate.ended(sentAt: at, now: at + 1, isTooMany: false, calmFrom: at)
        }
        var at = 3 * second
        for _ in 0..<3 {
            at += 500 * millisecond
            _ = refuse(&rate, sentAt: at - 1, now: at)
        }
        let found = rate.inForce(now: at)
        #expect(found < 60, "\(found)")
    }

    @Test("it comes back to where it was refused quickly, then slowly, then ever faster, and never beyond the limit")
    func curve() {
        var rate = running(100)
        _ = refuse(&rate, sentAt: second, now: second)
        // Twice, so that there is room above the place.
        _ = refuse(&rate, sentAt: 4 * second, now: 4 * second)
        let place = rate.place
        var before = rate.inForce(now: 4 * second)
        var speeds: [(below: Bool, speed: Double)] = []
        for step in Int64(1)...600 {
            let now = rate.inForce(now: 4 * second + step * second / 10)
            speeds.append((now <= place, (now - before) * 10))
            before = now
            #expect(now <= 100)
        }
        #expect(before == 100)
        let below = speeds.prefix { $0.below }.map(\.speed)
        let above = speeds.drop { $0.below }.dropFirst().prefix { $0.speed > 0 }.dropLast().map(\.speed)
        #expect(below.allSatisfy { $0 > 1.5 } && above.count > 3)
        #expect((above.first ?? 9) < (below.last ?? 0))
        #expect(zip(above, above.dropFirst()).allSatisfy { $0 < $1 })
    }

    @Test("one call a second is the least, whatever is refused", arguments: [1, 2, 20])
    func least(limit: Int) {
        var rate = running(limit)
        for number in Int64(1)...50 {
            _ = refuse(
                &rate, sentAt: (1 + number) * 200 * millisecond + second, now: (1 + number) * 200 * millisecond + second
            )
        }
        let found = rate.inForce(now: 12 * second)
        #expect((1...Double(limit)).contains(found))
    }

    @Test("a pause that the store asked for is no time of the climb, and no reason to fall further")
    func pause() {
        var rate = running(100)
        _ = rate.ended(sentAt: second, now: second, isTooMany: true, calmFrom: 31 * second)
        let before = rate.inForce(now: second)
        let after = rate.inForce(now: 31 * second)
        #expect(before == after)
        _ = refuse(&rate, sentAt: 31 * second + millisecond, now: 31 * second + 100 * millisecond)
        let again = rate.inForce(now: 31 * second + 100 * millisecond)
        #expect(again > before * 0.6)
    }

    @Test("a share of what was found is kept for a minute, then looked at again")
    func share() {
        var rate = running(100, share: 0.6)
        _ = refuse(&rate, sentAt: second, now: second)
        for step in Int64(2)...60 {
            let now = rate.inForce(now: step * second)
            #expect(now <= 61 && (step < 20 || now > 59), "\(now) after \(step) s")
        }
        let later = rate.inForce(now: 80 * second)
        #expect(later > 70)
    }

    @Test("a rate that is not adaptive stays")
    func notAdaptive() {
        var rate = running(100, isAdaptive: false)
        let fell = refuse(&rate, sentAt: second, now: second)
        let now = rate.inForce(now: second)
        #expect(!fell && now == 100)
    }

    @Test("a new limit is followed by a rate that was at the old one, and bounds one that was below")
    func newLimit() {
        var rate = running(100)
        rate.setLimit(50, now: second)
        let followed = rate.inForce(now: second)
        _ = refuse(&rate, sentAt: second, now: second)
        rate.setLimit(200, now: second)
        let kept = rate.inForce(now: second)
        rate.setLimit(10, now: second)
        let bounded = rate.inForce(now: second)
        #expect(followed == 50 && (33...45).contains(kept) && bounded == 10)
    }
}
