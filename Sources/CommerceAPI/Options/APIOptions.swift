/// The settings that calls are made by; each default stands here and nowhere else.
package struct APISettings: Sendable {
    package var authentication = Authentication.clientCredentials
    /// The most calls in flight, and so the most connections. Callers should be no more than this.
    package var concurrency = 8
    /// Refuses every write before it is sent. Tokens are still asked for.
    package var readOnly = false
    /// Further headers of every request, for instance `EP-Channel`.
    package var headers: [ExtraHeader] = []
    /// The answers to a delete that mean that there was nothing to delete; the vendor does not document any.
    package var alreadyGone: Set<Int> = [404]
    /// What a 200 to a change means whose body is empty or `null`.
    package var emptyAnswer = EmptyAnswer.doubt
    /// The largest offset of a page of the listing.
    package var largestOffset = Self.documentedOffset
    /// The largest offset that the vendor documents (Elastic Path, carts, get carts).
    package static let documentedOffset = 10_000
    /// The longest that a listing lags behind a change (Elastic Path, eventual consistency: up to a minute).
    package static let documentedLag: Duration = .seconds(60)

    package init() {}
}

/// What a 200 to a change means whose body is empty or `null`, which no page of the vendor's documents; an old note has
/// creates answered so (moltin/js-sdk, pull request 346).
package enum EmptyAnswer: String, Sendable, Hashable, CaseIterable {
    /// It does not tell whether the change was made.
    case doubt
    /// The change was made.
    case believe
}

/// How a client speaks to a store; the settings of its calls are read as its own members.
@dynamicMemberLookup
package struct APIOptions: Sendable {
    package var baseURL: BaseURL
    var credentials: Credentials
    package var settings = APISettings()
    var connectTimeout: Duration = .seconds(10)
    /// For one attempt from its sending to the last byte of its answer.
    var callDeadline: Duration = .seconds(30)
    package var userAgent = "cartsync"
    /// Whose signature the store's certificate needs; nil for the system's authorities.
    package var trusted: TrustedCertificates?
    /// The proxy that connections go through; nil for none.
    package var proxy: HTTPProxy?
    /// What carries requests in the place of HTTP; nil in the program.
    package var wire: StoreWire?

    package init(baseURL: BaseURL, credentials: Credentials) {
        self.baseURL = baseURL
        self.credentials = credentials
    }

    /// What no message may hold, apart from tokens.
    var secrets: [String] {
        [credentials.clientSecret] + [proxy?.password].compactMap(\.self)
            + settings.headers.filter(\.isSecret).map(\.value)
    }

    package subscript<Value>(dynamicMember path: WritableKeyPath<APISettings, Value>) -> Value {
        get { settings[keyPath: path] }
        set { settings[keyPath: path] = newValue }
    }
}
