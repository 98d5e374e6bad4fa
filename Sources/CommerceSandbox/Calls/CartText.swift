/// How the vendor's answers show a cart.
struct CartText {
    /// What links begin with.
    let address: String
    let emptyRelationship: SandboxBehaviour.EmptyRelationship

    /// The cart in a page of the listing: one JSON object.
    func listed(_ cart: Cart) -> [UInt8] {
        JSONText { write(cart, expires: nil, to: &$0) }.bytes
    }

    /// `{"data":{...}}` of one cart, with the date it expires.
    func answer(_ status: Int, _ cart: Cart, expires: Int) -> Reply {
        .json(status) { text in
            text.raw(#"{"data":"#)
            write(cart, expires: expires, to: &text)
            text.raw("}")
        }
    }

    private func write(_ cart: Cart, expires: Int?, to text: inout JSONText) {
        text.reserve(640)
        text.raw("{")
        text.member("id", cart.id)
        text.member("type", "cart")
        text.member("name", cart.name)
        text.member("description", cart.description ?? "")
        if let email = cart.contactEmail {
            text.key("contact")
            text.raw("{")
            text.member("email", email)
            text.raw("}")
        }
        for (name, value) in cart.extras.sorted(by: { $0.key < $1.key }) { text.member(name, value) }
        text.key("links")
        text.raw("{")
        text.member("self", "\(address)/v2/carts/\(cart.id)")
        text.raw("}")
        text.key("meta")
        text.raw(#"{"display_price":{"with_tax":{"amount":0,"currency":"USD","formatted":"$0.00"}},"#)
        text.raw(#""timestamps":{"#)
        text.member("created_at", CalendarText.timestamp(cart.created))
        text.member("updated_at", CalendarText.timestamp(cart.updated))
        if let expires { text.member("expires_at", CalendarText.timestamp(expires)) }
        text.raw(#"}},"relationships":{"items":{"data":null}"#)
        for kind in SandboxOwnerKind.allCases { write(cart[kind], kind, to: &text) }
        text.raw("}}")
    }

    private func write(_ owners: [String], _ kind: SandboxOwnerKind, to text: inout JSONText) {
        if owners.isEmpty {
            switch emptyRelationship {
            case .absent: return
            case .emptyObject:
                text.key(kind.plural)
                text.raw("{}")
            case .nullData:
                text.key(kind.plural)
                text.raw(#"{"data":null}"#)
            }
            return
        }
        text.key(kind.plural)
        text.raw(#"{"data":"#)
        text.related(owners, kind)
        text.raw("}")
    }
}

extension JSONText {
    /// `[{"type":"customer","id":"..."}]`.
    mutating func related(_ owners: [String], _ kind: SandboxOwnerKind) {
        raw("[")
        for (position, owner) in owners.enumerated() {
            raw(position == 0 ? "{" : ",{")
            member("type", kind.rawValue)
            member("id", owner)
            raw("}")
        }
        raw("]")
    }
}
