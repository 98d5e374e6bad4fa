/// Keeps the one access token of a client, and has it renewed once for all callers.
actor TokenKeeper {
    /// A token as callers use it.
    struct Token: Sendable {
        let text: String
        /// Counts the tokens of this client, so that a caller can say which one was refused.
        let number: Int
        fileprivate let renewFrom: ContinuousClock.Instant
    }

    /// A token as the store issued it.
    struct Issued: Sendable {
        let text: String
        /// How long it is good for.
        let life: Duration
    }

    /// How long before its end a token is renewed; half of its life where that is shorter.
    private static let leeway: Duration = .seconds(60)

    private var token: Token?
    private var renewal: Task<Result<Token, APIError>, Never>?
    private var lastNumber = 0

    /// A token that is good for a while.
    ///
    /// - Parameters:
    ///   - refused: the number of a token that the store refused, which is not handed out again.
    ///   - issue: asks the store for a token. It is never run twice at the same time.
    func token(
        refused: Int? = nil, issue: @escaping @Sendable () async -> Result<Issued, APIError>
    ) async throws(APIError) -> Token {
        if let token, .now < token.renewFrom, token.number != refused { return token }
        // The one task outside of the structure: whoever waits for it may be cancelled without the others losing it.
        let renewal = renewal ?? Task { await renew(issue) }
        self.renewal = renewal
        return try await renewal.value.get()
    }

    /// Takes over a token that was issued otherwise, in the place of the one there is.
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
        return Token(text: issued.text, number: lastNumber, renewFrom: .now + issued.life - leeway)
    }
}
