import CallPacing
import CartAssociations
import Foundation

/// What asking for a token showed.
package struct TokenCheck: Sendable {
    /// How long the token is valid.
    package let life: Duration
    package let took: Duration
    /// How far this machine's clock is ahead of the store's, in whole seconds; negative if it is behind, nil if the
    /// answer has no date.
    package let clockAhead: Int?
}

/// What one page of the listing showed.
package struct ListingCheck: Sendable {
    /// Carts that the store says there are; nil if it does not say.
    package let total: Int?
    /// Whether a listing can show all of them.
    package let isReachable: Bool
    package let took: Duration
}

/// What application keys keep of the store's limit to themselves, in calls a second.
package struct ReservedRates: Sendable, Equatable {
    /// This key's; nil if the store does not list it.
    package var own: Int?
    /// All keys' together.
    package var total: Int
}

extension CommerceClient {
    /// Reads what application keys reserve of the store's limit (Elastic Path, application keys, list); nil if this key
    /// may not know.
    func reservedRates() async throws(APIError) -> ReservedRates? {
        struct Keys: Decodable {
            struct Key: Decodable {
                let clientID: String?
                let reserved: Int?

                enum CodingKeys: String, CodingKey {
                    case clientID = "client_id"
                    case reserved = "reserved_rate_limit"
                }
            }
            struct Meta: Decodable {
                let reserved: Int?

                enum CodingKeys: String, CodingKey {
                    case reserved = "total_reserved_rate_limit"
                }
            }
            let data: [Key]
            let meta: Meta?
        }
        let request = APIRequest(
            operation: .list, method: .get, path: "/v2/application-keys?page%5Blimit%5D=100&page%5Boffset%5D=0")
        // What cannot be read is not asked for again: it is only for advice.
        let call = try await perform(request) {
            Result { [body = $0.body] in try JSONDecoder().decode(Keys.self, from: Data(body)) }
        }
        guard let keys = try? call.value?.get() else { return nil }
        let own = keys.data.first { $0.clientID == options.credentials.clientID }
        return ReservedRates(
            own: own.map { $0.reserved ?? 0 },
            total: keys.meta?.reserved ?? keys.data.reduce(0) { $0 + ($1.reserved ?? 0) })
    }

    /// What application keys reserve of the store's limit; nil if this key may not know, or the call fails.
    package func checkReservedRates() async -> ReservedRates? {
        do {
            return try await reservedRates()
        } catch {
            return nil
        }
    }

    /// Looks up the store's name, connects, and does the TLS handshake, as a call would; sends no request.
    package func tryConnection() async -> StoreConnection { await transport.tryConnection() }

    /// Gets a token, which later calls use.
    ///
    /// - Throws: `APIError` if the store issues none.
    package func checkToken() async throws(APIError) -> TokenCheck {
        let call = try await perform(tokenRequest) { answer in IssuedToken(answer.body).map { ($0, answer.date) } }
        guard let (token, date) = call.value else { throw failure(of: call, "asking for a token") }
        let now = time.wall()
        tokens.adopt(TokenKeeper.Issued(text: token.text, life: token.life(now: now)))
        let clock = date.flatMap { Date(http: $0) }.map { Int(now.timeIntervalSince($0).rounded()) }
        return TokenCheck(life: token.life(now: now), took: call.service, clockAhead: clock)
    }

    /// Reads a page of one cart.
    ///
    /// - Throws: `APIError` if the key may not list, or the page cannot be read.
    package func checkListing() async throws(APIError) -> ListingCheck {
        let call = try await perform(.page(offset: 0, limit: 1)) { answer in ListingPage(answer.body) }
        guard let page = call.value else { throw failure(of: call, "listing the carts") }
        return ListingCheck(
            total: page.total, isReachable: page.total.map { $0 <= reachableCarts } ?? false, took: call.service)
    }

    /// Deletes a cart; returns whether it is gone. Right after its last association it may still be refused, since
    /// associations are eventually consistent.
    func removeCart(_ cart: CartID) async throws(APIError) -> Bool {
        let request = APIRequest(operation: .createCart, method: .delete, path: "/v2/carts/\(cart.text)")
        for number in 0..<5 {
            if number > 0 { try await pause(for: .seconds(1)) }
            let call = try await perform(request) { $0.status == 204 ? $0 : nil }
            if call.value != nil || call.exchange.status == 404 { return true }
        }
        return false
    }

    /// Sends calls all at once, past the pacer, and returns the waiting headers of the first 429; nil if none came.
    func burst(_ count: Int) async throws(APIError) -> [String: String]? {
        let token = try await tokens.token { await self.issueToken() }
        return await withTaskGroup(of: [String: String]?.self) { group in
            for _ in 0..<count {
                group.addTask {
                    let (exchange, _) = await self.transport.send(.page(offset: 0, limit: 1), token: token.text)
                    guard case .answer(let answer) = exchange, answer.status == 429 else { return nil }
                    return answer.waitHeaders
                }
            }
            var first: [String: String]?
            for await headers in group { first = first ?? headers }
            return first
        }
    }
}

extension APIRequest {
    /// A page of the store's listing.
    static func page(offset: Int, limit: Int) -> APIRequest {
        APIRequest(
            operation: .list, method: .get, path: "/v2/carts?page%5Blimit%5D=\(limit)&page%5Boffset%5D=\(offset)")
    }
}
