import TestSupport

@testable import CallPacing

/// Callers, a way to a server and the server, in simulated time: thousands of seconds in a moment, and the same
/// for the same seed.
///
/// The callers form one line, as they do in `Pacer`: the first one sleeps until the pace's answer and wakes late by
/// a random delay. Its request travels, is seen, is served, and its answer travels back; then the caller asks again.
struct SimulatedServer {
    /// The pace under test.
    struct Pace {
        var admit: (_ now: Int64, _ asked: Int64) -> PaceCalculator.Decision
        var complete: (_ grant: PaceCalculator.Grant, _ sentAt: Int64, _ answeredAt: Int64, _ isAnswered: Bool) -> Void
    }

    struct Call {
        let due: Int64
        let sent: Int64
        let arrived: Int64
        let answered: Int64
    }

    var callers = 8
    /// Each draws one delay in nanoseconds.
    var wakesLate: (inout SeededGenerator) -> Int64 = { $0.within(20_000...120_000) }
    var leavesLate: (inout SeededGenerator) -> Int64 = { $0.within(1_000...20_000) }
    var travelsThere: (inout SeededGenerator) -> Int64 = { $0.within(60_000...200_000) }
    var serves: (inout SeededGenerator, _ arrived: Int64) -> Int64 = { _, _ in 40_000_000 }
    /// Whether a call is not answered, once it has arrived; its failure travels back as an answer does.
    var fails: (inout SeededGenerator) -> Bool = { _ in false }
    var travelsBack: (inout SeededGenerator) -> Int64 = { $0.within(40_000...90_000) }
    /// What happens to the pace at some instants.
    var interventions: [(at: Int64, action: (_ now: Int64) -> Void)] = []

    private enum Event {
        case frontWakes
        case answered(PaceCalculator.Grant, sent: Int64, arrived: Int64, isFailure: Bool)
        case intervention(Int)
    }

    /// The calls of a span of nanoseconds, in the order of their answers.
    func run(_ pace: Pace, for span: Int64, seed: UInt64) async -> [Call] {
        var random = SeededGenerator(seed: seed)
        var calls: [Call] = []
        var events = EventQueue<Event>()
        var asked = Array(repeating: Int64(0), count: callers)[...]
        for (index, intervention) in interventions.enumerated() {
            events.add(.intervention(index), at: intervention.at)
        }
        events.add(.frontWakes, at: 0)
        var isFrontAsleep = true
        while let (now, event) = events.next(), now < span {
            // Other tests measure real time on the same few threads.
            if calls.count.isMultiple(of: 256) { await Task.yield() }
            switch event {
            case .intervention(let index):
                interventions[index].action(now)
                continue
            case .answered(let grant, let sent, let arrived, let isFailure):
                pace.complete(grant, sent, now, !isFailure)
                calls.append(Call(due: grant.due, sent: sent, arrived: arrived, answered: now))
                asked.append(now)
                if isFrontAsleep { continue }
            case .frontWakes:
                isFrontAsleep = false
            }
            while let first = asked.first {
                switch pace.admit(now, first) {
                case .wait(let until):
                    // As the pacer does, it looks again after 50 ms at the latest.
                    let wake = min(until, now + 50_000_000) + wakesLate(&random)
                    events.add(.frontWakes, at: max(wake, now + 1))
                    isFrontAsleep = true
                case .granted(let grant):
                    asked.removeFirst()
                    let sent = now + leavesLate(&random)
                    let arrived = sent + travelsThere(&random)
                    let isFailure = fails(&random)
                    let answered = arrived + (isFailure ? 0 : serves(&random, arrived)) + travelsBack(&random)
                    events.add(.answered(grant, sent: sent, arrived: arrived, isFailure: isFailure), at: answered)
                }
                if isFrontAsleep { break }
            }
        }
        return calls
    }
}

/// Events in the order of their instants: a binary heap.
struct EventQueue<Event> {
    private var heap: [(at: Int64, order: Int, event: Event)] = []
    private var added = 0

    private func isBefore(_ left: Int, _ right: Int) -> Bool {
        (heap[left].at, heap[left].order) < (heap[right].at, heap[right].order)
    }

    mutating func add(_ event: Event, at instant: Int64) {
        added += 1
        heap.append((instant, added, event))
        var child = heap.count - 1
        while child > 0, isBefore(child, (child - 1) / 2) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func next() -> (at: Int64, event: Event)? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        guard !heap.isEmpty else { return (first.at, first.event) }
        heap[0] = last
        var parent = 0
        while true {
            var smallest = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && isBefore(child, smallest) {
                smallest = child
            }
            if smallest == parent { break }
            heap.swapAt(parent, smallest)
            parent = smallest
        }
        return (first.at, first.event)
    }
}

extension [SimulatedServer.Call] {
    /// The most arrivals in any second, from an instant on.
    func busiestSecond(from begin: Int64 = 0, to end: Int64 = .max) -> Int {
        let arrivals = map(\.arrived).filter { $0 >= begin && $0 < end }.sorted()
        var busiest = 0
        var first = 0
        for (index, arrival) in arrivals.enumerated() {
            while arrival - arrivals[first] >= 1_000_000_000 { first += 1 }
            busiest = Swift.max(busiest, index - first + 1)
        }
        return busiest
    }

    /// Calls a second, as a share of a limit, between two instants.
    func share(of limit: Int, from begin: Int64, to end: Int64) -> Double {
        let arrivals = count { $0.arrived >= begin && $0.arrived < end }
        return Double(arrivals) / (Double(end - begin) / 1e9 * Double(limit))
    }
}
