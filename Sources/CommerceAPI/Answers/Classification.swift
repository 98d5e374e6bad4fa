import CartAssociations

/// What an attempt's answer means: the one place where status, body and connection errors are judged.
struct Classification: Sendable, Equatable {
    let answer: AnswerClass
    /// Whether a repetition may change it. A 401 is not repeated here but tried once more with a fresh token.
    let isRepeatable: Bool

    /// - Parameters:
    ///   - isUnderstood: whether the body of a success is what the operation needs.
    ///   - change: what the answer to an association call says; nil for other calls, and for one that says no.
    init(_ exchange: Exchange, for operation: Operation, isUnderstood: Bool = true, change: ChangeAnswer? = nil) {
        switch (exchange, change) {
        case (.noAnswer, _):
            self.init(.connection, isRepeatable: true)
        case (.answer, .made), (.answer, .alreadySo):
            self.init(.success, isRepeatable: false)
        case (.answer(let answer), .unknown):
            self.init(answer.bodyFault == nil ? .unknown : .connection, isRepeatable: true)
        case (.answer(let answer), nil):
            self.init(answer, for: operation, isUnderstood: isUnderstood)
        }
    }

    private init(_ answer: Answer, for operation: Operation, isUnderstood: Bool) {
        switch answer.status {
        case 200..<300:
            if isUnderstood {
                self.init(.success, isRepeatable: false)
            } else {
                self.init(answer.bodyFault == nil ? .serverError : .connection, isRepeatable: true)
            }
        case 401:
            self.init(.unauthorized, isRepeatable: false)
        case 403:
            let concernsRecord = VendorErrors(answer.body).mention(Self.aboutTheRecord)
            self.init(concernsRecord ? .refused : .forbidden, isRepeatable: false)
        // A cart of this id may be there already, which no repetition changes.
        case 409 where operation == .createCart:
            self.init(.refused, isRepeatable: false)
        case 429:
            self.init(.rateLimited, isRepeatable: true)
        // Gateways have statuses of their own, 520 to 529 for instance, and all of them may pass.
        case 408, 409, 500...:
            self.init(.serverError, isRepeatable: true)
        default:
            self.init(.refused, isRepeatable: false)
        }
    }

    private init(_ answer: AnswerClass, isRepeatable: Bool) {
        self.answer = answer
        self.isRepeatable = isRepeatable
    }

    /// The words of a 403 that concerns one record only (Elastic Path, cart associations, error messages). Whether
    /// they stand in the title or the detail is not documented.
    private static let aboutTheRecord = [
        "cannot associate more than one", "does not have the required permissions", "invalid json payload",
    ]
}
