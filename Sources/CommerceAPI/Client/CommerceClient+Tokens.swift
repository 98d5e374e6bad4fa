import CallPacing
import CartAssociations
import Foundation
import Synchronization

extension CommerceClient {
    /// Asks the store for a token: the one call that carries the secret.
    func issueToken() async -> Result<TokenKeeper.Issued, APIError> {
        do {
            let call = try await perform(tokenRequest) { answer in IssuedToken(answer.body) }
            guard let token = call.value else { return .failure(failure(of: call, "asking for a token")) }
            keep(token)
            return .success(TokenKeeper.Issued(text: token.text, life: token.life(now: time.wall())))
        } catch {
            return .failure(error)
        }
    }

    /// Keeps a token out of all messages.
    func keep(_ token: IssuedToken) {
        // An answer may repeat the token that its call carried, after that one was renewed.
        state.withLock { $0.tokens = $0.tokens.suffix(7) + [token.text] }
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

/// Keeps the one access token of a client, and has it renewed once for all callers.
actor TokenKeeper {
    /// A token as callers use it.
    struct Token: Sendable {
        let text: String
        /// Counts the tokens of this client: a caller says by it which one was refused.
        let number: Int
        fileprivate let renewFrom: ContinuousClock.Instant
    }

    /// A token as the store issued it.
    struct Issued: Sendable {
        let text: String
        /// How long it is valid.
        let life: Duration
    }

    /// How long before its end a token is renewed; half of its life if that is shorter.
    private static let leeway: Duration = .seconds(60)

    private let time: TimeSource
    private var token: Token?
    private var renewal: Task<Result<Token, APIError>, Never>?
    private var lastNumber = 0

    init(_ time: TimeSource) { self.time = time }

    /// A token that is valid for a while.
    ///
    /// - Parameters:
    ///   - refused: the number of a token that the store refused, which is not handed out again.
    ///   - issue: asks the store for a token. It is never run twice at the same time.
    func token(
        refused: Int? = nil, issue: @escaping @Sendable () async -> Result<Issued, APIError>
    ) async throws(APIError) -> Token {
        if let token, time.now() < token.renewFrom, token.number != refused { return token }
        // The one unstructured task: a caller that is cancelled must not cancel it for the others.
        let renewal = renewal ?? Task { await renew(issue) }
        self.renewal = renewal
        return try await renewal.value.get()
    }

    /// Replaces the token by one that was not issued through `token(refused:issue:)`.
    func adopt(_ issued: Issued) {
        token = kept(issued)
    }

    private func renew(_ issue: @Sendable () async -> Result<Issued, APIError>) async -> Result<Token, APIError> {
        let issued = await issue()
        renewal = nil
        return issued.map { issued in
            let token = kept(issued)
            self.token = token
            return token
        }
    }

    private func kept(_ issued: Issued) -> Token {
        lastNumber += 1
        let leeway = min(Self.leeway, issued.life / 2)
        return Token(text: issued.text, number: lastNumber, renewFrom: time.now() + issued.life - leeway)
    }
}
