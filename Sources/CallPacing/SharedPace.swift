/// Another process's pacer, asked before each call beside one's own, so that the limit holds for both together.
package struct SharedPace: Sendable {
    /// A call's permission to go from the other process.
    package struct Turn: Sendable {
        /// The call's number there.
        let number: Int
        /// When the other let it go.
        let granted: ContinuousClock.Instant

        package init(number: Int, granted: ContinuousClock.Instant) {
            self.number = number
            self.granted = granted
        }
    }

    /// From the other's letting a call go to its leaving here, at most: as long as it is untold how the call went, the
    /// other counts it for a second more than this.
    static let longestLeave: Duration = .milliseconds(500)

    /// Waits until the other lets a call go; nil if there is no other now.
    ///
    /// Throws `CancellationError` if the signal comes first, or the task is cancelled.
    let admit: @Sendable (_ until: StopSignal?) async throws -> Turn?
    /// Tells how a call of that number went; nil if it was not made.
    let complete: @Sendable (_ number: Int, _ call: PacedCall?) -> Void

    package init(
        admit: @escaping @Sendable (_ until: StopSignal?) async throws -> Turn?,
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
