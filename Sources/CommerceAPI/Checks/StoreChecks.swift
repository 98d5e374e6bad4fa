import CartAssociations
import Foundation

/// What getting a token showed.
package struct TokenCheck: Sendable {
    /// How long the token is good for.
    package let life: Duration
    package let took: Duration
    /// How far this machine's clock is ahead of the store's, in whole seconds; negative where it is behind, nil where
    /// the answer has no date.
    package let clockAhead: Int?
}

/// What one page of the listing showed.
package struct ListingCheck: Sendable {
    /// Carts that the store says there are; nil where it does not say.
    package let total: Int?
    /// Whether a listing can show all of them.
    package let isReachable: Bool
    package let took: Duration
}

extension CommerceClient {
    /// Gets a token, which later calls use.
    ///
    /// - Throws: `APIError` where there is none to be had.
    package func checkToken() async throws(APIError) -> TokenCheck {
        let ending = try await perform(tokenRequest) { answer in IssuedToken(answer.body).map { ($0, answer.date) } }
        guard let (token, date) = ending.value else { throw failure(of: ending, "asking for a token") }
        keep(token)
        let now = Date()
        await tokens.adopt(TokenKeeper.Issued(text: token.text, life: token.life(now: now)))
        let clock = date.flatMap(RetryAfter.httpDate).map { Int(now.timeIntervalSince($0).rounded()) }
        return TokenCheck(life: token.life(now: now), took: ending.service, clockAhead: clock)
    }

    /// Reads a page of one cart.
    ///
    /// - Throws: `APIError` where the key may not list, or the page cannot be had.
    package func checkListing() async throws(APIError) -> ListingCheck {
        let ending = try await perform(.page(offset: 0, limit: 1)) { answer in ListingPage(answer.body) }
        guard let page = ending.value else { throw failure(of: ending, "listing the carts") }
        return ListingCheck(
            total: page.total, isReachable: page.total.map { $0 <= reachableCarts } ?? false, took: ending.service)
    }
}

extension APIRequest {
    /// A page of the store's listing.
    static func page(offset: Int, limit: Int) -> APIRequest {
        APIRequest(
            operation: .list, method: .get, path: "/v2/carts?page%5Blimit%5D=\(limit)&page%5Boffset%5D=\(offset)")
    }
}
