package import Foundation

extension SandboxFault {
    /// Reads a fault as the command line and /sandbox/faults take it, for instance
    /// `{"action":"answer","status":429,"headers":{"Retry-After":"2"},"operation":"create","first":3,"count":1}`.
    ///
    /// Actions: `answer` (with `status`, `headers`, `body`), `delay` and `trickle` (with `seconds`), `reset-before`,
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
            return .answer(status: status, headers: headers ?? [:], body: body ?? "")
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
