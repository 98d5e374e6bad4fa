package import CallPacing
import CartAssociations
import Foundation
import Synchronization

extension CommerceClient {
    /// Asks the store for a token: the one call that carries the secret.
    func issueToken() async -> Result<TokenKeeper.Issued, APIError> {
        do {
            let call = try await perform(tokenRequest) { answer in IssuedToken(answer.body) }
            guard let token = call.value else { return .failure(failure(of: call, "asking for a token")) }
            return .success(TokenKeeper.Issued(text: token.text, life: token.life(now: time.wall())))
        } catch {
            return .failure(error)
        }
    }

    var tokenRequest: APIRequest {
        var fields = [("client_id", options.credentials.clientID)]
        switch options.authentication {
        case .clientCredentials:
            fields.append(("client_secret", options.credentials.clientSecret))
            fields.append(("grant_type", "client_credentials"))
        case .shopper:
            fields.append(("grant_type", "implicit"))
        }
        let form = fields.map { "\($0)=\(formEncoded($1))" }.joined(separator: "&")
        return APIRequest(
            operation: .token, method: .post, path: "/oauth/access_token", body: Array(form.utf8),
            contentType: "application/x-www-form-urlencoded")
    }
}

/// Keeps the one access token for a store, and has it renewed once for all callers.
///
/// Clients that follow each other share it, so that each need not ask for a token of its own.
package final class TokenKeeper: Sendable {
    /// A token as callers use it.
    struct Token: Sendable {
        let text: String
        /// Counts the tokens: a caller says by it which one was refused.
        let number: Int
        fileprivate let renewFrom: ContinuousClock.Instant
        /// From when on a call might arrive too late with it.
        fileprivate let deadFrom: ContinuousClock.Instant
    }

    /// A token as the store issued it.
    struct Issued: Sendable {
        let text: String
        /// How long it is valid.
        let life: Duration
    }

    private struct State {
        var token: Token?
        var renewal: Task<Result<Token, APIError>, Never>?
        var lastNumber = 0
        /// The token in use and those that calls on the way may still carry.
        var recent: [String] = []
    }

    /// How long before its end a token is renewed, while calls go on with it; half of its life if that is shorter.
    private static let leeway: Duration = .seconds(60)
    /// How long before its end no call leaves with it; a tenth of its life if that is shorter.
    private static let travel: Duration = .seconds(2)

    private let time: TimeSource
    private let state = Mutex(State())

    package init(_ time: TimeSource) { self.time = time }

    /// The tokens that an answer may repeat: no message may hold any of them.
    var recent: [String] { state.withLock(\.recent) }

    /// Whether the store has issued a token.
    var hasIssued: Bool { state.withLock { $0.lastNumber > 0 } }

    /// The token that a call may leave with now; nil if there is none.
    ///
    /// - Parameter refused: the number of a token that the store refused.
    func usable(refused: Int? = nil) -> Token? {
        let now = time.now()
        return state.withLock { Self.usable($0, refused, now) }
    }

    private static func usable(_ state: State, _ refused: Int?, _ now: ContinuousClock.Instant) -> Token? {
        guard let token = state.token, now < token.deadFrom, token.number != refused else { return nil }
        return token
    }

    /// A token that a call may leave with; it is renewed meanwhile if it ends soon.
    ///
    /// - Parameters:
    ///   - refused: the number of a token that the store refused, which is not handed out again.
    ///   - issue: asks the store for a token. It is never run twice at the same time.
    func token(
        refused: Int? = nil, issue: @escaping @Sendable () async -> Result<Issued, APIError>
    ) async throws(APIError) -> Token {
        let now = time.now()
        let (usable, renewal) = state.withLock { state -> (Token?, Task<Result<Token, APIError>, Never>?) in
            let usable = Self.usable(state, refused, now)
            if let usable, now < usable.renewFrom { return (usable, nil) }
            // The one unstructured task: a caller that is cancelled must not cancel it for the others.
            let renewal = state.renewal ?? Task { await self.renew(issue) }
            state.renewal = renewal
            return (usable, renewal)
        }
        if let usable { return usable }
        guard let renewal else { throw .stopped }
        return try await renewal.value.get()
    }

    /// Waits for the end of a renewal, if one is under way: the client that asks for it makes no calls afterwards.
    func settle() async { _ = await state.withLock(\.renewal)?.value }

    /// Replaces the token by one that was not issued through `token(refused:issue:)`.
    func adopt(_ issued: Issued) {
        let now = time.now()
        state.withLock { _ = Self.keep(issued, &$0, now) }
    }

    private func renew(_ issue: @Sendable () async -> Result<Issued, APIError>) async -> Result<Token, APIError> {
        let issued = await issue()
        let now = time.now()
        return state.withLock { state in
            state.renewal = nil
            return issued.map { Self.keep($0, &state, now) }
        }
    }

    private static func keep(_ issued: Issued, _ state: inout State, _ now: ContinuousClock.Instant) -> Token {
        state.lastNumber += 1
        state.recent = state.recent.suffix(7) + [issued.text]
        let token = Token(
            text: issued.text, number: state.lastNumber, renewFrom: now + issued.life - min(leeway, issued.life / 2),
            deadFrom: now + issued.life - min(travel, issued.life / 10))
        state.token = token
        return token
    }
}
