/// What a call to the API is for; latency is kept apart by it.
package enum Operation: String, Sendable, Hashable, CaseIterable, Codable {
    case create
    case delete
    /// Reads a page of carts or of owners.
    case list
    case token
    case createCart = "create-cart"
}

/// The class of answer that one attempt got, the same for tokens, listing and writes.
package enum AnswerClass: String, Sendable, Hashable, CaseIterable, Codable {
    /// A 2xx that holds what the operation needs; to a change only one in the store's own form, or for a delete the
    /// store's word that there was nothing to delete.
    case success
    /// 429.
    case rateLimited = "rate limited"
    /// 401: the token is no longer good.
    case unauthorized
    /// 403 that is not about the one record.
    case forbidden
    /// Any other 4xx that no repetition will change.
    case refused
    /// 408, 409 and 5xx.
    case serverError = "server error"
    /// No connection, reset, or no whole answer in time.
    case connection
    /// A 2xx or a 404 to a change that is not in the store's own form: the change may have been made.
    case unknown
}

/// The measure of one attempt of a call.
package struct AttemptMeasure: Sendable {
    package let operation: Operation
    package let answer: AnswerClass
    /// The HTTP status; nil if no answer came.
    package let status: Int?
    /// From the request being sent to the response being read.
    package let service: Duration

    package init(operation: Operation, answer: AnswerClass, status: Int?, service: Duration) {
        self.operation = operation
        self.answer = answer
        self.status = status
        self.service = service
    }
}

/// The measure of a call with all its attempts.
package struct CallMeasure: Sendable {
    package let operation: Operation
    package let answer: AnswerClass
    /// From when the pacer's schedule had the first attempt due to the final answer, backoff included.
    package let response: Duration
    /// Spent waiting for the pacer, over all attempts.
    package let paced: Duration
    /// Spent waiting before repetitions.
    package let backoff: Duration
    /// Attempts made, at least 1.
    package let attempts: Int

    package init(
        operation: Operation, answer: AnswerClass, response: Duration, paced: Duration, backoff: Duration, attempts: Int
    ) {
        self.operation = operation
        self.answer = answer
        self.response = response
        self.paced = paced
        self.backoff = backoff
        self.attempts = attempts
    }
}

/// What the code that makes calls reports as they happen.
package enum CallEvent: Sendable {
    case attempt(AttemptMeasure)
    case finished(CallMeasure)
    /// An attempt will be repeated after this wait.
    case retry(Operation, after: Duration)
    /// The rate changed, in calls a second, for this reason.
    case rate(Double, reason: String)
    /// Every call is held back for this long from now on.
    case pause(Duration)
}
