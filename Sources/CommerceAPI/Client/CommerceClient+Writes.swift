package import CartAssociations
import Foundation

extension CommerceClient {
    /// Associates an owner with a cart. 200 with the owner in its body is a new association, 204 one that was there
    /// already; any other success is an unknown outcome.
    ///
    /// - Parameters:
    ///   - shopper: the owner's own token, which `Authentication.shopper` needs.
    ///   - round: whether the outcome may be `isPostponed`.
    /// - Throws: `APIError` if no further call makes sense; the change then counts as not tried.
    package func create(
        _ association: Association, shopper: ShopperToken? = nil, round: Round = .only
    ) async throws(APIError) -> ChangeOutcome {
        try await write(.create, association, shopper, round) { call in
            guard call.change == .alreadySo else { return (.created, nil) }
            return (
                .alreadyThere,
                call.earlierAttempt(that: "created it")
            )
        }
    }

    /// Dissociates an owner from a cart. 404, or what `APIOptions.alreadyGone` has, means that there was nothing to
    /// delete if the body says in the vendor's form what is missing; a 404 in another form is an unknown outcome.
    ///
    /// - Parameters:
    ///   - shopper: the owner's own token, which `Authentication.shopper` needs.
    ///   - repeatingUnknown: false ends the call after an attempt that may have had its effect without an answer that
    ///     says so; the outcome is then `isUncertain`.
    ///   - round: whether the outcome may be `isPostponed`.
    /// - Throws: `APIError` if no further call makes sense; the change then counts as not tried.
    package func delete(
        _ association: Association, shopper: ShopperToken? = nil, repeatingUnknown: Bool = true, round: Round = .only
    ) async throws(APIError) -> ChangeOutcome {
        try await write(.delete, association, shopper, round, repeatingUnknown: repeatingUnknown) { call in
            guard call.change == .alreadySo else { return (.deleted, nil) }
            return (
                .alreadyGone,
                call.earlierAttempt(that: "deleted it")
            )
        }
    }

    /// Creates an empty cart. 201, or 200, with the cart in its body says that it is made; any other success is an
    /// unknown outcome.
    ///
    /// - Parameters:
    ///   - name: 1 to 255 characters (Elastic Path, carts, create a cart).
    ///   - description: at most 255 characters.
    ///   - round: whether the outcome may be `isPostponed`.
    /// - Throws: `APIError` if no further call makes sense.
    package func createCart(
        id: CartID, name: String, description: String? = nil, round: Round = .only
    ) async throws(APIError) -> ChangeOutcome {
        guard (1...255).contains(name.unicodeScalars.count) else {
            return .notSent("a cart's name has 1 to 255 characters, this one \(name.unicodeScalars.count)")
        }
        guard (description ?? "").unicodeScalars.count <= 255 else {
            return .notSent("a cart's description has at most 255 characters")
        }
        struct Cart: Encodable {
            let id: String
            let name: String
            let description: String?
        }
        let request = APIRequest(
            operation: .createCart, method: .post, path: "/v2/carts",
            body: json(["data": Cart(id: id.text, name: name, description: description)]),
            contentType: "application/json", write: .newCart(id), round: round)
        return result(of: try await perform(request, decode: \.self)) { _ in (.created, nil) }
    }

    private func write(
        _ kind: ChangeKind, _ association: Association, _ shopper: ShopperToken?, _ round: Round,
        repeatingUnknown: Bool = true, success: (EndedCall<Answer>) -> (Outcome, String?)
    ) async throws(APIError) -> ChangeOutcome {
        if let problem = problem(with: shopper, of: association.owner.kind) { return .notSent(problem) }
        var request = self.request(kind, association, shopper, repeatingUnknown: repeatingUnknown)
        request.round = round
        return result(of: try await perform(request, decode: \.self), success: success)
    }

