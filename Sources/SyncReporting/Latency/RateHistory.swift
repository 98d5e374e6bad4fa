/// The changes of the rate in a run, and the stretches in which calls were held back.
struct RateHistory: Sendable, Equatable {
    /// One change of the rate.
    struct Step: Sendable, Equatable {
        let moment: Duration
        /// The rate from then on, in calls a second; 0 lets only probes through.
        let rate: Double
        let reason: String
    }

    /// One stretch in which no call was let go.
    struct Pause: Sendable, Equatable {
        var span: Range<Duration>
        let reason: String
    }

    /// A rate that swings for days must not fill the report: of more steps every second one is kept.
    static let most = 1000

    private(set) var steps: [Step] = []
    /// Steps that follow sooner take the place of the one before.
    private var apart: Duration = .zero
    private(set) var changes = 0
    private(set) var pauses: [Pause] = []
    private(set) var pauseCount = 0
    /// What `pauses` had no room for.
    private var pausedBesides: Duration = .zero
    private var probing: Step?
    private(set) var latestReason: String?

    /// Notes the rate in force; 0 holds calls back until the next one.
    mutating func record(_ rate: Double, reason: String, at moment: Duration) {
        latestReason = reason
        let step = Step(moment: moment, rate: rate, reason: reason)
        if rate > 0, let since = probing {
            probing = nil
            hold(since.moment..<max(since.moment, moment), reason: since.reason)
        } else if rate <= 0, probing == nil {
            probing = step
        }
        // A pause is told with the rate, which often stays as it was.
        guard steps.last?.rate != rate else { return }
        changes += 1
        if let last = steps.last, last.rate > 0, rate > 0, moment - last.moment < apart {
            steps[steps.count - 1] = Step(moment: last.moment, rate: rate, reason: reason)
        } else {
            steps.append(step)
        }
        if steps.count > Self.most { thin() }
    }

    private mutating func thin() {
        let last = steps.count - 1
        steps = steps.indices.filter { $0.isMultiple(of: 2) || $0 == last || steps[$0].rate <= 0 }.map { steps[$0] }
        // Outages alone are too many then.
        if steps.count > Self.most { steps.removeSubrange(Self.most..<steps.count) }
        apart = max(.seconds(1), apart * 2)
    }

    /// Notes that calls are held back from now on; a pause that begins during another only lengthens it.
    mutating func pause(for duration: Duration, at moment: Duration) {
        hold(moment..<moment + max(.zero, duration), reason: latestReason ?? "")
    }

    private mutating func hold(_ span: Range<Duration>, reason: String) {
        if let last = pauses.last?.span, span.lowerBound <= last.upperBound {
            pauses[pauses.count - 1].span =
                min(last.lowerBound, span.lowerBound)..<max(last.upperBound, span.upperBound)
            return
        }
        pauseCount += 1
        if pauses.count < Self.most {
            pauses.append(Pause(span: span, reason: reason))
        } else {
            pausedBesides += span.upperBound - span.lowerBound
        }
    }

    /// The history as it stands at a moment: what would hold calls back longer is cut off there.
    func ended(at moment: Duration) -> RateHistory {
        var history = self
        if let since = history.probing {
            history.probing = nil
            history.hold(since.moment..<max(since.moment, moment), reason: since.reason)
        }
        for index in history.pauses.indices where history.pauses[index].span.upperBound > moment {
            let start = min(history.pauses[index].span.lowerBound, moment)
            history.pauses[index].span = start..<moment
        }
        return history
    }

    /// The time in which calls were held back.
    var paused: Duration { pauses.reduce(pausedBesides) { $0 + $1.span.upperBound - $1.span.lowerBound } }

    /// How long calls are held back from a moment on; nil if they are not held back, or with no known end.
    func pauseLeft(at moment: Duration) -> Duration? {
        guard let last = pauses.last?.span, last.contains(moment) else { return nil }
        return last.upperBound - moment
    }

    /// This history and what came later in the same run, so much after its start.
    func followed(by later: RateHistory, after offset: Duration) -> RateHistory {
        var whole = ended(at: offset)
        whole.steps = Array(
            (whole.steps + later.steps.map { Step(moment: $0.moment + offset, rate: $0.rate, reason: $0.reason) })
                .prefix(Self.most))
        whole.changes += later.changes
        for pause in later.pauses {
            whole.hold(pause.span.lowerBound + offset..<pause.span.upperBound + offset, reason: pause.reason)
        }
        whole.pauseCount += later.pauseCount - later.pauses.count
        whole.pausedBesides += later.pausedBesides
        whole.probing = later.probing.map { Step(moment: $0.moment + offset, rate: $0.rate, reason: $0.reason) }
        whole.latestReason = later.latestReason ?? latestReason
        return whole
    }
}

extension Duration {
    var inSeconds: Double { self / .seconds(1) }
}
