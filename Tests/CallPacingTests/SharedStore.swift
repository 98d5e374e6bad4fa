import Foundation
import TestSupport

@testable import CallPacing

/// A store whose limit is shared with shoppers that nobody paces, and one or several workers before it, in simulated time.
///
/// Refused calls do not count towards the limit. Shoppers come by a Poisson process whose mean may swing. A call travels
/// for 15 ms; its answer takes a time that varies log-normally around 15 ms.
struct SharedStore {
    enum Rule {
        /// Calls of the second before, of the second of the clock, or of a bucket that fills at the limit.
        case sliding, fixed, bucket
        case none
    }

    var rule = Rule.sliding
    var limit = 100.0
    /// The shoppers' calls a second, and by how much they swing in so many seconds.
    var shoppers = 0.0
    var swing = 0.0
    var period = 20.0
    var seconds = 65
    /// Before this nothing is counted, in seconds.
    var warm = 5
    /// The shares of calls that are refused, and that fail, by chance.
    var refusing = 0.0
    var failing = 0.0
    /// In seconds: every call fails.
    var outage: Range<Int64> = 0..<0
    var workers = 1
    /// What each worker may call at most, in calls a second, and its callers.
    var ceiling = 100
    var callers = 16
    var share = 1.0

    struct Figures {
        /// Calls made, as a share of what shoppers leave of the limit.
        var goodput = 0.0
        /// The share of the shoppers' calls that was refused, and of ours.
        var (shoppersRefused, refused) = (0.0, 0.0)
        /// Calls made a second, by worker.
        var rates: [Double] = []
        /// When calls arrived, in nanoseconds, all workers together.
        var arrivals: [Int64] = []
        var said: [RateChange] = []
    }

    private enum Event {
        case wakes(Int)
        case arrives(Int, PaceCalculator.Grant, sent: Int64)
        case answered(Int, PaceCalculator.Grant, sent: Int64, Reception)
    }

    private struct Worker {
        var control: PaceControl
        var free: Int
        var isAsleep = true
        var made = 0
        var refused = 0
    }

    func run(seed: UInt64) async -> Figures {
        var random = SeededGenerator(seed: seed)
        var state = State(store: self, seed: seed)
        var events = EventQueue<Event>()
        var figures = Figures()
        var workers = (0..<workers).map { _ in
            Worker(
                control: PaceControl(limit: ceiling, isAdaptive: true, share: share, now: 0), free: callers)
        }
        for index in workers.indices { events.add(.wakes(index), at: Int64(index) * 13_000_000) }
        var handled = 0
        while let (now, event) = events.next(), now < Int64(seconds) * 1_000_000_000 {
            handled += 1
            // Other tests measure real time on the same few threads.
            if handled.isMultiple(of: 256) { await Task.yield() }
            let isCounted = now >= Int64(warm) * 1_000_000_000
            let index: Int
            switch event {
            case .wakes(let woken):
                index = woken
                workers[index].isAsleep = false
            case .arrives(let worker, let grant, let sent):
                state.shop(until: now)
                let reception = state.take(now, &random)
                figures.arrivals.append(now)
                if isCounted, reception == .answered { workers[worker].made += 1 }
                if isCounted, case .tooMany = reception { workers[worker].refused += 1 }
                let back = 15_000_000 * exp(0.5 * random.normal())
                events.add(.answered(worker, grant, sent: sent, reception), at: now + Int64(back))
                continue
            case .answered(let worker, let grant, let sent, let reception):
                index = worker
                workers[index].free += 1
                let said = workers[index].control.complete(grant, sentAt: sent, answeredAt: now, reception)
                if let said { figures.said.append(said) }
                if workers[index].isAsleep { continue }
            }
            while workers[index].free > 0 {
                switch workers[index].control.admit(now: now, asked: now, isBacklogged: true) {
                case .wait(let until):
                    // As the pacer does, it looks again after 50 ms at the latest.
                    events.add(.wakes(index), at: max(now + 1, min(until, now + 50_000_000) + 50_000))
                    workers[index].isAsleep = true
                case .granted(let grant):
                    workers[index].free -= 1
                    events.add(.arrives(index, grant, sent: now), at: now + 15_000_000)
                }
                if workers[index].isAsleep { break }
            }
        }
        state.shop(until: Int64(seconds) * 1_000_000_000)
        let made = Double(workers.reduce(0) { $0 + $1.made })
        let refused = Double(workers.reduce(0) { $0 + $1.refused })
        figures.goodput = made / max(state.headroom, 1)
        figures.shoppersRefused = Double(state.shoppersRefused) / Double(max(1, state.shoppersCalls))
        figures.refused = refused / max(1, made + refused)
        figures.rates = workers.map { Double($0.made) / Double(seconds - warm) }
        return figures
    }

