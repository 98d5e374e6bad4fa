/// Something that goes wrong with the requests it matches.
package struct SandboxFault: Sendable, Hashable {
    /// The operation it strikes; nil for any.
    package var operation: SandboxOperation?
    /// The cart it strikes; nil for any.
    package var cart: String?
    /// The first matching request that is struck, from 1.
    package var first: Int
    /// How many requests are struck from there on; nil for all.
    package var count: Int?
    /// The share of those that are struck, 0 to 1, chosen by the sandbox's seed.
    package var share: Double
    package var action: SandboxFaultAction

    package init(
        _ action: SandboxFaultAction, operation: SandboxOperation? = nil, cart: String? = nil, first: Int = 1,
        count: Int? = 1, share: Double = 1
    ) {
        self.action = action
        self.operation = operation
        self.cart = cart
        self.first = first
        self.count = count
        self.share = share
    }
}

/// What goes wrong.
package enum SandboxFaultAction: Sendable, Hashable {
    /// This answer in the place of the real one, without any effect on the store; `{token}` in its body stands for
    /// the token that the request carried.
    case answer(status: Int, headers: [String: String] = [:], body: String = "")
    /// The real answer, this much later.
    case delay(Duration)
    /// The connection is reset (RST) with nothing done.
    case resetBeforeEffect
    /// The request has its effect, then the connection is reset (RST) without an answer.
    case resetAfterEffect
    /// Nothing is done and no byte is sent until the client gives up or the sandbox stops.
    case stall
    /// The request has its effect, the body of the answer comes byte by byte with this pause after each. An answer
    /// without a body (204) comes whole.
    case trickle(Duration)
    /// The request has its effect, the body of the answer is replaced by bytes that are no JSON.
    case garbage
    /// The request has its effect, the connection ends in the middle of the body.
    case cut
    /// All access tokens issued so far are no longer good, this request's included.
    case revokeTokens
}
