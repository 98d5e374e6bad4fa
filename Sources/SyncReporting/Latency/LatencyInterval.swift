import CartAssociations

/// What happened in one stretch of a run.
struct LatencyInterval: Sendable, Equatable {
    /// Durations of one operation, on one clock, with one class of answer.
    struct Slot: Sendable, Hashable, Comparable {
        /// In the order of operation, clock and class.
        let index: Int

        init(_ operation: Operation, _ clock: LatencyClock, _ answer: AnswerClass) {
            index = (operation.index * 2 + clock.index) * AnswerClass.allCases.count + answer.index
        }

        static let count = Operation.allCases.count * LatencyClock.allCases.count * AnswerClass.allCases.count

        static func < (left: Slot, right: Slot) -> Bool { left.index < right.index }
    }

    /// From the start of the recording.
    var start: Duration
    var length: Duration
    /// The histograms that are not empty: most answers are of one class.
    private(set) var histograms: [Slot: SparseHistogram] = [:]
    var attempts = 0
    var rateLimited = 0
    /// Attempts that got neither success nor 429.
    var troubled = 0

    var end: Duration { start + length }
    var bytes: Int { histograms.values.reduce(MemoryLayout<Self>.stride + 64) { $0 + $1.bytes + 16 } }

    func histogram(_ operation: Operation, _ clock: LatencyClock, _ answer: AnswerClass) -> SparseHistogram {
        histograms[Slot(operation, clock, answer)] ?? SparseHistogram()
    }

    /// All answers together.
    func histogram(_ operation: Operation, _ clock: LatencyClock) -> SparseHistogram {
        AnswerClass.allCases.reduce(into: SparseHistogram()) { sum, answer in
            if let histogram = histograms[Slot(operation, clock, answer)] { sum.add(histogram) }
        }
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
        for (slot, histogram) in next.histograms { histograms[slot, default: SparseHistogram()].add(histogram) }
        attempts += next.attempts
        rateLimited += next.rateLimited
        troubled += next.troubled
    }
}

/// The interval that is being recorded.
struct OpenInterval: Sendable {
    private(set) var start: Duration
    private var slots = [OpenSlot](repeating: OpenSlot(), count: LatencyInterval.Slot.count)
    private(set) var attempts = 0
    private var rateLimited = 0
    private var troubled = 0
    private var isTouched = false

    init(start: Duration) { self.start = start }

    var isEmpty: Bool { !isTouched }
    var bytes: Int { slots.reduce(0) { $0 + $1.bytes } }

    mutating func record(_ attempt: AttemptMeasure, service: UInt64?) {
        isTouched = true
        slots[LatencyInterval.Slot(attempt.operation, .service, attempt.answer).index].record(service)
        attempts += 1
        switch attempt.answer {
        case .success: break
        case .rateLimited: rateLimited += 1
        default: troubled += 1
        }
    }

    mutating func record(_ call: CallMeasure, response: UInt64?) {
        isTouched = true
        slots[LatencyInterval.Slot(call.operation, .response, call.answer).index].record(response)
    }

    /// What was recorded, as an interval of a length.
    func closed(length: Duration) -> LatencyInterval {
        var histograms: [LatencyInterval.Slot: SparseHistogram] = [:]
        for operation in Operation.allCases {
            for clock in LatencyClock.allCases {
                for answer in AnswerClass.allCases {
                    let slot = LatencyInterval.Slot(operation, clock, answer)
                    if !slots[slot.index].isEmpty { histograms[slot] = slots[slot.index].sparse() }
                }
            }
        }
        var interval = LatencyInterval(start: start, length: length, histograms: histograms)
        interval.attempts = attempts
        interval.rateLimited = rateLimited
        interval.troubled = troubled
        return interval
    }

    /// Begins the next interval with the same memory.
    mutating func restart(at start: Duration) {
        self.start = start
        for slot in slots.indices where !slots[slot].isEmpty { slots[slot].clear() }
        attempts = 0
        rateLimited = 0
        troubled = 0
        isTouched = false
    }
}

/// The durations of one slot in the open interval: the few cells that a stretch touches.
private struct OpenSlot: Sendable {
    private var counts: [UInt16: UInt32] = [:]
    private var maximum: UInt64 = 0

    var isEmpty: Bool { counts.isEmpty }
    var bytes: Int { counts.capacity * 8 }

    mutating func record(_ microseconds: UInt64?) {
        guard let microseconds else { return }
        // The highest cell of an hour is far below 2^16.
        counts[UInt16(LatencyRange.cell(of: microseconds)), default: 0] += 1
        if microseconds > maximum { maximum = microseconds }
    }

    func sparse() -> SparseHistogram {
        SparseHistogram(
            cells: counts.sorted { $0.key < $1.key }.map { (cell: Int($0.key), count: Int($0.value)) },
            maximum: maximum)
    }

    mutating func clear() {
        counts.removeAll(keepingCapacity: true)
        maximum = 0
    }
}

extension LatencyClock {
    /// The position in `allCases`.
    var index: Int { self == .service ? 0 : 1 }
}
