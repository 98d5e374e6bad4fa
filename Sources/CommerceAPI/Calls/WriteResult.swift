package import CartAssociations

/// How one write ended.
package struct WriteResult: Sendable {
    package let outcome: Outcome
    /// The class of the last answer; nil where nothing was sent.
    package let answer: AnswerClass?
    /// The HTTP status of the last answer; nil where none came.
    package let status: Int?
    /// Requests sent.
    package let attempts: Int
    /// Why it failed or was refused, with the store's words; for a success, what is worth knowing about it.
    package let message: String?
    /// Of the last attempt, from the request being sent to its answer being read.
    package let service: Duration
    /// From when the pacer's schedule had the first attempt due to the last answer. See `Pacer.admit(_:)`.
    package let response: Duration
    /// Whether nobody knows if it had its effect, because it was not to be repeated then.
    package let isUncertain: Bool

    package init(
        outcome: Outcome, answer: AnswerClass?, status: Int?, attempts: Int, message: String?, service: Duration,
        response: Duration, isUncertain: Bool = false
    ) {
        self.outcome = outcome
        self.answer = answer
        self.status = status
        self.attempts = attempts
        self.message = message
        self.service = service
        self.response = response
        self.isUncertain = isUncertain
    }
}
