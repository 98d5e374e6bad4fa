/// The store that a ledger belongs to: the same ids mean other carts elsewhere.
package struct StoreIdentity: Sendable, Hashable, Codable {
    package let baseURL: String
    package let clientID: String

    package init(baseURL: String, clientID: String) {
        self.baseURL = baseURL
        self.clientID = clientID
    }
}

extension StoreIdentity: CustomStringConvertible {
    package var description: String { "\(baseURL) with client \(clientID)" }
}
