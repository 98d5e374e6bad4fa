package import CartAssociations
import Foundation

extension CommerceClient {
    /// Associates an owner with a cart. 200 is a new association, 204 one that was there already.
    ///
    /// - Parameter shopper: the owner's own token, which `Authentication.shopper` needs.
    /// - Throws: `APIError` where no further call makes sense; the change is then as if not tried.
    package func create(
        _ association: Association, shopper: ShopperToken? = nil
    ) async throws(APIError) -> WriteResult {
        try await write(.create, association, shopper) { answer, isEffectUncertain in
            guard answer.status == 204 else { return (.created, nil) }
            return (
                .alreadyThere,
                isEffectUncertain ? "an earlier attempt got no answer, and may be the one that created it" : nil
            )
        }
    }

    /// Dissociates an owner from a cart. 404, or what `APIOptions.alreadyGone` has, means that there was nothing to delete.
    ///
    /// - Parameters:
    ///   - shopper: the owner's own token, which `Authentication.shopper` needs.
    ///   - repeatingUnknown: false ends the call where an attempt may have had its effect without an answer; the
    ///     result `isUncertain` then.
    /// - Throws: `APIError` where no further call makes sense; the change is then as if not tried.
    package func delete(
        _ association: Association, shopper: ShopperToken? = nil, repeatingUnknown: Bool = true
    ) async throws(APIError) -> WriteResult {
        try await write(.delete, association, shopper, repeatingUnknown: repeatingUnknown) {
            answer, isEffectUncertain in
            guard !(200..<300).contains(answer.status) else { return (.deleted, nil) }
            return (
                .alreadyGone,
                isEffectUncertain ? "an earlier attempt got no answer, and may be the one that deleted it" : nil
            )
        }
    }

    /// Creates an empty cart.
    ///
    /// - Parameters:
    ///   - name: 1 to 255 characters (Elastic Path, carts, create a cart).
    ///   - description: at most 255 characters.
    /// - Throws: `APIError` where no further call makes sense.
    package func createCart(
        id: CartID, name: String, description: String? = nil
    ) async throws(APIError) -> WriteResult {
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
            contentType: "application/json")
        return result(of: try await perform(request, decode: \.self)) { _, _ in (.created, nil) }
    }

    private func write(
        _ kind: ChangeKind, _ association: Association, _ shopper: ShopperToken?, repeatingUnknown: Bool = true,
        success: (Answer, _ isEffectUncertain: Bool) -> (Outcome, String?)
    ) async throws(APIError) -> WriteResult {
        if let problem = problem(with: shopper, of: association.owner.kind) { return .notSent(problem) }
        // One element in each call: the store refuses more (Elastic Path, cart associations, error messages).
        let owner = ["type": association.owner.kind.rawValue, "id": association.owner.id.text]
        let request = APIRequest(
            operation: kind == .create ? .create : .delete, method: kind == .create ? .post : .delete,
            path: "/v2/carts/\(association.cart.text)/relationships/\(association.owner.kind.rawValue)s",
            body: json(["data": [owner]]), contentType: "application/json", shopper: shopper,
            repeatsUnknown: repeatingUnknown)
        return result(of: try await perform(request, decode: \.self), success: success)
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
            return shopper.kind == kind ? nil : "a \(shopper.kind.rawValue) token cannot speak for a \(kind.rawValue)"
        }
    }

    private func result(
        of ending: CallEnding<Answer>, success: (Answer, _ isEffectUncertain: Bool) -> (Outcome, String?)
    ) -> WriteResult {
        let outcome: Outcome
        var message: String? = ending.sentence
        switch (ending.answer, ending.exchange) {
        case (.success, .answer(let answer)): (outcome, message) = success(answer, ending.isEffectUncertain)
        case (.refused, _), (.forbidden, _), (.unauthorized, _): outcome = .rejected
        case (.success, _), (.rateLimited, _), (.serverError, _), (.connection, _): outcome = .failed
        }
        return WriteResult(
            outcome: outcome, answer: ending.answer, status: ending.exchange.status, attempts: ending.attempts,
            message: message, service: ending.service, response: ending.response, isUncertain: ending.isLeftUnknown)
    }

    private func json(_ value: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
        // Texts, arrays and dictionaries of them always encode.
        return (try? encoder.encode(value)).map(Array.init) ?? []
    }
}

extension WriteResult {
    /// A write that is refused here, before it is sent.
    static func notSent(_ message: String) -> WriteResult {
        WriteResult(
            outcome: .rejected, answer: nil, status: nil, attempts: 0, message: message, service: .zero,
            response: .zero)
    }
}
