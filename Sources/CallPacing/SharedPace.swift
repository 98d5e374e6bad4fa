/// Another process's pacer, asked before each call beside one's own, so that the limit holds for both together.
package struct SharedPace: Sendable {
    /// Waits until the other lets a call go; returns the call's number there, or nil if there is no other now.
    ///
    /// Throws `CancellationError` if the signal comes first, or the task is cancelled.
    let admit: @Sendable (_ until: StopSignal?) async throws -> Int?
    /// Tells how a call of that number went; nil if it was not made.
    let complete: @Sendable (_ number: Int, _ call: PacedCall?) -> Void

    package init(
        admit: @escaping @Sendable (_ until: StopSignal?) async throws -> Int?,
        complete: @escaping @Sendable (_ number: Int, _ call: PacedCall?) -> Void
    ) {
        self.admit = admit
        self.complete = complete
    }
}

/// How a call went that was let go; see `Pacer.complete`.
package struct PacedCall: Sendable, Codable {
    package var sentAt: ContinuousClock.Instant
    package var answered: ContinuousClock.Instant
    package var reception: Reception
    package var isFresh: Bool
    package var mayHaveConnected: Bool

    package init(
        sentAt: ContinuousClock.Instant, answered: ContinuousClock.Instant, reception: Reception, isFresh: Bool = true,
        mayHaveConnected: Bool = false
    ) {
        self.sentAt = sentAt
        self.answered = answered
        self.reception = reception
        self.isFresh = isFresh
        self.mayHaveConnected = mayHaveConnected
    }
}
