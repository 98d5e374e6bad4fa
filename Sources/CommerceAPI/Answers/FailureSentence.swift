import CartAssociations

/// Says in one sentence why a call did not succeed: what it means, the store's own words, status and request id.
struct FailureSentence {
    let text: String

    /// - Parameters:
    ///   - shopper: whose token the call carried; nil with client credentials.
    ///   - isUnknown: whether the answer to a change is not in the store's own form.
    init(_ exchange: Exchange, for operation: Operation, shopper: OwnerKind? = nil, isUnknown: Bool = false) {
        switch exchange {
        case .noAnswer(let fault):
            text = fault.words
        case .answer(let answer):
            guard !isUnknown else {
                text = Self.unknown(answer)
                return
            }
            let errors = VendorErrors(answer.body)
            var sentence = Self.meaning(of: answer, errors, for: operation, shopper)
            if let words = errors.words {
                sentence += "; the store says: \(words)"
            } else if let fault = answer.bodyFault {
                sentence += "; \(fault.words)"
            } else if let page = WebPage(answer.body) {
                let start = Self.excerpt(answer.body) ?? ""
                sentence += "; \(page.words) came in the place of an answer, it begins: \(start)"
            } else if let excerpt = Self.excerpt(answer.body) {
                sentence += "; the answer is not as documented, it begins: \(excerpt)"
            }
            let requestID = errors.requestID ?? answer.requestID
            text = sentence + " (HTTP \(answer.status)\(requestID.map { ", request id \($0)" } ?? ""))"
        }
    }

    private static func unknown(_ answer: Answer) -> String {
        let page = WebPage(answer.body).map { "it is \($0.words); " } ?? ""
        let words = page + (excerpt(answer.body, limit: 199).map { "it begins: \($0)" } ?? "it is empty")
        return "the answer is not one of the store's, so it does not tell whether the change was made; "
            + "\(words) (HTTP \(answer.status))"
    }

    private static func excerpt(_ body: [UInt8], limit: Int = 80) -> String? {
        guard !body.isEmpty else { return nil }
        let text = String(decoding: body.prefix(limit * 5), as: UTF8.self).printable(limit: limit)
        return text.isEmpty ? nil : text
    }

    private static func meaning(
        of answer: Answer, _ errors: VendorErrors, for operation: Operation, _ shopper: OwnerKind?
    ) -> String {
        if let shopper, answer.status == 401 || (answer.status == 403 && !errors.mention(aboutTheCall)) {
            return
                "the store refused the \(shopper.rawValue)'s own token: it has ended, which it does after 24 hours, or is "
                + "somebody else's; have the export written again with a fresh one"
        }
        for (texts, meaning) in documented where errors.mention(texts) { return meaning }
        switch answer.status {
        case 200..<300: return "the answer could not be understood"
        case 300..<400:
            let place = answer.location.map { " to \($0.printable(limit: 200))" } ?? ""
            return "the store redirects\(place), which is never followed; set the base URL to the right address"
        case 400:
            return operation == .token ? "the store refused the client id or secret" : "the store refused the call"
        case 401: return operation == .token ? "the store refused the client id or secret" : "the token was refused"
        case 403: return "the store forbids this call; the application key needs the right to manage carts"
        case 404: return "the store does not know the cart or its owner"
        case 408: return "the store gave up waiting"
        case 409: return "the record was changed by somebody else at the same moment"
        case 422: return "the store cannot do this to the cart"
        case 429: return "too many calls; use a lower rate, or an application key with a reserved rate"
        case 503: return "the store is not available now"
        case 500...: return "the store failed"
        default: return "the store refused the call"
        }
    }

    /// The words of a 403 that says nothing about who calls.
    private static let aboutTheCall = ["cannot associate more than one", "invalid json payload"]

    /// What the documented errors of the association calls mean (Elastic Path, cart associations, error messages).
    private static let documented: [(texts: [String], meaning: String)] = [
        (
            ["with contact emails"],
            "the cart has a contact e-mail, and such carts cannot be associated; remove the e-mail from the cart first"
        ),
        (["does not exist or is not listed as"], "the store does not accept this kind of owner for the call"),
        (
            ["does not have the required permissions"],
            "the owner may not do this with the cart; check the owner, and the rights of the key"
        ),
        (["cannot associate more than one"], "the store accepts one owner in a call"),
        (["invalid json payload"], "the store could not read the call"),
        (["unable to validate access token"], "the token has expired or was revoked"),
        (["unauthorised call"], "the store forbids this call; the application key needs the right to manage carts"),
    ]
}
