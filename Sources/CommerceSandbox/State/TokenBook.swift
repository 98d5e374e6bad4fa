/// The access tokens that were given out.
struct TokenBook {
    enum Grant: String {
        case clientCredentials = "client_credentials"
        case implicit
    }

    private struct Issued {
        let grant: Grant
        /// Since the sandbox began.
        let ends: Duration
    }

    private let lifetime: Duration
    private var issued: [String: Issued] = [:]
    private var random: SplitMix64
    /// The latest tokens, whether they are still good or not.
    private(set) var latest: [String] = []
    private static let kept = 100

    init(lifetime: Duration, seed: UInt64) {
        self.lifetime = lifetime
        random = SplitMix64(seed: seed)
    }

    /// A new token: 40 hexadecimal digits, as the vendor's examples have.
    mutating func issue(_ grant: Grant, now: Duration) -> String {
        if issued.count > 10_000 { issued = issued.filter { $0.value.ends > now } }
        let token = String(random.hexadecimal(digits: 40))
        latest = latest.suffix(Self.kept - 1) + [token]
        issued[token] = Issued(grant: grant, ends: now + lifetime)
        return token
    }

    /// What the token allows; nil if it is unknown, expired or revoked.
    func grant(of token: some StringProtocol, now: Duration) -> Grant? {
        guard let known = issued[String(token)], known.ends > now else { return nil }
        return known.grant
    }

    mutating func revokeAll() {
        issued.removeAll()
    }
}
