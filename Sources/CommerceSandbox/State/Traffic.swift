/// Counts events in the second that slides along with them. Times are since the sandbox began.
struct SlidingSecond {
    /// In their order, back to where no second that is still counted begins.
    private var times: [Duration] = []
    private var start = 0

    /// The events in the second that ends now; one exactly a second ago is outside.
    func count(now: Duration) -> Int {
        place(after: now) - place(after: now - .seconds(1))
    }

    /// Takes note of an event; several threads may bring them a little out of order.
    ///
    /// Returns the most events in any one second that ends with this one or a later one.
    mutating func add(_ time: Duration) -> Int {
        let place = place(after: time)
        times.insert(time, at: place)
        let most = times[place...].reduce(0) { max($0, count(now: $1)) }
        while let last = times.last, last - times[start] >= .seconds(2) { start += 1 }
        if start > 1024, start * 2 > times.count {
            times.removeFirst(start)
            start = 0
        }
        return most
    }

    /// The first place behind all events up to a time.
    private func place(after time: Duration) -> Int {
        var (from, to) = (start, times.count)
        while from < to {
            let middle = from + (to - from) / 2
            if times[middle] <= time { from = middle + 1 } else { to = middle }
        }
        return from
    }
}

/// Which of the injected faults strikes a request.
struct FaultSchedule {
    private struct Armed {
        let fault: SandboxFault
        var seen = 0
        var random: SplitMix64
    }

    private let seed: UInt64
    private var armed: [Armed] = []

    init(seed: UInt64) {
        self.seed = seed
    }

    mutating func inject(_ fault: SandboxFault) {
        armed.append(Armed(fault: fault, random: SplitMix64(seed: seed &+ UInt64(armed.count) &* 0x9E37_79B9)))
    }

    mutating func clear() {
        armed.removeAll()
    }

    /// The first of the faults that strikes; every fault that matches the request counts it.
    mutating func strike(_ operation: SandboxOperation, cart: String?) -> SandboxFaultAction? {
        var struck: SandboxFaultAction?
        for index in armed.indices {
            let fault = armed[index].fault
            guard fault.operation == nil || fault.operation == operation, fault.cart == nil || fault.cart == cart
            else { continue }
            armed[index].seen += 1
            let seen = armed[index].seen
            guard seen >= fault.first, fault.count.map({ seen - fault.first < $0 }) ?? true else { continue }
            guard fault.share >= 1 || Double.random(in: 0..<1, using: &armed[index].random) < fault.share else {
                continue
            }
            struck = struck ?? fault.action
        }
        return struck
    }
}

extension SandboxCall {
    /// The calls that are remembered.
    static let kept = 100_000
}

/// What has been asked of the sandbox, and which requests go wrong.
struct Traffic {
    private(set) var statistics = SandboxStatistics()
    private(set) var faults: FaultSchedule
    private let rateLimit: Int?
    private let latency: SandboxLatency
    private var arrivals = SlidingSecond()
    private var admitted = SlidingSecond()
    private var latest = Duration.zero
    private var writing: [String: Int] = [:]
    private var calls: [SandboxCall] = []
    private var answered = 0
    private var firstWrite: Duration?
    private var lastWrite = Duration.zero
    private var random: SplitMix64

    /// What happens to a request that has arrived.
    struct Arrival {
        var isAdmitted: Bool
        /// Another write to the same cart is being worked on.
        var overlaps: Bool
        var fault: SandboxFaultAction?
        var latency: Duration
    }

    init(options: SandboxOptions) {
        faults = FaultSchedule(seed: options.seed)
        rateLimit = options.rateLimit
        latency = options.latency
        random = SplitMix64(seed: options.seed ^ 0x1A7E_0C4B)
    }

    mutating func inject(_ fault: SandboxFault) {
        faults.inject(fault)
    }

    mutating func clearFaults() {
        faults.clear()
    }

    /// Takes note of a request; `finish` must follow.
    mutating func arrive(_ operation: SandboxOperation, cart: String?, at time: Duration) -> Arrival {
        statistics.busiestSecond = max(statistics.busiestSecond, arrivals.add(time))
        if operation.isWrite {
            statistics.writes += 1
            let first = min(firstWrite ?? time, time)
            firstWrite = first
            lastWrite = max(lastWrite, time)
            statistics.writeSeconds = (lastWrite - first) / .seconds(1)
            if let cart {
                writing[cart, default: 0] += 1
                statistics.busiestCart = max(statistics.busiestCart, writing[cart, default: 0])
            }
        }
        if let rateLimit {
            latest = max(latest, time)
            guard admitted.count(now: latest) < rateLimit else {
                return Arrival(isAdmitted: false, overlaps: false, fault: nil, latency: .zero)
            }
            _ = admitted.add(latest)
        }
        return Arrival(
            isAdmitted: true, overlaps: operation.isWrite && cart.map { writing[$0, default: 0] > 1 } == true,
            fault: faults.strike(operation, cart: cart), latency: draw())
    }

    /// Ends what `arrive` began. A status of 0 stands for no answer.
    mutating func finish(
        _ operation: SandboxOperation, cart: String?, owner: String?, status: Int, malformed: Bool, mixed: Bool
    ) {
        statistics.requests[operation, default: [:]][status, default: 0] += 1
        if malformed { statistics.malformed += 1 }
        if mixed { statistics.mixedCredentials += 1 }
        guard let cart else { return }
        if operation.isWrite {
            let others = writing[cart, default: 1] - 1
            writing[cart] = others > 0 ? others : nil
        }
        guard operation == .create || operation == .delete else { return }
        answered += 1
        calls.append(
            SandboxCall(number: answered, operation: operation, cart: cart, owner: owner, status: status))
        if calls.count > 2 * SandboxCall.kept { calls.removeFirst(calls.count - SandboxCall.kept) }
    }

    var latestCalls: [SandboxCall] { Array(calls.suffix(SandboxCall.kept)) }

    private mutating func draw() -> Duration {
        switch latency {
        case .none: .zero
        case .steady(let duration): duration
        case .lognormal(let median, let sigma): median * random.lognormalFactor(sigma: sigma)
        }
    }
}
