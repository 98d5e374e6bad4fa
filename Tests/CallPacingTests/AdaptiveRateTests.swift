import Testing

@testable import CallPacing

private let second: Int64 = 1_000_000_000

@Suite("the adaptive rate")
struct AdaptiveRateTests {
    @Test("each too many halves the rate, down to one call a second")
    func halves() {
        var rate = AdaptiveRate(limit: 20, isAdaptive: true)
        var seen: [Int] = []
        for number in Int64(1)...7 {
            _ = rate.tooMany(sentAt: number * second, now: number * second + 1, calmFrom: number * second + 1)
            seen.append(rate.rate)
        }
        #expect(seen == [10, 5, 2, 1, 1, 1, 1])
    }

    @Test("calls that were under way at a cut do not cut again")
    func oneEpisode() {
        var rate = AdaptiveRate(limit: 100, isAdaptive: true)
        let isCut1 = rate.tooMany(sentAt: 10 * second, now: 11 * second, calmFrom: 13 * second)
        #expect(isCut1)
        for sent in Int64(1)...8 {
            let isCut2 = rate.tooMany(sentAt: 10 * second + sent, now: 11 * second + sent, calmFrom: 13 * second)
            #expect(!isCut2)
        }
        #expect(rate.rate == 50)
        let isCut3 = rate.tooMany(sentAt: 13 * second, now: 14 * second, calmFrom: 16 * second)
        #expect(isCut3)
        #expect(rate.rate == 25)
    }

    @Test(
        "it climbs a twentieth of the limit, at least one, for each clean ten seconds",
        arguments: [(100, 5), (20, 1), (7, 1), (1000, 50)])
    func climbs(limit: Int, step: Int) {
        var rate = AdaptiveRate(limit: limit, isAdaptive: true)
        _ = rate.tooMany(sentAt: 0, now: 0, calmFrom: 2 * second)
        let cut = rate.rate
        let climbed4 = rate.climb(now: 12 * second - 1)
        #expect(!climbed4)
        let climbed5 = rate.climb(now: 12 * second)
        #expect(climbed5)
        #expect(rate.rate == min(limit, cut + step))
        let climbed6 = rate.climb(now: 22 * second - 1)
        #expect(!climbed6)
        var now = 22 * second
        while rate.rate < limit {
            let climbed7 = rate.climb(now: now)
            #expect(climbed7)
            now += 10 * second
        }
        let climbed8 = rate.climb(now: now + 1000 * second)
        #expect(!climbed8)
        #expect(rate.rate == limit)
    }

    @Test("a late too many begins the clean span anew")
    func cleanSpan() {
        var rate = AdaptiveRate(limit: 100, isAdaptive: true)
        _ = rate.tooMany(sentAt: 0, now: second, calmFrom: 3 * second)
        _ = rate.tooMany(sentAt: 0, now: 5 * second, calmFrom: 7 * second)
        let climbed9 = rate.climb(now: 16 * second)
        #expect(!climbed9)
        let climbed10 = rate.climb(now: 17 * second)
        #expect(climbed10)
    }

    @Test("a rate that is not adaptive stays")
    func notAdaptive() {
        var rate = AdaptiveRate(limit: 100, isAdaptive: false)
        let isCut11 = rate.tooMany(sentAt: 0, now: 0, calmFrom: 0)
        #expect(!isCut11)
        #expect(rate.rate == 100)
    }

    @Test("a new limit is followed by a rate that was at the old one, and bounds one that was below")
    func newLimit() {
        var rate = AdaptiveRate(limit: 100, isAdaptive: true)
        rate.setLimit(50)
        #expect(rate.rate == 50)
        rate.setLimit(80)
        #expect(rate.rate == 80)
        _ = rate.tooMany(sentAt: 0, now: 0, calmFrom: 0)
        rate.setLimit(200)
        #expect(rate.rate == 40)
        rate.setLimit(30)
        #expect(rate.rate == 30)
    }
}
