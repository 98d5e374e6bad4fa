import CartAssociations

/// What an attempt's answer means: the one place where status, body and connection errors are judged.
struct Classification: Sendable, Equatable {
    let answer: AnswerClass
    /// Whether a repetition may change it. A 401 is not repeated here but tried once more with a fresh token.
    let isRepeatable: Bool

    /// - Parameters:
    ///   - isUnderstood: whether the body of a success is what the operation needs.
    ///   - alreadyGone: the statuses of a delete that mean that there was nothing to delete.
    init(
        _ exchange: Exchange, for operation: Operation, isUnderstood: Bool = true, alreadyGone: Set<Int> = [404]
    ) {
        switch exchange {
        case .noAnswer:
            self.init(.connection, isRepeatable: true)
        case .answer(let answer):
            self.init(answer, for: operation, isUnderstood: isUnderstood, alreadyGone)
        }
    }

    private init(_ answer: Answer, for operation: Operation, isUnderstood: Bool, _ alreadyGone: Set<Int>) {
        switch answer.status {
        case 200..<300:
            if isUnderstood {
                self.init(.success, isRepeatable: false)
            } else {
                self.init(answer.bodyFault == nil ? .serverError : .connection, isRepeatable: true)
            }
        case let status where operation == .delete && alreadyGone.contains(status):
            self.init(.success, isRepeatable: false)
        case 401:
            self.init(.unauthorized, isRepeatable: false)
        case 403:
            let concernsRecord = VendorErrors(answer.body).mention(Self.aboutTheRecord)
            self.init(concernsRecord ? .refused : .forbidden, isRepeatable: false)
        // A cart of this id may be there already, which no repetition changes.
        case 409 where operation == .createCart:
            self.init(.refused, isRepeatable: false)
        case 408, 409, 500, 502, 503, 504:
            self.init(.serverError, isRepeatable: true)
        case 429:
            self.init(.rateLimited, isRepeatable: true)
        case 500...:
            self.init(.serverError, isRepeatable: false)
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
