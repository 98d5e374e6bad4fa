import Testing

@testable import CallPacing

@Suite("what a store refuses at any rate")
struct OwnRefusalsTests {
    /// The share after as many stretches as are looked back at, in each of which as many calls of a hundred are refused.
    private func share(refused: Int, low: Int, lowRefused: Int, stretches: Int = 6) -> Double {
        var refusals = OwnRefusals(now: 0)
        for stretch in 0..<stretches {
            for number in 0..<100 {
                let isLow = number < low
                let isRefused = isLow ? number < lowRefused : number - low < refused - lowRefused
                refusals.add(
                    isRefused, isLow: isLow, now: Int64(stretch) * 15_000_000_000 + Int64(number + 1) * 150_000_000)
            }
        }
        return refusals.share
    }

    @Test("is the least of what it refuses of all calls, and of those at a low rate if these are enough to say so")
    func share() {
        #expect(share(refused: 36, low: 0, lowRefused: 0) == 0.25)
        #expect(share(refused: 36, low: 56, lowRefused: 0) == 0, "the rate is to blame")
        #expect(share(refused: 36, low: 56, lowRefused: 10) == 0.1)
        #expect(share(refused: 36, low: 19, lowRefused: 0) == 0.25, "too few calls at a low rate")
        #expect(share(refused: 36, low: 56, lowRefused: 36) == 0.25)
        #expect(share(refused: 36, low: 0, lowRefused: 0, stretches: 5) == 0, "not looked at for long enough")
    }
}