    /// The means of several runs.
    func mean(of runs: Int, seed: UInt64) async -> Figures {
        var mean = Figures()
        for number in 0..<runs {
            let figures = await run(seed: seed + UInt64(number))
            mean.goodput += figures.goodput / Double(runs)
            mean.shoppersRefused += figures.shoppersRefused / Double(runs)
            mean.refused += figures.refused / Double(runs)
            mean.rates = mean.rates.isEmpty ? figures.rates : zip(mean.rates, figures.rates).map(+)
        }
        mean.rates = mean.rates.map { $0 / Double(runs) }
        return mean
    }
}

/// What the store has counted.
private struct State {
    let store: SharedStore
    /// The shoppers' own numbers, so that what we do changes nothing of when they come.
    var random: SeededGenerator
    var window: [Int64] = []
    var first = 0
    var bucket: Double
    var filled: Int64 = 0
    var second: Int64 = -1
    var count = 0.0
    var nextShopper: Int64 = 0
    var shoppersCalls = 0
    var shoppersRefused = 0
    var headroom = 0.0

    init(store: SharedStore, seed: UInt64) {
        self.store = store
        random = SeededGenerator(seed: seed ^ 0xD1B5_4A32_D192_ED03)
        bucket = store.limit
    }

    private mutating func counts(_ now: Int64) -> Bool {
        switch store.rule {
        case .none: return true
        case .bucket:
            bucket = min(store.limit, bucket + Double(now - filled) / 1e9 * store.limit)
            filled = now
            guard bucket >= 1 else { return false }
            bucket -= 1
            return true
        case .fixed:
            if now / 1_000_000_000 != second { (second, count) = (now / 1_000_000_000, 0) }
            guard count < store.limit else { return false }
            count += 1
            return true
        case .sliding:
            while first < window.count, window[first] <= now - 1_000_000_000 { first += 1 }
            guard Double(window.count - first) < store.limit else { return false }
            window.append(now)
            return true
        }
    }

    mutating func take(_ now: Int64, _ random: inout SeededGenerator) -> Reception {
        if store.outage.contains(now / 1_000_000_000) { return .failed(status: 503) }
        guard counts(now), random.unit() >= store.refusing else { return .tooMany(retryAfter: nil) }
        return random.unit() < store.failing ? .failed(status: 500) : .answered
    }

    mutating func shop(until now: Int64) {
        while nextShopper <= now {
            let at = nextShopper
            let mean = max(
                0, store.shoppers + store.swing * sin(2 * .pi * Double(at) / 1e9 / store.period))
            let gap = -log(1 - random.unit()) / max(mean, 0.1)
            nextShopper = at + max(1, Int64(gap * 1e9))
            let isCounted = at >= Int64(store.warm) * 1_000_000_000
            if isCounted { headroom += max(0, store.limit - mean) * min(gap, 1) }
            guard mean > 0.1 else { continue }
            let isMade = counts(at)
            if isCounted {
                shoppersCalls += 1
                shoppersRefused += isMade ? 0 : 1
            }
        }
    }
}

extension SeededGenerator {
    fileprivate mutating func unit() -> Double { Double(next() >> 11) / 9_007_199_254_740_992 }
    fileprivate mutating func normal() -> Double { sqrt(-2 * log(1 - unit())) * cos(2 * .pi * unit()) }
}
