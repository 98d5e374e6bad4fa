import CartAssociations

/// What happened in one stretch of a run.
struct LatencyInterval: Sendable, Equatable {
    /// From the start of the recording.
    var start: Duration
    var length: Duration
    /// Service and response time of each operation, all answers together; `slot` says where.
    private(set) var histograms = [SparseHistogram](repeating: SparseHistogram(), count: slots)
    var attempts = 0
    var rateLimited = 0
    /// Attempts that got neither success nor 429.
    var troubled = 0

    static let slots = Operation.allCases.count * LatencyClock.allCases.count

    static func slot(_ operation: Operation, _ clock: LatencyClock) -> Int {
        operation.index * 2 + (clock == .service ? 0 : 1)
    }

    var end: Duration { start + length }
    var bytes: Int { histograms.reduce(0) { $0 + $1.counts.count + MemoryLayout<SparseHistogram>.stride } }

    func histogram(_ operation: Operation, _ clock: LatencyClock) -> SparseHistogram {
        histograms[Self.slot(operation, clock)]
    }

    mutating func add(_ histogram: SparseHistogram, slot: Int) { histograms[slot].add(histogram) }

    /// Intervals joined wherever they begin in the same stretch of a length, counted from the start of the run.
    static func joined(_ intervals: [LatencyInterval], into length: Duration) -> [LatencyInterval] {
        func stretch(_ interval: LatencyInterval) -> Double { (interval.start / length).rounded(.down) }
        var joined: [LatencyInterval] = []
        for interval in intervals {
            if let current = joined.last, stretch(current) == stretch(interval) {
                joined[joined.count - 1].absorb(interval)
            } else {
                joined.append(interval)
            }
        }
        return joined
    }

    /// Takes in the interval that follows.
    private mutating func absorb(_ next: LatencyInterval) {
        length = next.end - start
        for slot in histograms.indices { histograms[slot].add(next.histograms[slot]) }
        attempts += next.attempts
        rateLimited += next.rateLimited
        troubled += next.troubled
    }
}

/// The interval that is being recorded.
struct OpenInterval: Sendable {
    /// Durations that wait to be sorted in; as many as keep sorting cheap and the memory small.
    private static let mostWaiting = 4096

    let start: Duration
    private var waiting = [[UInt32]](repeating: [], count: LatencyInterval.slots)
    private var maxima = [UInt64](repeating: 0, count: LatencyInterval.slots)
    private var recorded: LatencyInterval

    init(start: Duration) {
        self.start = start
        recorded = LatencyInterval(start: start, length: .zero)
    }

    var isEmpty: Bool { recorded.attempts == 0 && maxima.allSatisfy { $0 == 0 } && waiting.allSatisfy(\.isEmpty) }
    var bytes: Int { recorded.bytes + waiting.reduce(0) { $0 + $1.capacity * MemoryLayout<UInt32>.stride } }

    mutating func record(_ attempt: AttemptMeasure) {
        record(attempt.service, LatencyInterval.slot(attempt.operation, .service))
        recorded.attempts += 1
        switch attempt.answer {
        case .success: break
        case .rateLimited: recorded.rateLimited += 1
        default: recorded.troubled += 1
        }
    }

    mutating func record(_ call: CallMeasure) {
        record(call.response, LatencyInterval.slot(call.operation, .response))
    }

    private mutating func record(_ duration: Duration, _ slot: Int) {
        guard let microseconds = LatencyRange.microseconds(duration) else { return }
        waiting[slot].append(UInt32(LatencyRange.cell(of: microseconds)))
        maxima[slot] = max(maxima[slot], microseconds)
        if waiting[slot].count == Self.mostWaiting { sortIn(slot) }
    }

    private mutating func sortIn(_ slot: Int) {
        waiting[slot].sort()
        recorded.add(SparseHistogram(sortedCells: waiting[slot], maximum: maxima[slot]), slot: slot)
        waiting[slot].removeAll(keepingCapacity: true)
    }

    /// What was recorded, as an interval of a length.
    func closed(length: Duration) -> LatencyInterval {
        var copy = self
        for slot in copy.waiting.indices where !copy.waiting[slot].isEmpty { copy.sortIn(slot) }
        copy.recorded.length = length
        return copy.recorded
    }
}
