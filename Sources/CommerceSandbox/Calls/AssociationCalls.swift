import Foundation

/// The body of an association call, understood or not.
enum AssociationPayload: Hashable, Sendable {
    case owner(String)
    case several([String])
    /// The type of an element is missing or another one.
    case otherType
    case withoutID
    /// The body is not JSON, or `data` is not an array.
    case invalid

    init(_ body: [UInt8], kind: SandboxOwnerKind) {
        struct Body: Decodable {
            struct Element: Decodable {
                let type: String?
                let id: String?
            }
            let data: [Element]
        }
        guard let elements = try? JSONDecoder().decode(Body.self, from: Data(body)).data else {
            self = .invalid
            return
        }
        guard !elements.isEmpty, elements.allSatisfy({ $0.type == kind.rawValue }) else {
            self = .otherType
            return
        }
        let ids = elements.compactMap(\.id).filter { !$0.isEmpty }
        guard ids.count == elements.count else {
            self = .withoutID
            return
        }
        self = ids.count == 1 ? .owner(ids[0]) : .several(ids)
    }

    /// The one owner it names.
    var owner: String? {
        guard case .owner(let id) = self else { return nil }
        return id
    }
}

/// POST and DELETE /v2/carts/{cartID}/relationships/customers and /accounts.
extension Store {
    mutating func associate(
        _ kind: SandboxOwnerKind, cart id: String, _ payload: AssociationPayload, _ credentials: RequestCredentials,
        now: Duration
    ) -> Reply {
        let owner: String
        switch admit(kind, cart: id, payload, credentials, now: now) {
        case .refused(let answer): return answer
        case .admitted(let owners): owner = owners[0]
        }
        if !knows(kind, owner) {
            switch behaviour.unknownOwner {
            case .accepted: break
            case .notFound: return .error(404, "Not Found", "\(kind.title) not found")
            case .badRequest: return .error(400, "Bad Request", "\(kind.title) not found")
            }
        }
        var cart: Cart
        switch namedCart(id, now: now) {
        case .found(let named): cart = named
        case .refused(let reply): return reply
        }
        guard cart.contactEmail == nil else {
            // The vendor's one documented body: the HTTP status is 422, the status inside it 400.
            return .error(
                422,
                ErrorItem(
                    status: .number(400), title: "Cannot associate \(kind.plural) to carts with contact emails",
                    detail: "Unable to associate \(kind.plural) to carts with contact emails attached."))
        }
        if cart[kind].contains(owner) { return .noContent() }
        cart[kind].append(owner)
        store(cart, moved: behaviour.associationsTouchCart, now: now)
        return .json(200) { text in
            text.raw(#"{"data":"#)
            text.related([owner], kind)
            text.raw("}")
        }
    }

    mutating func dissociate(
        _ kind: SandboxOwnerKind, cart id: String, _ payload: AssociationPayload, _ credentials: RequestCredentials,
        now: Duration
    ) -> Reply {
        let owners: [String]
        switch admit(kind, cart: id, payload, credentials, several: behaviour.severalDeletes == .allowed, now: now) {
        case .refused(let answer): return answer
        case .admitted(let admitted): owners = admitted
        }
        guard var cart = carts[id] else { return missingAssociation("Cart not found") }
        let kept = cart[kind].filter { !owners.contains($0) }
        guard kept.count < cart[kind].count else {
            return missingAssociation("\(kind.title) is not associated with the cart")
        }
        cart[kind] = kept
        store(cart, moved: behaviour.associationsTouchCart, now: now)
        return .noContent()
    }

    private enum Admission {
        case admitted([String])
        case refused(Reply)
    }

    /// The checks that creating and deleting share, before any look at the cart.
    private func admit(
        _ kind: SandboxOwnerKind, cart: String, _ payload: AssociationPayload, _ credentials: RequestCredentials,
        several: Bool = false, now: Duration
    ) -> Admission {
        guard let caller = caller(credentials, about: kind, now: now) else { return .refused(.unauthorized) }
        guard SafeCharacters.all(in: cart) else {
            return .refused(Reply.error(400, "Bad Request", "The cart id has unsafe characters").asMalformed())
        }
        let owners: [String]
        switch payload {
        case .owner(let owner): owners = [owner]
        case .several(let named) where several: owners = named
        case .several:
            return .refused(sentence(403, "Cannot associate more than one \(kind.rawValue)"))
        case .otherType:
            return .refused(
                sentence(400, "The type does not exist or is not listed as \(kind.rawValue)").asMalformed())
        case .withoutID: return .refused(Reply.error(400, "Bad Request", "The id is required").asMalformed())
        case .invalid: return .refused(sentence(403, "Invalid json payload").asMalformed())
        }
        let mayDo =
            switch caller {
            case .administrator: true
            case .shopper(let shopper): shopper.kind == kind && owners == [shopper.id]
            case .nobody: false
            }
        guard mayDo else {
            return .refused(
                sentence(403, "\(kind.title) does not have the required permissions to fulfill this request"))
        }
        return .admitted(owners)
    }

    /// An error whose documented sentence is in the title or in the detail.
    private func sentence(_ status: Int, _ text: String) -> Reply {
        switch behaviour.errorText {
        case .title: .error(status, text)
        case .detail: .error(status, status == 403 ? "Forbidden" : "Bad Request", text)
        }
    }

    private func missingAssociation(_ detail: String) -> Reply {
        switch behaviour.missingAssociation {
        case .noContent: .noContent()
        case .notFound: .error(404, "Not Found", detail)
        case .badRequest: .error(400, "Bad Request", detail)
        }
    }
}

extension Reply {
    static var cartNotFound: Reply { .error(404, "Not Found", "Cart not found") }
}
