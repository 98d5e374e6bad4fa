import Foundation

/// POST, GET, PUT and DELETE of one cart.
extension Store {
    mutating func createCart(_ body: [UInt8], _ credentials: RequestCredentials, now: Duration) -> Reply {
        guard let caller = caller(credentials, now: now) else { return .unauthorized }
        guard credentials.shopperIsUsable(caller) else { return .unauthorizedCall }
        let fields: CartFields
        switch Self.fields(body) {
        case .success(let read): fields = read
        case .failure(let error): return Reply.error(400, error.item(status: 400)).asMalformed()
        }
        guard let name = fields.name else {
            return Reply.error(400, "Blank name", "The name is required").asMalformed()
        }
        var cart = Cart(
            id: fields.id ?? newID(), name: name, description: fields.description, contactEmail: fields.contactEmail,
            extras: fields.extras, created: date(now), updated: date(now))
        if let known = carts[cart.id] {
            switch behaviour.existingCart {
            case .badRequest: return .error(400, "Bad Request", "A cart with this id exists")
            case .conflict: return .error(409, "Conflict", "A cart with this id exists")
            case .returned: return answer(201, known)
            }
        }
        if case .shopper(let shopper) = caller {
            guard cart.contactEmail == nil else { return Reply.error(400, Self.emailRefused) }
            cart[shopper.kind] = [shopper.id]
        }
        store(cart, now: now)
        return answer(201, cart)
    }

    /// Creates the cart if the id is unknown, as the vendor documents.
    mutating func getCart(_ id: String, query: [String: String], _ credentials: RequestCredentials, now: Duration)
        -> Reply
    {
        guard caller(credentials, now: now) != nil else { return .unauthorized }
        guard SafeCharacters.all(in: id) else {
            return Reply.error(400, "Bad Request", "The cart id has unsafe characters").asMalformed()
        }
        guard Self.includes(query["include"], among: ["items", "tax_items", "custom_discounts", "promotions"]) else {
            return Reply.error(400, "Bad Request", "Could not parse the supplied include").asMalformed()
        }
        return answer(200, carts[id] ?? autoCreate(id, now: now))
    }

    /// PUT documents 422 for a body it refuses, and that error is not wrapped in `errors`.
    mutating func updateCart(_ id: String, _ body: [UInt8], _ credentials: RequestCredentials, now: Duration) -> Reply {
        guard let caller = caller(credentials, now: now) else { return .unauthorized }
        guard credentials.shopperIsUsable(caller) else { return .unauthorizedCall }
        guard SafeCharacters.all(in: id) else {
            return Self.unprocessable(
                InvalidField(title: "Bad Request", detail: "The cart id has unsafe characters", source: nil))
        }
        let fields: CartFields
        switch Self.fields(body) {
        case .success(let read): fields = read
        case .failure(let error): return Self.unprocessable(error)
        }
        var cart: Cart
        switch namedCart(id, now: now) {
        case .found(let named): cart = named
        case .refused(let reply): return reply
        }
        if fields.contactEmail != nil && cart.isRegistered {
            return .json(422) { Self.emailRefused.write(to: &$0) }
        }
        if let name = fields.name { cart.name = name }
        if let description = fields.description { cart.description = description }
        if let email = fields.contactEmail { cart.contactEmail = email }
        cart.extras.merge(fields.extras) { $1 }
        store(cart, now: now)
        return answer(200, cart)
    }

    enum NamedCart {
        case found(Cart)
        case refused(Reply)
    }

    /// The cart that a write names; `SandboxBehaviour.unknownCart` says what becomes of an unknown one.
    mutating func namedCart(_ id: String, now: Duration) -> NamedCart {
        if let known = carts[id] { return .found(known) }
        switch behaviour.unknownCart {
        case .creates: return .found(autoCreate(id, now: now))
        case .notFound: return .refused(.cartNotFound)
        case .badRequest: return .refused(.error(400, "Bad Request", "Cart not found"))
        }
    }

    mutating func deleteCart(_ id: String, _ credentials: RequestCredentials, now: Duration) -> Reply {
        guard let caller = caller(credentials, now: now) else { return .unauthorized }
        guard SafeCharacters.all(in: id) else {
            return Reply.error(400, "Bad Request", "The cart id has unsafe characters").asMalformed()
        }
        guard let cart = carts[id] else { return .noContent() }
        guard credentials.shopperIsUsable(caller) else { return .unauthorizedCall }
        guard !cart.isRegistered else {
            return .error(
                400, "Last cart",
                "This is the last cart associated with a customer and it cannot be deleted, "
                    + "try disassociating instead")
        }
        remove(id, now: now)
        return .noContent()
    }

    private func answer(_ status: Int, _ cart: Cart) -> Reply {
        text.answer(status, cart, expires: cart.updated + settings.expiryDays * 86_400)
    }

    private static var emailRefused: ErrorItem {
        ErrorItem(
            status: .number(400), title: "Cannot add contact emails to carts with customers or accounts",
            detail: "Unable to attach a contact email to a registered shopper's cart.")
    }

    private static func fields(_ body: [UInt8]) -> Result<CartFields, InvalidField> {
        guard let value = try? JSONDecoder().decode(JSONValue.self, from: Data(body)) else {
            return .failure(InvalidField(title: "Bad Request", detail: "Invalid json payload", source: "request"))
        }
        return Result { () throws(InvalidField) in try CartFields(value) }
    }

    private static func unprocessable(_ error: InvalidField) -> Reply {
        Reply.json(422) { error.item(status: 422).write(to: &$0) }.asMalformed()
    }

    /// Whether every comma-separated word is one of those that the call knows.
    static func includes(_ include: String?, among known: [String]) -> Bool {
        guard let include else { return true }
        return include.split(separator: ",", omittingEmptySubsequences: false).allSatisfy { known.contains(String($0)) }
    }
}

extension RequestCredentials {
    /// Whether the shopper's token, if there is one, names a shopper.
    fileprivate func shopperIsUsable(_ caller: Caller) -> Bool {
        caller != .nobody || (customerToken == nil && accountToken == nil)
    }
}

extension InvalidField {
    func item(status: Int) -> ErrorItem {
        ErrorItem(status: .number(status), title: title, detail: detail, source: source)
    }
}
