/// How one planned change ended.
package struct ChangeOutcome: Sendable, Hashable {
    package let outcome: Outcome
    /// The class of the last answer; nil if nothing was sent.
    package let answer: AnswerClass?
    /// The last answer's HTTP status; nil if none came.
    package let status: Int?
    /// Requests sent; 0 for a change that was skipped.
    package var attempts: Int
    /// The last attempt, from the request being sent to the response being read; the journal keeps microseconds.
    package let service: Duration?
    /// From when the pacer had the first attempt due to the final answer; the journal keeps microseconds.
    package let response: Duration?
    /// Why it failed or was refused, with the store's words; for a success, what is worth knowing about it.
    package var message: String?
    /// Whether an attempt may have had its effect, for a change that did not succeed. Not in the journal.
    package var isUncertain = false
    /// Whether it did not succeed for now and is to be made again after all others. Not in the journal.
    package var isPostponed = false

    package init(
        _ outcome: Outcome, answer: AnswerClass? = nil, status: Int? = nil, attempts: Int, service: Duration? = nil,
        response: Duration? = nil, message: String? = nil
    ) {
        self.outcome = outcome
        self.answer = answer
        self.status = status
        self.attempts = attempts
        self.service = service
        self.response = response
        self.message = message
    }
}

extension Duration {
    /// The duration in microseconds, rounded towards zero: what journal, results and histograms keep of it.
    package var wholeMicroseconds: Int64 {
        components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000
    }
}
