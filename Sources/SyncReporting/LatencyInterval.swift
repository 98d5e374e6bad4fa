import CartAssociations

/// What happened in one stretch of a run.
struct LatencyInterval: Sendable, Equatable {
    /// From the start of the recording.
    var start: Duration
    var length: Duration
    /// Service and response time of each operation, all answers together; `slot` says where.
    var histograms = [SparseHistogram](repeating: SparseHistogram(), count: slots)
    var attempts = 0
    var rateLimited = 0
    /// Attempts that got neither success nor 429.
    var troubled = 0

    static let slots = Operation.allCases.count * LatencyClock.allCases.count

    static func slot(_ operation: Operation, _ clock: LatencyClock) -> Int {
        operation.index * 2 + (clock == .service ? 0 : 1)
    }

    var end: Duration { start + length }
    var bytes: Int { histograms.reduce(MemoryLayout<Self>.stride) { $0 + $1.bytes } }

    func histogram(_ operation: Operation, _ clock: LatencyClock) -> SparseHistogram {
        histograms[Self.slot(operation, clock)]
    }

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
    let start: Duration
    private var slots = [OpenSlot](repeating: OpenSlot(), count: LatencyInterval.slots)
    private var attempts = 0
    private var rateLimited = 0
    private var troubled = 0

    init(start: Duration) { self.start = start }

    var isEmpty: Bool { attempts == 0 && slots.allSatisfy { $0.touched.isEmpty } }
    var bytes: Int { slots.reduce(0) { $0 + $1.bytes } }

    mutating func record(_ attempt: AttemptMeasure, service: UInt64?) {
        slots[LatencyInterval.slot(attempt.operation, .service)].record(service)
        attempts += 1
        switch attempt.answer {
        case .success: break
        case .rateLimited: rateLimited += 1
        default: troubled += 1
        }
    }

    mutating func record(_ call: CallMeasure, response: UInt64?) {
        slots[LatencyInterval.slot(call.operation, .response)].record(response)
    }

    /// What was recorded, as an interval of a length.
    func closed(length: Duration) -> LatencyInterval {
        LatencyInterval(
            start: start, length: length, histograms: slots.map { $0.sparse() }, attempts: attempts,
            rateLimited: rateLimited, troubled: troubled)
    }

    /// Begins the next interval with the same memory.
    mutating func restart(at start: Duration) {
        var next = OpenInterval(start: start)
        swap(&next.slots, &slots)
        for slot in next.slots.indices { next.slots[slot].clear() }
        self = next
    }
}

/// The durations of one operation on one clock in the open interval.
///
/// Most intervals touch a few hundred of the cells, so that these are listed: closing an interval does not walk all.
private struct OpenSlot: Sendable {
    private var counts: [UInt32] = []
    private(set) var touched: [UInt32] = []
    private var maximum: UInt64 = 0

    var bytes: Int { (counts.capacity + touched.capacity) * MemoryLayout<UInt32>.stride }

    mutating func record(_ microseconds: UInt64?) {
        guard let microseconds else { return }
        let cell = LatencyRange.cell(of: microseconds)
        if cell >= counts.count {
            counts.append(contentsOf: repeatElement(0, count: cell + 1 - counts.count))
        }
        if counts[cell] == 0 { touched.append(UInt32(cell)) }
        counts[cell] += 1
        if microseconds > maximum { maximum = microseconds }
    }

    func sparse() -> SparseHistogram {
        SparseHistogram(
            cells: touched.sorted().map { (cell: Int($0), count: Int(counts[Int($0)])) }, maximum: maximum)
    }

    mutating func clear() {
        for cell in touched { counts[Int(cell)] = 0 }
        touched.removeAll(keepingCapacity: true)
        maximum = 0
    }
}