    /// The call that makes one change.
    func request(
        _ kind: ChangeKind, _ association: Association, _ shopper: ShopperToken? = nil, repeatingUnknown: Bool = true
    ) -> APIRequest {
        // One element in each call: the store refuses more (Elastic Path, cart associations, error messages).
        return APIRequest(
            operation: kind == .create ? .create : .delete, method: kind == .create ? .post : .delete,
            path: "/v2/carts/\(association.cart.text)/relationships/\(association.owner.kind.rawValue)s",
            body: Self.body(naming: association.owner), contentType: "application/json", shopper: shopper,
            write: .change(kind, association), repeatsUnknown: repeatingUnknown)
    }

    /// `{"data":[{"id":"…","type":"customer"}]}`.
    ///
    /// Written here, since an encoder takes a fifteenth of the time of a call. An id has no control character, so that nothing
    /// but quotes and backslashes is escaped in JSON (RFC 8259, 7).
    static func body(naming owner: Owner) -> [UInt8] {
        var body = Array(#"{"data":[{"id":""#.utf8)
        for byte in owner.id.text.utf8 {
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { body.append(UInt8(ascii: "\\")) }
            body.append(byte)
        }
        body += #"","type":""#.utf8
        body += owner.kind.rawValue.utf8
        body += #""}]}"#.utf8
        return body
    }

    private func problem(with shopper: ShopperToken?, of kind: OwnerKind) -> String? {
        switch (options.authentication, shopper) {
        case (.clientCredentials, nil): return nil
        case (.clientCredentials, .some):
            return "a shopper's token never goes with client credentials; set api.authentication to shopper"
        case (.shopper, nil):
            return
                "the export has no \(kind.rawValue) token for this \(kind.rawValue), which api.authentication: shopper needs"
        case (.shopper, .some(let shopper)):
            return shopper.kind == kind ? nil : "\(shopper.kind.withArticle) token cannot speak for \(kind.withArticle)"
        }
    }

    private func result(
        of call: EndedCall<Answer>, success: (EndedCall<Answer>) -> (Outcome, String?)
    ) -> ChangeOutcome {
        let outcome: Outcome
        var message: String? = call.sentence
        switch call.answer {
        case .success: (outcome, message) = success(call)
        case .refused, .forbidden: outcome = .rejected
        // Without a shopper's token it is the access token that was refused, and no record is to blame.
        case .unauthorized: outcome = options.authentication == .shopper ? .rejected : .failed
        case .rateLimited, .serverError, .connection, .unknown: outcome = .failed
        }
        var result = ChangeOutcome(
            outcome, answer: call.answer, status: call.exchange.status, attempts: call.attempts,
            service: call.service, response: call.response, message: message)
        result.isPostponed = call.isPostponed
        result.isUncertain = !outcome.isSuccess && call.isEffectUncertain
        return result
    }

    private func json(_ value: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
        // Texts, arrays and dictionaries of them always encode.
        return (try? encoder.encode(value)).map(Array.init) ?? []
    }
}

extension EndedCall {
    /// What an earlier attempt may have done, and how to have such an answer believed; nil if none was in doubt.
    ///
    /// - Parameter deed: completes "may be the one that".
    fileprivate func earlierAttempt(that deed: String) -> String? {
        guard let doubted else {
            return isEffectUncertain ? "an earlier attempt got no answer, and may be the one that \(deed)" : nil
        }
        let believe =
            doubted.status == 200 && doubted.isEmpty && change == .alreadySo
            ? "; if the store answers so to what it has done, set api.empty-200 to believe" : ""
        return "an earlier attempt got an answer that is not one of the store's (HTTP \(doubted.status)"
            + "\(doubted.isEmpty ? ", empty" : "")), and may be the one that \(deed)\(believe)"
    }
}

extension ChangeOutcome {
    /// A write that is refused here, before it is sent.
    fileprivate static func notSent(_ message: String) -> ChangeOutcome {
        ChangeOutcome(.rejected, attempts: 0, service: .zero, response: .zero, message: message)
    }
}
