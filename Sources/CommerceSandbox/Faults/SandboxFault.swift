package import Foundation

/// Something that goes wrong with the requests it matches.
package struct SandboxFault: Sendable, Hashable {
    /// The operation it strikes; nil for any.
    var operation: SandboxOperation?
    /// The cart it strikes; nil for any.
    var cart: String?
    /// The first matching request that is struck, from 1.
    var first: Int
    /// How many requests are struck from there on; nil for all.
    package var count: Int?
    /// The share of those that are struck, 0 to 1, chosen by the sandbox's seed.
    var share: Double
    var action: SandboxFaultAction

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
    /// This answer instead of the real one, without any effect on the store unless it comes after the effect. In its
    /// body `{token}` stands for the token that the request carried, and `{owner}` for the id of the owner.
    case answer(status: Int, headers: [String: String] = [:], body: String = "", afterEffect: Bool = false)
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
    /// All access tokens issued so far become invalid, this request's included.
    case revokeTokens
}

extension SandboxFault {
    /// Reads a fault as the command line and /sandbox/faults take it, for instance
    /// `{"action":"answer","status":429,"headers":{"Retry-After":"2"},"operation":"create","first":3,"count":1}`.
    ///
    /// Actions: `answer` (with `status`, `headers`, `body`, and `effect` true for one after the effect), `delay` and `trickle` (with `seconds`), `reset-before`,
    /// `reset-after`, `stall`, `garbage`, `cut`, `revoke-tokens`. Without `count` all matching requests are struck.
    /// Throws `SandboxError.unreadable`.
    package init(json: Data) throws {
        let text: FaultText
        do {
            text = try JSONDecoder().decode(FaultText.self, from: json)
        } catch {
            throw SandboxError.unreadable(
                "the fault is not as expected (\(error)); an example is "
                    + #"{"action":"answer","status":429,"operation":"create","count":1}"#)
        }
        self.init(
            try text.parsedAction(), operation: text.operation, cart: text.cart, first: text.first ?? 1,
            count: text.count, share: text.share ?? 1)
    }
}

private struct FaultText: Decodable {
    let action: String
    let status: Int?
    let headers: [String: String]?
    let body: String?
    let effect: Bool?
    let seconds: Double?
    let operation: SandboxOperation?
    let cart: String?
    let first: Int?
    let count: Int?
    let share: Double?

    func parsedAction() throws -> SandboxFaultAction {
        switch action {
        case "answer":
            guard let status, (200...599).contains(status) else {
                throw SandboxError.unreadable("the action answer needs a status from 200 to 599")
            }
            return .answer(status: status, headers: headers ?? [:], body: body ?? "", afterEffect: effect ?? false)
        case "delay": return .delay(try pause())
        case "trickle": return .trickle(try pause())
        case "reset-before": return .resetBeforeEffect
        case "reset-after": return .resetAfterEffect
        case "stall": return .stall
        case "garbage": return .garbage
        case "cut": return .cut
        case "revoke-tokens": return .revokeTokens
        default:
            throw SandboxError.unreadable(
                "the action \(action) is not known; it is one of answer, delay, trickle, reset-before, reset-after, "
                    + "stall, garbage, cut, revoke-tokens")
        }
    }

    private func pause() throws -> Duration {
        guard let seconds, (0...86_400).contains(seconds) else {
            throw SandboxError.unreadable("the action \(action) needs seconds from 0 to 86400")
        }
        return .seconds(seconds)
    }
}
