/// The kind of shopper that an association gives a cart to.
package enum OwnerKind: String, Sendable, Hashable, CaseIterable, Codable {
    case customer
    case account

    /// With its article, for sentences: `a customer` or `an account`.
    package var withArticle: String {
        switch self {
        case .customer: "a customer"
        case .account: "an account"
        }
    }

    // Other modules would compare two by a call through a table, for each of millions of records.
    @inlinable package static func == (first: OwnerKind, second: OwnerKind) -> Bool {
        switch (first, second) {
        case (.customer, .customer), (.account, .account): true
        case (.customer, .account), (.account, .customer): false
        }
    }
}

/// A customer or an account of the store.
package struct Owner: Sendable, Hashable, Codable {
    package let kind: OwnerKind
    package let id: OwnerID

    package init(kind: OwnerKind, id: OwnerID) {
        self.kind = kind
        self.id = id
    }
}

/// One owner linked to one cart: the thing an export wants, the store holds and a change makes or removes.
package struct Association: Sendable, Hashable, Codable {
    package let owner: Owner
    package let cart: CartID

    package init(owner: Owner, cart: CartID) {
        self.owner = owner
        self.cart = cart
    }

    package init(_ kind: OwnerKind, _ owner: OwnerID, _ cart: CartID) {
        self.init(owner: Owner(kind: kind, id: owner), cart: cart)
    }
}

extension Association {
    /// The association with its identifiers' ASCII letters in lower case, to find what differs only in case.
    package var lowercased: Association {
        func folded(_ text: String) -> String {
            String(decoding: text.utf8.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }, as: UTF8.self)
        }
        // What is a valid identifier stays one in lower case.
        return Association(
            owner.kind, OwnerID(folded(owner.id.text)) ?? owner.id, CartID(folded(cart.text)) ?? cart)
    }
}

extension Owner: Comparable {
    package static func < (left: Owner, right: Owner) -> Bool {
        (left.kind.rawValue, left.id) < (right.kind.rawValue, right.id)
    }
}

extension Association: Comparable {
    /// Orders by cart first, the unit of work.
    package static func < (left: Association, right: Association) -> Bool {
        (left.cart, left.owner) < (right.cart, right.owner)
    }
}

extension Owner: CustomStringConvertible {
    package var description: String { "\(kind.rawValue) \(id)" }
}

extension Association: CustomStringConvertible {
    package var description: String { "\(owner) cart \(cart)" }
}
