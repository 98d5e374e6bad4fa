package import CartAssociations

/// The application key of a store. Its secret shows in no description, dump or error.
package struct Credentials: Sendable {
    let clientID: String
    let clientSecret: String

    package init(clientID: String, clientSecret: String) {
        self.clientID = clientID
        self.clientSecret = clientSecret
    }
}

extension Credentials: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "client \(clientID), secret hidden" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: ["clientID": clientID]) }
}

/// Whose rights the calls have.
package enum Authentication: String, Sendable, Hashable, CaseIterable, Codable {
    /// The store's own: one token of the grant `client_credentials`.
    case clientCredentials = "client_credentials"
    /// Each shopper's: a token of the grant `implicit`, and the record's own customer or account token beside it.
    case shopper
}

/// A customer's or an account's own token. It shows in no description, dump or error.
package struct ShopperToken: Sendable, Hashable {
    let kind: OwnerKind
    let text: String

    /// Returns nil for a text that cannot stand in a header.
    package init?(_ kind: OwnerKind, _ text: String) {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else { return nil }
        self.kind = kind
        self.text = text
    }

    /// The header that carries it (Elastic Path, cart associations, header parameters).
    var header: String {
        switch kind {
        case .customer: "X-Moltin-Customer-Token"
        case .account: "EP-Account-Management-Authentication-Token"
        }
    }
}

extension ShopperToken: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "\(kind.rawValue) token, hidden" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: ["kind": kind]) }
}
