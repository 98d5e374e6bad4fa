/// What a request to the sandbox is for.
package enum SandboxOperation: String, Sendable, Hashable, CaseIterable, Codable, CodingKeyRepresentable {
    /// POST of an association.
    case create
    /// DELETE of an association.
    case delete
    /// GET /v2/carts.
    case list
    case token
    case getCart = "get-cart"
    case createCart = "create-cart"
    case updateCart = "update-cart"
    case deleteCart = "delete-cart"
    case settings
    /// A path or a method that the API does not have.
    case other

    /// Whether it is meant to change the store.
    var isWrite: Bool {
        switch self {
        case .create, .delete, .createCart, .updateCart, .deleteCart: true
        case .list, .token, .getCart, .settings, .other: false
        }
    }
}

/// What a sandbox has seen since its start.
package struct SandboxStatistics: Sendable, Hashable, Codable {
    /// Requests by operation and HTTP status; 0 stands for a request that got no status (reset or stalled).
    var requests: [SandboxOperation: [Int: Int]] = [:]
    /// The most requests received in any sliding second, by their times of arrival.
    package internal(set) var busiestSecond = 0
    /// The most writes on one cart at the same time.
    package internal(set) var busiestCart = 0
    /// Carts that came to be because a request named them.
    package internal(set) var autoCreatedCarts = 0
    /// Requests received that are meant to change carts or associations, whatever their answer.
    package internal(set) var writes = 0
    /// Seconds from the arrival of the first of these to that of the last.
    var writeSeconds = 0.0
    /// Associations, carts and their properties that were really changed.
    var effects = 0
    /// Requests with both client credentials and a shopper's token.
    package internal(set) var mixedCredentials = 0
    /// Requests whose body or parameters could not be understood.
    package internal(set) var malformed = 0

    /// All requests received.
    package var total: Int { requests.values.reduce(0) { $0 + $1.values.reduce(0, +) } }

    /// The answered requests of one operation, or of one of its statuses.
    package func count(_ operation: SandboxOperation, _ status: Int? = nil) -> Int {
        guard let statuses = requests[operation] else { return 0 }
        guard let status else { return statuses.values.reduce(0, +) }
        return statuses[status, default: 0]
    }
}

/// One request about an association, as the sandbox answered it.
package struct SandboxCall: Sendable, Hashable {
    /// In the order of the answers, from 1.
    let number: Int
    package let operation: SandboxOperation
    package let cart: String
    /// The owner in the body; nil if the body could not be understood.
    let owner: String?
    /// The HTTP status; 0 if no answer was given.
    let status: Int
}
