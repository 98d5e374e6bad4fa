import Testing

@testable import CallPacing

/// Goodput and the shoppers' refusals go together: each store has a bound for both.
@Suite("the pace at a store that others use too")
struct SharedStoreTests {
    @Test(
        "most of what shoppers leave is used, and few of their calls are refused for it",
        arguments: [
            (SharedStore(rule: .sliding, shoppers: 50), 0.72, 0.014),
            (SharedStore(rule: .fixed, shoppers: 50), 0.81, 0.012),
            (SharedStore(rule: .bucket, shoppers: 50), 0.95, 0.012),
            (SharedStore(rule: .sliding, shoppers: 60, swing: 30), 0.65, 0.045),
        ])
    func shoppers(store: SharedStore, goodput: Double, refused: Double) async {
        let mean = await store.mean(of: 16, seed: 2_000)
        #expect(mean.goodput >= goodput, "\(mean.goodput), refused \(mean.shoppersRefused)")
        #expect(mean.shoppersRefused <= refused, "\(mean.shoppersRefused), goodput \(mean.goodput)")
    }

    @Test("refusals that the rate has no part in are found out", arguments: [(0.01, 0.90), (0.05, 0.85)])
    func chance(share: Double, of rate: Double) async {
        let store = SharedStore(rule: .none, seconds: 180, warm: 120, refusing: share, ceiling: 200)
        let mean = await store.mean(of: 4, seed: 3_000)
        #expect(mean.rates[0] / 200 >= rate, "\(mean.rates)")
    }

    @Test("four workers share a limit without a word between them", arguments: UInt64(0)..<3)
    func workers(seed: UInt64) async {
        let figures = await SharedStore(seconds: 90, warm: 30, workers: 4).run(seed: 4_000 + seed)
        #expect(figures.rates.allSatisfy { (19...31).contains($0) }, "\(figures.rates)")
        #expect(figures.rates.reduce(0, +) >= 85)
        #expect(figures.refused <= 0.02, "\(figures.refused)")
    }

    @Test("a quiet store gets the limit, and no second more than that")
    func quiet() async {
        let figures = await SharedStore(rule: .none, seconds: 60, warm: 5).run(seed: 1)
        #expect(figures.rates[0] >= 99)
        var first = 0
        for (index, arrival) in figures.arrivals.enumerated() {
            while arrival - figures.arrivals[first] >= 1_000_000_000 { first += 1 }
            #expect(index - first < 100)
        }
        #expect(figures.said.isEmpty)
    }

    @Test("a store that fails at times keeps the rate, and it is said", arguments: [0.15, 0.3, 0.5])
    func flaky(failing: Double) async {
        let store = SharedStore(rule: .none, failing: failing, ceiling: 200)
        let figures = await store.run(seed: 5)
        #expect(figures.rates[0] / 200 >= 0.98 * (1 - failing))
        #expect(figures.said.contains { $0.reason.contains("% with 500") && $0.rate == 200 })
        #expect(figures.said.allSatisfy { $0.rate == 200 })
    }

    @Test("into an outage of a minute go few calls, and soon after it all of them again")
    func outage() async {
        let store = SharedStore(rule: .none, seconds: 120, outage: 30..<90, ceiling: 200)
        let figures = await store.run(seed: 6)
        let second: Int64 = 1_000_000_000
        #expect(figures.arrivals.count { (30 * second..<90 * second).contains($0) } <= 40)
        #expect(figures.arrivals.count { (98 * second..<100 * second).contains($0) } >= 360)
        #expect(figures.said.map(\.rate).contains(0))
        #expect(figures.said.contains { $0.reason == "the store answers again" })
    }

    @Test("the share that is set is aimed at")
    func share() async {
        let all = await SharedStore(rule: .sliding, shoppers: 50).mean(of: 4, seed: 7)
        let part = await SharedStore(rule: .sliding, shoppers: 50, share: 0.6).mean(of: 4, seed: 7)
        #expect(part.goodput < all.goodput && part.goodput > 0.35, "\(part.goodput) of \(all.goodput)")
        #expect(part.shoppersRefused < 0.0045, "\(part.shoppersRefused)")
    }
}

@Suite("a store that stalls")
struct StallGuardTests {
    @Test("latency that grows tenfold lowers the calls on their way, and they come back with it")
    func stall() {
        var guarded = StallGuard()
        for _ in 0..<100 { guarded.ended(latency: 30_000_000, outstanding: 8) }
        #expect(guarded.most == nil)
        // Single slow answers are none.
        for number in 0..<100 { guarded.ended(latency: number % 3 == 0 ? 2_000_000_000 : 30_000_000, outstanding: 8) }
        #expect(guarded.most == nil)
        for _ in 0..<60 { guarded.ended(latency: 900_000_000, outstanding: 8) }
        #expect(guarded.most == 1)
        for _ in 0..<100 { guarded.ended(latency: 30_000_000, outstanding: 2) }
        #expect(guarded.most == nil)
    }

    @Test("a store that is quick at all has room: tenfold of next to nothing is no stall")
    func quick() {
        var guarded = StallGuard()
        for _ in 0..<100 { guarded.ended(latency: 1_000_000, outstanding: 8) }
        for _ in 0..<100 { guarded.ended(latency: 100_000_000, outstanding: 8) }
        #expect(guarded.most == nil)
    }
}
