/// How a client speaks to a store.
package struct APIOptions: Sendable {
    package var baseURL: BaseURL
    package var credentials: Credentials
    package var authentication = Authentication.clientCredentials
    /// Calls in flight, and so connections, at most. Callers should be no more than this.
    package var concurrency = 8
    package var connectTimeout: Duration = .seconds(10)
    /// For one attempt from its sending to the last byte of its answer.
    package var callDeadline: Duration = .seconds(30)
    /// Refuses every write before it is sent. Tokens are still asked for.
    package var readOnly = false
    package var userAgent = "cartsync"
    /// Further headers of every request, for instance `EP-Channel`.
    package var headers: [ExtraHeader] = []
    /// Whose signature the store's certificate needs; nil for the system's authorities.
    package var trusted: TrustedCertificates?
    /// The proxy that connections go through; nil for none.
    package var proxy: HTTPProxy?

    /// The answers to a delete that mean that there was nothing to delete; the vendor does not document any.
    package var alreadyGone: Set<Int> = [404]
    /// The largest offset of a page of the listing.
    package var largestOffset = Self.documentedOffset
    /// The largest offset that the vendor documents (Elastic Path, carts, get carts).
    package static let documentedOffset = 10_000

    package init(baseURL: BaseURL, credentials: Credentials) {
        self.baseURL = baseURL
        self.credentials = credentials
    }

    /// What no message may hold, apart from tokens.
    var secrets: [String] {
        [credentials.clientSecret] + [proxy?.password].compactMap(\.self) + headers.filter(\.isSecret).map(\.value)
    }
}
